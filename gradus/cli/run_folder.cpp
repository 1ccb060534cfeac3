// Run folders.
#include "gradus/cli/run_folder.hpp"

#include <chrono>
#include <ctime>

#include "gradus/base/error.hpp"
#include "gradus/base/file.hpp"
#include "gradus/io/model_file.hpp"

namespace gradus::cli {

namespace {

std::string time_text() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&now, &local);
  char text[32];
  std::strftime(text, sizeof text, "%Y%m%d-%H%M%S", &local);
  return text;
}

class Saver final : public train::Callback {
 public:
  Saver(RunFolder folder, std::function<void()> save_model) : folder_(std::move(folder)), save_model_(std::move(save_model)) {}

  bool on_epoch(const train::Epoch& epoch) override {
    history_.epochs.push_back(epoch);
    file::write_atomically(folder_.metrics(), train::to_csv(history_));
    if (Clock::now() - saved_ >= std::chrono::seconds(10)) {
      save_model_();
      saved_ = Clock::now();
    }
    return false;
  }

 private:
  using Clock = std::chrono::steady_clock;
  RunFolder folder_;
  std::function<void()> save_model_;
  train::History history_;
  Clock::time_point saved_ = Clock::now();
};

}  // namespace

RunFolder make_run_folder(const std::string& asked, const std::string& name) {
  std::string path = asked;
  if (path.empty()) {
    const std::string base = "runs/" + name + "-" + time_text();
    path = base;
    for (int number = 2; file::exists(path); ++number) path = concat(base, "-", number);
  }
  file::make_folder(path);
  return {path};
}

nn::Model load_model(const std::string& run_or_model) {
  return io::load(file::is_folder(run_or_model) ? RunFolder{run_or_model}.model() : run_or_model);
}

std::shared_ptr<train::Callback> save_while_training(const RunFolder& folder, std::function<void()> save_model) {
  return std::make_shared<Saver>(folder, std::move(save_model));
}

}  // namespace gradus::cli
