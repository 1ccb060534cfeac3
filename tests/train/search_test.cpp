// Searches: draws, brackets, what is chosen, and that a search that was ended goes on as if it had not been.
#include "gradus/train/search.hpp"

#include <fstream>
#include <numeric>
#include <set>
#include <sstream>

#include "gradus/gradus.hpp"
#include "gradus/io/datum_json.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {
namespace {

using core::Datum;
using testing::error_of;
using testing::read_text;
using testing::TemporaryFolder;
using testing::write_text;

// ---- draws ----

TEST(Draws, StayWithinTheirBoundsAndReachBothEndsOfIntegers) {
  const train::SearchSpace space{{"a", train::uniform(-2, 3)},
                                 {"b", train::log_uniform(1e-4, 1e-1)},
                                 {"c", train::int_uniform(3, 7)},
                                 {"d", train::log_int_uniform(1, 9)},
                                 {"e", train::choice({"x", "y", "z"})}};
  std::set<int64_t> c, d;
  std::set<std::string> e;
  for (int64_t number = 1; number <= 4000; ++number) {
    const train::Trial trial{.number = number, .values = train::draw(space, 5, number)};
    EXPECT_TRUE(trial["a"] >= -2 && trial["a"] <= 3);
    EXPECT_TRUE(trial["b"] >= 1e-4 && trial["b"] <= 1e-1);
    c.insert(trial.integer("c"));
    d.insert(trial.integer("d"));
    e.insert(trial.text("e"));
  }
  EXPECT_EQ(c, (std::set<int64_t>{3, 4, 5, 6, 7}));
  EXPECT_EQ(d, (std::set<int64_t>{1, 2, 3, 4, 5, 6, 7, 8, 9}));
  EXPECT_EQ(e, (std::set<std::string>{"x", "y", "z"}));
}

TEST(Draws, QuantilesOfALogUniformAreEvenInLogarithms) {
  const train::Distribution rate = train::log_uniform(1e-4, 1e-1);
  EXPECT_NEAR(rate.quantile(0).number(), 1e-4, 1e-16);
  EXPECT_NEAR(rate.quantile(1.0 / 3).number(), 1e-3, 1e-15);
  EXPECT_NEAR(rate.quantile(2.0 / 3).number(), 1e-2, 1e-14);
  EXPECT_LE(rate.quantile(1 - 1e-16).number(), 1e-1);
  // The draws: their shares below each quantile.
  for (const double share : {0.1, 0.5, 0.9}) {
    int64_t below = 0;
    for (int64_t number = 1; number <= 20000; ++number)
      below += train::draw({{"rate", rate}}, 0, number)[0].second.number() < rate.quantile(share).number();
    EXPECT_NEAR(static_cast<double>(below) / 20000, share, 0.012);  // three and a half standard errors
  }
  // log 1.5 / log 0.5 of all that lies from 1/2 to 9 1/2.
  int64_t ones = 0;
  for (int64_t number = 1; number <= 20000; ++number)
    ones += train::draw({{"k", train::log_int_uniform(1, 9)}}, 0, number)[0].second.number() == 1;
  EXPECT_NEAR(static_cast<double>(ones) / 20000, std::log(3) / std::log(19), 0.012);
}

TEST(Draws, HangOnSeedNumberAndOwnNameOnly) {
  const train::SearchSpace one{{"a", train::uniform(0, 1)}}, two{{"b", train::uniform(0, 1)}, {"a", train::uniform(0, 1)}};
  const double a = train::draw(one, 3, 7)[0].second.number();
  EXPECT_EQ(train::draw(two, 3, 7)[1].second.number(), a);
  EXPECT_NE(train::draw(two, 3, 7)[0].second.number(), a);
  EXPECT_NE(train::draw(one, 4, 7)[0].second.number(), a);
  EXPECT_NE(train::draw(one, 3, 8)[0].second.number(), a);
  // A search that was begun by an earlier version goes on with the same values.
  EXPECT_EQ(core::to_text(a), "0.6428343776252924");
}

TEST(Draws, AreNeverTheSameAndEndWithTheSpace) {
  const train::SearchSpace space{{"a", train::int_uniform(1, 3)}, {"b", train::choice({true, false})}};
  const std::vector<Datum::Table> all = train::draws(space, 0, 50);
  std::set<std::string> distinct;
  for (const Datum::Table& values : all) distinct.insert(io::json_text(values));
  EXPECT_EQ(all.size(), 6u);
  EXPECT_EQ(distinct.size(), 6u);
}

TEST(Draws, OneAfterTheOtherAreTheSame) {
  const train::SearchSpace space{{"a", train::int_uniform(1, 3)}, {"b", train::choice({true, false})}};
  train::Drawing drawing(space, 0);
  for (const Datum::Table& values : train::draws(space, 0, 50)) EXPECT_EQ(Datum(*drawing.next()), Datum(values));
  EXPECT_FALSE(drawing.next());
  EXPECT_FALSE(drawing.next());
}

TEST(Draws, ValuesOfASpaceAreCounted) {
  const auto a = train::int_uniform(1, 3), b = train::choice({1, 2, 1}), c = train::log_int_uniform(1, 9), d = train::uniform(2, 2),
             e = train::log_uniform(1, 2);
  EXPECT_EQ(train::count_values({{"a", a}, {"b", b}, {"c", c}, {"d", d}}, 1000), 3 * 2 * 9);
  EXPECT_EQ(train::count_values({{"a", a}, {"b", b}, {"c", c}, {"d", d}}, 50), 50);
  EXPECT_EQ(train::count_values({{"a", a}, {"e", e}}, 1000), 1000);
  const auto wide = train::int_uniform(-(int64_t{1} << 53), int64_t{1} << 53);
  EXPECT_EQ(train::count_values({{"a", wide}, {"b", wide}, {"c", wide}}, int64_t{1} << 40), int64_t{1} << 40);
}

TEST(Draws, WrongDistributionsAreRefused) {
  EXPECT_EQ(error_of([] { train::uniform(3, 2); }), "uniform: the lower bound 3 is above the upper one, 2");
  EXPECT_EQ(error_of([] { train::log_uniform(0, 2); }), "log_uniform: the lower bound is 0, which has no logarithm; it must be above 0");
  EXPECT_EQ(error_of([] { train::log_int_uniform(-1, 2); }),
            "log_int_uniform: the lower bound is -1, which has no logarithm; it must be above 0");
  EXPECT_EQ(error_of([] { train::uniform(0, INFINITY); }), "uniform: a bound is inf; both must be finite");
  EXPECT_EQ(error_of([] { train::uniform(-1e308, 1.7e308); }).find("uniform: the bounds"), 0u);
  EXPECT_EQ(error_of([] { train::int_uniform(0, int64_t{1} << 60); }),
            "int_uniform: a bound is 1152921504606846976; both must lie within 2^53 of 0");
  EXPECT_EQ(error_of([] { train::choice({}); }), "choice: the list is empty; it must hold the values to choose from");
  const auto read = [](Datum given) { return error_of([&] { train::Distribution::from_datum(given); }); };
  EXPECT_NE(read(0.1).find("expected a distribution, for example"), std::string::npos);
  EXPECT_EQ(read(Datum::Table{{"log_unifrm", Datum::List{1, 2}}}),
            "there is no distribution \"log_unifrm\"; did you mean \"log_uniform\"?");
  EXPECT_EQ(read(Datum::Table{{"uniform", 3}}), "uniform: expected a list of values, got 3");
  EXPECT_EQ(read(Datum::Table{{"uniform", Datum::List{3}}}), "uniform: has 1 value; it takes two, the lowest and the highest");
  EXPECT_EQ(read(Datum::Table{{"int_uniform", Datum::List{1, 2.5}}}), "int_uniform: 2.5 is no integer; both bounds must be");
  EXPECT_EQ(read(Datum::Table{{"uniform", Datum::List{1, "a"}}}), "uniform: \"a\" is no number; both bounds must be");
}

// ---- brackets ----

std::string text_of(const std::vector<train::Bracket>& brackets) {
  std::string out;
  for (const train::Bracket& bracket : brackets) {
    for (const train::Rung& rung : bracket) out += core::concat(rung.trials, "@", rung.epochs, " ");
    out += "| ";
  }
  return out;
}

TEST(Hyperband, BracketsAreThoseOfThePaper) {
  // R = 81, eta = 3 (Li et al. 2018, table 1), n by Algorithm 1: ceil(5/4 27) = 34, ceil(5/3 9) = 15, ceil(5/2 3) = 8.
  EXPECT_EQ(text_of(train::hyperband_brackets({.epochs = 81})),
            "81@1 27@3 9@9 3@27 1@81 | 34@3 11@9 3@27 1@81 | 15@9 5@27 1@81 | 8@27 2@81 | 5@81 | ");
}

TEST(Hyperband, OtherSizesRoundAndNeverFallShort) {
  EXPECT_EQ(text_of(train::hyperband_brackets({.epochs = 1})), "1@1 | ");
  EXPECT_EQ(text_of(train::hyperband_brackets({.epochs = 2})), "1@2 | ");
  EXPECT_EQ(text_of(train::hyperband_brackets({.epochs = 50, .min_epochs = 5})), "9@6 3@17 1@50 | 5@17 1@50 | 3@50 | ");
  EXPECT_EQ(text_of(train::hyperband_brackets({.epochs = 8, .reduction = 2})), "8@1 4@2 2@4 1@8 | 6@2 3@4 1@8 | 4@4 2@8 | 4@8 | ");
  // log_5(125) in floating point is below 3.
  EXPECT_EQ(train::hyperband_brackets({.epochs = 125, .reduction = 5})[0].size(), 4u);
  EXPECT_EQ(train::hyperband_brackets({.epochs = 243})[0].size(), 6u);
  EXPECT_EQ(error_of([] { train::hyperband_brackets({.epochs = 3, .min_epochs = 4}); }),
            "hyperband: min_epochs is 4; it must be from 1 to epochs, which is 3");
  EXPECT_EQ(error_of([] { train::hyperband_brackets({.epochs = 3, .reduction = 1}); }),
            "hyperband: reduction is 1; it must be from 2 to 10^6");
  EXPECT_EQ(error_of([] { train::hyperband_brackets({.epochs = 0}); }), "hyperband: epochs is 0; it must be from 1 to 10^9");
}

// ---- searches ----

// A bowl whose lowest point is at 0.01; the score comes nearer to it with the epochs.
train::TrialScore bowl(const train::Trial& trial) {
  const double away = std::log10(trial["rate"]) + 2;
  return away * away + 1.0 / static_cast<double>(trial.epochs);
}
const train::SearchSpace kSpace{{"rate", train::log_uniform(1e-4, 1)}};

TEST(Search, FindsTheBestOfWhatItTried) {
  const train::SearchResult found = train::search(kSpace, bowl, {.trials = 30, .verbose = false});
  ASSERT_EQ(found.trials.size(), 30u);
  double least = 1e9;
  for (const train::TrialResult& trial : found.trials) {
    EXPECT_EQ(trial.state, train::TrialState::finished);
    least = std::min(least, trial.score);
  }
  EXPECT_EQ(found.best().score, least);
  EXPECT_NEAR(found.best().values[0].second.number(), 0.01, 0.005);
  EXPECT_EQ(found.ranked()[0].number, found.best().number);
  EXPECT_LE(found.ranked()[3].score, found.ranked()[4].score);
  EXPECT_EQ(train::search(kSpace, bowl, {.verbose = false}).trials.size(), 20u);
}

TEST(Search, MoreIsBetterWhereThatIsSaid) {
  const auto negative = [](const train::Trial& trial) { return -bowl(trial).value; };
  const auto less = train::search(kSpace, bowl, {.verbose = false}),
             more = train::search(kSpace, negative, {.more_is_better = true, .verbose = false});
  EXPECT_EQ(less.best().number, more.best().number);
}

TEST(Search, HyperbandGivesTheEpochsToTheBest) {
  std::map<int64_t, std::vector<int64_t>> asked;  // epochs of each trial
  const auto watched = [&](const train::Trial& trial) {
    asked[trial.number].push_back(trial.epochs);
    return bowl(trial);
  };
  const train::SearchResult found =
      train::search(kSpace, watched, {.method = train::SearchMethod::hyperband, .epochs = 9, .verbose = false});
  // 9@1 3@3 1@9, 5@3 1@9, 3@9
  ASSERT_EQ(found.trials.size(), 17u);
  std::map<std::vector<int64_t>, int> kinds;
  for (const auto& [number, epochs] : asked) ++kinds[epochs];
  EXPECT_EQ(kinds, (std::map<std::vector<int64_t>, int>{{{1}, 6}, {{1, 3}, 2}, {{1, 3, 9}, 1}, {{3}, 4}, {{3, 9}, 1}, {{9}, 3}}));
  // Those that went on are the best three of the first nine.
  std::vector<std::pair<double, int64_t>> first;
  for (int64_t number = 1; number <= 9; ++number)
    first.emplace_back(bowl({.number = number, .values = train::draw(kSpace, 0, number), .epochs = 1}).value, number);
  std::sort(first.begin(), first.end());
  for (size_t i = 0; i < 9; ++i) EXPECT_EQ(asked[first[i].second].size() > 1, i < 3) << i;
  EXPECT_EQ(found.best().epochs, 9);
  EXPECT_EQ(found.best().state, train::TrialState::finished);
  for (const train::TrialResult& each : found.trials)
    EXPECT_EQ(each.state, each.epochs == 9 ? train::TrialState::finished : train::TrialState::stopped);
}

TEST(Search, HyperbandMayBeCutShortOrGoneThroughAgain) {
  const auto count = [](int64_t trials) {
    return train::search(kSpace, bowl, {.method = train::SearchMethod::hyperband, .trials = trials, .epochs = 9, .verbose = false});
  };
  EXPECT_EQ(count(4).trials.size(), 4u);
  EXPECT_EQ(count(11).trials.size(), 11u);
  EXPECT_EQ(count(20).trials.size(), 20u);
  EXPECT_EQ(count(4).best().epochs, 9);
}

TEST(Search, AllValuesOfASmallSpaceAreTriedOnce) {
  const train::SearchSpace space{{"rate", train::choice({0.1, 0.01, 0.001})}};
  for (const train::SearchMethod method : {train::SearchMethod::random, train::SearchMethod::hyperband}) {
    ::testing::internal::CaptureStdout();
    const train::SearchResult found = train::search(space, bowl, {.method = method, .epochs = 9});
    EXPECT_NE(::testing::internal::GetCapturedStdout().find("trial 3 of 3: "), std::string::npos);
    EXPECT_EQ(found.trials.size(), 3u);
    EXPECT_EQ(found.best().values[0].second.number(), 0.01);
  }
}

TEST(Search, TrialsAreBounded) {
  train::SearchOptions options{.method = train::SearchMethod::hyperband, .epochs = 1'000'000, .reduction = 2, .verbose = false};
  EXPECT_EQ(
      error_of([&] { train::search(kSpace, bowl, options); }),
      "search: by Hyperband epochs of 1000000, min_epochs of 1 and a reduction of 2 make 1111429 trials; there may be 1000000: say how "
      "many in trials, or make min_epochs or reduction larger");
  options.trials = 4;
  EXPECT_EQ(train::search(kSpace, bowl, options).trials.size(), 4u);
}

TEST(Search, ValuesAreDrawnWhenTheirTurnComes) {
  // A million trials: the first is asked for at once, and no others take memory.
  const auto stops = [](const train::Trial& trial) -> train::TrialScore {
    if (trial.number == 3) throw Error(Error::Kind::interrupted, "fit", "stopped");
    return bowl(trial);
  };
  const train::SearchResult found = train::search(kSpace, stops, {.trials = train::SearchOptions::kMostTrials, .verbose = false});
  EXPECT_TRUE(found.is_interrupted);
  EXPECT_EQ(found.trials.size(), 2u);
}

TEST(Search, AShortScoreDoesNotBeatALongOne) {
  train::SearchResult result{.trials = {{.number = 1, .epochs = 1, .score = 0.1, .state = train::TrialState::stopped},
                                        {.number = 2, .epochs = 3, .score = 0.5, .state = train::TrialState::stopped},
                                        {.number = 3, .epochs = 9, .score = 0.9, .state = train::TrialState::finished},
                                        {.number = 4, .epochs = 9, .state = train::TrialState::failed}}};
  EXPECT_EQ(result.best().number, 3);
  result.trials[2].state = train::TrialState::failed;
  EXPECT_EQ(result.best().number, 2);
}

TEST(Search, TrialsThatFailAreNotedAndEndNothing) {
  const auto fails = [](const train::Trial& trial) -> train::TrialScore {
    if (trial.number == 2) throw Error(Error::Kind::memory, "fit", "no memory");
    if (trial.number == 3) return NAN;
    if (trial.number == 4) throw std::bad_alloc();
    if (trial.number == 5) throw std::runtime_error("boom");
    return bowl(trial);
  };
  const train::SearchResult found = train::search(kSpace, fails, {.trials = 6, .verbose = false});
  std::vector<std::string> messages;
  for (const train::TrialResult& each : found.trials) messages.push_back(each.message);
  EXPECT_EQ(messages, (std::vector<std::string>{"", "fit: no memory", "the score is nan; it must be finite", "out of memory", "boom", ""}));
  EXPECT_EQ(found.ranked().size(), 2u);
  // In Hyperband a failed trial goes no further, and the others fill its place.
  const train::SearchResult halved =
      train::search(kSpace, fails, {.method = train::SearchMethod::hyperband, .epochs = 9, .verbose = false});
  EXPECT_EQ(halved.trials[1].state, train::TrialState::failed);
  EXPECT_EQ(halved.best().epochs, 9);
  EXPECT_EQ(error_of([] {
              train::search(kSpace, [](const train::Trial&) -> double { throw Error(Error::Kind::invalid, "x", "is bad"); },
                            {.trials = 3, .verbose = false});
            }),
            "search: all 3 trials failed; the first: x: is bad");
}

TEST(Search, WrongCallsAreRefused) {
  EXPECT_EQ(error_of([] { train::search({}, bowl); }).find("search: the space is empty"), 0u);
  EXPECT_EQ(error_of([] {
              train::search({{"a", train::uniform(0, 1)}, {"a", train::uniform(0, 1)}}, bowl);
            }),
            "search: \"a\" stands in the space twice");
  EXPECT_EQ(error_of([] { train::search(kSpace, bowl, {.trials = -1}); }), "search: trials is -1; it must be from 0 to 1000000");
  EXPECT_EQ(error_of([] { train::search(kSpace, bowl, {.epochs = 0}); }), "search: epochs is 0; it must be at least 1");
  EXPECT_EQ(
      error_of([] { train::search(kSpace, [](const train::Trial& trial) { return trial["rat"]; }, {.trials = 1, .verbose = false}); }),
      "search: the only trial failed; the first: trial: there is no \"rat\" in the space; did you mean \"rate\"?");
  EXPECT_NE(error_of([] {
              train::search(kSpace, [](const train::Trial& trial) { return static_cast<double>(trial.integer("rate")); },
                            {.trials = 1, .verbose = false});
            }).find("which is no integer"),
            std::string::npos);
}

// ---- logs ----

// All but the seconds.
std::string told(const train::SearchResult& result) {
  std::string out;
  for (const train::TrialResult& each : result.trials)
    out += core::concat(each.number, " ", train::values_text(each.values), " ", each.epochs, " ", each.score, " ",
                        static_cast<int>(each.state), " ", each.message, "\n");
  return out + core::to_text(result.best().number);
}
train::SearchOptions logged(const std::string& folder) {
  return {.method = train::SearchMethod::hyperband, .epochs = 9, .seed = 2, .folder = folder, .verbose = false};
}
// Fails for one trial, and counts its calls.
train::Objective counted(int64_t& calls) {
  return [&calls](const train::Trial& trial) -> train::TrialScore {
    ++calls;
    EXPECT_TRUE(std::filesystem::is_directory(trial.folder));
    if (trial.number == 3) core::fail("fit", "too bad");
    return bowl(trial);
  };
}

TEST(SearchLog, ASearchEndedAnywhereEndsAsIfItHadNot) {
  const TemporaryFolder folder;
  int64_t all = 0;
  const std::string want = told(train::search(kSpace, counted(all), logged(folder / "whole")));
  const std::string log = read_text(folder / "whole/trials.jsonl");
  EXPECT_FALSE(std::filesystem::exists(folder / "whole/trial-1"));
  // Cut at every line, and within the next one.
  for (size_t line = 0, at = 0; at < log.size(); ++line) {
    const size_t end = log.find('\n', at) + 1;
    // Each cut costs some writes that wait for the disk.
    for (const size_t cut : line % 5 == 0 ? std::vector<size_t>{at, at + 1, end - 1} : std::vector<size_t>{(at + end) / 2}) {
      const std::string part = folder / ("part-" + std::to_string(cut));
      std::filesystem::create_directory(part);
      write_text(part + "/trials.jsonl", log.substr(0, cut));
      int64_t calls = 0;
      EXPECT_EQ(told(train::search(kSpace, counted(calls), logged(part))), want) << "cut at " << cut;
      const std::string begun = log.substr(0, at);
      // Lines that stand there whole are not made again.
      std::istringstream lines(begun);
      int64_t measured = -1;  // the first says what is searched
      for (std::string each; std::getline(lines, each);) measured += each.find("\"stopped\"") == std::string::npos;
      measured = std::max<int64_t>(measured, 0);
      EXPECT_EQ(calls, all - measured) << "cut at " << cut;
      const std::string now = read_text(part + "/trials.jsonl");
      EXPECT_EQ(std::count(now.begin(), now.end(), '\n'), std::count(log.begin(), log.end(), '\n')) << "cut at " << cut;
      // What was cut short is gone: the log can be read again.
      calls = 0;
      EXPECT_EQ(told(train::search(kSpace, counted(calls), logged(part))), want) << "cut at " << cut;
      EXPECT_EQ(calls, 0) << "cut at " << cut;
    }
    at = end;
  }
  // What is whole is only read.
  int64_t calls = 0;
  EXPECT_EQ(told(train::search(kSpace, counted(calls), logged(folder / "whole"))), want);
  EXPECT_EQ(calls, 0);
  EXPECT_EQ(read_text(folder / "whole/trials.jsonl"), log);
}

TEST(SearchLog, AnInterruptedTrialIsMadeAgain) {
  const TemporaryFolder folder;
  int64_t all = 0;
  const std::string want = told(train::search(kSpace, counted(all), logged(folder / "whole")));
  int64_t calls = 0, begun = 0;
  const train::Objective objective = counted(calls);
  const auto cut = [&](const train::Trial& trial) {
    if (++begun == 7) throw Error(Error::Kind::interrupted, "fit", "stopped");
    return objective(trial);
  };
  const train::SearchResult half = train::search(kSpace, cut, logged(folder / "half"));
  EXPECT_EQ(half.trials.size(), 6u);
  EXPECT_TRUE(half.is_interrupted);
  EXPECT_EQ(told(train::search(kSpace, cut, logged(folder / "half"))), want);
  EXPECT_EQ(calls, all);
}

TEST(SearchLog, IsOfOneSearch) {
  const TemporaryFolder folder;
  int64_t calls = 0;
  const train::SearchOptions options{.trials = 3, .seed = 1, .folder = folder / "a", .verbose = false};
  train::search(kSpace, counted(calls), options);
  const auto refused = [&](train::SearchOptions others, const train::SearchSpace& space = kSpace) {
    return testing::without_path(error_of([&] { train::search(space, counted(calls), others); }), folder.path());
  };
  train::SearchOptions others = options;
  others.seed = 4;
  EXPECT_EQ(refused(others),
            "PATH/a/trials.jsonl:1: is the log of another search: seed was 1, and is 4; name another folder, or the same options");
  EXPECT_NE(refused(options, {{"rate", train::log_uniform(1e-4, 2)}}).find("space was"), std::string::npos);
  // At random it may become longer.
  others = options;
  others.trials = 5;
  calls = 0;
  EXPECT_EQ(train::search(kSpace, counted(calls), others).trials.size(), 5u);
  EXPECT_EQ(calls, 2);
}

TEST(SearchLog, BegunIsCalledOnceTheFolderIsTheSearchsOwn) {
  const TemporaryFolder folder;
  int64_t calls = 0, begun = 0;
  train::SearchOptions options{.trials = 2, .seed = 1, .folder = folder / "a", .verbose = false};
  const train::Objective objective = counted(calls);
  options.begun = [&] {
    ++begun;
    EXPECT_EQ(calls, 0);
    EXPECT_TRUE(std::filesystem::exists(folder / "a/trials.jsonl"));
    train::SearchOptions another = options;
    EXPECT_NE(error_of([&] { train::search(kSpace, bowl, another); }).find("another search is writing"), std::string::npos);
  };
  train::search(kSpace, objective, options);
  EXPECT_EQ(begun, 1);
  options.seed = 2;
  EXPECT_NE(error_of([&] { train::search(kSpace, objective, options); }), "");
  EXPECT_EQ(begun, 1);
  options.seed = 1;
  options.begun = [] { core::fail("begun", "no"); };
  EXPECT_EQ(error_of([&] { train::search(kSpace, objective, options); }), "begun: no");
  EXPECT_EQ(calls, 2);
}

TEST(SearchLog, DamageIsNamedByItsLine) {
  const TemporaryFolder folder;
  int64_t calls = 0;
  const train::SearchOptions options{.trials = 2, .folder = folder / "a", .verbose = false};
  train::search(kSpace, counted(calls), options);
  const std::string path = folder / "a/trials.jsonl", log = read_text(path);
  const auto said = [&](const std::string& text) {
    write_text(path, text);
    return testing::without_path(error_of([&] { train::search(kSpace, counted(calls), options); }), folder.path());
  };
  EXPECT_EQ(said(log + "{\"trial\": 3\n"), "PATH/a/trials.jsonl:4: is not valid JSON; the log is damaged");
  EXPECT_EQ(said(log + "{\"trial\": 3}\n"), "PATH/a/trials.jsonl:4: is no line of a trial; the file is damaged");
  EXPECT_EQ(said(log + "7\n"), "PATH/a/trials.jsonl:4: is no line of a trial; the file is damaged");
  EXPECT_EQ(said("[]\n"), "PATH/a/trials.jsonl:1: says nothing of a search; the first line of a log does");
  EXPECT_EQ(said(log + "{\"trial\":3,\"state\":\"finished\",\"epochs\":1,\"score\":\"nan\",\"seconds\":1}\n"),
            "PATH/a/trials.jsonl:4: has no score; the file is damaged");
}

TEST(SearchLog, TwoSearchesDoNotShareAFolder) {
  const TemporaryFolder folder;
  std::string inner;
  train::SearchOptions options{.trials = 1, .folder = folder / "a", .verbose = false};
  train::search(
      kSpace,
      [&](const train::Trial& trial) {
        inner = error_of([&] { train::search(kSpace, bowl, options); });
        return bowl(trial);
      },
      options);
  EXPECT_NE(inner.find("another search is writing into the folder"), std::string::npos) << inner;
}

// Rungs go on from checkpoints: the same bits as a run in one go.
TEST(Search, ATrialThatGoesOnEndsAsOneThatWasTrainedAtOnce) {
  const TemporaryFolder folder;
  const data::Dataset set = data::make_blobs(80, {.classes = 3, .seed = 1});
  const auto train_for = [&](const train::Trial& trial) {
    random::seed(7);
    nn::Sequential net{nn::Dense(8, relu), nn::Dropout(0.2), nn::Dense(3)};
    const std::string& where = trial.folder;
    return train::fit(net, set,
                      {.loss = loss::sparse_categorical_crossentropy,
                       .optimizer = optim::Adam(trial["rate"]),
                       .epochs = trial.epochs,
                       .validation_fraction = 0.25,
                       .verbose = false,
                       .checkpoint = {.folder = where},
                       .resume_from = !where.empty() && train::has_checkpoint(where) ? where : ""});
  };
  int64_t steps = 0;
  std::set<int64_t> begun;
  const train::SearchResult found =
      train::search(kSpace,
                    [&](const train::Trial& trial) {
                      EXPECT_EQ(train::has_checkpoint(trial.folder), !begun.insert(trial.number).second);  // else it would start anew
                      const train::History history = train_for(trial);
                      steps = std::max(steps, history.steps);
                      return history.last("val_loss");
                    },
                    {.method = train::SearchMethod::hyperband, .epochs = 9, .folder = folder / "a", .verbose = false});
  const train::TrialResult& best = found.best();
  EXPECT_EQ(train_for({.values = best.values, .epochs = 9}).last("val_loss"), best.score);
  EXPECT_EQ(steps, 9 * 2);
}

}  // namespace
}  // namespace gradus
