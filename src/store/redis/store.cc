#include "store/redis/store.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/post.hpp>
#include <fmt/format.h>
#include <prometheus/metric_family.h>

#include "base/log.h"
#include "base/parse_number.h"
#include "base/quote.h"
#include "base/random_id.h"
#include "base/task_group.h"
#include "base/wakeup.h"
#include "redis/client.h"
#include "store/redis/calls.h"
#include "store/redis/clocks.h"
#include "store/redis/entries.h"
#include "store/redis/health.h"
#include "store/redis/identity.h"
#include "store/redis/index.h"
#include "store/redis/lane_ids.h"
#include "store/redis/lanes.h"
#include "store/redis/reader.h"
#include "store/redis/scripts.h"
#include "store/redis/settings.h"
#include "store/redis/steps.h"
#include "store/redis/tables.h"
#include "store/redis/writer.h"
#include "store/rules.h"
#include "store/store_metrics.h"

namespace parley::store {
namespace {

/// Between two looks at the servers, and for one to be answered.
constexpr std::chrono::seconds kWatch = RedisIdentity::kPause;
/// The same while it is not settled which store they hold.
constexpr std::chrono::milliseconds kUnsettledWatch{200};

/// Milliseconds for which a start asks who is there, again and again.
constexpr std::string_view kWaitForReplicas = "200";

/// How many lanes a new store gets. More of them make batches smaller, which costs Redis more for each message.
constexpr std::size_t kLanes = 16;

/// They share a round trip, and a turn of Redis.
constexpr std::size_t kReadsAtOnce = 64;

Async<> ask_for_into(std::string_view key, std::optional<std::string>& found, redis::Ask ask) {
  auto value = co_await ask_for_value(key, std::move(ask));
  if (value) found = *std::move(value);
}

class RedisStore final : public MessageStore {
 public:
  RedisStore(redis::ClientOptions servers, const StoreOptions& options, net::LoopPool& loops, MetricsRegistry& metrics)
      : durability_(options.durability),
        replicas_(servers.replicas),
        cluster_(servers.topology == redis::Topology::kCluster),
        loop_(loops[0]),
        metrics_(register_store_metrics(metrics)),
        health_(options.durability),
        client_(loops, looked_at(std::move(servers)), metrics),
        bell_(loops),
        index_(client_, identity_, bell_, options.memory - page_memory(options), loops.size()),
        tables_(client_, identity_),
        clocks_(client_, identity_, loops, !cluster_),
        steps_(client_, identity_, clocks_, bell_, options, *metrics_, loops, !cluster_),
        writer_(identity_, index_, steps_, options, *metrics_),
        reader_(client_, identity_, options, loops.size()),
        watching_(loop_.executor()),
        pause_([this] { woken_->wake(); }) {
    metrics_->set_engine([this] { return engine_metrics(); });
  }

  ~RedisStore() override {
    metrics_->clear_engine();
    net::run_on(loop_, [this] {
      stopped_ = true;
      woken_->wake();
    });
    client_.stop();  // a look that is under way does not wait for a server that does not answer
    net::run_on(loop_, watching_.wait());
  }

  /// Everything that open_redis_store() promises. On the first loop.
  Task<void> start(Deadline deadline) {
    if (auto reached = co_await client_.start(deadline); !reached) co_return reached;
    if (auto fit = co_await check_settings(deadline); !fit) co_return fit;
    if (auto enough = co_await check_replicas(deadline); !enough) co_return enough;
    const auto lanes = co_await get_or_make_lanes(kLanes, deadline);
    if (!lanes) co_return std::unexpected(lanes.error());
    identity_.set_lanes(*lanes);
    if (auto learnt = co_await lane_ids_.learn(deadline); !learnt) co_return learnt;
    auto id = co_await get_or_make(kRedisIdKey, random_id(), deadline);
    if (!id) co_return std::unexpected(std::move(id).error());
    identity_.begin(*std::move(id));
    watching_.spawn(watch());
    co_return Result<void>{};
  }

