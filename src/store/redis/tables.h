// Tables in Redis.
//
// A table is one sorted set, all of whose scores are 0, so that its members are in the order of their bytes. A member
// is a row: its name, two NUL bytes, and its value. In a name a NUL is followed by 0xFF, which keeps the names' order.
// (A hash of the values beside a sorted set of the names takes half as much memory again.)
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/task.h"
#include "redis/client.h"
#include "store/message_store.h"
#include "store/redis/identity.h"

namespace parley::store {

/// Where `table` lies, in a store of so many lanes.
[[nodiscard]] std::size_t redis_lane_of(const TableId& table, std::size_t lanes) noexcept;
[[nodiscard]] std::string redis_table_key(const TableId& table, std::size_t lanes);

/// A part of a script: is_below(a, b) of two strings, by bytes, whatever the server's locale.
inline constexpr std::string_view kRedisBytesLua = R"lua(
local function is_below(a, b)
  local equal, differs = 0, math.min(#a, #b)
  if string.sub(a, 1, differs) == string.sub(b, 1, differs) then return #a < #b end
  while differs - equal > 1 do
    local middle = math.floor((equal + differs) / 2)
    if string.sub(a, equal + 1, middle) == string.sub(b, equal + 1, middle) then
      equal = middle
    else
      differs = middle
    end
  end
  return string.byte(a, differs) < string.byte(b, differs)
end
)lua";

/// A part of a script that writes rows, behind kRedisBytesLua: three functions over the arguments that
/// redis_row_arguments() makes, `count` rows of which stand in ARGV from `at` on.
///
///   rows_refused(key, at, count, written)   whether a row of the table is not as its condition says; changes nothing
///   note_rows(at, count, written)           adds the rows to `written`, which it returns: a table of rows that are as
///                                           good as there, for rows_refused(). Nil there: none are.
///   write_rows(key, at, count)              writes them all, whatever the conditions
inline constexpr std::string_view kRedisRowsLua = R"lua(
local function row_of(key, name, written)
  local value = written and written[name]
  if value ~= nil then return value and name .. value or nil end
  return redis.call('ZRANGEBYLEX', key, '[' .. name, '(' .. string.sub(name, 1, -2) .. '\1', 'LIMIT', 0, 1)[1]
end

local function is_refused(key, how, name, operand, written)
  if how == 'a' then return false end
  local row = row_of(key, name, written)
  if how == 'n' then return row ~= nil end
  if how == 'e' then return row ~= name .. operand end
  return row ~= nil and not is_below(string.sub(row, #name + 1), operand)
end

local function rows_refused(key, at, count, written)
  for i = at, at + 4 * count - 1, 4 do
    if is_refused(key, string.sub(ARGV[i], 1, 1), ARGV[i + 1], ARGV[i + 3], written) then return true end
  end
  return false
end

local function note_rows(at, count, written)
  for i = at, at + 4 * count - 1, 4 do
    written[ARGV[i + 1]] = string.sub(ARGV[i], 2, 2) == 's' and ARGV[i + 2]
  end
  return written
end

local function write_rows(key, at, count)
  for i = at, at + 4 * count - 1, 4 do
    local name = ARGV[i + 1]
    redis.call('ZREMRANGEBYLEX', key, '[' .. name, '(' .. string.sub(name, 1, -2) .. '\1')
    if string.sub(ARGV[i], 2, 2) == 's' then redis.call('ZADD', key, 0, name .. ARGV[i + 2]) end
  end
end
)lua";

/// The arguments of kRedisRowsLua: four for each row.
inline constexpr std::size_t kRedisRowArguments = 4;
[[nodiscard]] std::vector<std::string> redis_row_arguments(std::span<const RowWrite> rows);

/// Pages of tables. Each is one script on the master, so that it sees what was acknowledged before.
class RedisTables {
 public:
  /// What it is given must outlive it.
  RedisTables(redis::Client& client, const RedisIdentity& identity) : client_(client), identity_(identity) {}

  /// As MessageStore::rows(). kUnavailable if Redis lost its data or was replaced meanwhile. On a loop.
  [[nodiscard]] Task<RowPage> rows(TableId table, RowRange range, Deadline deadline);

 private:
  redis::Client& client_;
  const RedisIdentity& identity_;
};

}  // namespace parley::store
