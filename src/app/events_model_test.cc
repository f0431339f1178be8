// The rules of lanes, index and cursors, checked at random over the engines themselves: whatever clocks, nodes, links
// and servers do, each chain of cursors tells every record once and in order. src/service/events_model_test.cc is the
// same over a store that can do worse.
#include <array>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/log.h"
#include "base/wakeup.h"
#include "net/waiters.h"
#include "redis/redis_topology_fixture.h"
#include "service/events.h"
#include "service/events_chain.h"
#include "service/model_time.h"
#include "store/embedded/store.h"
#include "store/memory/store.h"
#include "store/redis/breaking_link.h"
#include "store/redis/store_fixture.h"
#include "store/store_fixture.h"

namespace parley::service {
namespace {

using store::MessageStore;

class Chance {
 public:
  explicit Chance(std::uint64_t seed) : random_(seed) {}
  [[nodiscard]] std::size_t below(std::size_t bound) { return static_cast<std::size_t>(random_() % bound); }
  [[nodiscard]] bool in(std::size_t bound) { return below(bound) == 0; }

 private:
  std::mt19937_64 random_;
};

/// An engine's stores, of one history.
class World {
 public:
  virtual ~World() = default;

  /// Opens the store of a node, whose data are there after the first time.
  virtual std::unique_ptr<MessageStore> open(std::size_t node, const store::StoreOptions& options, net::LoopPool& loops,
                                             MetricsRegistry& metrics) = 0;
  /// A node's process ends at once, with nothing under way. What it has written is there when it opens again.
  virtual void kill(std::size_t) {}
  /// Whether a node can be closed and opened again now, without losing all.
  [[nodiscard]] virtual bool can_reopen() const { return true; }
  [[nodiscard]] virtual std::size_t nodes() const { return 1; }
  /// How long a call may take.
  [[nodiscard]] virtual std::chrono::milliseconds patience() const {
    return redis::kBuildScale * std::chrono::seconds(2);
  }
  /// Something goes wrong, and may stay so.
  virtual void trouble(Chance&) {}
  /// All is well again.
  virtual void heal() {}

  std::size_t failovers = 0;
};

/// Who follows a user's events on a node, as a live feed does: listens, looks, and looks again when it rings, and never
/// else. Its coroutine is on a loop.
class Follower {
 public:
  Follower(MessageStore& at, Chain chain, net::Loop& loop, std::chrono::milliseconds patience)
      : store_(at), loop_(loop), patience_(patience), chain_(std::move(chain)) {
    ended_ = boost::asio::co_spawn(loop_.executor(), follow(), boost::asio::use_future);
  }
  ~Follower() { stop(); }
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

  [[nodiscard]] const MessageStore& store() const noexcept { return store_; }
  [[nodiscard]] const std::string& user() const noexcept { return chain_.user; }

  /// Whether it has told of all of these, as the ledger numbers them.
  [[nodiscard]] bool has_told(const std::vector<std::size_t>& sent) {
    return net::run_on(loop_, [&] { return std::ranges::includes(told_, sent); });
  }
  /// Ends it. Its chain is what it was at the beginning, and goes on with these pages.
  std::pair<Chain, std::vector<EventsPage>> stop() {
    if (ended_.valid()) {
      net::run_on(loop_, [this] {
        stopped_ = true;
        ring();
      });
      ended_.get();
    }
    return {std::move(chain_), std::move(pages_)};
  }

 private:
  void ring() {
    if (!std::exchange(rung_, true)) more_.wake();
  }

  Async<> follow() {
    cursor_ = chain_.cursor;
    auto listening = store_.bell().listen_to_user(chain_.user, [this] { ring(); });
    while (!stopped_) {
      rung_ = false;
      if (co_await listen_to_chats() && co_await look()) {
        co_await more_.wait();
        continue;
      }
      net::TimedWakeup paused;  // the store did not answer
      co_await paused.wait(loop_, loop_.now() + std::chrono::milliseconds(10));
    }
    chats_.clear();
  }

