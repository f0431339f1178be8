#include "store/redis/clocks.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

#include "base/atomic_max.h"
#include "base/parse_number.h"
#include "base/task_group.h"
#include "store/redis/calls.h"
#include "store/redis/lanes.h"
#include "store/redis/scripts.h"

namespace parley::store {
namespace {

/// How long a look waits for replicas that need not answer.
constexpr std::chrono::milliseconds kPatience{100};

constexpr std::string_view kRead = R"lua(
local out = {}
for i, key in ipairs(KEYS) do
  local lane = redis.call('HMGET', key, 't', 'k')
  out[2 * i - 1], out[2 * i] = lane[1] or '0', lane[2] or '0'
end
)lua";

/// For each lane of KEYS, its clock and what is known to be confirmed.
const redis::Script& read_script() {
  static const redis::Script script(std::string(kRead) + "return out");
  return script;
}

/// The same, and a write behind which WAIT confirms the clocks.
const redis::Script& confirm_script() {
  static const redis::Script script(std::string(kRead).append(kRedisConfirmLua) + "return out");
  return script;
}

}  // namespace

/// One look, and those who wait for it.
struct RedisClocks::Look {
  Deadline deadline{};  // the latest of theirs
  bool done = false;
  Result<std::vector<std::int64_t>> found{};
  net::Waiters waiters{};
};

struct RedisClocks::Loop {
  explicit Loop(net::Loop& on) : loop(on), looking(on.executor()) {}

  net::Loop& loop;
  TaskGroup looking;
  std::array<std::shared_ptr<Look>, 2> next{};  // by Clocks; none: nobody waits
  std::array<bool, 2> busy{};
};

RedisClocks::RedisClocks(redis::Client& client, const RedisIdentity& identity, net::LoopPool& loops, bool one_server)
    : client_(client), identity_(identity), one_server_(one_server), known_(kMaxRedisLanes) {
  for (std::size_t i = 0; i < loops.size(); ++i) loops_.push_back(std::make_unique<Loop>(loops[i]));
}

RedisClocks::~RedisClocks() {
  for (const auto& loop : loops_) net::run_on(loop->loop, loop->looking.wait());
}

Task<std::vector<std::int64_t>> RedisClocks::clocks(Clocks which, Deadline deadline) {
  using Found = std::vector<std::int64_t>;
  const std::uint64_t stores = identity_.stores();
  if (!identity_.settled()) co_return std::unexpected(identity_.unsettled());
  Loop& loop = *loops_[net::Loop::current().index()];
  const auto kind = static_cast<std::size_t>(which);
  if (!loop.next[kind]) loop.next[kind] = std::make_shared<Look>();
  const std::shared_ptr<Look> look = loop.next[kind];
  look->deadline = std::max(look->deadline, deadline);
  if (!std::exchange(loop.busy[kind], true)) loop.looking.spawn(this->look(loop, which));
  while (!look->done && !loop.loop.passed(deadline)) co_await look->waiters.wait(loop.loop, deadline);
  if (!look->done) co_return too_late("before Redis answered");
  if (!look->found) co_return std::unexpected(look->found.error());
  if (stores != identity_.stores()) {
    co_return fail(ErrorCode::kUnavailable, "Redis lost its data or was replaced meanwhile");
  }
  co_return Found(*look->found);
}

/// One look after the other, for as long as somebody waits.
Async<> RedisClocks::look(Loop& loop, Clocks which) {
  const auto kind = static_cast<std::size_t>(which);
  while (const std::shared_ptr<Look> look = std::exchange(loop.next[kind], nullptr)) {
    look->found = co_await take(which, look->deadline);
    look->done = true;
    look->waiters.wake_all();
  }
  loop.busy[kind] = false;
}

Task<std::vector<std::int64_t>> RedisClocks::take(Clocks which, Deadline deadline) {
  const std::uint64_t losses = identity_.losses();
  auto lanes = co_await read(deadline);
  if (!lanes) co_return std::unexpected(std::move(lanes).error());
  std::vector<std::int64_t> out(lanes->size());
  const bool confirms = client_.replicates();
  if (confirms) {
    const Deadline patience =
        which == Clocks::kNewest ? deadline : std::min(deadline, net::Loop::current().now() + kPatience);
    const auto confirmed = co_await confirm(*lanes, patience);
    if (!confirmed && which == Clocks::kNewest) co_return std::unexpected(confirmed.error());
  }
  for (std::size_t lane = 0; lane < out.size(); ++lane) {
    const Lane& found = (*lanes)[lane];
    if (confirms) this->confirmed(lane, found.known, losses);
    out[lane] = confirms ? std::max(found.known, known(lane)) : found.clock;
  }
  co_return out;
}

