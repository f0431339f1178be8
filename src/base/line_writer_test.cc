#include "base/line_writer.h"

#include <array>
#include <csignal>
#include <fcntl.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

namespace parley {
namespace {

using testing::ElementsAre;
using testing::StartsWith;

constexpr std::chrono::minutes kPatience{1};

/// Both ends of a pipe, or of a socket. A writer is never destroyed, and so its end is never closed.
class Ends {
 public:
  static Ends pipe() {
    Ends out;
    EXPECT_EQ(::pipe2(out.ends_.data(), O_CLOEXEC), 0);
    return out;
  }
  static Ends socket() {
    Ends out;
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, out.ends_.data()), 0);
    return out;
  }

  [[nodiscard]] int writing() const { return ends_[1]; }
  void close_reader() { ::close(ends_[0]); }

  /// The next `count` lines.
  std::vector<std::string> lines(std::size_t count) {
    std::vector<std::string> out;
    while (out.size() < count) {
      if (const auto end = read_.find('\n'); end != std::string::npos) {
        out.push_back(read_.substr(0, end));
        read_.erase(0, end + 1);
        continue;
      }
      std::array<char, 4096> buffer{};
      const ssize_t size = ::read(ends_[0], buffer.data(), buffer.size());
      if (size <= 0) break;
      read_.append(buffer.data(), static_cast<std::size_t>(size));
    }
    return out;
  }

 private:
  std::array<int, 2> ends_{};
  std::string read_;
};

std::string line(std::size_t number) { return std::to_string(number) + " " + std::string(1000, 'x') + "\n"; }

class LineWriterTest : public testing::Test {
 protected:
  /// One for `ends` that holds 64 KiB, and tells of dropped lines by a line.
  static LineWriter& writer(const Ends& ends) {
    static std::vector<LineWriter*> all;
    const std::size_t index = all.size();
    all.push_back(new LineWriter(
        ends.writing(), [index](std::uint64_t count) { all[index]->write("dropped " + std::to_string(count) + "\n"); },
        std::size_t{64} << 10));
    return *all.back();
  }
};

TEST_F(LineWriterTest, WritesLinesInOrder) {
  Ends ends = Ends::pipe();
  LineWriter& lines = writer(ends);
  lines.write("one\n");
  lines.write("two\n");
  lines.flush(kPatience);
  EXPECT_THAT(ends.lines(2), ElementsAre("one", "two"));
  EXPECT_EQ(lines.dropped(), 0U);
}

TEST_F(LineWriterTest, AReaderWhoStopsHoldsUpNobodyAndIsToldWhatWasDropped) {
  for (Ends ends : {Ends::pipe(), Ends::socket()}) {
    LineWriter& lines = writer(ends);
    std::size_t written = 0;
    while (lines.dropped() == 0) lines.write(line(written++));
    for (int i = 0; i < 9; ++i) lines.write(line(0));
    lines.flush(std::chrono::milliseconds(1));  // which ends although nobody reads
    ASSERT_EQ(lines.dropped(), 10U);
    for (std::size_t i = 0; i + 1 < written; ++i) {
      EXPECT_THAT(ends.lines(1), ElementsAre(StartsWith(std::to_string(i) + " "))) << "lines that waited are lost";
    }
    EXPECT_THAT(ends.lines(1), ElementsAre("dropped 10"));
    lines.write("later\n");
    EXPECT_THAT(ends.lines(1), ElementsAre("later"));
  }
}

TEST_F(LineWriterTest, ADescriptorThatDoesNotBlockLosesNothing) {
  Ends ends = Ends::pipe();
  ASSERT_EQ(::fcntl(ends.writing(), F_SETFL, O_NONBLOCK), 0);
  ASSERT_GT(::fcntl(ends.writing(), F_SETPIPE_SZ, 4096), 0);
  LineWriter& lines = writer(ends);
  for (std::size_t i = 0; i < 20; ++i) lines.write(line(i));
  for (std::size_t i = 0; i < 20; ++i) EXPECT_THAT(ends.lines(1), ElementsAre(line(i).substr(0, line(i).size() - 1)));
}

TEST_F(LineWriterTest, AReaderWhoLeftIsNoReasonToStop) {
  Ends ends = Ends::socket();
  LineWriter& lines = writer(ends);
  ends.close_reader();
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  lines.write("nobody reads this\n");
  lines.flush(kPatience);
  std::signal(SIGPIPE, before);
  EXPECT_EQ(lines.dropped(), 1U);
}

}  // namespace
}  // namespace parley
