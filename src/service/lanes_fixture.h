// A store of lanes for tests: servers that lose what was not confirmed when they fail over, nodes whose clocks are
// hours apart and that crash, and a wire on which every command waits until the test picks it: soon, later, or never.
// It runs on one thread, and a seed says all that happens. Each rule that makes it right can be broken by name.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/wakeup.h"
#include "chat/message_body.h"
#include "net/loop.h"
#include "store/message_store.h"

namespace parley::service {

inline constexpr std::int64_t kModelHour = 3'600'000'000;

/// What can be broken. The text of each says what goes wrong without it.
enum class Rule : std::uint8_t {
  kLaneTime,          ///< a time is above the lane's clock, not only above the chat's last record
  kOneStep,           ///< a record can be seen in the step that moves the lane's clock
  kLimit,             ///< an append carries a limit, and the step gives no time above it
  kConfirmIndex,      ///< an index row is confirmed before the append is sent
  kConfirmUnchanged,  ///< so is one that was high enough: it may be another node's unconfirmed write
  kFence,             ///< a batch is executed once
  kUnknownIsFinal,    ///< after a lost answer a refusal for the limit is an unknown outcome
  kConfirmedClock,    ///< the clock of a page is known to be confirmed by replicas
  kNewestClock,       ///< the newest clock is had when it is asked for
  kFollower,          ///< each append raises the row of who follows the lane
  kIndexAge,          ///< a page of an index says when rows may have fallen since the one before
};

struct ModelShape {
  std::size_t lanes = 3;
  bool failovers = true;  // else what was written is durable at once
  std::set<Rule> broken{};
};

class Model;

/// A node: what the program is to such servers.
class ModelStore final : public store::MessageStore {
 public:
  ModelStore(Model& model, std::int64_t skew) : skew_(skew), model_(model) {}

  Task<store::Appended> append(store::Change change, Deadline deadline) override;
  Task<store::RecordPage> read(ChatId chat, store::RecordRange range, Deadline deadline) override;
  Task<store::IndexPage> index(std::string user, store::IndexRange range, Deadline deadline) override;
  Task<std::vector<std::int64_t>> clocks(store::Clocks which, Deadline deadline) override;
  Task<store::RowPage> rows(store::TableId, store::RowRange, Deadline) override { co_return store::RowPage{}; }
  Task<store::Written> write(store::TableId, std::vector<store::RowWrite>, Deadline) override {
    co_return store::Written{};
  }
  std::size_t lanes() const noexcept override;
  std::size_t lane_of(std::string_view chat) const noexcept override;
  std::size_t reads_at_once() const noexcept override { return 64; }
  store::Bell& bell() noexcept override;
  Health health() const override { return {}; }
  std::string id() const override { return "model"; }

  /// What it had begun fails, what it remembers is gone, and it is not used any more.
  void crash() { dead_ = true; }
  [[nodiscard]] bool dead() const noexcept { return dead_; }
  void turn_clock(std::int64_t skew) { skew_ = skew; }

 private:
  friend class Model;
  std::int64_t skew_;
  Model& model_;
  bool dead_ = false;
  std::map<std::pair<std::string, std::string>, std::int64_t> wrote_;  // by user and chat: what it had confirmed
  std::map<std::size_t, std::int64_t> clocks_;
};

/// The servers, the wire, and time.
class Model {
 public:
  Model(std::uint64_t seed, ModelShape shape) : random_(seed), shape_(std::move(shape)), lanes_(shape_.lanes) {}

  // Chance

  [[nodiscard]] double unit() { return std::uniform_real_distribution<>(0, 1)(random_); }
  [[nodiscard]] bool chance(double p) { return unit() < p; }
  [[nodiscard]] std::size_t below(std::size_t bound) { return static_cast<std::size_t>(random_() % bound); }
  [[nodiscard]] std::int64_t skew() { return static_cast<std::int64_t>(below(6 * kModelHour)) - 3 * kModelHour; }
  [[nodiscard]] double exponential(double mean) { return std::exponential_distribution<>(1 / mean)(random_); }
  [[nodiscard]] bool keeps(Rule rule) const { return !shape_.broken.contains(rule); }

  // The wire

