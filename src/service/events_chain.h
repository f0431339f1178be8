// Chains of cursors as tests follow them: what was sent, what each chain told, and whether both fit.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iostream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "chat/chat_id.h"
#include "chat/message_body.h"
#include "service/events.h"

namespace parley::service {

/// Who reads events along a chain of cursors, and what was told.
struct Chain {
  std::string user;  // empty: all of `lane` is followed
  std::size_t lane = 0;
  EventsBounds bounds{};
  bool asks_for_gaps = false;
  std::int32_t least_backlog = 0;  // that was asked for; 0: none was
  std::size_t began = 0;           // counted as Sent::began
  std::size_t begun = 0;
  EventsCursor start{};  // where it began
  EventsCursor cursor{};
  std::size_t pages = 0;                                 // that were taken
  std::map<std::string, std::vector<ChatEvent>> told{};  // by chat
};

/// One change that was asked for. Its records' texts are "NUMBER.0", "NUMBER.1" and so on.
struct Sent {
  std::string chat;
  std::size_t count = 0;  // of its records
  std::size_t began = 0;
  std::optional<std::size_t> acknowledged{};
  std::int64_t time = 0;  // that the acknowledgement says
};

using ChatLogs = std::map<std::string, std::vector<Record>>;

/// All that was sent and told. What is wrong is counted by what it is.
class Ledger {
 public:
  explicit Ledger(std::map<std::string, std::set<std::string>> audiences) : audiences_(std::move(audiences)) {}

  /// Numbers moments in their order.
  std::size_t now() { return ++moment_; }

  [[nodiscard]] std::size_t begin_send(std::string chat, std::size_t count) {
    sent_.push_back({.chat = std::move(chat), .count = count, .began = now()});
    return sent_.size() - 1;
  }
  void acknowledge(std::size_t sent, std::int64_t time) {
    sent_[sent].acknowledged = now();
    sent_[sent].time = time;
  }

  /// Takes a page for the chain, as its client does, which asked for it with `backlog`.
  void take(Chain& chain, EventsPage page, std::int32_t backlog) {
    if (backlog != 0 && (chain.least_backlog == 0 || backlog < chain.least_backlog)) chain.least_backlog = backlog;
    for (ChatEvent& event : page.events) {
      auto& told = chain.told[event.chat];
      told.push_back(std::move(event));
      ++events;
    }
    chain.cursor = std::move(page.cursor);
    ++chain.pages;
    ++pages;
  }

  /// Whether all that can be seen at last was told to the chain, which has caught up. `lane_of`: of a chat.
  template <class LaneOf>
  void check(const Chain& chain, const ChatLogs& logs, LaneOf lane_of) {
    for (const auto& [chat, log] : logs) {
      const std::size_t lane = lane_of(chat);
      const bool reads = chain.user.empty() ? lane == chain.lane : audiences_.at(chat).contains(chain.user);
      const auto found = chain.told.find(chat);
      const std::vector<ChatEvent> none;
      const auto& told = found == chain.told.end() ? none : found->second;
      if (!reads) {
        if (!told.empty()) ++bad["outside membership"];
        continue;
      }
      check_chat(chain, chat, log, told, chain.start.numbers[lane]);
    }
    for (const auto& [chat, told] : chain.told) {
      if (!logs.contains(chat)) ++bad["told, then lost"];
    }
  }

  /// Whether the logs have what was acknowledged, nothing twice, and times that rise.
  void check_logs(const ChatLogs& logs) {
    std::map<std::string, std::int64_t> times;
    for (const auto& [chat, log] : logs) {
      for (std::size_t i = 0; i < log.size(); ++i) {
        if (i > 0 && log[i].time <= log[i - 1].time) ++bad["order of a log"];
        if (!times.emplace(text_of(log[i]), log[i].time).second) ++bad["stored twice"];
      }
    }
    for (std::size_t i = 0; i < sent_.size(); ++i) {
      if (!sent_[i].acknowledged) continue;
      for (std::size_t part = 0; part < sent_[i].count; ++part) {
        const auto stored = times.find(std::to_string(i) + "." + std::to_string(part));
        if (stored == times.end()) {
          ++bad["acknowledged, then lost"];
        } else if (stored->second != sent_[i].time + static_cast<std::int64_t>(part)) {
          ++bad["stored at another time"];
        }
      }
    }
    records = times.size();
  }

  /// What did not hold, in one line; empty: all did.
  [[nodiscard]] std::string faults() const {
    std::string out;
    for (const auto& [what, count] : bad) out += what + ": " + std::to_string(count) + "; ";
    return out;
  }

