#include "store/redis/index.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <boost/unordered/unordered_flat_map.hpp>
#include <fmt/format.h>

#include "base/atomic_max.h"
#include "base/parse_number.h"
#include "base/task_group.h"
#include "chat/message.h"
#include "net/loop.h"
#include "net/waiters.h"
#include "store/redis/calls.h"
#include "store/redis/lanes.h"
#include "store/redis/scripts.h"
#include "store/redis/tables.h"
#include "store/send_time.h"

namespace parley::store {
namespace {

using redis::Reply;

/// Rows are raised again this long before an append would be refused, so that few are.
constexpr std::int64_t kEarly = kIndexGrain / 10;

/// Whether a row of this value (0: not known) is high enough for an append at about `time`.
bool is_high(std::int64_t value, std::int64_t time) { return value != 0 && time + kEarly <= value + kIndexGrain; }

/// What an append at about `time` may do over rows of these values, of which the audience's are high enough.
RedisRaised allowed(const RaisedRows::Values& rows, std::int64_t time) {
  const bool lane_is_high = is_high(rows.lane, time);
  const std::int64_t least = lane_is_high ? std::min(rows.audience, rows.lane) : rows.audience;
  return {.limit = std::min(least + kIndexGrain, kMaxSendTime), .raise_lane = !lane_is_high};
}

/// Raises a row that may be high enough already, which is confirmed all the same.
const redis::Script& raise_again_script() {
  static const redis::Script script(
      std::string("redis.call('ZADD', KEYS[1], 'GT', ARGV[1], ARGV[2])").append(kRedisConfirmLua) + "return 0");
  return script;
}

/// Rows behind one that need not be there. ARGV: its time and chat; the last time; how many; whether oldest first.
const redis::Script& rows_after_script() {
  static const redis::Script script(std::string(kRedisBytesLua) + R"lua(
local key, time, chat, last, count, rising = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5] == '1'
local rank = redis.call('ZCOUNT', key, '-inf', '(' .. time)
-- Of the rows of this time, in the order of their names, so many come before the chat, or are the chat itself.
local low, high = 0, redis.call('ZCOUNT', key, time, time)
local same = high
while low < high do
  local middle = math.floor((low + high) / 2)
  local name = redis.call('ZRANGE', key, rank + middle, rank + middle)[1]
  if is_below(name, chat) or (rising and name == chat) then low = middle + 1 else high = middle end
end
if rising then return redis.call('ZRANGEBYSCORE', key, time, last, 'WITHSCORES', 'LIMIT', low, count) end
return redis.call('ZREVRANGEBYSCORE', key, time, last, 'WITHSCORES', 'LIMIT', same - low, count)
)lua");
  return script;
}

/// The time that a score stands for; nothing if it is none. Servers write the same number as 1700000000000000
/// or 1.7e+15.
std::optional<std::int64_t> time_of(std::string_view score) {
  const auto time = parse_number<double>(score);
  if (!time || *time < 0 || *time > static_cast<double>(kMaxSendTime)) return std::nullopt;
  if (*time != std::floor(*time)) return std::nullopt;  // NaN, too
  return static_cast<std::int64_t>(*time);
}

/// The rows of an answer WITHSCORES; nothing if it is none.
std::optional<std::vector<IndexRow>> rows_of(Reply& reply) {
  if (reply.type != Reply::Type::kArray || reply.elements.size() % 2 != 0) return std::nullopt;
  std::vector<IndexRow> out;
  out.reserve(reply.elements.size() / 2);
  for (std::size_t i = 0; i < reply.elements.size(); i += 2) {
    const auto time = time_of(reply.elements[i + 1].text);
    if (!time) return std::nullopt;
    out.push_back({std::move(reply.elements[i].text), *time});
  }
  return out;
}

}  // namespace

/// A raise of a chat's rows that is under way, for whoever led it and those who wait for it, too.
struct RedisIndex::Raising {
  std::int64_t value;
  Deadline deadline;
  std::uint64_t age;  // when it began
  std::vector<std::string> audience{};
  std::optional<Error> failed{};
  bool done = false;
  net::Waiters waiters{};
};

struct RedisIndex::Loop {
  std::uint64_t changes = 0;                                                   // that were noticed
  boost::unordered_flat_map<std::string, std::shared_ptr<Raising>> raising{};  // by chat: the last that began
};

