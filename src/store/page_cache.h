// Pages that were read before.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <string>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/metrics.h"
#include "store/bytes.h"
#include "store/chat_epochs.h"
#include "store/message_store.h"
#include "store/store_metrics.h"
#include "store/store_options.h"

namespace parley::store {

/// What may become of a chat's past.
enum class Past : std::uint8_t {
  kStays,    ///< appends are all that happens, and each is behind everything that was read before
  kChanges,  ///< what was read once may read otherwise later
};

/// The engines' promise, which is as strong as MessageStore's calls let it be. With a call that changes or takes back a
/// stored record, this is kChanges: then a page is asked each time whether its chat was written to.
inline constexpr Past kPast = Past::kStays;

/// Keeps the pages that were read last, within a bound. A page changes only when its chat does, which its
/// epoch tells. Where the past stays, a page that was cut while going forward never does. What is read once
/// drives out nothing: a page is kept when it was asked for before (the doorkeeper of TinyLFU, Einziger and others
/// 2017). One loop's.
class PageCache {
 public:
  PageCache(std::size_t max_bytes, Past past) : max_bytes_(max_bytes), past_(past), asked_(kAsked) {}
  PageCache(const PageCache&) = delete;
  PageCache& operator=(const PageCache&) = delete;

  /// What the store would answer, if that is known, to be copied, which costs nothing; `epoch` is the chat's now. Until
  /// the next call.
  [[nodiscard]] const RecordPage* find(const ChatId& chat, const RecordRange& range, ChatEpochs::Epoch epoch);

  /// Forgets all.
  void clear();

  /// Keeps a page that was read from the store, if it is not the first time; `epoch` is the chat's from before that.
  void put(const ChatId& chat, const RecordRange& range, const RecordPage& page, ChatEpochs::Epoch epoch);

  // Any thread.
  [[nodiscard]] std::size_t bytes() const noexcept { return static_cast<std::size_t>(bytes_.value()); }
  [[nodiscard]] std::uint64_t hits() const noexcept { return hits_.value(); }

 private:
  struct Entry {
    std::string key;
    RecordPage page;
    ChatEpochs::Epoch epoch;
    bool final;  // never changes
    std::size_t bytes;
  };
  using Entries = std::list<Entry>;

  /// Hashes of keys of pages that were asked for once, the last in front. Several, since of two in one place neither
  /// would ever be kept where they are asked for in turn.
  using Asked = std::array<std::uint64_t, 4>;
  static constexpr std::size_t kAsked = std::size_t{2} << 10;  // of these

  /// Whether the page of this key was asked for before, as far as is remembered.
  [[nodiscard]] bool asked_before(std::string_view key) noexcept;
  void erase(Entries::iterator entry);

  const std::size_t max_bytes_;
  const Past past_;
  std::vector<Asked> asked_;  // by the hash
  Entries entries_;           // the last used in front
  boost::unordered_flat_map<std::string_view, Entries::iterator> by_key_;
  Gauge bytes_;
  Counter hits_;
};

using PageCachesOfLoops = std::deque<PageCache>;

/// Of StoreOptions::memory, what pages may take that were read before.
[[nodiscard]] std::size_t page_memory(const StoreOptions& options) noexcept;
/// One for each loop, which together take no more than that.
[[nodiscard]] PageCachesOfLoops make_page_caches(const StoreOptions& options, std::size_t loops);
/// Bytes in all of them. Any thread.
[[nodiscard]] std::size_t page_bytes(const PageCachesOfLoops& pages) noexcept;
/// What they say of themselves. Any thread.
void add_page_metrics(StoreMetrics::Families& out, const PageCachesOfLoops& pages);

}  // namespace parley::store
