#include "base/line_writer.h"

#include <pthread.h>
#include <thread>
#include <utility>

#include "base/output.h"

namespace parley {

void LineWriter::write(std::string line) {
  {
    const std::scoped_lock lock(mutex_);
    if (waiting() + line.size() > max_bytes_) {
      dropped_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    bytes_ += line.size();
    lines_.push_back(std::move(line));
    if (!started_) std::thread([this] { run(); }).detach();
    started_ = true;  // behind it, so that the next line tries again if no thread could be had
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