  /// What a record of `sent` says. A message may have a key.
  static RecordDraft draft(std::size_t sent, std::size_t part, RecordKind kind, const ChatId& chat,
                           std::string key = {}) {
    const std::string text = std::to_string(sent) + "." + std::to_string(part);
    std::string sender(chat.first());
    if (kind == RecordKind::kMessage) return draft_of_message({chat, std::move(sender), text, std::move(key)});
    return {.kind = kind, .sender = std::move(sender), .about = 1'000'000, .body = text};
  }
  static std::string text_of(const Record& record) {
    return record.kind == RecordKind::kMessage ? to_message(record).value().text.str() : record.body;
  }

  std::map<std::string, std::size_t> bad;
  std::size_t events = 0;
  std::size_t pages = 0;
  std::size_t records = 0;

 private:
  void check_chat(const Chain& chain, const std::string& chat, const std::vector<Record>& log,
                  const std::vector<ChatEvent>& told, std::int64_t start) {
    std::map<std::int64_t, const Record*> durable;
    for (const Record& record : log) durable.emplace(record.time, &record);
    std::set<std::int64_t> seen;
    std::vector<std::pair<std::int64_t, std::int64_t>> gaps;
    std::int64_t last = 0;
    for (const ChatEvent& event : told) {
      if (!event.record) {
        if (event.time <= last) ++bad["order"];
        gaps.emplace_back(last + 1, event.time);
        if (!chain.asks_for_gaps) ++bad["a gap for nothing"];
      } else if (seen.contains(event.time)) {
        ++bad["told twice"];
      } else if (const auto found = durable.find(event.time);
                 found == durable.end() || *found->second != *event.record) {
        ++bad["told, then lost"];
        continue;
      } else if (event.time <= last) {
        ++bad["order"];
      } else if (event.time <= start) {
        ++bad["from before the cursor"];
      }
      seen.insert(event.time);
      last = std::max(last, event.time);
    }
    if (!gaps.empty()) check_gaps(chain, told, durable);
    const auto in_gap = [&](std::int64_t time) {
      return std::ranges::any_of(gaps, [time](const auto& gap) { return gap.first <= time && time <= gap.second; });
    };
    for (const Record& record : log) {
      if (record.time > start && !seen.contains(record.time) && !in_gap(record.time)) ++bad["missed"];
      // The number that the chain began at is neither too high nor too low.
      const Sent& sent = sent_.at(std::stoul(text_of(record)));
      if (sent.chat != chat) ++bad["in another chat"];
      if (chain.user.empty()) continue;
      if (sent.acknowledged && *sent.acknowledged < chain.began && record.time > start) ++bad["begins too early"];
      if (sent.began > chain.begun && record.time <= start) ++bad["begins too late"];
    }
  }

  /// A gap ends at a message, which was not told. Behind the last one come as many as were asked for, at least.
  void check_gaps(const Chain& chain, const std::vector<ChatEvent>& told,
                  const std::map<std::int64_t, const Record*>& durable) {
    std::int32_t messages = 0;  // behind the last gap
    for (const ChatEvent& event : told) {
      if (event.record) {
        messages += event.record->kind == RecordKind::kMessage ? 1 : 0;
        continue;
      }
      messages = 0;
      const auto end = durable.find(event.time);
      const bool is_message = end != durable.end() && end->second->kind == RecordKind::kMessage;
      const bool is_told =
          std::ranges::any_of(told, [&](const ChatEvent& other) { return other.record && other.time == event.time; });
      if (!is_message || is_told) ++bad["a gap that ends nowhere"];
    }
    if (messages < chain.least_backlog) ++bad["a gap that is too long"];
  }

  std::map<std::string, std::set<std::string>> audiences_;  // of each chat, its members too
  std::vector<Sent> sent_;
  std::size_t moment_ = 0;
};

/// What the histories of a test came to.
class Totals {
 public:
  /// `pages`: that were taken while things went wrong.
  void add(const Ledger& ledger, std::size_t pages, std::size_t failovers) {
    ++seeds_;
    records_ += ledger.records;
    events_ += ledger.events;
    pages_ += pages;
    failovers_ += failovers;
  }
  /// Prints it, and looks whether the histories did anything.
  void check() const {
    std::cout << seeds_ << " seeds, " << records_ << " records, " << pages_ << " pages while things went wrong, "
              << events_ << " events, " << failovers_ << " failovers\n";
    EXPECT_GT(records_, seeds_);
    EXPECT_GT(pages_, seeds_);
  }

 private:
  std::size_t seeds_ = 0;
  std::size_t records_ = 0;
  std::size_t events_ = 0;
  std::size_t pages_ = 0;
  std::size_t failovers_ = 0;
};

}  // namespace parley::service