  Task<Appended> append(Change change, Deadline deadline) override {
    if (loop_.passed(deadline)) return failed<Appended>(not_begun().error());
    if (!health_.fit()) return failed<Appended>(unfit());
    return check_done(writer_.append(std::move(change), deadline));
  }

  Task<RecordPage> read(ChatId chat, RecordRange range, Deadline deadline) override {
    if (loop_.passed(deadline)) return failed<RecordPage>(not_begun().error());
    return reader_.read(std::move(chat), range, deadline);
  }

  Task<RowPage> rows(TableId table, RowRange range, Deadline deadline) override {
    if (loop_.passed(deadline)) return failed<RowPage>(not_begun().error());
    return tables_.rows(std::move(table), std::move(range), deadline);
  }

  Task<Written> write(TableId table, std::vector<RowWrite> rows, Deadline deadline) override {
    if (loop_.passed(deadline)) return failed<Written>(not_begun().error());
    if (!health_.fit()) return failed<Written>(unfit());
    return check_done(writer_.write(std::move(table), std::move(rows), deadline));
  }

  Task<IndexPage> index(std::string user, IndexRange range, Deadline deadline) override {
    if (loop_.passed(deadline)) return failed<IndexPage>(not_begun().error());
    return index_.index(std::move(user), std::move(range), deadline);
  }

  std::size_t lanes() const noexcept override { return identity_.lanes(); }

  std::size_t lane_of(std::string_view chat) const noexcept override { return redis_lane_of(chat, lanes()); }
  std::size_t reads_at_once() const noexcept override { return kReadsAtOnce; }

  Task<std::vector<std::int64_t>> clocks(Clocks which, Deadline deadline) override {
    if (loop_.passed(deadline)) {
      return failed<std::vector<std::int64_t>>(not_begun().error());
    }
    return clocks_.clocks(which, deadline);
  }

  Bell& bell() noexcept override { return bell_; }

  Health health() const override {
    if (!identity_.settled()) return Health::nothing(identity_.fault());
    if (auto reached = client_.ready(); !reached) return Health::nothing(std::move(reached).error().detail);
    return health_.fit() ? Health{} : Health::only_reads(unfit().detail);
  }

  std::string id() const override { return identity_.id(); }

 private:
  [[nodiscard]] Error unfit() const {
    return {ErrorCode::kUnavailable, "the store takes no writes: " + health_.fault()};
  }

  /// A server is looked at before it takes the first command of a connection, so what it took shows behind the call.
  template <class T>
  Task<T> check_done(Task<T> doing) {
    auto done = co_await std::move(doing);
    if (done && !health_.fit()) co_return fail(ErrorCode::kOutcomeUnknown, "Redis may lose it: " + health_.fault());
    co_return done;
  }

  redis::ClientOptions looked_at(redis::ClientOptions servers) {
    servers.on_connect = [this](std::string address, redis::Ask ask) {
      return look_at(std::move(address), std::move(ask));
    };
    return servers;
  }

  Task<void> look_at(std::string address, redis::Ask ask) {
    const auto asked = loop_.now();
    const RedisSettings settings = co_await ask_redis_settings(ask);
    if (!settings.known) co_return fail(ErrorCode::kUnavailable, "the server did not tell its settings");
    health_.observe(address, settings, asked);
    const std::string id = identity_.id();
    if (id.empty()) co_return Result<void>{};
    if (!cluster_) co_await look_for_id(id, ask);
    if (co_await lane_ids_.changed_on(std::move(ask))) {
      identity_.forget();
      boost::asio::post(loop_.executor(), [woken = woken_] { woken->wake(); });
    }
    co_return Result<void>{};
  }

