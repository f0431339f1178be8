// The rules of lanes, index and cursors, checked at random: cursors and pages as they are, over a store of lanes whose
// commands are delayed, lost and executed in any order, whose nodes crash, and whose servers fail over.
#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gtest/gtest.h>

#include "service/events.h"
#include "service/events_chain.h"
#include "service/lanes_fixture.h"
#include "service/model_time.h"

namespace parley::service {
namespace {

using Audiences = std::map<std::string, std::set<std::string>>;

/// Chats of five users, and who is told of each: its members, and some more.
Audiences audiences() {
  Audiences all;
  for (const char* const name : {"a:b", "a:c", "b:c", "a:a", "d:e", "a:d", "b:e", "c:e"}) {
    const auto chat = ChatId::parse(name).value();
    all[name] = {std::string(chat.first()), std::string(chat.second())};
  }
  all["a:b"].insert({"c", "d"});
  all["d:e"].insert("a");
  return all;
}

/// One random history.
class History {
 public:
  History(std::uint64_t seed, const ModelShape& shape) : model_(seed, shape), is_stormy_(seed % 3 == 0) {
    for (int i = 0; i < 3; ++i) start_node();
    for (const auto& [chat, audience] : audiences_) chats_.push_back(chat);
    hot_ = chats_[model_.below(chats_.size())];
  }

  ~History() {
    for (const auto& node : nodes_) crash(*node);
    settle();
  }
  History(const History&) = delete;
  History& operator=(const History&) = delete;

  void run(int steps) {
    for (int step = 0; step < steps; ++step) {
      model_.turn();
      const double x = model_.unit();
      if (x < .82 && model_.run_wire()) {
      } else if (x < .84) {
        model_.give_up_one();
      } else if (x < (is_stormy_ ? .93 : .95)) {
        spawn(*node());
      } else if (x < (is_stormy_ ? .98 : .985)) {
        model_.clock_us += static_cast<std::int64_t>(model_.exponential(mood_));
      } else {
        trouble();
      }
      settle();
    }
    live_pages = ledger_.pages;
    end();
  }

  [[nodiscard]] const Ledger& ledger() const noexcept { return ledger_; }
  [[nodiscard]] std::size_t failovers() const noexcept { return model_.failovers; }

  std::size_t live_pages = 0;

 private:
  void settle() {
    loop_.io().restart();
    loop_.io().poll();
  }
  void start_node() { nodes_.push_back(std::make_unique<ModelStore>(model_, model_.skew())); }
  void crash(ModelStore& node) {
    node.crash();
    model_.end_of(node);
    settle();
  }
  /// One that runs.
  ModelStore* node() { return nodes_[nodes_.size() - 1 - model_.below(3)].get(); }

  void start(Async<> task) { boost::asio::co_spawn(loop_.executor(), std::move(task), boost::asio::detached); }

  void spawn(ModelStore& node) {
    const double x = model_.unit();
    if (x < .45) {
      start(send(node, model_.chance(.3) ? chats_[model_.below(chats_.size())] : hot_));
    } else if (x < .55 && chains_.size() < 8) {
      start(begin(node));
    } else if (!chains_.empty()) {
      start(page(node, *chains_[model_.below(chains_.size())]));
    }
  }

  void trouble() {
    const double x = is_stormy_ && model_.chance(.5) ? .5 : model_.unit();
    const bool fails_over = model_.shape().failovers;
    if (x < .25) {
      nodes_[nodes_.size() - 1 - model_.below(3)]->turn_clock(model_.skew());
    } else if (x < .45) {
      const std::size_t at = nodes_.size() - 1 - model_.below(3);
      crash(*nodes_[at]);
      start_node();
      std::swap(nodes_[at], nodes_[nodes_.size() - 4]);  // the last three are those that run
    } else if (x < .7 && fails_over) {
      const std::size_t lane = model_.lane_of(hot_);
      model_.fail_over_or_lose_replicas(model_.chance(.5) ? lane : model_.below(model_.shape().lanes));
    } else if (x < .85) {
      constexpr double kMoods[] = {1e6, 1e6, 4e8, 1.7e12};  // busy, busy, idle, asleep
      mood_ = kMoods[model_.below(4)];
    } else {
      hot_ = chats_[model_.below(chats_.size())];
    }
  }

  Async<> send(ModelStore& node, std::string name) {
    const auto chat = ChatId::parse(name).value();
    const std::size_t count = 1 + model_.below(3);
    const std::size_t sent = ledger_.begin_send(name, count);
    store::Change change{.chat = chat, .records = {}};
    const auto& audience = audiences_.at(name);
    change.audience.assign(audience.begin(), audience.end());
    for (std::size_t part = 0; part < count; ++part) {
      const auto kind = model_.chance(.2) ? RecordKind::kEdit : RecordKind::kMessage;
      change.records.push_back(Ledger::draft(sent, part, kind, chat));
    }
    const auto appended = co_await node.append(std::move(change), kNoDeadline);
    if (appended) ledger_.acknowledge(sent, appended->send_time);
  }

