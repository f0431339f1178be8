#include "store/redis/steps.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <list>
#include <string_view>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/intrusive/list.hpp>
#include <fmt/format.h>

#include "base/atomic_max.h"
#include "base/random_id.h"
#include "base/task_group.h"
#include "base/wakeup.h"
#include "net/deadlines.h"
#include "store/redis/lanes.h"
#include "store/rules.h"
#include "store/send_time.h"

namespace parley::store {
namespace {

/// Calls that a loop has under way in a lane of a cluster. With more of them they would have fewer items, which costs
/// Redis more than it wins.
constexpr std::size_t kUnderWayOfLane = 1;
// The most that is put into one call, of which one item is there whatever its size. The server does nothing else
// meanwhile.
constexpr std::size_t kMaxItems = 512;
constexpr std::size_t kMaxBytes = std::size_t{256} << 10;
/// How many items of a queue may be put back that cannot be in one call with others.
constexpr std::size_t kMaxPassed = 256;
/// How often in a row a batch may find that the generations of keys have changed.
constexpr int kMaxRenewals = 5;

using How = RedisDone::How;

std::unexpected<Error> too_few_replicas() {
  return fail(ErrorCode::kOutcomeUnknown, "Redis has stored the message, but too few replicas confirmed it in time");
}

std::unexpected<Error> unknown(std::string_view why) {
  return fail(ErrorCode::kOutcomeUnknown, fmt::format("Redis may have stored the message: {}", why));
}

std::unexpected<Error> lane_lost() {
  return fail(ErrorCode::kUnavailable, "Redis lost the data of the chat's lane, or they were replaced");
}

}  // namespace

using AutoUnlink = boost::intrusive::link_mode<boost::intrusive::auto_unlink>;

/// Who waits for an item. In the frame of run(); linked while it is in no call.
struct RedisSteps::Waiting : boost::intrusive::list_base_hook<AutoUnlink> {
  Waiting(RedisSteps& steps, RedisItem& the_item, Deadline until)
      : item(the_item), deadline(until), expiry([this, &steps] { steps.expire(*this); }) {}

  RedisItem& item;
  Deadline deadline;
  net::DeadlineEntry expiry;
  Wakeup ended;
  Result<RedisDone> result{};
  Batch* batch = nullptr;
  std::size_t place = 0;  // there
};

/// What a call does in one lane.
struct RedisSteps::Batch {
  RedisBatch what{};
  std::uint64_t epoch = 0;          // of the lane
  std::vector<Waiting*> waiting{};  // for each item; none: nobody waits any longer
  std::list<RedisItem> left{};      // whose waiters have gone, although they may be done
  const Call* call = nullptr;
  bool keyed = false;
  bool maybe_executed = false;  // an attempt without an answer may have been executed, or be executed later
  bool renews = false;          // it is time for a new generation of keys
  int renewals = 0;

  [[nodiscard]] bool may_be_done() const noexcept;
  [[nodiscard]] bool wanted() const noexcept {
    return std::ranges::any_of(waiting, [](const Waiting* one) { return one != nullptr; });
  }
  /// Items stand by kind.
  void add(Waiting& one) {
    one.batch = this;
    keyed |= !one.item.print.empty();
    const auto kind = [](const Waiting* each) { return each->item.kind(); };
    waiting.insert(std::ranges::upper_bound(waiting, one.item.kind(), {}, kind), &one);
  }
  void number_items() {
    what.items.resize(waiting.size());
    for (std::size_t i = 0; i < waiting.size(); ++i) {
      waiting[i]->place = i;
      what.items[i] = &waiting[i]->item;
    }
  }
  /// Takes out what nobody waits for. Only while it cannot have been done.
  void drop_unwanted() {
    if (std::erase(waiting, nullptr) > 0) number_items();
  }
};

/// Has one call under way at a time, and numbers them.
struct RedisSteps::Sender {
  std::string name{};
  std::uint64_t number = 0;  // of the last one
  bool busy = false;
};

struct RedisSteps::Call {
  std::vector<std::unique_ptr<Batch>> batches{};  // those that are not settled
  Sender* sender = nullptr;
  Deadline deadline{};  // the latest of those who wait
  // RedisIdentity's when it was begun:
  std::uint64_t stores = 0;
  std::uint64_t losses = 0;
  bool begun = false;                      // an attempt is under way that may have been sent
  bool confirmed = true;                   // by as many replicas as are asked for
  std::vector<const RedisBatch*> lanes{};  // that are in it

