// The records of a page.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <utility>
#include <vector>

#include "chat/record.h"

namespace parley::store {

/// A list of records whose copies share it, so that a page that is kept is served as it is. Whoever adds to a list that
/// is shared has a list of their own from then on. A list and its copies are one thread's, and go to another one
/// together.
class Records {
 public:
  using value_type = Record;
  using const_iterator = std::vector<Record>::const_iterator;
  using iterator = const_iterator;
  using size_type = std::size_t;

  Records() = default;
  Records(std::initializer_list<Record> records) : Records(std::vector<Record>(records)) {}
  Records(std::vector<Record> records)  // NOLINT(google-explicit-constructor): it is one
      : list_(std::make_shared<std::vector<Record>>(std::move(records))) {}

  [[nodiscard]] const std::vector<Record>& list() const noexcept {
    static const std::vector<Record> none;
    return list_ ? *list_ : none;
  }
  [[nodiscard]] const_iterator begin() const noexcept { return list().begin(); }
  [[nodiscard]] const_iterator end() const noexcept { return list().end(); }
  [[nodiscard]] std::size_t size() const noexcept { return list().size(); }
  [[nodiscard]] bool empty() const noexcept { return list().empty(); }
  [[nodiscard]] const Record& operator[](std::size_t at) const noexcept { return list()[at]; }
  [[nodiscard]] const Record& at(std::size_t place) const { return list().at(place); }
  [[nodiscard]] const Record& front() const noexcept { return list().front(); }
  [[nodiscard]] const Record& back() const noexcept { return list().back(); }

  /// What keeps the list as it is now.
  [[nodiscard]] std::shared_ptr<const void> owner() const noexcept { return list_; }

  void reserve(std::size_t count) { own().reserve(count); }
  void push_back(Record record) { own().push_back(std::move(record)); }
  Record& emplace_back() { return own().emplace_back(); }
  /// The list itself, or a copy if it is shared.
  [[nodiscard]] std::vector<Record> take() && { return std::move(own()); }

  friend bool operator==(const Records& a, const Records& b) { return a.list() == b.list(); }

 private:
  std::vector<Record>& own() {
    if (!list_ || list_.use_count() > 1) list_ = std::make_shared<std::vector<Record>>(list());
    return *list_;
  }

  std::shared_ptr<std::vector<Record>> list_;  // null: empty
};

}  // namespace parley::store