  /// Whether there is something on it, and executes one: mostly one of the newest, since the others become old.
  bool run_wire() {
    if (wire_.empty()) return false;
    const auto back = chance(.15) ? below(wire_.size()) : static_cast<std::size_t>(exponential(5));
    const std::size_t at = wire_.size() - 1 - std::min(back, wire_.size() - 1);
    const auto command = wire_[at];
    wire_.erase(wire_.begin() + static_cast<std::ptrdiff_t>(at));
    command->run();
    wake(*command);
    return true;
  }
  /// Somebody's patience is over. What was asked for may still be executed.
  void give_up_one() {
    std::erase_if(patient_, [](const auto& command) { return !command->waits; });
    if (!patient_.empty()) wake(*patient_[below(patient_.size())]);
  }
  /// Everybody of a node that has crashed comes to an end.
  void end_of(const ModelStore& node) {
    for (const auto& command : std::vector(all_.begin(), all_.end())) {
      if (command->node == &node) wake(*command);
    }
    std::erase_if(all_, [](const auto& command) { return !command->waits; });
  }
  /// From now on no command waits, is lost, or fails.
  void be_calm() {
    calm_ = true;
    while (run_wire()) {
    }
    for (Lane& lane : lanes_) lane.known = lane.clock;
  }

  // Trouble

  void fail_over(std::size_t at, bool all) {
    Lane& lane = lanes_[at];
    const std::uint64_t keep = all || chance(.5) ? lane.safe : lane.safe + below(lane.position - lane.safe + 1);
    for (; !lane.journal.empty() && lane.journal.back().first > keep; lane.journal.pop_back()) {
      lane.journal.back().second();
    }
    ++lane.epoch;
    lane.away = false;
    ++failovers;
  }
  void fail_over_or_lose_replicas(std::size_t at) {
    if (chance(.3)) {
      fail_over(at, false);
    } else {
      lanes_[at].away = true;
    }
  }
  /// Replicas that were away come back, or their master is replaced.
  void turn() {
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      if (!lanes_[i].away || !chance(.004)) continue;
      if (chance(.5)) {
        fail_over(i, false);
      } else {
        lanes_[i].away = false;
      }
    }
  }

  [[nodiscard]] const ModelShape& shape() const noexcept { return shape_; }
  [[nodiscard]] std::size_t lane_of(std::string_view name) const noexcept {
    std::size_t hash = 14695981039346656037U;
    for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
    return (hash >> 20) % lanes_.size();
  }
  /// That of who follows a lane lies there, since the append raises it.
  [[nodiscard]] std::size_t lane_of_index(std::string_view user) const {
    for (std::size_t lane = 0; lane < lanes_.size(); ++lane) {
      if (user == store::follower_of(lane)) return lane;
    }
    return lane_of(user);
  }
  [[nodiscard]] const std::map<std::string, std::vector<Record>>& logs() const noexcept { return logs_; }

  std::int64_t clock_us = 1'700'000'000'000'000;  ///< the true time
  std::size_t failovers = 0;
  std::size_t broken_invariants = 0;

 private:
  friend class ModelStore;

  /// A point in the history of one lane's server.
  struct Token {
    std::size_t lane;
    std::uint64_t epoch;
    std::uint64_t position;
  };
  struct Batch {
    std::uint64_t id;
    ChatId chat;
    std::vector<RecordDraft> records;
    std::vector<std::string> audience;
    std::int64_t now;
    std::int64_t limit;
  };
  struct Answer {
    bool refused;           // for the limit
    std::int64_t time = 0;  // the first record's, or the clock
    Token token{};
  };
  struct Lane {
    std::int64_t clock = 0;
    std::int64_t known = 0;  // of the clock, to be confirmed
    std::uint64_t epoch = 0;
    std::uint64_t position = 0;
    std::uint64_t safe = 0;                                                  // up to where replicas have it
    bool away = false;                                                       // replicas do not answer
    std::vector<std::pair<std::uint64_t, std::function<void()>>> journal{};  // how to undo what they may not have
    std::map<std::uint64_t, std::pair<std::int64_t, std::int64_t>> fence{};  // batch to its limit and time
  };
  struct Command {
    const ModelStore* node;
    std::function<void()> run;
    bool waits = true;  // somebody does
    Wakeup wakeup{};
  };

  static void wake(Command& command) {
    if (std::exchange(command.waits, false)) command.wakeup.wake();
  }

