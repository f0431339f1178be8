#include "store/redis/scripts.h"

#include <string>

#include <fmt/format.h>

#include "store/redis/tables.h"

namespace parley::store {
namespace {

// The arguments of a call and of each lane are in batch.cc. An entry has the last six bytes of its record's time, so
// that what lies more than eight years before the clock is not told from what is later. The record at that time says
// whether it is the key's.
//
// A loop's turn is one call, whose lanes are most of what it does: so there is little here beside what each item needs.
// Functions on rows are made only if there are rows.
constexpr std::string_view kStep = R"lua(
  return rows_refused, note_rows, write_rows
end

local KEYS, ARGV, call, pcall = KEYS, ARGV, redis.call, redis.pcall
local format, match, find, sub, byte, floor = string.format, string.match, string.find, string.sub, string.byte, math.floor
local pack, take = struct.pack, struct.unpack
local now, sender, number = tonumber(ARGV[1]), ARGV[2], ARGV[3]
local wrap = 281474976710656
local whole, id = '%d', '%d-0'
if format('%d', wrap) ~= '281474976710656' then return redis.error_reply('ERR Parley needs a server of 64 bits') end
local wrote, seen, refusal, known_more, rows_refused, note_rows, write_rows

-- What the key of a record stands for, as an entry of its bucket says: 'D' and the time of the same record; 'C': it was
-- another one.
local function find_key(clock, stream, entries, generation, print, value, key)
  local how
  local name = math.max(2, byte(value, 2) or 0)
  local from = find(entries, print, 1, true)
  while from do
    if from % 8 == 1 and from + 7 <= #entries then
      local time = clock - (clock - take('>I6', entries, from + 2)) % wrap
      local entry = pcall('XRANGE', stream, format(id, time), format(id, time))[1]
      if entry and now - time <= window then
        local there = entry[2][2]
        if there == value then return 'D', time end
        if sub(there, 2, name) == sub(value, 2, name) and find(there, key, 1, true) then how = 'C' end
      end
      local gone = pcall('HGET', generation, sub(entries, from, from + 7))
      if type(gone) == 'string' then
        local time, whose, what = match(gone, '^(%d+) (%x+) (%x+)$')
        time = tonumber(time)
        if time and now - time <= window and whose == redis.sha1hex(stream .. sub(value, 2, name) .. key) then
          if what == redis.sha1hex(value) then return 'D', time end
          how = 'C'
        end
      end
    end
    from = find(entries, print, from + 1, true)
  end
  return how
end

local function answer(first, at, count, how, what, fault)
  local out = format(whole, first) .. ' ' .. format(whole, at)
  if next(how) == nil then return out end
  local outcomes, repeats = {}, ''
  for i = 1, count do
    outcomes[i] = how[i] or 'S'
    if how[i] == 'D' then repeats = repeats .. ' ' .. format(whole, what[i]) end
  end
  out = out .. ' ' .. table.concat(outcomes) .. repeats
  return fault and out .. '\n' .. fault or out
end

local function do_lane(k, a, plain, keyed, general, raising, many, full, limit, known, floor_time)
  local lane, records = KEYS[k], plain + keyed
  local state = pcall('HMGET', lane, 't', 'k', 'i', 'g', 'n', sender)
  if state.err then return '!fault ' .. state.err end
  if state[3] ~= ARGV[a + 1] then return '!lost' end
  local clock, done, most = tonumber(state[1] or 0), state[6], limit
  if not clock or clock % 1 ~= 0 or clock < 0 or clock > 9007199254740992 then return '!fault a clock is no time' end
  if done then
    local upto, last, what = match(done, '^(%d+) (%d+) (.*)$')
    if not upto then return '!fault a kept answer is none' end
    if last == number then
      seen = lane
      return '=' .. what
    end
    if tonumber(last) > tonumber(number) then return '!overtaken' end
    most = math.max(limit, tonumber(upto))
  end
  local left = 0
  if many > 0 then
    if state[4] ~= ARGV[a + 2] then return '!generations ' .. (state[4] or '') end
    left = call('PTTL', KEYS[k + 1])
    if left < least then return '!generations ' .. ARGV[a + 2] end
  end

  local log = k + many + (raising > 0 and 1 or 0)
  local bucket = log + records
  local value = a + 2
  local print = value + records + 1
  local raised = print + 2 * keyed
  local how, what, fault = {}, {}, nil

