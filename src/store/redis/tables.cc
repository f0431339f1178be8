#include "store/redis/tables.h"

#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include "store/redis/calls.h"
#include "store/redis/lanes.h"
#include "store/rules.h"

namespace parley::store {
namespace {

using redis::Reply;

constexpr std::string_view kEndOfName("\0\0", 2);
constexpr std::string_view kNulInName("\0\xFF", 2);

/// How much more a member may be than its row's name and value.
constexpr std::size_t kAroundRow = kMaxRowNameBytes + kEndOfName.size();

/// A name as a member begins with it, without its end.
std::string escaped(std::string_view name) {
  std::string out;
  out.reserve(name.size() + kEndOfName.size());
  for (const char byte : name) {
    if (byte == '\0') {
      out.append(kNulInName);
    } else {
      out.push_back(byte);
    }
  }
  return out;
}

/// Nothing if `member` is no row.
std::optional<Row> row_of(std::string_view member) {
  Row out;
  for (;;) {
    const std::size_t nul = member.find('\0');
    if (nul == std::string_view::npos || nul + 1 == member.size()) return std::nullopt;
    out.name.append(member.substr(0, nul));
    const std::string_view pair = member.substr(nul, 2);
    member.remove_prefix(nul + 2);
    if (pair == kEndOfName) break;
    if (pair != kNulInName) return std::nullopt;
    out.name.push_back('\0');
  }
  out.value = member;
  return out;
}

char letter_of(RowWrite::If condition) {
  switch (condition) {
    case RowWrite::If::kAlways: return 'a';
    case RowWrite::If::kAbsent: return 'n';
    case RowWrite::If::kEquals: return 'e';
    case RowWrite::If::kBelow: return 'b';
  }
  std::unreachable();
}

/// The members from ARGV[1] to ARGV[2], at most ARGV[3], up to the one with which they have more than ARGV[4] bytes,
/// but two if there are two.
const redis::Script& page_script() {
  static const redis::Script script(R"lua(
local from, left, room = ARGV[1], tonumber(ARGV[3]), tonumber(ARGV[4])
local out = {}
while left > 0 do
  local count = math.min(left, 32)
  local some = redis.call('ZRANGEBYLEX', KEYS[1], from, ARGV[2], 'LIMIT', 0, count)
  for _, member in ipairs(some) do
    out[#out + 1] = member
    room = room - #member
    if room < 0 and #out > 1 then return out end
  end
  if #some < count then return out end
  left = left - count
  from = '(' .. out[#out]
end
return out
)lua");
  return script;
}

/// What of `members` the page has room for; nothing if one is no row.
std::optional<RowPage> page_of(const std::vector<Reply>& members, const RowRange& range) {
  RowPage page;
  PageRoom room(range.limit, range.max_bytes);
  for (const Reply& member : members) {
    auto row = row_of(member.text);
    if (!row) return std::nullopt;
    page.has_more = !room.take(row->name.size() + row->value.size());
    if (page.has_more) break;
    page.rows.push_back(*std::move(row));
  }
  return page;
}

}  // namespace

std::size_t redis_lane_of(const TableId& table, std::size_t lanes) noexcept { return redis_lane_of(table.name, lanes); }

std::string redis_table_key(const TableId& table, std::size_t lanes) {
  const RedisKey kind = table.of == TableId::Of::kChat ? RedisKey::kChatTable : RedisKey::kUserTable;
  return redis_key(redis_lane_of(table, lanes), kind, table.name);
}

std::vector<std::string> redis_row_arguments(std::span<const RowWrite> rows) {
  std::vector<std::string> out;
  out.reserve(kRedisRowArguments * rows.size());
  for (const RowWrite& row : rows) {
    out.push_back({letter_of(row.condition), row.value ? 's' : 'd'});
    out.push_back(escaped(row.name).append(kEndOfName));
    out.push_back(row.value.value_or(""));
    out.push_back(row.operand);
  }
  return out;
}

Task<RowPage> RedisTables::rows(TableId table, RowRange range, Deadline deadline) {
  const std::uint64_t stores = identity_.stores();
  if (!identity_.settled()) co_return std::unexpected(identity_.unsettled());
  const std::string key = redis_table_key(table, identity_.lanes());
  const std::string from = "[" + escaped(range.from);
  const std::string to = range.to.empty() ? "+" : "(" + escaped(range.to);
  const std::string count = std::to_string(range.limit + 1);
  const std::string bytes = std::to_string(range.max_bytes + (range.limit + 1) * kAroundRow);
  const std::array<std::string_view, 1> keys{key};
  const std::array<std::string_view, 4> arguments{from, to, count, bytes};
  const auto run = [&] { return client_.run(page_script(), keys, arguments, {.deadline = deadline}); };
  const RedisAnswer answer = co_await until_answered(run, deadline);
  if (!answer.answered() || answer.reply().type != Reply::Type::kArray) {
    co_return std::unexpected(read_failure(answer));
  }
  auto page = page_of(answer.reply().elements, range);
  if (!page) co_return fail(ErrorCode::kUnavailable, "Redis: a row of " + key + " makes no sense");
  if (stores != identity_.stores()) {
    co_return fail(ErrorCode::kUnavailable, "Redis lost its data or was replaced meanwhile");
  }
  co_return *std::move(page);
}

}  // namespace parley::store
