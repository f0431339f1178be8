// The row of an engine: all that the program needs to know of one kind of store. A new engine is a folder and a row.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "base/file_watch.h"
#include "base/finding.h"
#include "base/metrics.h"
#include "base/option_set.h"
#include "net/loop.h"
#include "store/message_store.h"
#include "store/store_options.h"

namespace parley::store {

/// What opening a store takes besides its URL.
struct Opening {
  const StoreOptions& options;
  net::LoopPool& loops;      ///< outlive the store
  MetricsRegistry& metrics;  ///< shows its cells from now on
  FileWatch& files;          ///< tells of files that have changed
  Deadline deadline;         ///< by which a server must have answered
};

/// What looking at a store takes besides its URL.
struct Looking {
  const StoreOptions& options;
  std::chrono::milliseconds request_timeout;  ///< for a send to be answered
  std::chrono::milliseconds patience;         ///< for a server to answer now
};

/// Copies share what the options of the engine's own were set to. Its functions block; not from a loop.
struct Engine {
  std::string_view urls;       ///< what its URLs look like, for the help: "rocksdb:PATH"
  std::string_view promise{};  ///< what an acknowledgement means, whatever --durability says; empty: what that says
  bool embedded = false;       ///< whether it lies in this process: its memory is this machine's, its failure is ours

  /// Whether `url` is one of this engine's, in order or not.
  std::function<bool(std::string_view url)> takes;
  /// Says what is wrong with such a URL. What follows is for those with which nothing is.
  std::function<OptionResult(std::string_view url)> read;
  /// Declares the options that it alone has, which live as long as any copy of this row. None: it has no such options.
  std::function<void(OptionSet& options)> declare{};
  /// Whether those fit each other and `url`, which is empty if the store is another one's. None: nothing can be wrong.
  std::function<OptionResult(std::string_view url)> check{};
  /// `url` as the log names it. None: as it is, without a password.
  std::function<std::string(std::string_view url)> shown{};
  /// Says which process of this machine has it open; empty: none has. None: it lies elsewhere.
  std::function<std::string(std::string_view url)> holder{};
  /// Opens the store that `url` names, or makes it. The error's detail is one line for a person.
  std::function<Result<std::unique_ptr<MessageStore>>(std::string_view url, const Opening& with)> open;
  /// Looks at what `url` names, as `parley doctor`; changes nothing there.
  std::function<Findings(std::string_view url, const Looking& at)> look;
};

}  // namespace parley::store