RedisIndex::RedisIndex(redis::Client& client, const RedisIdentity& identity, Bell& bell, std::size_t memory,
                       std::size_t loops)
    : client_(client), identity_(identity), bell_(bell), rows_(memory), newest_(kMaxRedisLanes) {
  for (std::size_t i = 0; i < loops; ++i) loops_.push_back(std::make_unique<Loop>());
}

RedisIndex::~RedisIndex() = default;

std::optional<RedisRaised> RedisIndex::known(const ChatId& chat, const std::vector<std::string>& audience,
                                             std::int64_t now) {
  const RaisedRows::Values values = rows_.find(chat.name(), audience, age());
  const std::int64_t time = wanted(chat.name(), now, 0);
  if (!is_high(values.audience, time)) return std::nullopt;
  return allowed(values, time);
}

Task<RedisRaised> RedisIndex::raise(const ChatId& chat, const std::vector<std::string>& audience, std::int64_t now,
                                    std::int64_t floor, Deadline deadline) {
  const std::uint64_t stores = identity_.stores();
  if (!identity_.settled()) co_return std::unexpected(identity_.unsettled());
  saw(chat.name(), floor - 1);
  net::Loop& loop = net::Loop::current();
  auto& under_way = loops_[loop.index()]->raising;
  std::shared_ptr<Raising> raising;
  for (bool again = true; again;) {
    const std::uint64_t age = this->age();
    const std::int64_t value = wanted(chat.name(), now, floor);
    const auto found = under_way.find(chat.name());
    const bool shared = found != under_way.end() && found->second->age == age && is_high(found->second->value, value) &&
                        found->second->audience == audience;
    if (shared) {
      raising = found->second;
      while (!raising->done && !loop.passed(deadline)) co_await raising->waiters.wait(loop, deadline);
      if (!raising->done) co_return too_late("before Redis answered");
    } else {
      raising = std::make_shared<Raising>(value, deadline, age, audience);
      under_way.insert_or_assign(chat.name(), raising);
      co_await raise_rows(*raising, chat, audience);
      if (const auto last = under_way.find(chat.name()); last != under_way.end() && last->second == raising) {
        under_way.erase(last);
      }
      raising->done = true;
      raising->waiters.wake_all();
    }
    // What took too long for another one has not for us.
    again = shared && raising->failed && raising->failed->code == ErrorCode::kOverloaded && !loop.passed(deadline);
  }
  if (raising->failed) co_return std::unexpected(*raising->failed);
  if (stores != identity_.stores()) {
    co_return fail(ErrorCode::kUnavailable, "Redis lost its data or was replaced before the message was stored");
  }
  const std::int64_t lane = rows_.find(chat.name(), audience, raising->age).lane;
  co_return allowed({.audience = raising->value, .lane = lane}, raising->value);
}

Async<> RedisIndex::raise_rows(Raising& raising, const ChatId& chat, const std::vector<std::string>& audience) {
  std::vector<std::string_view> users{chat.first()};
  if (chat.second() != chat.first()) users.push_back(chat.second());
  for (const std::string& member : audience) {
    if (!chat.has_member(member)) users.emplace_back(member);
  }
  TaskGroup all(net::Loop::current().executor());
  for (const std::string_view user : users) all.spawn(raise_row(raising, chat.name(), user));
  co_await all.wait();
  if (raising.failed) co_return;
  counts_.raised.add(users.size());
  rows_.raised(chat.name(), audience, raising.value, raising.age);
  if (bell_.anybody_listens()) bell_.ring({}, users);
}

Async<> RedisIndex::raise_row(Raising& raising, const std::string& chat, std::string_view user) {
  const std::string key = redis_key(redis_lane_of_index(user, identity_.lanes()), RedisKey::kIndex, user);
  const fmt::format_int value(raising.value);
  const std::string_view time(value.data(), value.size());
  const redis::CallOptions options{.deadline = raising.deadline, .replicate = true};
  const auto add = [&] {
    return client_.call(key, redis::format_command({"ZADD", key, "GT", "CH", time, chat}), options);
  };
  RedisAnswer answer = co_await until_answered(add, raising.deadline);
  const bool unchanged =
      answer.answered() && answer.reply().type == Reply::Type::kInteger && answer.reply().integer == 0;
  if (unchanged && client_.replicates()) {
    // It may be another node's, which no replica has confirmed yet.
    const std::array<std::string_view, 1> keys{key};
    const std::array<std::string_view, 2> arguments{time, chat};
    const auto again = [&] { return client_.run(raise_again_script(), keys, arguments, options); };
    answer = co_await until_answered(again, raising.deadline);
  }
  if (answer.is_short()) {
    raising.failed = {ErrorCode::kUnavailable, "too few replicas confirmed the index: " + answer.result.why};
  } else if (!answer.answered() || answer.reply().type != Reply::Type::kInteger) {
    raising.failed = read_failure(answer);  // whatever became of it, nothing was stored
  }
}