  /// Before a server takes its first call: whether it still holds the store of this id. Of a cluster only one server
  /// has the id, which the watch looks at.
  Async<> look_for_id(const std::string& id, redis::Ask ask) {
    const auto found = co_await ask_for_value(kRedisIdKey, std::move(ask));
    if (!found || *found == id || *found == identity_.id()) co_return;
    identity_.lose(*found);
    boost::asio::post(loop_.executor(), [woken = woken_] { woken->wake(); });
  }

  /// Refuses what does not fit, and says what could be better.
  Task<void> check_settings(Deadline deadline) {
    RedisSettingsOfMasters masters;
    for (;;) {
      masters = co_await ask_redis_settings(
          client_, std::chrono::duration_cast<std::chrono::milliseconds>(deadline - loop_.now()));
      const auto silent = std::ranges::find_if(masters, [](const auto& master) { return !master.second.known; });
      if (!masters.empty() && silent == masters.end()) break;
      if (loop_.passed(deadline)) {
        const std::string who = masters.empty() ? "no Redis server told its" : silent->first + " did not tell its";
        co_return fail(ErrorCode::kUnavailable, who + " settings");
      }
      co_await rest(kUnsettledWatch);
    }
    for (const auto& [address, settings] : masters) {
      const auto wrong = unfit_redis_settings(settings, durability_);
      if (!wrong.empty()) co_return fail(ErrorCode::kUnavailable, fmt::format("{}: {}", address, wrong.front().what));
    }
    for (const auto& [address, settings] : masters) {
      for (const RedisSettingFault& remark : redis_setting_remarks(settings, durability_)) {
        log_warn(remark.what, {{"redis", address}});
      }
    }
    co_return Result<void>{};
  }

  /// Waits for as many replicas of every master as are to confirm a send.
  Task<void> check_replicas(Deadline deadline) {
    if (replicas_ == 0) co_return Result<void>{};
    std::string lacking;
    for (;;) {
      bool asked = false;
      lacking.clear();
      co_await client_.visit_masters(kWatch, [&](std::string address, redis::Ask ask) {
        asked = true;
        return count_replicas(std::move(address), std::move(ask), lacking);
      });
      if (!asked) lacking = "no Redis server told how many replicas it has";
      if (lacking.empty()) co_return Result<void>{};
      if (loop_.passed(deadline)) co_return fail(ErrorCode::kUnavailable, lacking);
      co_await rest(kUnsettledWatch);
    }
  }

  /// Where they are too few, `lacking` says so.
  Async<> count_replicas(std::string address, redis::Ask ask, std::string& lacking) {
    // Behind no write of its own it counts the replicas that are there.
    std::string wait = redis::format_command({"WAIT", std::to_string(replicas_), kWaitForReplicas});
    const redis::CallResult result = co_await ask(std::move(wait));
    const redis::Reply& reply = result.reply;
    if (reply.type == redis::Reply::Type::kInteger && std::cmp_greater_equal(reply.integer, replicas_)) co_return;
    const std::string why = reply.is_error() ? reply.text : result.why;
    lacking = fmt::format("{}: --redis-replicas is {}, but only {} replicas confirm{}{}", address, replicas_,
                          reply.integer, why.empty() ? "" : ": ", why);
  }

  /// The store's format, which may not be ours, and how many lanes it is to have if no key says so. It gets our format,
  /// and `lanes`, if it is made now. If a cluster has lost only the keys that say so, they become what its lanes say.
  Task<RedisLaneIds::Store> get_or_make_format(std::size_t lanes, Deadline deadline) {
    const auto stored = co_await lane_ids_.store(deadline);
    if (!stored) co_return std::unexpected(stored.error());
    auto store = stored->value_or(RedisLaneIds::Store{std::to_string(kRedisFormat), lanes});
    auto found = co_await get_or_make(kRedisFormatKey, store.format, deadline);
    if (!found) co_return std::unexpected(std::move(found).error());
    store.format = *std::move(found);
    co_return store;
  }

