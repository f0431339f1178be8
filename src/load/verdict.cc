#include "load/verdict.h"

#include <algorithm>
#include <unordered_map>

namespace parley::load {
namespace {

std::uint64_t key_of(SendName name) { return std::uint64_t{name.worker} << 32U | name.number; }

struct Found {
  const SendRecord* record;
  std::uint64_t copies = 0;
  std::int64_t time = 0;
};
using FoundByName = std::unordered_map<std::uint64_t, Found>;

void look(const StoredMessage& message, FoundByName& found, Verdict& verdict) {
  if (!message.owner) return;
  const auto it = found.find(key_of(*message.owner));
  if (it == found.end()) {
    ++verdict.altered;  // it was sent to another chat, or never
    return;
  }
  Found& send = it->second;
  send.time = message.time;
  if (++send.copies == 2) ++verdict.twice;
  const SendRecord& record = *send.record;
  const bool other_time = record.send_time != 0 && record.send_time != message.time;
  if (!message.intact || (record.told == Told::kAcknowledged && other_time)) ++verdict.altered;
  if (record.told == Told::kRefused) ++verdict.refused;
}

/// If A was acknowledged before B was sent, A's time is less.
std::uint64_t count_overtaken(const FoundByName& found) {
  std::vector<const Found*> by_time;
  for (const auto& [name, send] : found) {
    if (send.record->told == Told::kAcknowledged && send.copies > 0) by_time.push_back(&send);
  }
  std::ranges::sort(by_time, {}, &Found::time);
  std::uint64_t out = 0;
  Clock::time_point last_begun = Clock::time_point::min();
  for (const Found* send : by_time) {
    if (last_begun > send->record->ended) ++out;
    last_begun = std::max(last_begun, send->record->begun);
  }
  return out;
}

std::uint64_t count_missed(std::span<const FollowRecord> follows, std::span<const StoredMessage> stored) {
  std::uint64_t out = 0;
  for (const FollowRecord& follow : follows) {
    const auto given = static_cast<std::uint64_t>(std::ranges::count_if(
        stored, [&](const StoredMessage& m) { return m.time >= follow.from && m.time < follow.cursor; }));
    out += std::max(given, follow.seen) - std::min(given, follow.seen);
  }
  return out;
}

}  // namespace

void Verdict::merge(const Verdict& other) {
  for (const auto member :
       {&Verdict::acknowledged, &Verdict::unknown, &Verdict::unknown_stored, &Verdict::chats, &Verdict::unread,
        &Verdict::unverified, &Verdict::lost, &Verdict::twice, &Verdict::altered, &Verdict::disorder,
        &Verdict::overtaken, &Verdict::refused, &Verdict::missed, &Verdict::bad_pages}) {
    this->*member += other.*member;
  }
}

void Verdict::count(Told told) noexcept {
  acknowledged += told == Told::kAcknowledged ? 1 : 0;
  unknown += told == Told::kUnknown ? 1 : 0;
}

std::vector<std::pair<std::string, std::uint64_t>> Verdict::violations() const {
  std::vector<std::pair<std::string, std::uint64_t>> out{{"acknowledged and lost", lost},
                                                         {"stored more than once", twice},
                                                         {"altered", altered},
                                                         {"times that do not rise", disorder},
                                                         {"overtaken by a later send", overtaken},
                                                         {"stored though refused", refused},
                                                         {"missed or repeated for a follower", missed},
                                                         {"pages not as asked for", bad_pages}};
  std::erase_if(out, [](const auto& violation) { return violation.second == 0; });
  return out;
}

Verdict unread_chat(std::span<const NamedSend> sends) {
  Verdict verdict{.chats = 1, .unread = 1};
  for (const NamedSend& send : sends) verdict.count(send.record->told);
  verdict.unverified = verdict.acknowledged;
  return verdict;
}

Verdict judge_chat(std::span<const NamedSend> sends, std::span<const FollowRecord> follows,
                   std::span<const StoredMessage> stored) {
  Verdict verdict{.chats = 1};
  FoundByName found;
  for (const NamedSend& send : sends) found.emplace(key_of(send.name), Found{send.record});
  std::int64_t last = 0;
  for (const StoredMessage& message : stored) {
    if (message.time <= last) ++verdict.disorder;
    last = message.time;
    look(message, found, verdict);
  }
  for (const auto& [name, send] : found) {
    const Told told = send.record->told;
    verdict.count(told);
    verdict.unknown_stored += told == Told::kUnknown && send.copies > 0 ? 1 : 0;
    verdict.lost += told == Told::kAcknowledged && send.copies == 0 ? 1 : 0;
  }
  verdict.overtaken = count_overtaken(found);
  verdict.missed = count_missed(follows, stored);
  return verdict;
}

}  // namespace parley::load
