#include "store/redis/reader.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/atomic_max.h"
#include "chat/message_body.h"
#include "store/redis/entries.h"
#include "store/redis/lanes.h"
#include "store/redis/scripts.h"
#include "store/rules.h"

namespace parley::store {
namespace {

using redis::Reply;

/// The most that a plain XRANGE may come to.
constexpr std::size_t kMaxPlainBytes = std::size_t{4} << 20;
/// What an entry of a plain message has beside its text: the field's name, the head of the record, and a key.
constexpr std::size_t kAroundText = 16 + kMaxIdempotencyKeyBytes;
/// The least number of entries that are asked for again: what there was before was of other kinds.
constexpr std::size_t kWantedOnceMore = 64;
/// Of every chat, since other nodes may write to it at any time: only what never changes is kept. That is nothing where
/// the past changes.
constexpr ChatEpochs::Epoch kWritten = 1;

/// Adds the records of `entries` that are asked for while the page has room; whether it still has.
bool fill(RecordPage& page, PageRoom& room, const ChatId& chat, bool all_kinds, const std::vector<Reply>& entries) {
  page.records.reserve(page.records.size() + entries.size());
  for (const Reply& entry : entries) {
    const auto found = read_entry(chat, entry);
    if (!found) continue;
    const RecordView& record = found->record;
    if (!all_kinds && record.kind != RecordKind::kMessage) continue;
    page.has_more = !room.take(page_bytes(record.kind, record.body));
    if (page.has_more) return false;
    record.write_to(page.records.emplace_back(), found->time);
  }
  return true;
}

bool are_entries(const Reply& reply) {
  return reply.type == Reply::Type::kArray && std::ranges::all_of(reply.elements, is_redis_entry);
}

/// Whether `reply` is bounded_page_script()'s.
bool is_bounded_page(const Reply& reply) {
  return reply.type == Reply::Type::kArray && reply.elements.size() == 2 &&
         reply.elements[0].type == Reply::Type::kInteger && are_entries(reply.elements[1]);
}

}  // namespace

RedisReader::RedisReader(redis::Client& client, const RedisIdentity& identity, const StoreOptions& options,
                         std::size_t loops)
    : client_(client),
      identity_(identity),
      largest_(options.max_text + kAroundText),
      pages_(make_page_caches(options, loops)),
      since_(loops) {}

Task<RecordPage> RedisReader::read(ChatId chat, RecordRange range, Deadline deadline) {
  const std::uint64_t stores = identity_.stores();
  if (!identity_.settled()) co_return std::unexpected(identity_.unsettled());
  if (const RecordPage* const known = kept().find(chat, range, kWritten)) co_return *known;
  const std::uint64_t changes = this->changes();
  const std::int64_t cursor = range.page.cursor;
  Query query{
      .stream = redis_key(redis_lane_of(chat.name(), identity_.lanes()), RedisKey::kLog, chat.name()),
      .reverse = range.page.reverse,
      .from = cursor == 0 ? std::string(range.page.reverse ? "+" : "-") : std::to_string(cursor),
      .to = range.end == 0 ? std::string(range.page.reverse ? "-" : "+") : "(" + std::to_string(range.end) + "-0",
      .deadline = deadline};
  RecordPage page;
  PageRoom room(range.page);
  bool found = false;
  for (bool more = true; more;) {
    query.wanted = std::max(room.count() + 1, found ? kWantedOnceMore : 0);
    query.room = room.bytes();
    const bool plainly = query.wanted * largest_.load(std::memory_order_relaxed) <= kMaxPlainBytes;
    Async<RedisAnswer> asking = plainly ? ask(query) : ask_bounded(query);
    RedisAnswer answer = co_await std::move(asking);
    if (plainly && answer.result.outcome == redis::CallResult::Outcome::kTooLarge) {
      note_size(kMaxPlainBytes);
      continue;
    }
    if (!answer.answered() || !(plainly ? are_entries(answer.reply()) : is_bounded_page(answer.reply()))) {
      co_return std::unexpected(read_failure(answer));
    }
    const std::vector<Reply>& parts = answer.reply().elements;
    const std::vector<Reply>& entries = plainly ? parts : parts[1].elements;
    more = plainly ? entries.size() >= query.wanted : parts[0].integer != 0;
    found |= !entries.empty();
    if (!entries.empty()) query.from = "(" + entries.back().elements[0].text;
    more &= fill(page, room, chat, range.all_kinds, entries);
  }
  for (const Record& record : page.records) note_size(record.body.size() + kAroundText);
  if (!found && range.end == 0) {
    const auto there = co_await exists(query.stream, deadline);
    if (!there) co_return std::unexpected(there.error());
    if (!*there && stores == identity_.stores()) co_return chat_not_found();
  }
  if (stores != identity_.stores()) {
    co_return fail(ErrorCode::kUnavailable, "Redis lost its data or was replaced during the pull");
  }
  // It is kept under the number that kept() went by. If the number changes only now, the page is forgotten with the
  // rest.
  PageCache& pages = kept();
  if (changes == since_[net::Loop::current().index()]) pages.put(chat, range, page, kWritten);
  co_return page;
}

PageCache& RedisReader::kept() {
  const std::size_t loop = net::Loop::current().index();
  const std::uint64_t changes = this->changes();
  if (std::exchange(since_[loop], changes) != changes) pages_[loop].clear();
  return pages_[loop];
}

/// By a command whose answer has no bound but its count.
Async<RedisAnswer> RedisReader::ask(const Query& query) {
  const auto call = [this, &query] {
    return client_.call(query.stream,
                        redis::format_command({query.command(), query.stream, query.from, query.to, "COUNT",
                                               fmt::format_int(query.wanted).c_str()}),
                        {.deadline = query.deadline});
  };
  return until_answered(call, query.deadline, TooLarge::kEnds);
}

Async<RedisAnswer> RedisReader::ask_bounded(const Query& query) {
  const std::string count = std::to_string(query.wanted);
  const std::string bytes = std::to_string(query.room + query.wanted * kAroundText);
  const std::array<std::string_view, 1> keys{query.stream};
  const std::array<std::string_view, 5> arguments{query.command(), query.from, query.to, count, bytes};
  const auto run = [&] { return client_.run(bounded_page_script(), keys, arguments, {.deadline = query.deadline}); };
  RedisAnswer answer = co_await until_answered(run, query.deadline);
  co_return answer;
}

void RedisReader::note_size(std::size_t record) { raise_to(largest_, record); }

/// Whether the chat has records, of which the page that was asked for has none.
Task<bool> RedisReader::exists(const std::string& stream, Deadline deadline) {
  const auto call = [&] {
    return client_.call(stream, redis::format_command({"EXISTS", stream}), {.deadline = deadline});
  };
  const RedisAnswer answer = co_await until_answered(call, deadline);
  if (!answer.answered() || answer.reply().type != Reply::Type::kInteger) {
    co_return std::unexpected(read_failure(answer));
  }
  co_return answer.reply().integer != 0;
}

}  // namespace parley::store
