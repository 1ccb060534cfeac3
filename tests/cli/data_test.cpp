// gradus data describe; and images from recipe to prediction.
#include <gtest/gtest.h>

#include <filesystem>

#include "gradus/cli/describe_text.hpp"
#include "gradus/cli/section.hpp"
#include "gradus/data/table/read_table.hpp"
#include "gradus/io/png.hpp"
#include "tests/cli/subprocess.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus::cli {
namespace {

using testing::error_of;
using testing::Outcome;
using testing::read_text;
using testing::run_gradus;
using testing::TemporaryFolder;
using testing::write_text;

constexpr const char* kPeople =
    "age,city,joined,big\n31,Kiel,2023-04-01,yes\n,Ulm,2023-05-17,no\n47,Kiel,2024-01-09,yes\n28,Bonn,2024-02-29,no\n47,Kiel,2024-01-09,"
    "yes\n";

TEST(DataCommand, DescribesATable) {
  const TemporaryFolder folder;
  write_text(folder / "people.csv", kPeople);
  const Outcome outcome = run_gradus({"data", "describe", "people.csv", "--target", "big"}, {.folder = folder.path()});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(outcome.out,
            "people.csv: 5 rows, 4 columns, 1 duplicate rows\n"
            "\n"
            "age     numeric      1 (20.0 %) missing, 3 distinct\n"
            "    28 | 30.25 | 39 | 47 | 47   mean 38.25, deviation 10.1776\n"
            "    [=  =               #]\n"
            "    47 50.0 %, 28 25.0 %, 31 25.0 %\n"
            "city    categorical  0 missing, 3 distinct\n"
            "    Kiel 60.0 %, Bonn 20.0 %, Ulm 20.0 %\n"
            "joined  date         0 missing, 4 distinct\n"
            "    2023-04-01 | 2023-05-17 | 2024-01-09 | 2024-01-09 | 2024-02-29\n"
            "    [= =             #  =]\n"
            "    2024-01-09 40.0 %, 2023-04-01 20.0 %, 2023-05-17 20.0 %, 2024-02-29 20.0 %\n"
            "big     categorical  0 missing, 2 distinct   (the target)\n"
            "    yes 60.0 %, no 40.0 %\n"
            "\n"
            "relations to big\n"
            "  city    Cramer's V 1.000\n"
            "  age     correlation ratio 0.671\n"
            "  joined  correlation ratio 0.005\n");
}

TEST(DataCommand, PrintsTheLineOfTypes) {
  const TemporaryFolder folder;
  write_text(folder / "a.csv", "n,\"odd \"\"name\",d\n1,x,2024-01-01\n2,y,2024-01-02\n");
  const Outcome outcome = run_gradus({"data", "describe", "a.csv", "--types"}, {.folder = folder.path()});
  EXPECT_EQ(outcome.out, "types = {n = \"numeric\", \"odd \\\"name\" = \"categorical\", d = \"date\"}\n") << outcome.err;
  const data::Table sized({data::Column::ordinal("s", {"S"}, {"S", "M\n"})});
  EXPECT_EQ(types_line(sized), "types = {s = [\"S\", \"M\\u000A\"]}\n");
  const Document document("recipe", types_line(sized));
  EXPECT_EQ(document.root()["types"]["s"][1].value_or(std::string()), "M\n") << "it is TOML";
}

TEST(DataCommand, WritesAPageInWhichNothingOfTheFileRuns) {
  const TemporaryFolder folder;
  write_text(folder / "a.csv", "<script>alert(1)</script>,b\n\"\"\"><img src=x onerror=alert(2)>\",1\n\x1b[31mred,2\nplain,4\n");
  const Outcome outcome = run_gradus({"data", "describe", "a.csv", "--html", "page.html"}, {.folder = folder.path()});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out.find('\x1b'), std::string::npos);
  const std::string page = read_text(folder / "page.html");
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_EQ(page.find("<img"), std::string::npos);
  EXPECT_EQ(page.find('\x1b'), std::string::npos);
  EXPECT_NE(page.find("&lt;script&gt;"), std::string::npos);
  EXPECT_NE(page.find("<svg"), std::string::npos);
  EXPECT_NE(page.find("class=\"heat\""), std::string::npos);
  EXPECT_EQ(page.find("http"), std::string::npos) << "it needs no network";
}

