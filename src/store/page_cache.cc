#include "store/page_cache.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <functional>
#include <iterator>
#include <utility>

#include <prometheus/metric_family.h>

namespace parley::store {
namespace {

/// A page that takes more than this part of the cache is not worth what it would drive out.
constexpr std::size_t kMaxShare = 16;
/// Pages have this part of a store's memory.
constexpr std::size_t kPagesShare = 8;

/// The chat comes last, so that it needs no end.
KeyBuffer key_of(const ChatId& chat, const RecordRange& range) {
  const std::array<std::int64_t, 4> numbers = {
      range.page.cursor, static_cast<std::int64_t>(range.page.max_bytes), range.end,
      std::int64_t{range.page.limit} << 2U | std::int64_t{range.page.reverse} << 1U | std::int64_t{range.all_kinds}};
  const std::string& name = chat.name();
  KeyBuffer key(sizeof numbers + name.size(), boost::container::default_init);
  std::memcpy(key.data(), numbers.data(), sizeof numbers);
  std::memcpy(key.data() + sizeof numbers, name.data(), name.size());
  return key;
}

/// Of a string beyond its object.
std::size_t heap_bytes(const std::string& text) {
  static const std::size_t inside = std::string().capacity();
  return text.capacity() > inside ? text.capacity() + 1 : 0;
}

std::size_t memory_of(const RecordPage& page) {
  std::size_t bytes = sizeof(std::vector<Record>) + page.records.list().capacity() * sizeof(Record);
  for (const Record& record : page.records) bytes += heap_bytes(record.sender) + heap_bytes(record.body);
  return bytes;
}

/// Of an entry's nodes in the list and the map.
constexpr std::size_t kNodeBytes = 64;

}  // namespace

const RecordPage* PageCache::find(const ChatId& chat, const RecordRange& range, ChatEpochs::Epoch epoch) {
  const KeyBuffer key = key_of(chat, range);
  const auto found = by_key_.find(std::string_view(key.data(), key.size()));
  if (found == by_key_.end()) return nullptr;
  const Entries::iterator entry = found->second;
  if (!entry->final && entry->epoch != epoch) {
    erase(entry);
    return nullptr;
  }
  entries_.splice(entries_.begin(), entries_, entry);
  hits_.add();
  return &entry->page;
}

void PageCache::put(const ChatId& chat, const RecordRange& range, const RecordPage& page, ChatEpochs::Epoch epoch) {
  const bool final = past_ == Past::kStays && !range.page.reverse && page.has_more;
  if (!final && ChatEpochs::written(epoch)) return;
  const KeyBuffer key = key_of(chat, range);
  const std::string_view key_view(key.data(), key.size());
  if (!asked_before(key_view)) return;
  if (const auto found = by_key_.find(key_view); found != by_key_.end()) erase(found->second);
  Entry entry{std::string(key_view), page, epoch, final, 0};
  entry.bytes = sizeof(Entry) + kNodeBytes + heap_bytes(entry.key) + memory_of(entry.page);
  if (entry.bytes > max_bytes_ / kMaxShare) return;
  bytes_.add(static_cast<std::int64_t>(entry.bytes));
  entries_.push_front(std::move(entry));
  by_key_.emplace(entries_.front().key, entries_.begin());
  while (bytes() > max_bytes_) erase(std::prev(entries_.end()));
}

bool PageCache::asked_before(std::string_view key) noexcept {
  const std::uint64_t hash = std::hash<std::string_view>{}(key);
  Asked& asked = asked_[hash % asked_.size()];
  auto place = std::ranges::find(asked, hash);
  const bool known = place != asked.end();
  if (!known) --place;
  *place = hash;
  std::rotate(asked.begin(), place, std::next(place));
  return known;
}

void PageCache::clear() {
  while (!entries_.empty()) erase(entries_.begin());
}

void PageCache::erase(Entries::iterator entry) {
  bytes_.add(-static_cast<std::int64_t>(entry->bytes));
  by_key_.erase(entry->key);
  entries_.erase(entry);
}

std::size_t page_memory(const StoreOptions& options) noexcept { return options.memory / kPagesShare; }

PageCachesOfLoops make_page_caches(const StoreOptions& options, std::size_t loops) {
  PageCachesOfLoops out;
  for (std::size_t i = 0; i < loops; ++i) out.emplace_back(page_memory(options) / loops, kPast);
  return out;
}

std::size_t page_bytes(const PageCachesOfLoops& pages) noexcept {
  std::size_t bytes = 0;
  for (const PageCache& loop : pages) bytes += loop.bytes();
  return bytes;
}

void add_page_metrics(StoreMetrics::Families& out, const PageCachesOfLoops& pages) {
  std::uint64_t hits = 0;
  for (const PageCache& loop : pages) hits += loop.hits();
  out.push_back(gauge_family("parley_store_page_bytes", "Bytes in pages that were read before",
                             {{Labels{}, static_cast<double>(page_bytes(pages))}}));
  out.push_back(counter_family("parley_store_page_hits_total", "Reads answered by a page that was read before",
                               {{Labels{}, static_cast<double>(hits)}}));
}

}  // namespace parley::store