  Async<> begin(ModelStore& node) {
    auto chain = std::make_unique<Chain>();
    if (model_.chance(.8)) chain->user = std::string(1, static_cast<char>('a' + model_.below(5)));
    chain->lane = model_.below(model_.shape().lanes);
    constexpr std::size_t kLimits[] = {1, 2, 3, 10, 100};
    chain->bounds = {.limit = kLimits[model_.below(5)], .max_bytes = model_.chance(.5) ? 1000U : 10U};
    chain->asks_for_gaps = !chain->user.empty() && model_.chance(.5);
    chain->began = ledger_.now();
    if (chain->user.empty()) {
      chain->start.numbers.assign(model_.shape().lanes, 0);
    } else {
      auto cursor = co_await begin_events(node, kNoDeadline);
      if (!cursor) co_return;  // unavailable: replicas do not answer
      chain->start = *std::move(cursor);
    }
    chain->begun = ledger_.now();
    chain->cursor = chain->start;
    chains_.push_back(std::move(chain));
  }

  Async<> page(ModelStore& node, Chain& chain) {
    const std::size_t from = chain.pages;
    const auto backlog =
        static_cast<std::int32_t>(chain.asks_for_gaps ? model_.below(4) / 2 * (1 + model_.below(2)) : 0);
    auto page = co_await read(node, chain, backlog);
    if (!page || node.dead()) co_return;
    // Else the answer was lost, or came too late.
    if (chain.pages == from && model_.chance(.9)) ledger_.take(chain, *std::move(page), backlog);
  }

  Task<EventsPage> read(ModelStore& node, Chain& chain, std::int32_t backlog) {
    if (chain.user.empty()) return read_lane(node, chain.lane, chain.cursor, chain.bounds, kNoDeadline);
    const std::string text = write_events_cursor(chain.cursor, node.id(), chain.user);
    auto cursor = read_events_cursor(text, node.id(), chain.user, node.lanes()).value();
    return read_events(node, {chain.user, std::move(cursor), backlog, chain.bounds}, kNoDeadline);
  }

  /// All that was begun ends, and each chain catches up.
  void end() {
    model_.be_calm();
    settle();
    ModelStore& last = *nodes_.back();
    for (const auto& chain : chains_) {
      bool is_caught_up = false;
      for (int i = 0; i < 20'000 && !is_caught_up; ++i) {
        const auto page = loop_.finish(read(last, *chain, 0));
        if (!page) break;
        is_caught_up = page->caught_up && page->events.empty();
        ledger_.take(*chain, *page, 0);
      }
      if (!is_caught_up) ++ledger_.bad["never caught up"];
      ledger_.check(*chain, model_.logs(), [this](const std::string& chat) { return model_.lane_of(chat); });
    }
    ledger_.check_logs(model_.logs());
    if (model_.broken_invariants > 0) ledger_.bad["invariant"] = model_.broken_invariants;
  }

  net::Loop loop_;
  Model model_;
  const bool is_stormy_;  // has many more failovers
  const Audiences audiences_ = audiences();
  Ledger ledger_{audiences_};
  std::vector<std::string> chats_;
  std::string hot_;
  double mood_ = 1e6;
  std::vector<std::unique_ptr<ModelStore>> nodes_;  // the last three run
  std::vector<std::unique_ptr<Chain>> chains_;
};

struct Variant {
  std::string name;
  ModelShape shape;
  friend std::ostream& operator<<(std::ostream& out, const Variant& variant) { return out << variant.name; }
};

class EventsModel : public testing::TestWithParam<Variant> {};

TEST_P(EventsModel, TellsEachRecordOnce) {
  Totals totals;
  for_seeds(.1, [&](std::uint64_t seed) {
    History history(seed, GetParam().shape);
    history.run(3000);
    ASSERT_EQ(history.ledger().faults(), "") << "seed " << seed;
    totals.add(history.ledger(), history.live_pages, history.failovers());
  });
  totals.check();
}

INSTANTIATE_TEST_SUITE_P(Shapes, EventsModel,
                         testing::Values(Variant{"Lanes", {}}, Variant{"OneLane", {.lanes = 1, .failovers = false}}),
                         [](const auto& test) { return test.param.name; });

/// The model finds what it is there to find: without any of its rules it fails.
class BrokenModel : public testing::TestWithParam<std::pair<std::string, Rule>> {};

TEST_P(BrokenModel, IsFound) {
  const auto& [name, rule] = GetParam();
  constexpr std::uint64_t kSeeds = 3000;
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    History history(seed, {.broken = {rule}});
    history.run(3000);
    if (history.ledger().bad.empty()) continue;
    std::cout << "seed " << seed << ": " << history.ledger().faults() << "\n";
    return;
  }
  FAIL() << "without this rule nothing went wrong in " << kSeeds << " histories";
}

INSTANTIATE_TEST_SUITE_P(
    Rules, BrokenModel,
    testing::Values(std::pair("LaneTime", Rule::kLaneTime), std::pair("OneStep", Rule::kOneStep),
                    std::pair("Limit", Rule::kLimit), std::pair("ConfirmIndex", Rule::kConfirmIndex),
                    std::pair("ConfirmUnchanged", Rule::kConfirmUnchanged), std::pair("Fence", Rule::kFence),
                    std::pair("UnknownIsFinal", Rule::kUnknownIsFinal),
                    std::pair("ConfirmedClock", Rule::kConfirmedClock), std::pair("NewestClock", Rule::kNewestClock),
                    std::pair("Follower", Rule::kFollower), std::pair("IndexAge", Rule::kIndexAge)),
    [](const auto& test) { return test.param.first; });

}  // namespace
}  // namespace parley::service
