#include "rpc/client/store_identity.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "base/log.h"

namespace parley::rpc {
namespace {

constexpr std::array<std::string_view, 3> kDurabilities{"memory", "os", "fsync"};

}  // namespace

std::string StoreIdentity::id() const {
  const std::scoped_lock lock(mutex_);
  return id_.value_or("");
}

bool StoreIdentity::is_foreign() const {
  const std::scoped_lock lock(mutex_);
  return id_ && id_->empty();
}

void StoreIdentity::note(std::string_view durability, std::chrono::microseconds clock_offset) {
  const auto rank = std::ranges::find(kDurabilities, durability) - kDurabilities.begin();
  const std::scoped_lock lock(mutex_);
  clock_offset_ = clock_offset;
  if (rank < std::ssize(kDurabilities) && (!weakest_ || rank < *weakest_)) weakest_ = rank;
}

std::string StoreIdentity::durability() const {
  const std::scoped_lock lock(mutex_);
  return weakest_ ? std::string(kDurabilities.at(static_cast<std::size_t>(*weakest_))) : std::string();
}

std::chrono::microseconds StoreIdentity::clock_offset() const {
  const std::scoped_lock lock(mutex_);
  return clock_offset_;
}

std::string StoreIdentity::conflict(Deadline now) const {
  const std::scoped_lock lock(mutex_);
  const auto other =
      std::ranges::find_if(words_, [&](const Word& word) { return counts(word, now) && word.id != id_; });
  if (other == words_.end()) return "";
  return other->id->empty() || id_->empty()
             ? "some nodes have a store id, and some are foreign servers, which have none"
             : "the nodes do not share one store";
}

bool StoreIdentity::counts(const Word& word, Deadline now) {
  return word.id && (!word.ended || now - *word.ended < kRemembered);
}

StoreIdentity::Voice::Voice(StoreIdentity& identity) : identity_(identity) {
  const std::scoped_lock lock(identity_.mutex_);
  word_ = identity_.words_.emplace(identity_.words_.end());
}

StoreIdentity::Voice::~Voice() {
  const std::scoped_lock lock(identity_.mutex_);
  identity_.words_.erase(word_);
}

bool StoreIdentity::Voice::says(const std::string& id, Deadline now) {
  const std::scoped_lock lock(identity_.mutex_);
  *word_ = {.id = id};
  if (!identity_.id_) identity_.id_ = id;
  if (id == *identity_.id_) return true;
  if (id.empty() || identity_.id_->empty()) return false;
  const auto agrees = [&](const Word& word) { return !counts(word, now) || word.id == id; };
  if (!std::ranges::all_of(identity_.words_, agrees)) return false;
  log_error("every node that the gateway reaches serves another store than before, and the gateway uses that one now",
            {{"before", *identity_.id_}, {"now", id}});
  identity_.id_ = id;
  identity_.weakest_.reset();
  return true;
}

void StoreIdentity::Voice::ends(Deadline now) {
  const std::scoped_lock lock(identity_.mutex_);
  if (word_->id && !word_->ended) word_->ended = now;
}

}  // namespace parley::rpc
