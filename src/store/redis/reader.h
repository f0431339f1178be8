// Pages from Redis.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/task.h"
#include "net/loop.h"
#include "redis/client.h"
#include "store/message_store.h"
#include "store/page_cache.h"
#include "store/redis/calls.h"
#include "store/redis/identity.h"
#include "store/store_options.h"

namespace parley::store {

/// One XRANGE a page, if the server's answer cannot grow beyond a few MiB; else a script that ends the page where its
/// bytes do. A page that was cut going forward never changes, and is kept until a server or its data are lost or
/// replaced. kUnavailable if that happens meanwhile.
/// Whether a chat exists at all is asked only if its page is empty.
class RedisReader {
 public:
  /// What it is given must outlive it.
  RedisReader(redis::Client& client, const RedisIdentity& identity, const StoreOptions& options, std::size_t loops);

  /// As MessageStore::read(). On a loop.
  [[nodiscard]] Task<RecordPage> read(ChatId chat, RecordRange range, Deadline deadline);

  /// By loop.
  [[nodiscard]] const PageCachesOfLoops& pages() const noexcept { return pages_; }

 private:
  struct Query {  // for what comes next of a page, and one entry more
    std::string stream;
    bool reverse = false;
    std::string from;
    std::string to;
    Deadline deadline;
    std::size_t wanted = 0;  // entries
    std::size_t room = 0;    // for bytes of records

    [[nodiscard]] std::string_view command() const noexcept { return reverse ? "XREVRANGE" : "XRANGE"; }
  };

  // The query stays where it is meanwhile.
  [[nodiscard]] Async<RedisAnswer> ask(const Query& query);
  [[nodiscard]] Async<RedisAnswer> ask_bounded(const Query& query);
  /// This loop's pages. Forgets what is no longer known first.
  [[nodiscard]] PageCache& kept();
  /// A number that changes when what is remembered may be no longer so.
  [[nodiscard]] std::uint64_t changes() const noexcept { return client_.changes() + identity_.forgotten(); }
  void note_size(std::size_t record);
  [[nodiscard]] Task<bool> exists(const std::string& stream, Deadline deadline);

  redis::Client& client_;
  const RedisIdentity& identity_;
  std::atomic<std::size_t>
      largest_;              // record that is known of: there may be larger ones, of a larger --max-text before
  PageCachesOfLoops pages_;  // by loop
  std::vector<std::uint64_t> since_;  // changes() when pages_ was begun, by loop
};

}  // namespace parley::store
