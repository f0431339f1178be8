#include "base/line_writer.h"

#include <cerrno>
#include <poll.h>
#include <pthread.h>
#include <string_view>
#include <thread>
#include <unistd.h>
#include <utility>

namespace parley {
namespace {

/// Whether all of it was written. Waits for the reader as long as it takes.
bool write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {  // another process that shares the descriptor may have asked for that
      pollfd waiting{descriptor, POLLOUT, 0};
      ::poll(&waiting, 1, -1);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

}  // namespace

void LineWriter::write(std::string line) {
  {
    const std::scoped_lock lock(mutex_);
    if (waiting() + line.size() > max_bytes_) {
      dropped_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    bytes_ += line.size();
    lines_.push_back(std::move(line));
    if (!std::exchange(started_, true)) std::thread([this] { run(); }).detach();
  }
  changed_.notify_all();
}

void LineWriter::flush(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, patience, [this] { return lines_.empty(); });
}

void LineWriter::run() {
  pthread_setname_np(pthread_self(), "log-writer");
  std::uint64_t told = 0;  // of those that were dropped
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return !lines_.empty(); });
    const std::string& line = lines_.front();  // stays where it is while others are added
    lock.unlock();
    const bool written = write_all(descriptor_, line);
    if (!written) dropped_.fetch_add(1, std::memory_order_relaxed);
    lock.lock();
    bytes_ -= line.size();
    lines_.pop_front();
    // When what waited is written, or the line about it would be in the middle of it.
    if (const std::uint64_t dropped = this->dropped(); written && lines_.empty() && dropped != told && on_dropped_) {
      lock.unlock();
      on_dropped_(dropped - told);
      told = dropped;
      lock.lock();
    }
    if (lines_.empty()) changed_.notify_all();
  }
}

}  // namespace parley