  /// Sends a command. It is executed once, at any later moment, or never; its answer may be lost.
  template <class T>
  Async<std::optional<T>> call(const ModelStore& node, std::function<T()> execute, bool reliable = false) {
    if (node.dead()) co_return std::nullopt;
    if (calm_) co_return execute();
    const auto answer = std::make_shared<std::optional<T>>();
    const auto command =
        std::make_shared<Command>(&node, [answer, execute = std::move(execute)] { *answer = execute(); });
    if (reliable || chance(.99)) wire_.push_back(command);
    if (!reliable) patient_.push_back(command);
    all_.push_back(command);
    if (all_.size() > 1000) std::erase_if(all_, [](const auto& one) { return !one->waits; });
    co_await command->wakeup.wait();
    if (node.dead() || (!reliable && chance(.02))) co_return std::nullopt;
    co_return *answer;
  }

  Token wrote(std::size_t at, std::function<void()> undo) {
    Lane& lane = lanes_[at];
    ++lane.position;
    if (shape_.failovers) {
      lane.journal.emplace_back(lane.position, std::move(undo));
    } else {
      lane.safe = lane.position;
      lane.known = lane.clock;
    }
    return {at, lane.epoch, lane.position};
  }

  bool confirm(const Token& token) {
    Lane& lane = lanes_[token.lane];
    if (token.epoch != lane.epoch || (lane.away && token.position > lane.safe)) return false;
    lane.safe = std::max(lane.safe, token.position);
    std::erase_if(lane.journal, [&](const auto& entry) { return entry.first <= token.position; });
    return true;
  }

  Token raise(const std::string& user, const std::string& chat, std::int64_t value) {
    const std::size_t at = lane_of(user);
    const Lane& lane = lanes_[at];
    auto& rows = index_[user];
    const auto found = rows.find(chat);
    if (found != rows.end() && found->second >= value) {
      return keeps(Rule::kConfirmUnchanged) ? wrote(at, [] {}) : Token{at, lane.epoch, lane.safe};
    }
    const std::int64_t old = found == rows.end() ? 0 : found->second;
    rows[chat] = value;
    return wrote(at, [this, user, chat, old] { put_back(user, chat, old); });
  }
  void put_back(const std::string& user, const std::string& chat, std::int64_t old) {
    if (old == 0) {
      index_[user].erase(chat);
    } else {
      index_[user][chat] = old;
    }
  }

  bool raise_known(std::size_t at, std::int64_t time) {
    Lane& lane = lanes_[at];
    if (time <= lane.known) return true;
    const std::int64_t old = std::exchange(lane.known, time);
    wrote(at, [&lane, old] { lane.known = old; });
    return true;
  }

  /// The atomic step: it refuses, or gives times, moves the clock, and adds the records.
  Answer append(const Batch& batch) {
    const std::string& chat = batch.chat.name();
    const std::size_t at = lane_of(chat);
    Lane& lane = lanes_[at];
    if (const auto done = lane.fence.find(batch.id); keeps(Rule::kFence) && done != lane.fence.end()) {
      return {false, done->second.second, {at, lane.epoch, lane.position}};
    }
    auto& log = logs_[chat];
    const std::int64_t last = keeps(Rule::kLaneTime) ? lane.clock : log.empty() ? 0 : log.back().time;
    const std::int64_t first = std::max(batch.now, last + 1);
    const std::int64_t end = first + static_cast<std::int64_t>(batch.records.size()) - 1;
    if (keeps(Rule::kLimit) && end > batch.limit) return {true, lane.clock};

    std::vector<Record> records;
    for (const RecordDraft& draft : batch.records) {
      const std::int64_t t = first + static_cast<std::int64_t>(records.size());
      records.push_back({draft.kind, t, draft.sender, draft.about, draft.body});
    }
    const std::int64_t old_clock = lane.clock;
    auto old_fence = lane.fence;
    lane.clock = std::max(lane.clock, end);
    std::erase_if(lane.fence, [&](const auto& entry) { return entry.second.first < lane.clock; });
    lane.fence[batch.id] = {batch.limit, first};
    const std::string follower = store::follower_of(at);
    const std::int64_t old_row = index_[follower].contains(chat) ? index_[follower][chat] : 0;
    if (keeps(Rule::kFollower)) index_[follower][chat] = std::max(old_row, end);
    if (keeps(Rule::kOneStep)) {
      add(chat, records);
    } else {
      wire_.push_back(std::make_shared<Command>(nullptr, [this, chat, records] { add(chat, records); }));
    }
    for (const std::string& user : batch.audience) {  // the invariant, looked at from outside
      const auto row = index_[user].find(chat);
      if (row == index_[user].end() || row->second < end - store::kIndexGrain) ++broken_invariants;
    }
    const Token token = wrote(at, [this, &lane, chat, first, end, old_clock, old_fence, follower, old_row] {
      std::erase_if(logs_[chat], [&](const Record& record) { return first <= record.time && record.time <= end; });
      lane.clock = old_clock;
      lane.fence = old_fence;
      put_back(follower, chat, old_row);
    });
    return {false, first, token};
  }
  void add(const std::string& chat, const std::vector<Record>& records) {
    auto& log = logs_[chat];
    log.insert(log.end(), records.begin(), records.end());
    std::ranges::sort(log, {}, &Record::time);
  }

