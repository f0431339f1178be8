// Rows that were written since those who wait for the writer looked at them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>

namespace parley::store {

/// Conditions on rows are looked up before a write comes to the writer. So the writer keeps what it wrote last: it is
/// newer than whatever was found, or the same. Within a bound: if somebody looked before the last batch of which
/// something was forgotten, what was found is too old. The batch that is being made is kept whatever its size, since no
/// look can find its rows. One thread's.
class UnseenRows {
 public:
  explicit UnseenRows(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  /// A row that batch `batch` writes, or takes away. Batches rise.
  void put(const std::string& key, const std::optional<std::string>& value, std::uint64_t batch) {
    rows_.insert_or_assign(key, Written{value, batch});
    order_.push_back({batch, key, bytes_of(key, value)});
    bytes_ += order_.back().bytes;
    while (bytes_ > max_bytes_ && order_.front().batch != batch) forget_oldest();
  }

  /// The row as it was written last: null if that is not remembered.
  [[nodiscard]] const std::optional<std::string>* find(const std::string& key) const {
    const auto found = rows_.find(key);
    return found == rows_.end() ? nullptr : &found->second.value;
  }

  /// Whoever has seen this batch, and so all before it, misses nothing that find() does not have.
  [[nodiscard]] std::uint64_t complete_since() const noexcept { return complete_since_; }

 private:
  struct Written {
    std::optional<std::string> value;
    std::uint64_t batch;
  };
  struct Place {
    std::uint64_t batch;
    std::string key;
    std::size_t bytes;
  };

  static constexpr std::size_t kEntryBytes = 200;  // of the nodes

  [[nodiscard]] static std::size_t bytes_of(const std::string& key, const std::optional<std::string>& value) {
    return kEntryBytes + 2 * key.size() + (value ? value->size() : 0);
  }

  void forget_oldest() {
    const Place& oldest = order_.front();
    bytes_ -= oldest.bytes;
    const auto row = rows_.find(oldest.key);
    if (row != rows_.end() && row->second.batch == oldest.batch) {
      complete_since_ = oldest.batch;
      rows_.erase(row);
    }
    order_.pop_front();
  }

  const std::size_t max_bytes_;
  std::size_t bytes_ = 0;
  std::uint64_t complete_since_ = 0;
  std::unordered_map<std::string, Written> rows_;
  std::deque<Place> order_;
};

}  // namespace parley::store
