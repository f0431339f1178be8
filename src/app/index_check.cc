// Whether the index of a store tells of what its chats have, as MessageStore::index() promises. For the tests that kill
// servers.
//
//   index_check [OPTIONS] <CHATS     The options are those of `parley serve`; the chats are lines.
//
// Prints a line for each row that is missing or too low. Exit code 0: there is none; 1: there is; 2: the store could
// not be read.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/config.h"
#include "base/file_watch.h"
#include "base/metrics.h"
#include "base/output.h"
#include "net/loop.h"
#include "store/message_store.h"

namespace parley::app {
namespace {

constexpr int kFits = 0;
constexpr int kBroken = 1;
constexpr int kUnreadable = 2;
constexpr std::chrono::seconds kPatience{60};

int unreadable(std::string_view why) {
  print_error(why);
  return kUnreadable;
}

/// Whether the user's index has a row of the chat of at least `least`.
Task<bool> has_row(store::MessageStore& store, const std::string& user, const std::string& chat, std::int64_t least,
                   Deadline deadline) {
  store::IndexRange range{.least = least, .limit = store::kMaxIndexRows};
  while (true) {
    const auto page = co_await store.index(user, range, deadline);
    if (!page) co_return std::unexpected(page.error());
    if (std::ranges::find(page->rows, chat, &store::IndexRow::chat) != page->rows.end()) co_return true;
    if (!page->has_more) co_return false;
    range.after = page->rows.back();
  }
}

/// Who is not told of the chat's newest record, a line each. A row of an older record may be lower.
Task<std::vector<std::string>> missing_rows(store::MessageStore& store, ChatId chat, Deadline deadline) {
  std::vector<std::string> missing;
  const store::RecordRange newest{.page = {.limit = 1, .reverse = true}, .all_kinds = true};
  const auto page = co_await store.read(chat, newest, deadline);
  if (!page && page.error().code == ErrorCode::kChatNotFound) co_return missing;
  if (!page) co_return std::unexpected(page.error());
  if (page->records.empty()) co_return missing;
  const std::int64_t time = page->records.front().time;
  for (const std::string& user :
       {std::string(chat.first()), std::string(chat.second()), store::follower_of(store.lane_of(chat.name()))}) {
    const auto has = co_await has_row(store, user, chat.name(), time - store::kIndexGrain, deadline);
    if (!has) co_return std::unexpected(has.error());
    if (!*has) missing.push_back(fmt::format("{}: {} is not told of the record of {}", chat.name(), user, time));
  }
  co_return missing;
}

int check(const Config& config) {
  const store::Engine* const engine = find_engine(config.engines, config.store);
  if (engine == nullptr) return unreadable("--store: no such kind of store");
  net::LoopPool loops(1);
  MetricsRegistry metrics;
  FileWatch files;
  const Deadline deadline = loops.now() + kPatience;
  const auto store = engine->open(
      config.store,
      {.options = config.store_options, .loops = loops, .metrics = metrics, .files = files, .deadline = deadline});
  if (!store) return unreadable(store.error().detail);
  int outcome = kFits;
  for (std::string line; std::getline(std::cin, line);) {
    auto chat = ChatId::parse(line);
    if (!chat) return unreadable("no chat: " + line);
    const auto missing = net::run_on(loops[0], missing_rows(**store, *std::move(chat), deadline));
    if (!missing) return unreadable(missing.error().detail);
    for (const std::string& row : *missing) std::cout << row << "\n";
    if (!missing->empty()) outcome = kBroken;
  }
  return outcome;
}

int run(int argc, char** argv) {
  Config config;
  OptionSet options = declare_options(config);
  CLI::App app;
  options.add_to(app);
  CLI11_PARSE(app, argc, argv);
  if (const auto loaded = load_config(config, options, app, std::getenv); !loaded) return unreadable(loaded.error());
  configure_log(config.log_format, LogLevel::kError);
  return check(config);
}

}  // namespace
}  // namespace parley::app

int main(int argc, char** argv) { return parley::app::run(argc, argv); }
