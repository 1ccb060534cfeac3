// Event files as TensorBoard reads them, decoded here by code of its own; and the CSV file.
#include "gradus/train/tensorboard.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <filesystem>
#include <map>

#include "gradus/gradus.hpp"
#include "gradus/train/event_file.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {
namespace {

using testing::error_of;
using testing::read_text;
using testing::TemporaryFolder;

// Bit by bit, from the polynomial.
uint32_t slow_crc32c(std::string_view bytes) {
  uint32_t crc = 0xffffffffu;
  for (const char byte : bytes) {
    for (int bit = 0; bit < 8; ++bit) {
      const bool is_one = ((crc ^ (static_cast<unsigned char>(byte) >> bit)) & 1) != 0;
      crc = crc >> 1 ^ (is_one ? 0x82f63b78u : 0);
    }
  }
  return crc ^ 0xffffffffu;
}
uint32_t masked(std::string_view bytes) {
  const uint32_t crc = slow_crc32c(bytes);
  return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

// Takes values from the front of a text.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : rest_(text) {}
  bool is_at_end() const { return rest_.empty(); }
  std::string_view bytes(size_t count) {
    EXPECT_LE(count, rest_.size());
    const std::string_view out = rest_.substr(0, count);
    rest_.remove_prefix(std::min(count, rest_.size()));
    return out;
  }
  template <class T>
  T fixed() {
    T value = 0;
    const std::string_view from = bytes(sizeof(T));
    for (size_t i = 0; i < from.size(); ++i) value |= static_cast<T>(static_cast<unsigned char>(from[i])) << (8 * i);
    return value;
  }
  uint64_t varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(bytes(1)[0]);
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    return value;
  }

 private:
  std::string_view rest_;
};

struct Event {
  double wall_time = 0;
  int64_t step = 0;
  std::string version;
  std::map<std::string, float> scalars;
};
Event decoded(std::string_view text) {
  Event event;
  for (Cursor at(text); !at.is_at_end();) {
    const uint64_t key = at.varint();
    if (key == (1 << 3 | 1)) event.wall_time = std::bit_cast<double>(at.fixed<uint64_t>());
    else if (key == (2 << 3 | 0)) event.step = static_cast<int64_t>(at.varint());
    else if (key == (3 << 3 | 2)) event.version = at.bytes(at.varint());
    else if (key == (5 << 3 | 2)) {
      for (Cursor summary(at.bytes(at.varint())); !summary.is_at_end();) {
        EXPECT_EQ(summary.varint(), 1u << 3 | 2u);
        std::string name;
        float number = 0;
        for (Cursor value(summary.bytes(summary.varint())); !value.is_at_end();) {
          const uint64_t field = value.varint();
          if (field == (1 << 3 | 2)) name = value.bytes(value.varint());
          else if (field == (2 << 3 | 5)) number = std::bit_cast<float>(value.fixed<uint32_t>());
          else ADD_FAILURE() << "field " << field;
        }
        event.scalars[name] = number;
      }
    } else {
      ADD_FAILURE() << "field " << key;
      break;
    }
  }
  return event;
}
std::vector<Event> events_in(const std::string& path) {
  std::vector<Event> events;
  const std::string text = read_text(path);
  for (Cursor at(text); !at.is_at_end();) {
    const std::string_view length_bytes = at.bytes(8);
    Cursor length(length_bytes);
    const uint64_t length_of = length.fixed<uint64_t>();
    EXPECT_EQ(at.fixed<uint32_t>(), masked(length_bytes));
    const std::string_view record = at.bytes(length_of);
    EXPECT_EQ(at.fixed<uint32_t>(), masked(record));
    events.push_back(decoded(record));
  }
  return events;
}
std::vector<std::string> files_in(const std::string& folder) {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) paths.push_back(entry.path().string());
  std::sort(paths.begin(), paths.end());
  return paths;
}