  /// To those of which the user's bell may not tell.
  Async<bool> listen_to_chats() {
    const std::int64_t least = std::ranges::min(cursor_.numbers) - store::kIndexGrain;
    const auto page = co_await store_.index(chain_.user, {.least = least, .limit = 1000}, deadline());
    if (!page) co_return false;
    std::map<std::string, store::Bell::ListeningPtr> now;
    for (const store::IndexRow& row : page->rows) {
      if (row.time < cursor_.numbers[store_.lane_of(row.chat)] - store::kIndexGrain) continue;
      const auto known = chats_.find(row.chat);
      now[row.chat] =
          known != chats_.end() ? std::move(known->second) : store_.bell().listen_to_chat(row.chat, [this] { ring(); });
    }
    chats_ = std::move(now);
    co_return true;
  }

  Async<bool> look() {
    for (bool more = true; more;) {
      auto page = co_await read_events(store_, {chain_.user, cursor_, 0, chain_.bounds}, deadline());
      if (!page) co_return false;
      for (const ChatEvent& event : page->events) told_.insert(std::stoul(Ledger::text_of(event.record.value())));
      cursor_ = page->cursor;
      more = !page->caught_up && !page->events.empty();  // what is not confirmed yet rings once it is
      pages_.push_back(*std::move(page));
    }
    co_return true;
  }
  [[nodiscard]] Deadline deadline() const { return store::in(patience_); }

  MessageStore& store_;
  net::Loop& loop_;
  const std::chrono::milliseconds patience_;
  std::future<void> ended_;
  // Its loop's alone, until it has stopped:
  Chain chain_;
  EventsCursor cursor_{};
  std::vector<EventsPage> pages_;
  std::set<std::size_t> told_;
  std::map<std::string, store::Bell::ListeningPtr> chats_;
  bool rung_ = false;
  bool stopped_ = false;
  Wakeup more_;
};

struct Engine {
  std::string name;
  double share;  // of the time
  int rounds;    // of one history
  std::function<std::unique_ptr<World>()> make;
  friend std::ostream& operator<<(std::ostream& out, const Engine& engine) { return out << engine.name; }
};

class History {
 public:
  History(std::uint64_t seed, World& world)
      : chance_(seed), world_(world), skews_(world.nodes()), nodes_(world.nodes()) {
    for (const char* const name : {"a:b", "a:c", "b:c", "a:a", "d:e", "a:d", "b:e", "c:e"}) {
      const auto chat = store::chat_of(name);
      audiences_[name] = {std::string(chat.first()), std::string(chat.second())};
      chats_.emplace_back(name);
    }
    audiences_["a:b"].insert({"c", "d"});
    audiences_["d:e"].insert("a");
    ledger_ = std::make_unique<Ledger>(audiences_);
    for (std::size_t i = 0; i < nodes_.size(); ++i) open(i);
  }

  void run(int rounds) {
    for (int round = 0; round < rounds; ++round) {
      const std::size_t count = 1 + chance_.below(12);
      for (std::size_t i = 0; i < count; ++i) {
        start_something();
        if (chance_.in(8)) disturb();
      }
      while (!under_way_.empty()) {
        if (chance_.in(16)) disturb();
        finish_one();
      }
      if (chance_.in(10)) hot_ = chats_[chance_.below(chats_.size())];
      if (chance_.in(20)) reopen(chance_.below(nodes_.size()));
    }
    live_pages = ledger_->pages;
    world_.heal();
    for (const auto& following : followings_) check(following);
    for (std::size_t i = 0; i < nodes_.size(); ++i) reopen(i);
    end();
  }

  [[nodiscard]] const Ledger& ledger() const noexcept { return *ledger_; }
  std::size_t live_pages = 0;
  std::size_t rung_for = 0;  // sends of which followers were told by the bell

 private:
  static constexpr std::int64_t kHour = 3'600'000'000;

  void open(std::size_t at) {
    store::StoreOptions options;
    options.memory = memory_;
    options.idempotency_window = std::chrono::hours(1'000'000);
    options.clock = [this, at] { return clock_us_ + skews_[at]; };
    nodes_[at] = world_.open(at, options, loops_, metrics_);
    ASSERT_NE(nodes_[at], nullptr);
  }
  void reopen(std::size_t at) {
    if (!world_.can_reopen()) return;
    for (Following& following : std::exchange(followings_, {})) {
      if (&following.follower->store() == nodes_[at].get()) {
        stop(*following.follower);
      } else {
        followings_.push_back(std::move(following));
      }
    }
    if (chance_.in(2)) world_.kill(at);
    nodes_[at].reset();
    open(at);
  }
  MessageStore& node() { return *nodes_[chance_.below(nodes_.size())]; }

