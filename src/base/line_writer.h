// Lines for a reader who may be slow, or may have stopped reading.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <utility>

namespace parley {

/// Writes lines to a descriptor from a thread of its own, so that a caller never waits for the reader of the lines.
/// While nobody reads, up to `max_bytes` of lines wait. Further lines are dropped and counted. Any thread.
///
/// It lives as long as the process: its thread may stand in a write that never ends. The thread begins with the first
/// line. The descriptor's flags stay as they are, since other processes may share them.
class LineWriter {
 public:
  static constexpr std::size_t kMaxBytes = std::size_t{1} << 20;

  /// `on_dropped` is told how many lines were dropped, once one was written again. It may write() a line about it.
  explicit LineWriter(int descriptor, std::function<void(std::uint64_t)> on_dropped = {},
                      std::size_t max_bytes = kMaxBytes)
      : descriptor_(descriptor), on_dropped_(std::move(on_dropped)), max_bytes_(max_bytes) {}
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;

  /// Takes `line`, which ends in a line break, or drops it.
  void write(std::string line);

  /// Returns when all lines are written, or dropped, or `patience` is over.
  void flush(std::chrono::milliseconds patience);

  /// Bytes of lines that wait. A signal handler may ask, too.
  [[nodiscard]] std::size_t waiting() const noexcept { return bytes_.load(std::memory_order_relaxed); }

  /// Lines that were dropped because too many waited, or because a write failed.
  [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }

 private:
  void run();

  const int descriptor_;
  const std::function<void(std::uint64_t)> on_dropped_;
  const std::size_t max_bytes_;
  std::atomic<std::uint64_t> dropped_{0};
  std::atomic<std::size_t> bytes_{0};

  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_; the first line is the one that is being written.
  std::deque<std::string> lines_;
  bool started_ = false;
};

}  // namespace parley