/// All lanes as they are.
Task<std::vector<RedisClocks::Lane>> RedisClocks::read(Deadline deadline) {
  std::vector<Lane> lanes(identity_.lanes());
  std::vector<std::size_t> all(lanes.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  if (auto done = co_await ask(read_script(), all, lanes, {.deadline = deadline}); !done) {
    co_return std::unexpected(std::move(done).error());
  }
  co_return lanes;
}

/// Has the clocks confirmed of those lanes that need it: `known` is the clock then.
Task<void> RedisClocks::confirm(std::vector<Lane>& lanes, Deadline deadline) {
  std::vector<std::size_t> behind;
  for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
    lanes[lane].known = std::max(lanes[lane].known, known(lane));
    if (lanes[lane].known < lanes[lane].clock) behind.push_back(lane);
  }
  std::vector<Lane> now = lanes;
  const auto done = co_await ask(confirm_script(), behind, now, {.deadline = deadline, .replicate = true});
  if (!done) co_return done;
  for (const std::size_t lane : behind) lanes[lane] = {.clock = now[lane].clock, .known = now[lane].clock};
  co_return Result<void>{};
}

/// Runs `script` over some lanes, and sets what it says of them. One call has all of them, or each has one.
Task<void> RedisClocks::ask(const redis::Script& script, const std::vector<std::size_t>& of, std::vector<Lane>& lanes,
                            redis::CallOptions options) {
  std::vector<std::vector<std::size_t>> calls;
  if (one_server_ && !of.empty()) {
    calls.push_back(of);
  } else {
    for (const std::size_t lane : of) calls.push_back({lane});
  }
  std::optional<Error> failed;
  TaskGroup all(net::Loop::current().executor());
  for (const auto& call : calls) all.spawn(ask_once(script, call, lanes, options, failed));
  co_await all.wait();
  if (failed) co_return std::unexpected(*std::move(failed));
  co_return Result<void>{};
}

Async<> RedisClocks::ask_once(const redis::Script& script, const std::vector<std::size_t>& of, std::vector<Lane>& lanes,
                              redis::CallOptions options, std::optional<Error>& failed) {
  std::vector<std::string> names;
  names.reserve(of.size());
  for (const std::size_t lane : of) names.push_back(redis_key(lane, RedisKey::kClock));
  const std::vector<std::string_view> keys(names.begin(), names.end());
  const auto run = [&] { return client_.run(script, keys, {}, options); };
  const RedisAnswer answer = co_await until_answered(run, options.deadline);
  if (answer.is_short()) {
    failed = {ErrorCode::kUnavailable, "too few replicas confirm: " + answer.result.why};
    co_return;
  }
  const auto& found = answer.reply().elements;
  if (!answer.answered() || found.size() != 2 * of.size()) {
    failed = read_failure(answer);
    co_return;
  }
  for (std::size_t i = 0; i < of.size(); ++i) {
    const auto clock = parse_number<std::int64_t>(found[2 * i].text);
    const auto known = parse_number<std::int64_t>(found[2 * i + 1].text);
    if (!clock || !known) {
      failed = {ErrorCode::kUnavailable, "Redis: " + names[i] + " is no clock"};
      co_return;
    }
    lanes[of[i]] = {.clock = *clock, .known = *known};
  }
}

void RedisClocks::confirmed(std::size_t lane, std::int64_t time, std::uint64_t losses) {
  if (!client_.replicates()) return;
  const std::scoped_lock lock(mutex_);
  if (losses != identity_.losses()) return;
  if (losses_.load(std::memory_order_relaxed) != losses) {
    for (auto& known : known_) known.store(0, std::memory_order_relaxed);
    losses_.store(losses, std::memory_order_release);  // behind them: known() looks at it first
  }
  raise_to(known_[lane], time, std::memory_order_acq_rel);
}

std::int64_t RedisClocks::known(std::size_t lane) const noexcept {
  if (losses_.load(std::memory_order_acquire) != identity_.losses()) return 0;
  return known_[lane].load(std::memory_order_acquire);
}

}  // namespace parley::store