  template <class T>
  std::future<Result<T>> start(Task<T> task) {
    return boost::asio::co_spawn(loops_[chance_.below(loops_.size())].executor(), std::move(task),
                                 boost::asio::use_future);
  }
  static Deadline later() { return store::in(std::chrono::seconds(20)); }
  [[nodiscard]] Deadline soon() const { return store::in(world_.patience()); }

  void start_something() {
    const std::size_t x = chance_.below(100);
    if (x < 42) {
      start_send();
    } else if (x < 46) {
      look_at_the_invariant();
    } else if (x < 51 && chains_.size() < 10) {
      start_chain(false);
    } else if (x < 53 && followings_.size() < 3) {
      start_chain(true);
    } else if (!chains_.empty()) {
      start_page(*chains_[chance_.below(chains_.size())]);
    }
  }

  /// A change that is asked for, once or again.
  struct Sending {
    std::size_t number;  // in the ledger
    store::Change change;
    std::string claim{};  // the row that it is the first to write; empty: none
    std::size_t attempts = 0;
    std::int64_t time = 0;                    // that was acknowledged
    const MessageStore* stored_by = nullptr;  // which acknowledged it first
    bool refused = false;                     // at the first attempt
  };

  void start_send() {
    const std::string name = chance_.in(3) ? chats_[chance_.below(chats_.size())] : hot_;
    const auto chat = store::chat_of(name);
    const std::size_t count = 1 + chance_.below(3);
    sent_.push_back(
        std::make_unique<Sending>(ledger_->begin_send(name, count), store::Change{.chat = chat, .records = {}}));
    Sending& sending = *sent_.back();
    store::Change& change = sending.change;
    change.audience.assign(audiences_[name].begin(), audiences_[name].end());
    if (chance_.in(3)) change.idempotency_key = "key " + std::to_string(sending.number);
    for (std::size_t part = 0; part < count; ++part) {
      const bool has_key = part == 0 && !change.idempotency_key.empty();
      const auto kind = !has_key && chance_.in(5) ? RecordKind::kEdit : RecordKind::kMessage;
      change.records.push_back(
          Ledger::draft(sending.number, part, kind, chat, has_key ? change.idempotency_key : std::string()));
    }
    if (chance_.in(3)) {  // some of those that are under way claim the same
      claims_ += chance_.in(3) ? 1 : 0;
      sending.claim = "claim " + std::to_string(claims_);
      change.rows.push_back(
          {.name = sending.claim, .value = std::to_string(sending.number), .condition = store::RowWrite::If::kAbsent});
    }
    attempt(sending);
  }

  void attempt(Sending& sending) {
    ++sending.attempts;
    MessageStore& at = node();
    const auto shared =
        std::make_shared<std::future<Result<store::Appended>>>(start(at.append(sending.change, soon())));
    under_way_.push_back([this, shared, &at, &sending] {
      const auto appended = shared->get();
      if (appended && appended->refused) {
        if (sending.claim.empty() || sending.time != 0) ++ledger_->bad["refused for nothing"];
        sending.refused = sending.attempts == 1;
        return;
      }
      if (appended && sending.time == 0) {
        sending.time = appended->send_time;
        if (!appended->duplicate) sending.stored_by = &at;
        ledger_->acknowledge(sending.number, sending.time);
      } else if (appended && (appended->send_time != sending.time || !appended->duplicate)) {
        ++ledger_->bad["a repeat that is none"];
      }
      if (!sending.change.idempotency_key.empty() && chance_.in(appended ? 4 : 2)) attempt(sending);
    });
  }

