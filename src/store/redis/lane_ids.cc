#include "store/redis/lane_ids.h"

#include <array>
#include <string_view>
#include <utility>

#include "base/random_id.h"
#include "base/task_group.h"
#include "net/loop.h"
#include "store/redis/calls.h"
#include "store/redis/lanes.h"

namespace parley::store {
namespace {

using redis::Reply;

/// A field of the lane's clock.
constexpr std::string_view kIdField = "i";

const redis::Script& get_or_make_id_script() {
  static const redis::Script script(R"lua(
redis.call('HSETNX', KEYS[1], 'i', ARGV[1])
return redis.call('HGET', KEYS[1], 'i')
)lua");
  return script;
}

std::string get_id(std::string_view key) { return redis::format_command({"HGET", key, kIdField}); }

}  // namespace

Task<void> RedisLaneIds::learn(Deadline deadline) {
  Result<void> learnt;
  TaskGroup all(net::Loop::current().executor());
  for (std::size_t lane = 0; lane < identity_.lanes(); ++lane) all.spawn(learn_lane(lane, deadline, learnt));
  co_await all.wait();
  co_return learnt;
}

Async<> RedisLaneIds::learn_lane(std::size_t lane, Deadline deadline, Result<void>& learnt) {
  const std::string key = redis_key(lane, RedisKey::kClock);
  const std::string fresh = random_id();
  const std::array<std::string_view, 1> keys{key};
  const std::array<std::string_view, 1> arguments{fresh};
  const auto run = [&] {
    return client_.run(get_or_make_id_script(), keys, arguments, {.deadline = deadline, .replicate = true});
  };
  RedisAnswer answer = co_await until_answered(run, deadline);
  if (!answer.answered() || answer.reply().type != Reply::Type::kString) {
    learnt = std::unexpected(read_failure(answer));
    co_return;
  }
  identity_.set_lane_id(lane, std::move(answer.result.reply.text));
}

Async<bool> RedisLaneIds::changed(std::chrono::milliseconds patience) {
  const Deadline deadline = net::Loop::current().now() + patience;
  std::vector<std::size_t> changed;
  TaskGroup looks(net::Loop::current().executor());
  for (std::size_t lane = identity_.lanes(); lane > 0; --lane) looks.spawn(look_at(lane - 1, deadline, changed));
  co_await looks.wait();
  Result<void> learnt;
  TaskGroup all(net::Loop::current().executor());
  for (const std::size_t lane : changed) all.spawn(learn_lane(lane, deadline, learnt));
  co_await all.wait();
  co_return !changed.empty();
}

Async<> RedisLaneIds::look_at(std::size_t lane, Deadline deadline, std::vector<std::size_t>& changed) {
  const std::string key = redis_key(lane, RedisKey::kClock);
  const redis::CallResult result = co_await client_.call(key, get_id(key), {.deadline = deadline});
  if (differs(lane, result)) changed.push_back(lane);
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
  std::string get = get_id(redis_key(lane, RedisKey::kClock));
  const redis::CallResult result = co_await ask(std::move(get));
  changed |= differs(lane, result);
}

/// An error says nothing: the lane may be another server's.
bool RedisLaneIds::differs(std::size_t lane, const redis::CallResult& result) const {
  const Reply& reply = result.reply;
  if (result.outcome != redis::CallResult::Outcome::kAnswered) return false;
  if (reply.type != Reply::Type::kString && reply.type != Reply::Type::kNil) return false;
  return reply.text != (*identity_.lane_ids())[lane].id;
}

}  // namespace parley::store