  std::mt19937_64 random_;
  const ModelShape shape_;
  std::vector<Lane> lanes_;
  std::map<std::string, std::vector<Record>> logs_;
  std::map<std::string, std::map<std::string, std::int64_t>> index_;
  std::uint64_t batches_ = 0;
  bool calm_ = false;
  std::vector<std::shared_ptr<Command>> wire_;
  std::vector<std::shared_ptr<Command>> patient_;
  std::vector<std::shared_ptr<Command>> all_;
};

inline std::size_t ModelStore::lanes() const noexcept { return model_.lanes_.size(); }
inline std::size_t ModelStore::lane_of(std::string_view chat) const noexcept { return model_.lane_of(chat); }
inline store::Bell& ModelStore::bell() noexcept {
  static net::LoopPool loops(1);
  static store::Bell bell(loops);
  return bell;
}

inline Task<store::Appended> ModelStore::append(store::Change change, Deadline) {
  Model& model = model_;
  std::set<std::string> audience(change.audience.begin(), change.audience.end());
  audience.emplace(change.chat.first());
  audience.emplace(change.chat.second());
  const std::string chat = change.chat.name();
  const std::size_t lane = model.lane_of(chat);
  const auto unknown = [] { return fail(ErrorCode::kOutcomeUnknown, "who knows"); };
  Model::Batch batch{.id = ++model.batches_,
                     .chat = change.chat,
                     .records = {change.records.begin(), change.records.end()},
                     .audience = {audience.begin(), audience.end()},
                     .now = 0,
                     .limit = 0};
  std::int64_t floor = 0;
  for (int attempt = 0; attempt < 4; ++attempt) {
    batch.now = model.clock_us + skew_;
    const std::int64_t want = std::max(batch.now, floor);
    batch.limit = want + store::kIndexGrain;
    for (const std::string& user : audience) {  // what this node had confirmed lately is not written again
      std::int64_t& confirmed = wrote_[{user, chat}];
      if (confirmed == 0 || want >= confirmed + store::kIndexGrain || floor != 0) {
        const auto token = co_await model.call<Model::Token>(
            *this, [&model, user, chat, want] { return model.raise(user, chat, want); });
        if (!token) co_return fail(ErrorCode::kUnavailable, "the index does not answer");
        if (model.keeps(Rule::kConfirmIndex)) {
          const auto safe = co_await model.call<bool>(*this, [&model, at = *token] { return model.confirm(at); });
          if (!safe || !*safe) co_return fail(ErrorCode::kUnavailable, "the index is not confirmed");
        }
        wrote_[{user, chat}] = std::max(wrote_[{user, chat}], want);
      }
      batch.limit = std::min(batch.limit, wrote_[{user, chat}] + store::kIndexGrain);
    }
    bool repeated = false;
    std::optional<Model::Answer> answer;
    while (!answer) {
      answer = co_await model.call<Model::Answer>(*this, [&model, batch] { return model.append(batch); });
      if (answer) break;
      if (dead_ || model.chance(.4)) co_return unknown();
      repeated = true;  // the very same batch again
    }
    if (answer->refused) {
      if (repeated && model.keeps(Rule::kUnknownIsFinal)) co_return unknown();
      floor = answer->time + 1;
      continue;
    }
    const auto safe = co_await model.call<bool>(*this, [&model, at = answer->token] { return model.confirm(at); });
    if (!safe || !*safe) co_return unknown();
    const std::int64_t last = answer->time + static_cast<std::int64_t>(batch.records.size()) - 1;
    (void)co_await model.call<bool>(*this, [&model, lane, last] { return model.raise_known(lane, last); });
    co_return store::Appended{.send_time = answer->time};
  }
  co_return fail(ErrorCode::kUnavailable, "the lane's clock runs ahead");
}