  /// `follows`: on a node, for as long as that runs.
  void start_chain(bool follows) {
    auto chain = std::make_unique<Chain>();
    MessageStore& at = node();
    if (follows || !chance_.in(5)) chain->user = std::string(1, static_cast<char>('a' + chance_.below(5)));
    chain->lane = at.lane_of(hot_);
    constexpr std::size_t kLimits[] = {1, 2, 3, 10, 100};
    chain->bounds = {.limit = kLimits[chance_.below(5)], .max_bytes = chance_.in(2) ? 1000U : 10U};
    chain->asks_for_gaps = !follows && !chain->user.empty() && chance_.in(2);
    chain->began = ledger_->now();
    if (chain->user.empty()) {
      chain->start.numbers.assign(at.lanes(), 0);
      chain->cursor = chain->start;
      chains_.push_back(std::move(chain));
      return;
    }
    const auto shared = std::make_shared<std::future<Result<EventsCursor>>>(start(begin_events(at, soon())));
    const auto kept = std::make_shared<std::unique_ptr<Chain>>(std::move(chain));
    under_way_.push_back([this, shared, kept, follows, &at] {
      auto cursor = shared->get();
      if (!cursor) return;
      (*kept)->start = (*kept)->cursor = *std::move(cursor);
      (*kept)->begun = ledger_->now();
      if (follows) {
        net::Loop& loop = loops_[chance_.below(loops_.size())];
        followings_.push_back(
            {std::make_unique<Follower>(at, std::move(**kept), loop, world_.patience()), sent_.size()});
      } else {
        chains_.push_back(std::move(*kept));
      }
    });
  }

  /// A follower, and how many sends had begun before it.
  struct Following {
    std::unique_ptr<Follower> follower;
    std::size_t from;
  };

  /// Of what its own node acknowledged, nobody had to tell it but the bell.
  void check(const Following& following) {
    std::vector<std::size_t> due;
    for (std::size_t i = following.from; i < sent_.size(); ++i) {
      const bool reads = audiences_.at(sent_[i]->change.chat.name()).contains(following.follower->user());
      if (reads && sent_[i]->stored_by == &following.follower->store()) due.push_back(sent_[i]->number);
    }
    rung_for += due.size();
    redis::eventually("a follower was rung for all that its node stored",
                      [&] { return following.follower->has_told(due); });
  }
  void stop(Follower& follower) {
    auto [chain, pages] = follower.stop();
    chains_.push_back(std::make_unique<Chain>(std::move(chain)));
    for (EventsPage& page : pages) ledger_->take(*chains_.back(), std::move(page), 0);
  }

  void start_page(Chain& chain) {
    MessageStore& at = node();
    const std::size_t from = chain.pages;
    const auto backlog = static_cast<std::int32_t>(chain.asks_for_gaps && chance_.in(2) ? 1 + chance_.below(3) : 0);
    const auto shared = std::make_shared<std::future<Result<EventsPage>>>(start(read(at, chain, backlog, soon())));
    under_way_.push_back([this, shared, from, backlog, &chain] {
      auto page = shared->get();
      if (page && chain.pages == from && !chance_.in(10)) ledger_->take(chain, *std::move(page), backlog);
    });
  }

  static Task<EventsPage> read(MessageStore& at, const Chain& chain, std::int32_t backlog, Deadline deadline) {
    if (chain.user.empty()) return read_lane(at, chain.lane, chain.cursor, chain.bounds, deadline);
    const std::string text = write_events_cursor(chain.cursor, at.id(), chain.user);
    auto cursor = read_events_cursor(text, at.id(), chain.user, at.lanes()).value();
    return read_events(at, {chain.user, std::move(cursor), backlog, chain.bounds}, deadline);
  }

  void finish_one() {
    const std::size_t at = chance_.below(under_way_.size());
    const auto finish = std::move(under_way_[at]);
    under_way_.erase(under_way_.begin() + static_cast<std::ptrdiff_t>(at));
    finish();
  }

  /// The newest record of a chat, and then the rows of all who are to be told of it.
  void look_at_the_invariant() {
    const std::string& name = chats_[chance_.below(chats_.size())];
    const auto shared = std::make_shared<std::future<Result<bool>>>(start(is_told(node(), name, soon())));
    under_way_.push_back([this, shared] {
      const auto told = shared->get();
      if (told && !*told) ++ledger_->bad["invariant"];
    });
  }