TEST(DataCommand, WrongUsageIsExplained) {
  const TemporaryFolder folder;
  write_text(folder / "a.csv", kPeople);
  EXPECT_EQ(run_gradus({"data", "descibe", "a.csv"}, {.folder = folder.path()}).err,
            "gradus: data: \"descibe\" is none of its actions; did you mean describe?\n");
  EXPECT_EQ(run_gradus({"data", "describe", "a.csv", "--target", "agee"}, {.folder = folder.path()}).err,
            "gradus: a.csv: there is no column \"agee\" to be the target; did you mean \"age\"?\n");
  EXPECT_EQ(run_gradus({"data", "describe", "a.csv", "--html", "a.csv"}, {.folder = folder.path()}).err,
            "gradus: a.csv: the page would be written over the table that it is about; name another file\n");
  EXPECT_EQ(run_gradus({"data", "describe", "nothing.csv"}, {.folder = folder.path()}).code, 1);
  EXPECT_EQ(read_text(folder / "a.csv"), kPeople);
}

// Bright and dark images of different sizes.
void write_images(const TemporaryFolder& folder) {
  for (const char* label : {"bright", "dark"}) {
    std::filesystem::create_directories(folder / "images/" + label);
    for (int i = 0; i < 12; ++i) {
      const int64_t height = 5 + i % 3, width = 7;
      std::vector<uint8_t> pixels;
      for (int64_t k = 0; k < height * width * 3; ++k)
        pixels.push_back(static_cast<uint8_t>((label[0] == 'b' ? 200 : 20) + (k * 7 + i) % 40));
      write_text(folder / "images/" + label + "/" + std::to_string(i) + ".png", io::encode_png(pixels, height, width, 3));
    }
  }
}

TEST(Images, TrainFromAFolderAndPredictFiles) {
  const TemporaryFolder folder;
  write_images(folder);
  write_text(folder / "r.toml", R"(
[data]
source = "images"
path = "images"
size = [4, 6]
fit = "crop"
test = 0.25
[model]
layers = [{ type = "Flatten" }, { type = "Dense", units = 2 }]
[loss]
name = "sparse_categorical_crossentropy"
[optimizer]
name = "adam"
learning_rate = 0.05
[train]
epochs = 30
metrics = ["accuracy"]
)");
  const Outcome trained = run_gradus({"train", "r.toml", "--run-dir", "run"}, {.folder = folder.path()});
  ASSERT_EQ(trained.code, 0) << trained.err;
  const Outcome predicted =
      run_gradus({"predict", "run", "images/dark/3.png", "images/bright/4.png", "--top", "1"}, {.folder = folder.path()});
  EXPECT_EQ(predicted.code, 0) << predicted.err;
  EXPECT_EQ(predicted.out.rfind("images/dark/3.png[0]: dark ", 0), 0u) << predicted.out;
  EXPECT_NE(predicted.out.find("images/bright/4.png[0]: bright "), std::string::npos) << predicted.out;
  const Outcome evaluated = run_gradus({"evaluate", "run"}, {.folder = folder.path()});
  EXPECT_EQ(evaluated.code, 0) << evaluated.err;
  write_text(folder / "cut.png", read_text(folder / "images/dark/3.png").substr(0, 50));
  EXPECT_EQ(run_gradus({"predict", "run", "cut.png"}, {.folder = folder.path()}).err,
            "gradus: cut.png: the PNG file is cut short: it ends after 50 bytes\n");
  write_text(folder / "images/dark/99.png", "no image");
  EXPECT_EQ(run_gradus({"evaluate", "run"}, {.folder = folder.path()}).code, 1);
}

TEST(Images, OfATableOfPathsLieBesideIt) {
  const TemporaryFolder folder;
  write_images(folder);
  std::string table = "file,brightness\n";
  for (int i = 0; i < 12; ++i) table += "bright/" + std::to_string(i) + ".png,200\ndark/" + std::to_string(i) + ".png,20.5\n";
  write_text(folder / "images/list.csv", table);
  write_text(folder / "r.toml", R"(
[data]
source = "images"
path = "images/list.csv"
size = 4
channels = 1
[model]
layers = [{ type = "Flatten" }, { type = "Dense", units = 1 }]
[loss]
name = "mean_squared_error"
[optimizer]
name = "adam"
[train]
epochs = 1
)");
  const Outcome trained = run_gradus({"train", "r.toml", "--run-dir", "run"}, {.folder = folder.path()});
  EXPECT_EQ(trained.code, 0) << trained.err;
  const Outcome wrong = run_gradus({"train", "r.toml", "--run-dir", "other", "--set", "data.channels=2"}, {.folder = folder.path()});
  EXPECT_NE(wrong.err.find("channels: expected 1, 3 or 4, got 2"), std::string::npos) << wrong.err;
}

}  // namespace
}  // namespace gradus::cli