/// Pages end anywhere.
inline Task<store::RecordPage> ModelStore::read(ChatId chat, store::RecordRange range, Deadline) {
  Model& model = model_;
  const auto execute = [&model, name = chat.name(), range] {
    store::RecordPage page;
    PageRange bounds = range.page;
    if (!model.calm_) bounds.limit = std::min(bounds.limit, static_cast<std::int32_t>(1 + model.below(6)));
    PageRoom room(bounds);
    const auto& log = model.logs_[name];
    const auto take = [&](const Record& record) {
      const bool fits =
          bounds.reverse ? bounds.cursor == 0 || record.time <= bounds.cursor : record.time >= bounds.cursor;
      const bool ends = range.end != 0 && (bounds.reverse ? record.time <= range.end : record.time >= range.end);
      if (page.has_more || !fits || ends || (!range.all_kinds && record.kind != RecordKind::kMessage)) return;
      page.has_more = !room.take(page_bytes(record.kind, record.body));
      if (!page.has_more) page.records.push_back(record);
    };
    if (bounds.reverse) {
      std::for_each(log.rbegin(), log.rend(), take);
    } else {
      std::ranges::for_each(log, take);
    }
    return page;
  };
  auto page = co_await model.call<store::RecordPage>(*this, execute, true);
  if (!page) co_return fail(ErrorCode::kUnavailable, "the node has crashed");
  co_return *std::move(page);
}

inline Task<store::IndexPage> ModelStore::index(std::string user, store::IndexRange range, Deadline) {
  Model& model = model_;
  const auto execute = [&model, user, range] {
    store::IndexPage page;
    std::vector<store::IndexRow> rows;
    for (const auto& [chat, time] : model.index_[user]) {
      if (time >= range.least) rows.push_back({chat, time});
    }
    const auto place = [](const store::IndexRow& row) { return std::pair(row.time, row.chat); };
    std::ranges::sort(rows, {}, place);
    if (!range.oldest_first) std::ranges::reverse(rows);
    const std::size_t limit = model.calm_ ? range.limit : 1 + model.below(5);
    if (model.keeps(Rule::kIndexAge)) page.age = model.lanes_[model.lane_of_index(user)].epoch;
    for (store::IndexRow& row : rows) {
      if (range.after && (range.oldest_first ? place(row) <= place(*range.after) : place(row) >= place(*range.after)))
        continue;
      page.has_more = page.rows.size() == limit;
      if (page.has_more) break;
      page.rows.push_back(std::move(row));
    }
    return page;
  };
  auto page = co_await model.call<store::IndexPage>(*this, execute, true);
  if (!page) co_return fail(ErrorCode::kUnavailable, "the node has crashed");
  co_return *std::move(page);
}

inline Task<std::vector<std::int64_t>> ModelStore::clocks(store::Clocks which, Deadline) {
  Model& model = model_;
  const bool newest = which == store::Clocks::kNewest && model.keeps(Rule::kNewestClock);
  std::vector<std::int64_t> out;
  for (std::size_t lane = 0; lane < lanes(); ++lane) {
    const auto execute = [this, &model, lane, newest]() -> std::int64_t {
      Model::Lane& of = model.lanes_[lane];
      if (!model.keeps(Rule::kConfirmedClock) || model.calm_) return of.clock;
      if (!newest && clocks_.contains(lane) && model.chance(.2)) return clocks_[lane];  // an older one is right too
      if (newest || model.chance(.5)) {
        if (model.confirm({lane, of.epoch, of.position})) {
          model.raise_known(lane, of.clock);
        } else if (newest) {
          return -1;
        }
      }
      clocks_[lane] = std::max(of.known, clocks_[lane]);
      return of.known;
    };
    const auto clock = co_await model.call<std::int64_t>(*this, execute, true);
    if (!clock || *clock < 0) co_return fail(ErrorCode::kUnavailable, "replicas do not answer");
    out.push_back(*clock);
  }
  co_return out;
}

}  // namespace parley::service