  Task<bool> is_told(MessageStore& at, std::string name, Deadline deadline) {
    const store::RecordRange newest{.page = {.limit = 1, .reverse = true}, .all_kinds = true};
    const auto page = co_await at.read(store::chat_of(name), newest, deadline);
    if (!page || page->records.empty()) co_return true;
    const std::int64_t time = page->records[0].time;
    auto audience = audiences_[name];
    audience.insert(store::follower_of(at.lane_of(name)));
    for (const std::string& user : audience) {
      const auto rows = co_await at.index(user, {.least = time - store::kIndexGrain, .limit = 1000}, deadline);
      if (!rows || std::ranges::find(rows->rows, name, &store::IndexRow::chat) != rows->rows.end()) continue;
      const store::RecordRange same{.page = {.cursor = time, .limit = 1}, .all_kinds = true};
      const auto again = co_await at.read(store::chat_of(name), same, deadline);
      if (!again || again->records.empty() || again->records[0].time != time) co_return true;  // a failover took it
      co_return false;
    }
    co_return true;
  }

  /// Something happens, whatever is under way.
  void disturb() {
    constexpr std::int64_t kSteps[] = {0, 1, 1'000'000, 300'000'000, 20 * 24 * kHour};
    clock_us_ += kSteps[chance_.below(chance_.in(20) ? 5 : 3)];
    if (chance_.in(10)) {
      const auto skew = static_cast<std::int64_t>(chance_.below(static_cast<std::size_t>(6 * kHour))) - 3 * kHour;
      skews_[chance_.below(skews_.size())] = skew;
    }
    world_.trouble(chance_);
  }

  ChatLogs logs() {
    ChatLogs out;
    for (const std::string& name : chats_) {
      std::int64_t from = 1;
      while (true) {
        const store::RecordRange range{.page = {.cursor = from, .limit = 1000}, .all_kinds = true};
        const auto page = start(nodes_[0]->read(store::chat_of(name), range, later())).get();
        if (!page && page.error().code == ErrorCode::kChatNotFound) break;
        if (!page) {
          ADD_FAILURE() << page.error().detail;
          return out;
        }
        out[name].insert(out[name].end(), page->records.begin(), page->records.end());
        if (!page->has_more) break;
        from = page->records.back().time + 1;
      }
    }
    return out;
  }

  std::map<std::string, std::vector<store::Row>> tables() {
    std::map<std::string, std::vector<store::Row>> out;
    for (const std::string& name : chats_) {
      const auto page = start(nodes_[0]->rows({.name = name}, {.limit = 1000}, later())).get();
      EXPECT_TRUE(page && !page->has_more);
      if (page) out[name] = page->rows;
    }
    return out;
  }

  /// Of those that claimed the same in a chat, one was stored, with its row, or none.
  void check_claims(const ChatLogs& logs, const std::map<std::string, std::vector<store::Row>>& tables) {
    std::set<std::size_t> stored;
    for (const auto& [chat, log] : logs) {
      for (const Record& record : log) stored.insert(std::stoul(Ledger::text_of(record)));
    }
    for (const auto& sending : sent_) {
      if (sending->claim.empty()) continue;
      const auto& table = tables.at(sending->change.chat.name());
      const auto row = std::ranges::find(table, sending->claim, &store::Row::name);
      const bool is_in_log = stored.contains(sending->number);
      const bool has_row = row != table.end() && row->value == std::to_string(sending->number);
      if (is_in_log != has_row) ++ledger_->bad["a record without its row, or a row without its record"];
      if (sending->refused && is_in_log) ++ledger_->bad["refused, and stored"];
      if (sending->refused && row == table.end()) ++ledger_->bad["refused by a row that was lost"];
    }
  }

  void end() {
    MessageStore& at = *nodes_[0];
    auto rows = tables();
    auto beginning = logs();                                        // what comes after this may be told or not
    for (auto again = tables(); again != rows; again = tables()) {  // something came late
      rows = std::move(again);
      beginning = logs();
    }
    check_claims(beginning, rows);
    for (const auto& chain : chains_) {
      bool is_caught_up = false;
      for (int i = 0; i < 20'000 && !is_caught_up; ++i) {
        const auto page = start(read(at, *chain, 0, later())).get();
        if (!page) {
          ADD_FAILURE() << page.error().detail;
          return;
        }
        is_caught_up = page->caught_up && page->events.empty();
        ledger_->take(*chain, *page, 0);
      }
      if (!is_caught_up) ++ledger_->bad["never caught up"];
      ledger_->check(*chain, beginning, [&](const std::string& chat) { return at.lane_of(chat); });
    }
    ledger_->check_logs(beginning);
  }

