#include "store/redis/scripts.h"

#include <string>

#include <fmt/format.h>

namespace parley::store {

redis::Script make_append_script(const RedisAppendRules& rules) {
  // A generation takes keys for a window and is read for one more; its time to live says which of them it is in. The
  // window itself is judged by the node's clock, which gave the message its time. A key is in both where a node whose
  // clock is ahead has forgotten it and taken it anew.
  const std::string constants = fmt::format("local window, takes, confirm = {}, {}, {}\n", rules.window.count(),
                                            rules.takes.count(), rules.confirm);
  return redis::Script(constants + R"lua(
local call, stream, young, old = redis.call, KEYS[1], KEYS[2], KEYS[3]
local key, record, id, sender, text, now, lost = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local how, first

if lost then
  local entry = call('XRANGE', stream, lost, lost)[1]
  if entry and entry[2][2] == sender then how, first = 2, tonumber(string.match(lost, '^%d+')) end
end

if not how then
  local known = call('HGET', young, key) or call('HGET', old, key)
  local time = known and struct.unpack('>I8', known)
  if known and now - time <= window then
    how, first = string.sub(known, 9) == string.sub(record, 9) and 2 or 3, time
  end
end

if how then
  if confirm then
    call('PEXPIREAT', stream, '253402300799000')
    call('PERSIST', stream)
  end
  return {how, first}
end

local added, answer = redis.pcall('XADD', stream, id, 's', sender, 't', text), 1
if added.err and string.find(added.err, 'equal or smaller', 1, true) then
  local about = call('XINFO', 'STREAM', stream)
  local last
  for i = 1, #about, 2 do
    if about[i] == 'last-generated-id' then last = tonumber(string.match(about[i + 1], '^%d+')) end
  end
  if last >= 9007199254740991 then return {4, 0} end
  local time = last + 1
  record = struct.pack('>I8', time) .. string.sub(record, 9)
  added = redis.pcall('XADD', stream, string.format('%.0f-0', time), 's', sender, 't', text)
  answer = {1, time}
end
if added.err then return added end

local left = call('PTTL', young)
if left >= 0 and left < takes then call('RENAME', young, old) end
call('HSET', young, key, record)
if left < takes then call('PEXPIRE', young, 2 * takes) end
return answer
)lua");
}

std::optional<RedisAppended> read_append_answer(const redis::Reply& reply, std::int64_t time) {
  using Type = redis::Reply::Type;
  constexpr auto kFirst = static_cast<std::int64_t>(RedisAppend::kStored);
  constexpr auto kLast = static_cast<std::int64_t>(RedisAppend::kUsedUp);
  if (reply.type == Type::kInteger && reply.integer == kFirst) return RedisAppended{RedisAppend::kStored, time};
  if (reply.type != Type::kArray || reply.elements.size() != 2) return std::nullopt;
  const redis::Reply& how = reply.elements[0];
  const redis::Reply& when = reply.elements[1];
  if (how.type != Type::kInteger || when.type != Type::kInteger) return std::nullopt;
  if (how.integer < kFirst || how.integer > kLast) return std::nullopt;
  return RedisAppended{static_cast<RedisAppend>(how.integer), when.integer};
}

const redis::Script& bounded_page_script() {
  static const redis::Script script(R"lua(
local from, left, room = ARGV[2], tonumber(ARGV[4]), tonumber(ARGV[5])
local out = {}
while left > 0 do
  local count = math.min(left, 32)
  local some = redis.call(ARGV[1], KEYS[1], from, ARGV[3], 'COUNT', count)
  for _, entry in ipairs(some) do
    out[#out + 1] = entry
    for _, value in ipairs(entry[2]) do room = room - #value end
    if room < 0 then return {1, out} end
  end
  if #some < count then return {0, out} end
  left = left - count
  from = '(' .. out[#out][1]
end
return {1, out}
)lua");
  return script;
}

const redis::Script& get_or_make_script() {
  static const redis::Script script(R"lua(
local value = redis.call('GET', KEYS[1])
if not value then
  value = ARGV[1]
  redis.call('SET', KEYS[1], value)
end
return value
)lua");
  return script;
}

}  // namespace parley::store