void RedisIndex::appended(std::string_view chat, std::int64_t time, bool raised_lane) {
  saw(chat, time);
  if (raised_lane) rows_.raised_lane(chat, time, age());
}

Task<IndexPage> RedisIndex::index(std::string user, IndexRange range, Deadline deadline) {
  while (true) {  // until a page is surely of one age
    const std::uint64_t began = age();
    auto page = co_await read_page(user, range, deadline);
    if (page && age() != began) continue;
    if (page) page->age = began;
    co_return page;
  }
}

Task<IndexPage> RedisIndex::read_page(const std::string& user, const IndexRange& range, Deadline deadline) {
  const std::uint64_t stores = identity_.stores();
  if (!identity_.settled()) co_return std::unexpected(identity_.unsettled());
  const std::string key = redis_key(redis_lane_of_index(user, identity_.lanes()), RedisKey::kIndex, user);
  const std::string least = std::to_string(range.least);
  const std::string last = range.oldest_first ? "+inf" : least;
  const std::string count = std::to_string(range.limit + 1);
  const redis::CallOptions options{.deadline = deadline};
  const auto first = [&] {
    return client_.call(
        key,
        range.oldest_first
            ? redis::format_command({"ZRANGEBYSCORE", key, least, "+inf", "WITHSCORES", "LIMIT", "0", count})
            : redis::format_command({"ZREVRANGEBYSCORE", key, "+inf", least, "WITHSCORES", "LIMIT", "0", count}),
        options);
  };
  const std::array<std::string_view, 1> keys{key};
  const std::string time = range.after ? std::to_string(range.after->time) : "";
  const std::array<std::string_view, 5> arguments{
      time, range.after ? std::string_view(range.after->chat) : std::string_view(), last, count,
      range.oldest_first ? "1" : "0"};
  const auto behind = [&] { return client_.run(rows_after_script(), keys, arguments, options); };
  // Behind a row that is below `least` there is nothing in this order, and everything in the other.
  const bool from_start = !range.after || (range.oldest_first && range.after->time < range.least);
  Async<RedisAnswer> asking = from_start ? until_answered(first, deadline) : until_answered(behind, deadline);
  RedisAnswer answer = co_await std::move(asking);
  if (!answer.answered() || answer.reply().is_error()) co_return std::unexpected(read_failure(answer));
  auto rows = rows_of(answer.result.reply);
  if (!rows) co_return fail(ErrorCode::kUnavailable, "Redis: " + key + " is no index");
  if (stores != identity_.stores()) {
    co_return fail(ErrorCode::kUnavailable, "Redis lost its data or was replaced meanwhile");
  }
  IndexPage page{.rows = *std::move(rows)};
  page.has_more = page.rows.size() > range.limit;
  if (page.has_more) page.rows.resize(range.limit);
  co_return page;
}

/// What was remembered at another age is forgotten: a server may have other data by now. So are the times of the lanes,
/// which may be another store's.
std::uint64_t RedisIndex::age() {
  const std::uint64_t changes = client_.changes() + identity_.forgotten();
  if (std::exchange(loops_[net::Loop::current().index()]->changes, changes) != changes) {
    for (auto& newest : newest_) newest.store(0, std::memory_order_relaxed);
    age_.fetch_add(1, std::memory_order_acq_rel);
  }
  return age_.load(std::memory_order_acquire);
}

/// About the time that an append gets now. A row may be too high: it is looked at for nothing then.
std::int64_t RedisIndex::wanted(std::string_view chat, std::int64_t now, std::int64_t floor) {
  const std::int64_t seen = newest_of(chat).load(std::memory_order_relaxed);
  return std::min(std::max({counted_clock(now), seen, floor}), kMaxSendTime);
}

/// The chat's lane has reached this time.
void RedisIndex::saw(std::string_view chat, std::int64_t time) noexcept { raise_to(newest_of(chat), time); }

std::atomic<std::int64_t>& RedisIndex::newest_of(std::string_view chat) noexcept {
  return newest_[redis_lane_of(chat, identity_.lanes())];
}

}  // namespace parley::store