TEST(TensorBoard, ChecksumsAreThoseOfTheStandard) {
  EXPECT_EQ(train::detail::crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(train::detail::crc32c(std::string(32, '\0')), 0x8a9136aau);  // RFC 3720, B.4
  EXPECT_EQ(train::detail::crc32c(std::string(32, '\xff')), 0x62a8ab43u);
  for (const char* text : {"", "a", "brain.Event:2"}) EXPECT_EQ(train::detail::crc32c(text), slow_crc32c(text)) << text;
}

TEST(TensorBoard, EventsReadBack) {
  const std::vector<std::pair<std::string, double>> scalars{{"loss", 0.5}, {std::string(300, 'x'), -2}, {"nan", std::nan("")}};
  const Event event = decoded(train::detail::scalar_event(12.5, int64_t{1} << 40, scalars));
  EXPECT_EQ(event.wall_time, 12.5);
  EXPECT_EQ(event.step, int64_t{1} << 40);
  EXPECT_EQ(event.scalars.at("loss"), 0.5f);
  EXPECT_EQ(event.scalars.at(std::string(300, 'x')), -2.0f);
  EXPECT_TRUE(std::isnan(event.scalars.at("nan")));
  EXPECT_EQ(decoded(train::detail::version_event(1)).version, "brain.Event:2");
}

data::Dataset clouds() { return data::make_blobs(64, {.classes = 3, .seed = 7}); }
train::History fit(const std::vector<std::shared_ptr<train::Callback>>& callbacks, const std::string& checkpoints, int64_t epochs) {
  random::seed(3);
  nn::Sequential model{nn::Dense(3)};
  return train::fit(model, clouds(),
                    {.loss = loss::sparse_categorical_crossentropy,
                     .optimizer = optim::SGD(0.1),
                     .metrics = {metrics::accuracy},
                     .epochs = epochs,
                     .validation = clouds(),
                     .callbacks = callbacks,
                     .verbose = false,
                     .checkpoint = {.folder = checkpoints},
                     .resume_from = train::has_checkpoint(checkpoints) ? checkpoints : ""});
}

TEST(TensorBoard, HoldsEachEpochAndARunThatGoesOnAddsAFile) {
  const TemporaryFolder folder;
  fit({std::make_shared<train::TensorBoard>(folder / "tb")}, folder / "c", 2);
  const train::History history = fit({std::make_shared<train::TensorBoard>(folder / "tb")}, folder / "c", 3);
  ASSERT_EQ(history.epochs.size(), 3u);
  for (const bool is_training : {true, false}) {
    const std::vector<std::string> files = files_in(folder / (is_training ? "tb/train" : "tb/validation"));
    ASSERT_EQ(files.size(), 2u);
    std::vector<Event> all;
    for (const std::string& path : files) {
      EXPECT_NE(path.find("/events.out.tfevents."), std::string::npos);
      const std::vector<Event> events = events_in(path);
      ASSERT_FALSE(events.empty());
      EXPECT_EQ(events[0].version, "brain.Event:2");
      all.insert(all.end(), events.begin() + 1, events.end());
    }
    std::sort(all.begin(), all.end(), [](const Event& a, const Event& b) { return a.step < b.step; });
    ASSERT_EQ(all.size(), 3u);
    for (size_t i = 0; i < 3; ++i) {
      const train::Epoch& epoch = history.epochs[i];
      EXPECT_EQ(all[i].step, epoch.steps);
      EXPECT_EQ(all[i].scalars.at("loss"), static_cast<float>(epoch.logs[is_training ? "loss" : "val_loss"]));
      EXPECT_EQ(all[i].scalars.at("accuracy"), static_cast<float>(epoch.logs[is_training ? "accuracy" : "val_accuracy"]));
      EXPECT_EQ(all[i].scalars.contains("learning_rate"), is_training);
      EXPECT_GT(all[i].wall_time, 1.6e9);
    }
  }
}

TEST(TensorBoard, IsOnDiskAfterEachEpochAndNotBefore) {
  const TemporaryFolder folder;
  train::TensorBoard board(folder / "tb");
  board.on_begin({});
  EXPECT_FALSE(std::filesystem::exists(folder / "tb"));
  for (int64_t number = 1; number <= 3; ++number) {
    train::Epoch epoch{.number = number, .steps = 10 * number};
    epoch.logs.set("loss", 1);
    board.on_epoch(epoch);
    ASSERT_EQ(files_in(folder / "tb/train").size(), 1u);
    const std::vector<Event> events = events_in(files_in(folder / "tb/train")[0]);
    ASSERT_EQ(events.size(), static_cast<size_t>(number) + 1);
    EXPECT_EQ(events.back().step, 10 * number);
  }
  EXPECT_FALSE(std::filesystem::exists(folder / "tb/validation")) << "nothing was validated";
}

TEST(TensorBoard, WhereNothingCanBeWrittenItSaysSo) {
  const TemporaryFolder folder;
  testing::write_text(folder / "file", "");
  train::TensorBoard board(folder / "file");
  train::Epoch epoch;
  epoch.logs.set("loss", 1);
  EXPECT_NE(error_of([&] { board.on_epoch(epoch); }).find(folder / "file"), std::string::npos);
}

TEST(CsvLogger, HoldsTheEpochsOfTheWholeRun) {
  const TemporaryFolder folder;
  fit({std::make_shared<train::CsvLogger>(folder / "a.csv")}, folder / "c", 2);
  const std::string two = read_text(folder / "a.csv");
  const train::History history = fit({std::make_shared<train::CsvLogger>(folder / "a.csv")}, folder / "c", 3);
  EXPECT_EQ(read_text(folder / "a.csv"), train::to_csv(history));
  EXPECT_EQ(read_text(folder / "a.csv").rfind(two, 0), 0u);
  EXPECT_EQ(two.rfind("epoch,steps,learning_rate,seconds,loss,accuracy,val_loss,val_accuracy\n1,2,0.1,", 0), 0u) << two;
}

// Quick epochs are written together, and none is lost where the run ends by an error.
TEST(CsvLogger, HoldsTheEpochsOfARunThatFailed) {
  struct Fails final : train::Callback {
    bool on_epoch(const train::Epoch& epoch) override { return epoch.number < 5 ? false : throw std::runtime_error("enough"); }
  };
  const TemporaryFolder folder;
  EXPECT_THROW(fit({std::make_shared<train::CsvLogger>(folder / "a.csv"), std::make_shared<Fails>()}, folder / "c", 9), std::runtime_error);
  const std::string text = read_text(folder / "a.csv");
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 6) << text;
}

}  // namespace
}  // namespace gradus