  [[nodiscard]] bool wanted() const noexcept {
    return std::ranges::any_of(batches, [](const auto& batch) { return batch->wanted(); });
  }
};

bool RedisSteps::Batch::may_be_done() const noexcept { return maybe_executed || call->begun; }

/// What waits for one call.
struct RedisSteps::Queue {
  using List = boost::intrusive::list<Waiting, boost::intrusive::constant_time_size<false>>;

  List waiting;
  std::vector<Sender> senders;
  bool listed = false;  // in Loop::to_flush
};

struct RedisSteps::Lane {
  std::shared_ptr<const RedisKeyGenerations> generations = std::make_shared<RedisKeyGenerations>();
  bool grows = false;  // a generation is on its way since the newest is full
};

struct RedisSteps::Loop {
  Loop(net::Loop& on, std::size_t queue_count)
      : loop(on), calls(on.executor()), queues(queue_count), lanes(kMaxRedisLanes) {}

  net::Loop& loop;
  TaskGroup calls;
  std::vector<Queue> queues;
  std::vector<Lane> lanes;
  std::vector<Queue*> to_flush;                // at the end of this turn
  std::array<Batch*, kMaxRedisLanes> taken{};  // by lane, while a call is filled
  std::shared_ptr<const RedisLaneIdTable> ids;
  std::uint64_t ids_version = 0;
  std::uint64_t stores = 0;  // RedisIdentity's that the lanes' clocks are of
};

RedisSteps::RedisSteps(redis::Client& client, const RedisIdentity& identity, RedisClocks& clocks, Bell& bell,
                       const StoreOptions& options, StoreMetrics& metrics, net::LoopPool& loops, bool one_server)
    : client_(client),
      identity_(identity),
      clocks_of_store_(clocks),
      bell_(bell),
      options_(options),
      metrics_(metrics),
      one_server_(one_server),
      script_(make_step_script({.window = options.idempotency_window,
                                .least = redis_key_times(options.idempotency_window).least,
                                .confirm = client.replicates()})),
      sender_("f" + random_id().substr(0, 12)),
      clocks_(kMaxRedisLanes) {
  for (std::size_t i = 0; i < loops.size(); ++i) {
    loops_.push_back(std::make_unique<Loop>(loops[i], one_server ? 1 : kMaxRedisLanes));
    for (Queue& queue : loops_.back()->queues) {
      queue.senders.resize(one_server ? kCallsUnderWay : kUnderWayOfLane);
      for (std::size_t j = 0; j < queue.senders.size(); ++j) {
        queue.senders[j].name = fmt::format("{}.{}.{}", sender_, i, j);
      }
    }
  }
}

RedisSteps::~RedisSteps() {
  for (const auto& loop : loops_) net::run_on(loop->loop, loop->calls.wait());
}

RedisSteps::Loop& RedisSteps::here() const { return *loops_[net::Loop::current().index()]; }

const RedisLaneId& RedisSteps::lane_id(std::size_t lane) {
  Loop& loop = here();
  look_at_ids(loop);
  return (*loop.ids)[lane];
}

void RedisSteps::look_at_ids(Loop& loop) {
  const std::uint64_t version = identity_.lane_ids_version();
  if (version == loop.ids_version) return;
  loop.ids_version = version;
  loop.ids = identity_.lane_ids();
  // A lane that lost its data goes on above what readers of the store have seen. Times of another store mean nothing.
  const std::uint64_t stores = identity_.stores();
  if (std::exchange(loop.stores, stores) == stores) return;
  for (auto& clock : clocks_) clock.store(0, std::memory_order_relaxed);
}

Task<RedisDone> RedisSteps::run(RedisItem& item, Deadline deadline) {
  Loop& loop = here();
  if (!identity_.settled()) co_return std::unexpected(identity_.unsettled());
  if (loop.loop.passed(deadline)) co_return too_late("before Redis was asked");
  if (waiting_.load(std::memory_order_relaxed) >= options_.max_queue) {
    co_return fail(ErrorCode::kOverloaded, "too many sends wait for Redis");
  }
  Waiting waiting(*this, item, deadline);
  Queue& queue = loop.queues[one_server_ ? 0 : item.lane];
  queue.waiting.push_back(waiting);
  waiting_.fetch_add(1, std::memory_order_relaxed);
  metrics_.queue_depth.add(1);
  loop.loop.deadlines().arm(waiting.expiry, deadline);
  if (!std::exchange(queue.listed, true)) {
    if (loop.to_flush.empty()) boost::asio::post(loop.loop.executor(), [this, &loop] { flush(loop); });
    loop.to_flush.push_back(&queue);
  }
  co_await waiting.ended.wait();
  waiting.expiry.disarm();
  co_return std::move(waiting.result);
}

void RedisSteps::leave_queue(Waiting& waiting) {
  waiting.unlink();
  waiting_.fetch_sub(1, std::memory_order_relaxed);
  metrics_.queue_depth.add(-1);
}

/// Its deadline has passed.
void RedisSteps::expire(Waiting& waiting) {
  Batch* const batch = waiting.batch;
  if (batch == nullptr) {
    leave_queue(waiting);
    waiting.result = too_late("before Redis was asked");
  } else {
    batch->waiting[waiting.place] = nullptr;
    if (batch->may_be_done()) {
      batch->what.items[waiting.place] = &batch->left.emplace_back(std::move(waiting.item));
      waiting.result = unknown("it did not say so in time");
    } else {
      batch->what.items[waiting.place] = nullptr;
      waiting.result = too_late("before Redis could be asked");
    }
  }
  waiting.ended.wake();
}

/// At the end of a turn.
void RedisSteps::flush(Loop& loop) {
  const std::vector<Queue*> queues = std::exchange(loop.to_flush, {});
  for (Queue* const queue : queues) {
    queue->listed = false;
    send_what_waits(loop, *queue);
  }
}

void RedisSteps::send_what_waits(Loop& loop, Queue& queue) {
  while (!queue.waiting.empty()) {
    const auto sender = std::ranges::find(queue.senders, false, &Sender::busy);
    if (sender == queue.senders.end()) return;
    auto call = take_call(loop, queue);
    if (call->batches.empty()) continue;
    sender->busy = true;
    ++sender->number;
    call->sender = &*sender;
    loop.calls.spawn(do_call(loop, queue, std::move(call)));
  }
}

/// What waits, in its order, as far as one call can do it. What cannot be in the call because of others of the same key
/// or table goes to the end of the queue, so that it keeps nobody else from Redis. What was begun under another id of
/// its lane, or is not to be served now, is ended.
std::unique_ptr<RedisSteps::Call> RedisSteps::take_call(Loop& loop, Queue& queue) {
  auto call = std::make_unique<Call>();
  call->stores = identity_.stores();
  call->losses = identity_.losses();
  look_at_ids(loop);
  const bool settled = identity_.settled();
  std::size_t count = 0;
  std::size_t bytes = 0;
  std::size_t passed = 0;
  std::vector<Waiting*> refused;
  Queue::List put_back;
  for (auto next = queue.waiting.begin(); next != queue.waiting.end() && count < kMaxItems && passed < kMaxPassed;) {
    Waiting& one = *next++;
    const RedisItem& item = one.item;
    if (!settled || item.epoch != (*loop.ids)[item.lane].epoch) {
      leave_queue(one);
      refused.push_back(&one);
      continue;
    }
    const std::size_t more = item.bytes(loop.lanes[item.lane].generations->all().size());
    if (count > 0 && bytes + more > kMaxBytes) break;
    Batch& batch = batch_for(loop, *call, item.lane);
    if (!std::ranges::all_of(batch.waiting, [&](const Waiting* before) { return item.goes_with(before->item); })) {
      ++passed;
      one.unlink();
      put_back.push_back(one);
      continue;
    }
    leave_queue(one);
    batch.add(one);
    call->deadline = std::max(call->deadline, one.deadline);
    ++count;
    bytes += more;
  }
  queue.waiting.splice(queue.waiting.end(), put_back);
  for (const auto& batch : call->batches) {
    batch->number_items();
    loop.taken[batch->what.lane] = nullptr;
  }
  if (count > 0) metrics_.batch_size.observe(count);
  for (Waiting* const one : refused) {  // which may put others into the queue
    one->result = settled ? Result<RedisDone>(lane_lost()) : std::unexpected(identity_.unsettled());
    one->ended.wake();
  }
  return call;
}

RedisSteps::Batch& RedisSteps::batch_for(Loop& loop, Call& call, std::size_t lane) {
  Batch*& batch = loop.taken[lane];
  if (batch != nullptr) return *batch;
  batch = call.batches.emplace_back(std::make_unique<Batch>()).get();
  const RedisLaneId& id = (*loop.ids)[lane];
  batch->what.lane = lane;
  batch->what.lane_id = id.id;
  batch->epoch = id.epoch;
  batch->call = &call;
  return *batch;
}

Async<> RedisSteps::do_call(Loop& loop, Queue& queue, std::unique_ptr<Call> call) {
  const Deadline begun = loop.loop.now();
  co_await ask(loop, *call);
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(loop.loop.now() - begun);
  metrics_.write_us.observe(static_cast<std::uint64_t>(took.count()));
  call->sender->busy = false;
  send_what_waits(loop, queue);
}

/// Until each of the lanes has answered, or may have done its batch without an answer.
Async<> RedisSteps::ask(Loop& loop, Call& call) {
  for (const auto& batch : call.batches) {
    batch->renews = batch->keyed && loop.lanes[batch->what.lane].generations->empty();
  }
  const std::string key = redis_key(call.batches.front()->what.lane, RedisKey::kClock);
  const auto put = [&](redis::ScriptCall& script) {
    call.lanes.clear();
    for (const auto& batch : call.batches) {
      if (!batch->maybe_executed) batch->drop_unwanted();
      batch->what.known = clocks_of_store_.known(batch->what.lane);
      // Where readers were seen to be, although a failover may have lost what they saw.
      batch->what.floor = clocks_[batch->what.lane].load(std::memory_order_relaxed) + 1;
      call.lanes.push_back(&batch->what);
    }
    put_steps({.now = counted_clock(options_.clock()), .sender = call.sender->name, .number = call.sender->number},
              call.lanes, script);
  };
  for (;;) {
    co_await renew_where_due(loop, call);
    if (call.batches.empty()) co_return;
    for (const auto& batch : call.batches) batch->what.generations = loop.lanes[batch->what.lane].generations;
    RedisAnswer answer;
    answer.result =
        co_await client_.run(script_, key, put, {.deadline = call.deadline, .replicate = true, .begun = &call.begun});
    call.begun = false;
    if (answer.answered() || !answer.is_lost()) {
      take_answer(loop, call, std::move(answer));
      continue;
    }
    for (const auto& batch : call.batches) batch->maybe_executed |= answer.result.sent;
    if (!loop.loop.passed(call.deadline) && call.wanted()) continue;
    take_answer(loop, call, std::move(answer));
  }
}

/// Settles what it can, which leaves the call.
void RedisSteps::take_answer(Loop& loop, Call& call, RedisAnswer answer) {
  call.confirmed = !answer.is_short();
  const bool sent = answer.answered() || answer.result.sent;
  const redis::Reply& reply = answer.reply();
  const bool fits =
      answer.answered() && reply.type == redis::Reply::Type::kArray && reply.elements.size() == call.batches.size();
  auto batches = std::exchange(call.batches, {});
  for (std::size_t i = 0; i < batches.size(); ++i) {
    Batch& batch = *batches[i];
    if (fits) {
      if (!take_step(loop, call, batch, reply.elements[i])) call.batches.push_back(std::move(batches[i]));
      continue;
    }
    // A call that fails has done nothing, unless it was in the middle of its writes.
    batch.maybe_executed |= sent;
    answer.maybe_executed = batch.maybe_executed;
    if (batch.maybe_executed) ring(batch);
    end(batch, std::unexpected(write_failure(answer)));
  }
}

/// Whether the batch has its end.
bool RedisSteps::take_step(Loop& loop, const Call& call, Batch& batch, const redis::Reply& reply) {
  const auto step = read_step(reply, batch.what, client_.replicates());
  if (step && step->wrote && call.confirmed) {
    clocks_of_store_.confirmed(batch.what.lane, step->clock, call.losses);
  }
  ring(batch);
  if (!step) {
    end(batch, unknown("its answer makes no sense"));
    return true;
  }
  if (step->how != RedisStep::How::kGenerations) {
    settle(loop, call, batch, *step);
    return true;
  }
  // An earlier attempt that arrives late is refused as this one was: its generations will never be the lane's again.
  auto known = RedisKeyGenerations::parse(step->generations);
  if (!known || ++batch.renewals > kMaxRenewals) {
    const std::string why = known ? "its keys change too often" : "the lane's generations of keys are none of ours";
    end_undone(batch, {ErrorCode::kUnavailable, "Redis: " + why});
    return true;
  }
  batch.renews = known->empty() || known->text() == batch.what.generations->text();
  loop.lanes[batch.what.lane].generations = std::make_shared<const RedisKeyGenerations>(*std::move(known));
  return false;
}

/// Begins new generations for those batches that need one. What fails leaves the call.
Async<> RedisSteps::renew_where_due(Loop& loop, Call& call) {
  if (std::ranges::none_of(call.batches, [](const auto& batch) { return batch->renews; })) co_return;
  TaskGroup all(loop.loop.executor());
  for (const auto& batch : call.batches) {
    if (batch->renews) all.spawn(renew_for(loop, call, *batch));
  }
  co_await all.wait();
  std::erase_if(call.batches, [](const auto& batch) { return batch->renews; });
}

Async<> RedisSteps::renew_for(Loop& loop, Call& call, Batch& batch) {
  Lane& lane = loop.lanes[batch.what.lane];
  const auto renewed = co_await renew_generations(lane, batch.what.lane, batch.what.lane_id, false, call.deadline);
  if (renewed) {
    batch.renews = false;
  } else {
    end_undone(batch, renewed.error());
  }
}

Async<> RedisSteps::renew_full(Loop& loop, std::size_t lane, std::string id) {
  (void)co_await renew_generations(loop.lanes[lane], lane, id, true, loop.loop.now() + std::chrono::seconds(1));
  loop.lanes[lane].grows = false;
}

/// Begins a new generation, unless another node has by now.
Task<void> RedisSteps::renew_generations(Lane& lane, std::size_t number, std::string_view id, bool full,
                                         Deadline deadline) {
  const auto known = lane.generations;
  const auto next = known->next(full);
  std::vector<std::string> names = {redis_key(number, RedisKey::kClock), RedisKeyGenerations::key(number, next)};
  for (const auto& generation : known->all()) names.push_back(RedisKeyGenerations::key(number, generation));
  const std::vector<std::string_view> keys(names.begin(), names.end());
  const std::array<std::string, 5> texts{std::to_string(next.number), std::to_string(next.buckets),
                                         std::to_string(known->fewer()), std::to_string(full ? 0 : known->few()),
                                         std::to_string(redis_key_times(options_.idempotency_window).lives.count())};
  const std::array<std::string_view, 7> arguments{id, known->text(), texts[0], texts[1], texts[2], texts[3], texts[4]};
  const auto run = [&] { return client_.run(begin_generation_script(), keys, arguments, {.deadline = deadline}); };
  RedisAnswer answer = co_await until_answered(run, deadline);
  if (!answer.answered() || answer.reply().type != redis::Reply::Type::kString) {
    co_return std::unexpected(read_failure(answer));
  }
  if (answer.reply().text == "!lost") co_return lane_lost();
  auto now = RedisKeyGenerations::parse(std::move(answer.result.reply.text));
  if (!now || now->empty()) {
    co_return fail(ErrorCode::kUnavailable, "Redis: the lane's generations of keys are none of ours");
  }
  lane.generations = std::make_shared<const RedisKeyGenerations>(*std::move(now));
  co_return Result<void>{};
}

/// Tells whoever waits what became of each item.
void RedisSteps::settle(Loop& loop, const Call& call, Batch& batch, const RedisStep& step) {
  const std::size_t number = batch.what.lane;
  switch (step.how) {
    case RedisStep::How::kOvertaken: return end(batch, unknown("a later one came first"));
    case RedisStep::How::kLost: return end_undone(batch, lane_lost().error());
    case RedisStep::How::kFault: return end_undone(batch, {ErrorCode::kUnavailable, "Redis: " + shown(step.fault)});
    case RedisStep::How::kBeyondLimit:
      // An attempt that may still be executed would store it twice, if it were sent again with another limit.
      if (batch.maybe_executed) return end(batch, unknown("its time would be too late now"));
      return end(batch, RedisDone{.how = How::kBeyondLimit, .time = step.clock});
    case RedisStep::How::kDone:
    case RedisStep::How::kGenerations: break;
  }
  if (batch.epoch == (*loop.ids)[number].epoch) saw(number, step.clock);
  if (step.again) counts_.settled.add(step.items.size());
  Lane& lane = loop.lanes[number];
  if (step.full && batch.what.generations == lane.generations && lane.generations->may_grow() &&
      !std::exchange(lane.grows, true)) {
    loop.calls.spawn(renew_full(loop, number, batch.what.lane_id));
  }
  for (std::size_t i = 0; i < step.items.size(); ++i) {
    Waiting* const waiting = std::exchange(batch.waiting[i], nullptr);
    if (waiting == nullptr) continue;
    waiting->result = settled(call, batch, step, step.items[i]);
    waiting->ended.wake();
  }
}

void RedisSteps::saw(std::size_t lane, std::int64_t clock) noexcept { raise_to(clocks_[lane], clock); }

Result<RedisDone> RedisSteps::settled(const Call& call, const Batch& batch, const RedisStep& step,
                                      const RedisDone& done) const {
  const bool found = done.how == How::kStored || done.how == How::kRepeated;
  if (call.stores != identity_.stores()) {
    if (found) return fail(ErrorCode::kOutcomeUnknown, "Redis lost its data or was replaced during the send");
    if (!batch.maybe_executed) return fail(ErrorCode::kUnavailable, "Redis lost its data or was replaced");
  }
  // An earlier attempt that comes late may find something else, unless the lane knows the batch by now.
  if (!found && batch.maybe_executed && !step.kept) return unknown("an attempt without an answer may still come");
  switch (done.how) {
    case How::kStored:
    case How::kRepeated:
    case How::kConflict:
    case How::kRefused:
      if (!call.confirmed) return too_few_replicas();
      return done;
    case How::kUsedUp: return times_used_up();
    case How::kFailed: return fail(ErrorCode::kUnavailable, "Redis: " + shown(step.fault));
    case How::kBeyondLimit: return done;
  }
  return done;
}

/// Nothing was done now, for this reason. An earlier attempt may have done it.
void RedisSteps::end_undone(Batch& batch, const Error& why) {
  end(batch, batch.maybe_executed ? unknown(why.detail) : std::unexpected(why));
}

void RedisSteps::end(Batch& batch, const Result<RedisDone>& with) {
  for (Waiting*& place : batch.waiting) {
    Waiting* const waiting = std::exchange(place, nullptr);
    if (waiting == nullptr) continue;
    waiting->result = with;
    waiting->ended.wake();
  }
}

/// Its chats may have moved, which can be seen by now.
void RedisSteps::ring(const Batch& batch) {
  if (!bell_.anybody_listens()) return;
  std::vector<std::string_view> chats;
  for (const RedisItem* const item : batch.what.items) {
    if (!item->chat.empty()) chats.push_back(item->chat);
  }
  bell_.ring(chats, {});
}

}  // namespace parley::store
