#include "base/file_watch.h"

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include <gtest/gtest.h>

namespace parley {
namespace {

namespace fs = std::filesystem;

class FileWatchTest : public testing::Test {
 protected:
  FileWatchTest() {
    std::string name = testing::TempDir() + "parley-watch-XXXXXX";
    if (mkdtemp(name.data()) == nullptr) std::abort();
    folder_ = name;
  }
  ~FileWatchTest() override { fs::remove_all(folder_); }

  [[nodiscard]] std::string path(const std::string& name) const { return folder_ / name; }
  void write(const std::string& name, std::string_view text) const { std::ofstream(path(name)) << text; }
  void watch(const std::string& name) {
    watch_.add({path(name), std::string()}, [this] {
      ++calls_;
      calls_.notify_all();
    });
  }
  void expect_call(int number) {
    for (int now = calls_; now < number; now = calls_) calls_.wait(now);
    EXPECT_EQ(calls_, number);
  }

  fs::path folder_;
  std::atomic<int> calls_{0};
  FileWatch watch_;
};

TEST_F(FileWatchTest, TellsOfAFileThatIsWrittenReplacedOrRemoved) {
  write("file", "one");
  watch("file");
  write("file", "longer");
  expect_call(1);
  write("next", "longer");
  fs::rename(path("next"), path("file"));
  expect_call(2);
  fs::remove(path("file"));
  expect_call(3);
}

TEST_F(FileWatchTest, TellsOfALinkThatMoves) {
  for (const std::string folder : {"old", "new"}) {
    fs::create_directory(path(folder));
    write(folder + "/file", "same");
  }
  fs::create_symlink("old", path("data"));
  fs::create_symlink("data/file", path("file"));
  watch("file");
  fs::create_symlink("new", path("next"));
  fs::rename(path("next"), path("data"));
  expect_call(1);
}

TEST_F(FileWatchTest, AHangupIsARequest) {
  FileWatch::listen_for_hangups();
  write("file", "one");
  watch("file");
  write("other", "two");
  watch_.add({path("other")}, [] {});
  std::raise(SIGHUP);
  for (int number = 1; number < 3; ++number) {
    expect_call(number);
    std::raise(SIGHUP);
  }
  std::signal(SIGHUP, SIG_DFL);
}

}  // namespace
}  // namespace parley