  local from, upto = bucket + 1, bucket + keyed * many
  while from <= upto do
    local some = math.min(upto - from + 1, 500)
    local all = call('MGET', unpack(KEYS, from, from + some - 1))
    for j = 1, some do
      local entries = all[j]
      if entries then
        local at = from + j - 2 - bucket
        local i = at % keyed
        local mark = print + 2 * i
        if find(entries, ARGV[mark], 1, true) then
          i = i + plain + 1
          local found, time = find_key(clock, KEYS[log + i], entries, KEYS[k + 1 + floor(at / keyed)], ARGV[mark],
                                       ARGV[value + i], ARGV[mark + 1])
          if found and how[i] ~= 'D' then how[i], what[i] = found, time end
        end
      end
    end
    from = from + some
  end

  local items
  if general > 0 then
    if not rows_refused then rows_refused, note_rows, write_rows = make_rows() end
    items = {}
    local written = {}  -- by table: its rows behind the items so far
    local g, v = bucket + keyed * many + 1, raised + 2 * raising
    for i = records + 1, records + general do
      local count, rows, has_key = tonumber(ARGV[v]), tonumber(ARGV[v + 1]), ARGV[v + 2] == '1'
      local item = {count, g, v + 3, rows}
      v = v + 3 + count
      if count > 0 then g = g + 1 end
      if has_key then
        item[5], item[6] = g, v
        for j = 1, many do
          local entries = call('MGET', KEYS[g])[1]
          if entries and find(entries, ARGV[v], 1, true) then
            local found, time = find_key(clock, KEYS[item[2]], entries, KEYS[k + j], ARGV[v], ARGV[item[3]], ARGV[v + 1])
            if found and how[i] ~= 'D' then how[i], what[i] = found, time end
          end
          g = g + 1
        end
        v = v + 2
      end
      if rows > 0 then
        item[7], item[8] = KEYS[g], v
        if not how[i] then
          local size = pcall('ZCARD', KEYS[g])
          if type(size) == 'table' then
            how[i], fault = 'E', size.err
          elseif rows_refused(KEYS[g], v, rows, written[KEYS[g]]) then
            how[i], item[9] = 'R', written[KEYS[g]] ~= nil  -- by rows that may not come to be
          else
            written[KEYS[g]] = note_rows(v, rows, written[KEYS[g]] or {})
          end
        end
        g, v = g + 1, v + 4 * rows
      end
      items[i] = item
    end
  end

  local all = records + general
  local first = math.max(now, clock + 1, floor_time)
  local time, keys, count, used_up = first, 0, 0, false
  local spoilt = {}  -- tables without the rows that later items were judged by
  for i = 1, all do
    if how[i] == 'R' then
      if items[i][9] and spoilt[items[i][7]] then how[i] = 'U' end
    elseif not how[i] then
      local span, item = 1, i > records and items[i]
      if item then span = math.max(item[1], 1) end
      used_up = used_up or time > 9007199254740992 - span
      if used_up then
        how[i] = 'U'
        if item and item[7] then spoilt[item[7]] = true end
      else
        time, count = time + span, count + 1
        if item and item[5] or i > plain and not item then keys = keys + 1 end
      end
    end
  end
  local last = time - 1

  if count == 0 then
    seen = lane
    return answer(first, clock, all, how, what, fault)
  end
  if last > limit then return '!limit ' .. format(whole, first - 1) end