  Chance chance_;
  const std::size_t memory_ = std::size_t{chance_.in(2) ? 64U : 8192U} << 10;  // little: what was raised is forgotten
  World& world_;
  std::atomic<std::int64_t> clock_us_{1'700'000'000'000'000};
  std::vector<std::atomic<std::int64_t>> skews_;
  std::map<std::string, std::set<std::string>> audiences_;
  std::vector<std::string> chats_;
  std::string hot_ = "a:b";
  std::unique_ptr<Ledger> ledger_;
  std::vector<std::unique_ptr<Sending>> sent_;
  std::size_t claims_ = 0;
  std::vector<std::unique_ptr<Chain>> chains_;
  std::vector<std::function<void()>> under_way_;
  MetricsRegistry metrics_;
  net::LoopPool loops_{2};
  std::vector<std::unique_ptr<MessageStore>> nodes_;  // go before the loops
  std::vector<Following> followings_;                 // go before the nodes
};

class EngineEvents : public testing::TestWithParam<Engine> {
 protected:
  static void SetUpTestSuite() { configure_log(LogFormat::kText, LogLevel::kError); }  // stores are opened all the time
};

TEST_P(EngineEvents, TellEachRecordOnce) {
  Totals totals;
  std::size_t rung_for = 0;
  for_seeds(GetParam().share, [&](std::uint64_t seed) {
    const auto world = GetParam().make();
    History history(seed, *world);
    ASSERT_FALSE(HasFailure());
    history.run(GetParam().rounds);
    ASSERT_EQ(history.ledger().faults(), "") << "seed " << seed;
    ASSERT_FALSE(HasFailure()) << "seed " << seed;
    totals.add(history.ledger(), history.live_pages, world->failovers);
    rung_for += history.rung_for;
  });
  totals.check();
  std::cout << rung_for << " records that followers were rung for\n";
}

// The engines

class Memory final : public World {
  std::unique_ptr<MessageStore> open(std::size_t, const store::StoreOptions& options, net::LoopPool& loops,
                                     MetricsRegistry& metrics) override {
    return store::make_memory_store(options, loops, metrics);
  }
  bool can_reopen() const override { return false; }
};

class RocksDb final : public World {
  std::unique_ptr<MessageStore> open(std::size_t, const store::StoreOptions& options, net::LoopPool& loops,
                                     MetricsRegistry& metrics) override {
    auto store = store::open_rocksdb_store(folder(), options, loops, metrics);
    EXPECT_TRUE(store) << store.error().detail;
    return store ? *std::move(store) : nullptr;
  }
  /// The files as they are while the store is open, at one moment: none comes or goes while they are copied.
  void kill(std::size_t) override {
    const auto killed = folder();
    ++kills_;
    redis::eventually("RocksDB leaves its files alone", [&] {
      std::filesystem::remove_all(folder());
      const auto before = names_in(killed);
      std::error_code error;
      std::filesystem::copy(killed, folder(), error);
      return !error && names_in(killed) == before;
    });
  }
  std::filesystem::path folder() const { return folder_.path() / std::to_string(kills_); }
  static std::set<std::filesystem::path> names_in(const std::filesystem::path& folder) {
    std::set<std::filesystem::path> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) names.insert(entry.path());
    return names;
  }

  store::TemporaryFolder folder_;
  std::size_t kills_ = 0;
};

/// Three nodes, each with a link to the server that breaks, also with questions on their way that arrive later.
class Redis final : public World {
  std::unique_ptr<MessageStore> open(std::size_t node, const store::StoreOptions& options, net::LoopPool& loops,
                                     MetricsRegistry& metrics) override {
    auto store = store::open_redis_store(store::client_of(links_[node]->endpoint()), options, loops, metrics,
                                         store::in(std::chrono::seconds(20)));
    EXPECT_TRUE(store) << store.error().detail;
    return store ? *std::move(store) : nullptr;
  }
  std::size_t nodes() const override { return links_.size(); }
  void trouble(Chance& chance) override {
    store::BreakingLink& link = *links_[chance.below(links_.size())];
    switch (chance.below(20)) {
      case 0: link.break_question(static_cast<std::int64_t>(chance.below(3000))); break;
      case 1: link.break_answer(static_cast<std::int64_t>(chance.below(3000))); break;
      case 2: link.keep_question(); break;
      case 3:
      case 4: link.deliver(); break;
      default: break;
    }
  }
  void heal() override {
    for (const auto& link : links_) {
      link->deliver();
      link->break_question(-1);
      link->break_answer(-1);
    }
  }

