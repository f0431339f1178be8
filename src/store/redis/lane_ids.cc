#include "store/redis/lane_ids.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/parse_number.h"
#include "base/quote.h"
#include "base/random_id.h"
#include "base/task_group.h"
#include "net/loop.h"
#include "store/redis/calls.h"
#include "store/redis/entries.h"
#include "store/redis/lanes.h"

namespace parley::store {
namespace {

using redis::Reply;

// Fields of the lane's clock.
constexpr std::string_view kIdField = "i";
constexpr std::string_view kFormatField = "v";
constexpr std::string_view kLanesField = "l";

/// The fields of a lane, which get these values if it has no id.
const redis::Script& get_or_make_id_script() {
  static const redis::Script script(R"lua(
local lane = redis.call('HMGET', KEYS[1], 'i', 'v', 'l')
if lane[1] then return lane end
redis.call('HSET', KEYS[1], 'i', ARGV[1], 'v', ARGV[2], 'l', ARGV[3])
return {ARGV[1], ARGV[2], ARGV[3]}
)lua");
  return script;
}

/// Whether `reply` is the values of the three fields, which may be nil.
bool are_fields(const Reply& reply) { return reply.type == Reply::Type::kArray && reply.elements.size() == 3; }

std::string get_fields(std::string_view key) {
  return redis::format_command({"HMGET", key, kIdField, kFormatField, kLanesField});
}

/// An error says nothing: the lane may be another server's.
bool tells_fields(const redis::CallResult& result) {
  return result.outcome == redis::CallResult::Outcome::kAnswered && are_fields(result.reply);
}

}  // namespace

Task<std::optional<RedisLaneIds::Store>> RedisLaneIds::store(Deadline deadline) {
  std::vector<Result<std::optional<Store>>> found(kMaxRedisLanes);
  TaskGroup all(net::Loop::current().executor());
  for (std::size_t lane = 0; lane < found.size(); ++lane) all.spawn(ask_for_store(lane, deadline, found));
  co_await all.wait();
  for (auto& each : found) {
    if (!each) co_return std::unexpected(std::move(each).error());
  }
  const auto first = std::ranges::find_if(found, [](const auto& each) { return each->has_value(); });
  co_return first == found.end() ? std::nullopt : **std::move(first);
}

Async<> RedisLaneIds::ask_for_store(std::size_t lane, Deadline deadline,
                                    std::vector<Result<std::optional<Store>>>& out) {
  const std::string key = redis_key(lane, RedisKey::kClock);
  const auto call = [&] { return client_.call(key, get_fields(key), {.deadline = deadline}); };
  const RedisAnswer answer = co_await until_answered(call, deadline);
  if (!answer.answered() || !are_fields(answer.reply())) {
    out[lane] = std::unexpected(read_failure(answer));
    co_return;
  }
  const auto& fields = answer.reply().elements;
  const std::size_t lanes = parse_number<std::size_t>(fields[2].text).value_or(0);
  // What makes no sense is refused when the ids are learnt.
  if (fields[0].text.empty() || fields[1].text.empty() || lanes < 1 || lanes > kMaxRedisLanes) co_return;
  out[lane] = Store{.format = fields[1].text, .lanes = lanes};
}

Task<void> RedisLaneIds::learn(Deadline deadline) {
  Learnt learnt;
  TaskGroup all(net::Loop::current().executor());
  for (std::size_t lane = 0; lane < identity_.lanes(); ++lane) all.spawn(learn_lane(lane, deadline, learnt));
  co_await all.wait();
  if (!learnt.fault.empty()) co_return fail(ErrorCode::kUnavailable, std::move(learnt.fault));
  co_return learnt.asked;
}

Async<> RedisLaneIds::learn_lane(std::size_t lane, Deadline deadline, Learnt& learnt) {
  const std::string key = redis_key(lane, RedisKey::kClock);
  const std::array<std::string, 3> fresh{random_id(), std::to_string(kRedisFormat), std::to_string(identity_.lanes())};
  const std::array<std::string_view, 1> keys{key};
  const std::array<std::string_view, 3> arguments{fresh[0], fresh[1], fresh[2]};
  const auto run = [&] {
    return client_.run(get_or_make_id_script(), keys, arguments, {.deadline = deadline, .replicate = true});
  };
  RedisAnswer answer = co_await until_answered(run, deadline);
  if (!answer.answered() || !are_fields(answer.reply())) {
    learnt.asked = std::unexpected(read_failure(answer));
    co_return;
  }
  if (std::string fault = fault_of(lane, answer.reply()); !fault.empty()) {
    learnt.fault = std::move(fault);
    co_return;
  }
  identity_.set_lane_id(lane, std::move(answer.result.reply.elements[0].text));
}

Async<RedisLaneIds::Looked> RedisLaneIds::look(std::chrono::milliseconds patience) {
  const Deadline deadline = net::Loop::current().now() + patience;
  std::vector<std::size_t> changed;
  std::string fault;
  TaskGroup looks(net::Loop::current().executor());
  for (std::size_t lane = identity_.lanes(); lane > 0; --lane) looks.spawn(look_at(lane - 1, deadline, changed, fault));
  co_await looks.wait();
  Learnt learnt{.fault = std::move(fault)};
  TaskGroup all(net::Loop::current().executor());
  for (const std::size_t lane : changed) all.spawn(learn_lane(lane, deadline, learnt));
  co_await all.wait();
  co_return Looked{.changed = !changed.empty(), .fault = std::move(learnt.fault)};
}

Async<> RedisLaneIds::look_at(std::size_t lane, Deadline deadline, std::vector<std::size_t>& changed,
                              std::string& fault) {
  const std::string key = redis_key(lane, RedisKey::kClock);
  const redis::CallResult result = co_await client_.call(key, get_fields(key), {.deadline = deadline});
  if (!tells_fields(result)) co_return;
  if (!has_id(lane, result.reply)) {
    changed.push_back(lane);
  } else if (std::string found = fault_of(lane, result.reply); !found.empty()) {
    fault = std::move(found);
  }
}

Async<bool> RedisLaneIds::changed_on(redis::Ask ask) {
  bool out = false;
  TaskGroup looks(net::Loop::current().executor());
  for (std::size_t lane = identity_.lanes(); lane > 0; --lane)
    looks.spawn(look_on(lane - 1, ask, out));  // in one write
  co_await looks.wait();
  co_return out;
}

Async<> RedisLaneIds::look_on(std::size_t lane, redis::Ask ask, bool& changed) {
  std::string get = get_fields(redis_key(lane, RedisKey::kClock));
  const redis::CallResult result = co_await ask(std::move(get));
  if (tells_fields(result)) changed |= !has_id(lane, result.reply) || !fault_of(lane, result.reply).empty();
}

/// Whether the lane has the id that was learnt.
bool RedisLaneIds::has_id(std::size_t lane, const Reply& fields) const {
  return fields.elements[0].text == (*identity_.lane_ids())[lane].id;
}

/// What is wrong with the store that the lane says it is of, for a person; empty: it is ours.
std::string RedisLaneIds::fault_of(std::size_t lane, const Reply& fields) const {
  const std::string& format = fields.elements[1].text;
  const std::string& lanes = fields.elements[2].text;
  if (format == std::to_string(kRedisFormat) && lanes == std::to_string(identity_.lanes())) return {};
  return fmt::format(
      "{} is of a store of format {} with {} lanes, and this one has format {} and {} lanes: do these servers hold one "
      "store?",
      redis_key(lane, RedisKey::kClock), quote(format), quote(lanes), kRedisFormat, identity_.lanes());
}

}  // namespace parley::store
