#include "store/redis_scripts.h"

namespace parley::store {

const redis::Script& append_once_script() {
  // A generation takes keys for a window and is read for one more; its time to live says which of them it is in. The
  // window itself is judged by the node's clock, which gave the message its time.
  static const redis::Script script(R"lua(
local stream, young, old = KEYS[1], KEYS[2], KEYS[3]
local key, hash, now, window, time = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local takes, confirm = tonumber(ARGV[8]), ARGV[9] == '1'

local known = redis.call('HGET', young, key) or redis.call('HGET', old, key)
if known then
  local first = struct.unpack('>I8', known)
  if now - first <= window then
    if confirm then
      redis.call('PEXPIREAT', stream, '253402300799000')
      redis.call('PERSIST', stream)
    end
    return {string.sub(known, 9) == hash and 2 or 3, first}
  end
end

local function add()
  return redis.pcall('XADD', stream, time .. '-0', 's', ARGV[6], 't', ARGV[7])
end
local added = add()
if added.err and string.find(added.err, 'equal or smaller', 1, true) then
  local about = redis.call('XINFO', 'STREAM', stream)
  local last
  for i = 1, #about, 2 do
    if about[i] == 'last-generated-id' then last = tonumber(string.match(about[i + 1], '^%d+')) end
  end
  if last >= 9007199254740991 then return {4, 0} end
  time = string.format('%.0f', last + 1)
  added = add()
end
if added.err then return added end

local left = redis.call('PTTL', young)
if left >= 0 and left < takes then redis.call('RENAME', young, old) end
redis.call('HSET', young, key, struct.pack('>I8', tonumber(time)) .. hash)
if left < takes then redis.call('PEXPIRE', young, 2 * takes) end
return {1, tonumber(time)}
)lua");
  return script;
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

const redis::Script& settle_script() {
  static const redis::Script script(R"lua(
local entry = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1]
if not entry or entry[2][2] ~= ARGV[2] then return 0 end
redis.call('PEXPIREAT', KEYS[1], '253402300799000')
redis.call('PERSIST', KEYS[1])
return 1
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