  redis::RedisServer server_{store::durable_redis()};
  std::array<std::unique_ptr<store::BreakingLink>, 3> links_{std::make_unique<store::BreakingLink>(server_.port()),
                                                             std::make_unique<store::BreakingLink>(server_.port()),
                                                             std::make_unique<store::BreakingLink>(server_.port())};
};

/// Two nodes over a master whose replica stays away for a while, and then comes back or takes its place. What only the
/// master had is lost.
class FailingRedis final : public World {
  std::unique_ptr<MessageStore> open(std::size_t, const store::StoreOptions& options, net::LoopPool& loops,
                                     MetricsRegistry& metrics) override {
    redis::ClientOptions client{.topology = redis::Topology::kSentinel, .master = "mymaster", .replicas = 1};
    for (const auto& sentinel : servers_.sentinels()) client.servers.push_back(sentinel->endpoint());
    std::unique_ptr<MessageStore> store;
    eventually("a node opens", [&] {  // not while sentinels replace the master
      auto opened = store::open_redis_store(client, options, loops, metrics, store::in(std::chrono::seconds(5)));
      if (opened) store = *std::move(opened);
      return opened.has_value();
    });
    return store;
  }
  std::size_t nodes() const override { return 2; }
  bool can_reopen() const override { return away_ == nullptr; }
  std::chrono::milliseconds patience() const override { return redis::kBuildScale * std::chrono::milliseconds(300); }
  void trouble(Chance& chance) override {
    if (away_ == nullptr) {
      if (chance.in(15)) away();
    } else if (chance.in(4)) {
      come_back(chance.in(2));
    }
  }
  void heal() override {
    if (away_ != nullptr) come_back(false);
  }

  void away() {
    redis::RedisServer& master = servers_.master();
    for (const auto& server : servers_.servers()) {
      if (server.get() != &master) away_ = server.get();
    }
    away_->freeze();
  }
  void come_back(bool as_master) {
    redis::RedisServer& replica = *std::exchange(away_, nullptr);
    redis::RedisServer& master = servers_.master();
    if (as_master) master.kill();
    replica.thaw();
    if (as_master) {
      eventually("another server is the master", [&] { return &servers_.master() == &replica; });
      master.start();
      ++failovers;
    }
    eventually("the other one follows the master", [this] {
      const redis::RedisServer& now = servers_.master();
      if (now.field({"INFO", "replication"}, "role") != "master") return false;  // sentinels are still at it
      for (const auto& server : servers_.servers()) {
        if (server.get() == &now || server->field({"INFO", "replication"}, "master_link_status") == "up") continue;
        (void)server->ask({"REPLICAOF", "127.0.0.1", std::to_string(now.port())});
        return false;
      }
      return true;
    });
  }

  /// Waits; a server that changes its part drops connections.
  static void eventually(const std::string& what, const std::function<bool()>& holds) {
    redis::eventually(what, [&] {
      try {
        return holds();
      } catch (const boost::system::system_error&) {
        return false;
      }
    });
  }

  redis::RedisSentinels servers_{1, 3, store::durable_redis()};
  redis::RedisServer* away_ = nullptr;  // the replica that does not answer
};

INSTANTIATE_TEST_SUITE_P(Engines, EngineEvents,
                         testing::Values(Engine{"Memory", .1, 200, [] { return std::make_unique<Memory>(); }},
                                         Engine{"RocksDb", .2, 200, [] { return std::make_unique<RocksDb>(); }},
                                         Engine{"Redis", .2, 200, [] { return std::make_unique<Redis>(); }},
                                         Engine{"FailingRedis", .3, 100,
                                                [] { return std::make_unique<FailingRedis>(); }}),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace parley::service