  /// The same for the number of lanes. Refuses a format that is not ours.
  Task<std::size_t> get_or_make_lanes(std::size_t lanes, Deadline deadline) {
    const auto store = co_await get_or_make_format(lanes, deadline);
    if (!store) co_return std::unexpected(store.error());
    if (auto fault = fault_of_redis_format(store->format); !fault.empty()) {
      co_return fail(ErrorCode::kUnavailable, std::move(fault));
    }
    auto found = co_await get_or_make(kRedisLanesKey, std::to_string(store->lanes), deadline, kRedisIdKey);
    if (!found) co_return std::unexpected(std::move(found).error());
    const auto count = parse_number<std::size_t>(*found);
    if (!count || *count < 1 || *count > kMaxRedisLanes) {
      co_return fail(ErrorCode::kUnavailable,
                     fmt::format("{} is {}, which is not a number of lanes", kRedisLanesKey, quote(*found)));
    }
    co_return *count;
  }

  /// The value of `key`, which all nodes share; it becomes `value` if it has none. `before`: a key that is made later,
  /// so that this one was lost if that is there. Empty: none is.
  Task<std::string> get_or_make(std::string_view key, std::string value, Deadline deadline,
                                std::string_view before = {}) {
    const std::vector<std::string_view> keys = before.empty() ? std::vector{key} : std::vector{key, before};
    const std::array<std::string_view, 1> arguments{value};
    const auto run = [&] {
      return client_.run(get_or_make_script(), keys, arguments, {.deadline = deadline, .replicate = true});
    };
    RedisAnswer answer = co_await until_answered(run, deadline);
    if (answer.is_short()) co_return fail(ErrorCode::kUnavailable, "too few replicas confirm: " + answer.result.why);
    const redis::Reply& reply = answer.reply();
    const bool empty = answer.answered() && reply.type == redis::Reply::Type::kString && reply.text.empty();
    if (empty || (answer.answered() && is_of_wrong_type(reply))) {
      co_return fail(ErrorCode::kUnavailable,
                     fmt::format("the key {} is {}, and not one that Parley made: is this database another program's?",
                                 key, empty ? "empty or gone" : "no string"));
    }
    if (!answer.answered() || reply.type != redis::Reply::Type::kString) {
      co_return std::unexpected(read_failure(answer));
    }
    co_return std::move(answer.result.reply.text);
  }

  /// The key's value as any master says it; empty: it is not there; nothing: none has answered.
  Async<std::optional<std::string>> value_on_masters(std::string_view key) {
    std::optional<std::string> found;
    co_await client_.visit_masters(
        kWatch, [&found, key](const std::string&, redis::Ask ask) { return ask_for_into(key, found, std::move(ask)); });
    co_return found;
  }

  /// Looks which store the servers hold, and takes another one for the store if that is what they hold.
  Async<> look_at_id() {
    // Asked of each master, and not by a call: the answer to a call would end the outage of a master that refuses
    // others.
    const auto found = co_await value_on_masters(kRedisIdKey);
    if (!found) co_return;  // a look that is answered will tell
    id_known_ = *found == identity_.id();
    if (id_known_) co_return identity_.confirm(loop_.now());
    identity_.lose(*found);
    const Deadline deadline = loop_.now() + kWatch;
    const auto lanes = co_await get_or_make_lanes(identity_.lanes(), deadline);
    if (!lanes) co_return identity_.refuse(lanes.error().detail);
    if (*lanes != identity_.lanes()) {
      co_return identity_.refuse(
          fmt::format("Redis holds another store than before, which has {} lanes and not {}: restart this process",
                      *lanes, identity_.lanes()));
    }
    const std::string fresh = random_id();
    auto id = co_await get_or_make(kRedisIdKey, fresh, deadline);
    if (!id) co_return identity_.refuse("the store in Redis is another one than before, but: " + id.error().detail);
    const bool made = *id == fresh;
    if (*id != identity_.id()) identity_.adopt(*std::move(id), made, loop_.now());
  }

