#include "base/file_watch.h"

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <pthread.h>
#include <utility>

#include <fmt/format.h>
#include <sys/stat.h>

namespace parley {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds kPause{1};

std::atomic<unsigned> g_hangups{0};
static_assert(std::atomic<unsigned>::is_always_lock_free);  // for the signal handler

/// Differs if a file does: another one took its place, or it was written.
std::string look_of(const std::vector<std::string>& files) {
  std::string out;
  for (const std::string& file : files) {
    struct stat is{};
    if (::stat(file.c_str(), &is) != 0) {
      out += fmt::format("{};", errno);
      continue;
    }
    out += fmt::format("{}.{}.{}.{}.{}.{};", is.st_dev, is.st_ino, is.st_size, is.st_mtim.tv_sec, is.st_mtim.tv_nsec,
                       is.st_ctim.tv_nsec);
  }
  return out;
}

}  // namespace

FileWatch::FileWatch() = default;
FileWatch::~FileWatch() = default;

void FileWatch::add(std::vector<std::string> files, std::function<void()> on_change, steady_clock::duration period) {
  std::erase(files, std::string());
  std::string seen = look_of(files);
  const std::scoped_lock lock(mutex_);
  entries_.push_back({std::move(files), std::move(on_change), period, steady_clock::now(), seen, seen});
  if (thread_.joinable()) return;
  const unsigned heard = g_hangups.load(std::memory_order_relaxed);
  thread_ = std::jthread([this, heard](const std::stop_token& stop) { run(stop, heard); });
}

void FileWatch::listen_for_hangups() {
  std::signal(SIGHUP, [](int) { g_hangups.fetch_add(1, std::memory_order_relaxed); });
}

void FileWatch::run(const std::stop_token& stop, unsigned heard) {
  pthread_setname_np(pthread_self(), "files");
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    const unsigned hangups = g_hangups.load(std::memory_order_relaxed);
    const bool asked = std::exchange(heard, hangups) != hangups;
    for (Entry& entry : entries_) look(entry, asked);
    pause_.wait_for(lock, stop, kPause, [] { return false; });
  }
}

void FileWatch::look(Entry& entry, bool asked) {
  std::string now = look_of(entry.files);
  const bool settled = now != entry.known && now == entry.seen;
  const bool due = entry.period > steady_clock::duration::zero() && steady_clock::now() - entry.called >= entry.period;
  entry.seen = std::move(now);
  if (!asked && !settled && !due) return;
  entry.known = entry.seen;
  entry.called = steady_clock::now();
  entry.on_change();
}

}  // namespace parley
