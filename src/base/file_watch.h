// Notices that files have changed.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace parley {

/// Looks once a second, from a thread of its own, also behind symbolic links. Its calls come from any thread.
class FileWatch {
 public:
  FileWatch();
  /// Waits for the callback that runs, if one does.
  ~FileWatch();
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;

  /// Calls `on_change` on the watch's thread when one of `files` has changed, which was read before this call, and then
  /// has stayed as it is for a second: whoever writes two files that belong together needs a moment. Calls it for
  /// SIGHUP too, and every `period`; 0 is never.
  void add(std::vector<std::string> files, std::function<void()> on_change,
           std::chrono::steady_clock::duration period = {});

  /// SIGHUP, from now on, is a request to read all files again. It never ends the process.
  static void listen_for_hangups();

 private:
  struct Entry {
    std::vector<std::string> files;
    std::function<void()> on_change;
    std::chrono::steady_clock::duration period;
    std::chrono::steady_clock::time_point called;
    std::string known;  // what the files were like when they were read
    std::string seen;   // and at the last look
  };

  /// `heard`: how many hangups there have been.
  void run(const std::stop_token& stop, unsigned heard);
  static void look(Entry& entry, bool asked);

  std::mutex mutex_;
  std::condition_variable_any pause_;
  std::vector<Entry> entries_;
  std::jthread thread_;  // once there is something to look at
};

}  // namespace parley