  /// Whether the data still have our format: a newer program may have changed them. `fault` is what is wrong with the
  /// lanes.
  Async<> look_at_format(std::string fault) {
    auto found = co_await value_on_masters(kRedisFormatKey);
    // Without a format the store is gone, which its id tells, or one server of a cluster has lost its data.
    if (found && found->empty() && id_known_) {
      auto made = co_await get_or_make_format(identity_.lanes(), loop_.now() + kWatch);
      if (made) found = std::move(made->format);
    }
    if (fault.empty()) {
      if (!found || found->empty()) co_return;  // a look that is answered will tell
      fault = fault_of_redis_format(*found);
    }
    health_.observe_format(std::move(fault));
  }

  /// Until somebody is in a hurry.
  Async<> rest(std::chrono::milliseconds time) {
    loop_.deadlines().arm(pause_, loop_.now() + time);
    if (!stopped_) co_await woken_->wait();
    pause_.disarm();
  }

  Async<> watch() {
    for (;;) {
      co_await rest(identity_.settled() ? kWatch : kUnsettledWatch);
      if (stopped_) co_return;
      co_await look_at_id();
      RedisLaneIds::Looked lanes;
      if (id_known_) lanes = co_await lane_ids_.look(kWatch);
      if (lanes.changed) identity_.forget();
      co_await look_at_format(std::move(lanes.fault));
      const auto asked = loop_.now();
      const auto masters = co_await ask_redis_settings(client_, kWatch);
      for (const auto& [address, settings] : masters) health_.observe(address, settings, asked);
      if (!masters.empty()) health_.forget_others(masters, asked);
    }
  }

  [[nodiscard]] StoreMetrics::Families engine_metrics() const {
    const auto count = [](const Counter& cell) {
      return std::vector{std::pair{Labels{}, static_cast<double>(cell.value())}};
    };
    StoreMetrics::Families out;
    out.push_back(gauge_family("parley_store_writable",
                               "0 while the servers' settings do not fit, and no sends are taken",
                               {{Labels{}, health_.fit() ? 1.0 : 0.0}}));
    out.push_back(counter_family("parley_store_replies_settled_total",
                                 "Sends whose reply was lost, and which were then found to be stored",
                                 count(steps_.counts().settled)));
    out.push_back(counter_family("parley_store_index_rows_raised_total",
                                 "Rows of users' indexes that were raised before a send, which is rare in a busy chat",
                                 count(index_.counts().raised)));
    add_page_metrics(out, reader_.pages());
    return out;
  }

  const Durability durability_;
  const std::size_t replicas_;
  const bool cluster_;
  net::Loop& loop_;  // where the settings are watched
  const std::shared_ptr<StoreMetrics> metrics_;
  // In the order of who uses whom.
  RedisHealth health_;
  RedisIdentity identity_;
  std::shared_ptr<Wakeup> woken_ = std::make_shared<Wakeup>();  // of watch(); those who wake it may outlive the store
  redis::Client client_;
  RedisLaneIds lane_ids_{client_, identity_};
  Bell bell_;
  RedisIndex index_;
  RedisTables tables_;
  RedisClocks clocks_;
  RedisSteps steps_;
  RedisWriter writer_;
  RedisReader reader_;
  TaskGroup watching_;
  // loop_'s alone:
  net::DeadlineEntry pause_;
  bool stopped_ = false;
  bool id_known_ = true;  // when it was last looked at: then the lanes are ours, too
};

}  // namespace

Result<std::unique_ptr<MessageStore>> open_redis_store(redis::ClientOptions servers, const StoreOptions& options,
                                                       net::LoopPool& loops, MetricsRegistry& metrics,
                                                       Deadline deadline) {
  auto store = std::make_unique<RedisStore>(std::move(servers), options, loops, metrics);
  auto started = net::run_on(loops[0], store->start(deadline));
  if (!started) return std::unexpected(std::move(started).error());
  return std::unique_ptr<MessageStore>(std::move(store));
}

}  // namespace parley::store