  local old = {}
  if not done then
    local there = call('HGETALL', lane)
    for i = 1, #there, 2 do
      local upto = byte(there[i]) == 102 and tonumber(match(there[i + 1], '^(%d+) %d+ '))
      if upto and upto < clock then old[#old + 1] = there[i] end
    end
  end
  local taken = (tonumber(state[5]) or 0) + keys
  local fields = {'t', format(whole, last), sender, format(whole, most) .. ' ' .. number .. ' ' .. answer(first, last, all, how, what, fault)}
  if keys > 0 then fields[5], fields[6] = 'n', format(whole, taken) end
  if known > (tonumber(state[2]) or 0) and known <= clock then
    fields[#fields + 1] = 'k'
    fields[#fields + 1] = format(whole, known)
  end
  local set = pcall('HSET', lane, unpack(fields))
  if type(set) == 'table' then
    refusal, fault = set, set.err
    for i = records + 1, all do
      if how[i] == 'R' and items[i][9] then how[i] = nil end
    end
    if next(how) ~= nil then known_more, seen = true, lane end
    for i = 1, all do how[i] = how[i] or 'E' end
    return answer(first, clock, all, how, what, fault), true
  end
  wrote = true
  if #old > 0 then call('HDEL', lane, unpack(old, 1, math.min(#old, 1000))) end

  local raises
  if raising > 0 then
    raises = {}
    for i = raised, raised + 2 * raising - 1, 2 do raises[tonumber(ARGV[i])] = ARGV[i + 1] end
  end
  time = first
  local failed
  for i = 1, records do
    if not how[i] then
      local got
      if i > plain then
        local j = i - plain
        got = pcall('APPEND', KEYS[bucket + j], ARGV[print + 2 * j - 2] .. pack('>I6', time % wrap))
        if got == 8 then call('PEXPIRE', KEYS[bucket + j], left) end
      end
      if raises and raises[i] and type(got) ~= 'table' then
        got = pcall('ZADD', KEYS[k + many + 1], 'GT', format(whole, time), raises[i])
      end
      if type(got) ~= 'table' then got = pcall('XADD', KEYS[log + i], format(id, time), 'r', ARGV[value + i]) end
      if type(got) == 'table' then how[i], fault, failed = 'e', got.err, true end
      time = time + 1
    end
  end
  for i = records + 1, all do
    if how[i] == 'R' then
      if items[i][9] and spoilt[items[i][7]] then how[i] = 'E' end
    elseif not how[i] then
      local item, got = items[i], nil
      local span = math.max(item[1], 1)
      if item[7] and spoilt[item[7]] then
        got = {err = fault}
      elseif item[5] then
        got = pcall('APPEND', KEYS[item[5]], ARGV[item[6]] .. pack('>I6', time % wrap))
        if got == 8 then call('PEXPIRE', KEYS[item[5]], left) end
      end
      if raises and raises[i] and type(got) ~= 'table' then
        got = pcall('ZADD', KEYS[k + many + 1], 'GT', format(whole, time + span - 1), raises[i])
      end
      for j = 0, item[1] - 1 do
        if type(got) ~= 'table' then
          got = pcall('XADD', KEYS[item[2]], format(id, time + j), 'r', ARGV[item[3] + j])
        end
      end
      if type(got) == 'table' then
        how[i], fault, failed = 'e', got.err, true
        if item[7] then spoilt[item[7]] = true end
      elseif item[7] then
        write_rows(item[7], item[8], item[4])
      end
      time = time + span
    end
  end
  local out = answer(first, last, all, how, what, fault)
  if failed then call('HSET', lane, sender, format(whole, most) .. ' ' .. number .. ' ' .. out) end
  return keys > 0 and taken > full and '+' .. out or out
end

local out, k, a = {}, 1, 4
while ARGV[a] do
  local keys, arguments, plain, keyed, general, raising, many, full, limit, known, floor_time =
    take('>I4I4I2I2I2I2I1I5I7I7I7', ARGV[a])
  local got, refused = do_lane(k, a, plain, keyed, general, raising, many, full, limit, known, floor_time)
  if refused and sub(refusal.err, 1, 8) == 'READONLY' then return refusal end
  if not refused then known_more = true end
  out[#out + 1] = got
  k, a = k + keys, a + arguments
end
if refusal and not known_more then return refusal end
if confirm and seen and not wrote then
  call('PEXPIREAT', seen, '253402300799000')
  call('PERSIST', seen)
end
return out
)lua";

}  // namespace

redis::Script make_step_script(const RedisStepRules& rules) {
  std::string source = fmt::format("local window, least, confirm = {}, {}, {}\nlocal function make_rows()\n",
                                   rules.window.count(), rules.least.count(), rules.confirm);
  source.append(kRedisBytesLua).append(kRedisRowsLua).append(kStep);
  return redis::Script(std::move(source));
}

const redis::Script& begin_generation_script() {
  static const redis::Script script(R"lua(
local id, known, number, buckets = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local lane = redis.call('HMGET', KEYS[1], 'i', 'g', 'n')
if lane[1] ~= id then return '!lost' end
local there = lane[2] or ''
if there ~= known then return there end
if (tonumber(lane[3]) or 0) < tonumber(ARGV[6]) then buckets = tonumber(ARGV[5]) end
local out, i = {string.format('%s:%d', number, buckets)}, 3
for generation in string.gmatch(there, '[^,]+') do
  if redis.call('EXISTS', KEYS[i]) == 1 then out[#out + 1] = generation end
  i = i + 1
end
local now = table.concat(out, ',')
redis.call('HSET', KEYS[2], 'b', buckets)
redis.call('PEXPIRE', KEYS[2], ARGV[7])
redis.call('HSET', KEYS[1], 'g', now, 'n', 0)
return now
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

const redis::Script& get_or_make_script() {
  static const redis::Script script(R"lua(
local value = redis.call('GET', KEYS[1])
if not value then
  if KEYS[2] and redis.call('EXISTS', KEYS[2]) == 1 then return '' end
  value = ARGV[1]
  redis.call('SET', KEYS[1], value)
end
return value
)lua");
  return script;
}

}  // namespace parley::store
