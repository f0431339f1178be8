#include "store/redis/reader.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "store/redis/entries.h"
#include "store/redis/scripts.h"

namespace parley::store {
namespace {

using redis::Reply;

/// The most that a plain XRANGE may come to.
constexpr std::size_t kMaxPlainBytes = std::size_t{4} << 20;
/// What an entry has beside its text: names, sender and nonce.
constexpr std::size_t kAroundText = 16;
/// Of every chat, since other nodes may write to it at any time: only what never changes is kept. That is nothing where
/// the past changes.
constexpr ChatEpochs::Epoch kWritten = 1;

/// Adds the messages of `entries` while the page has room; whether it still has.
bool fill(Page& page, PageRoom& room, const ChatId& chat, std::vector<Reply>& entries) {
  page.messages.reserve(page.messages.size() + entries.size());
  for (Reply& entry : entries) {
    auto message = redis_message(chat, entry);
    if (!message) continue;
    page.has_more = !room.take(message->text.size());
    if (page.has_more) return false;
    page.messages.push_back(*std::move(message));
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
                         RecentChatsOfLoops& recent)
    : client_(client),
      identity_(identity),
      largest_text_(options.max_text),
      recent_(recent),
      pages_(make_page_caches(options, recent.size())),
      since_(recent.size()) {}

Task<Page> RedisReader::read(ChatId chat, PageRange range, Deadline deadline) {
  const std::uint64_t stores = identity_.stores();
  if (!identity_.settled()) co_return std::unexpected(identity_.unsettled());
  if (const Page* const known = kept().find(chat, range, kWritten)) co_return *known;
  const std::uint64_t changes = this->changes();
  Query query{.stream = redis_stream_key(chat),
              .range = range,
              .from = range.cursor == 0 ? std::string(range.reverse ? "+" : "-") : std::to_string(range.cursor),
              .deadline = deadline};
  Page page;
  PageRoom room(range);
  bool found = false;
  for (bool more = true; more;) {
    query.wanted = room.messages() + 1;
    query.room = room.bytes();
    const bool plainly = query.wanted * (largest_text_.load(std::memory_order_relaxed) + kAroundText) <= kMaxPlainBytes;
    Async<RedisAnswer> asking = plainly ? ask(query) : ask_bounded(query);
    RedisAnswer answer = co_await std::move(asking);
    if (plainly && answer.result.outcome == redis::CallResult::Outcome::kTooLarge) {
      note_size(kMaxPlainBytes);
      continue;
    }
    if (!answer.answered() || !(plainly ? are_entries(answer.reply()) : is_bounded_page(answer.reply()))) {
      co_return std::unexpected(read_failure(answer));
    }
    std::vector<Reply>& parts = answer.result.reply.elements;
    std::vector<Reply>& entries = plainly ? parts : parts[1].elements;
    more = plainly ? entries.size() >= query.wanted : parts[0].integer != 0;
    found |= !entries.empty();
    if (!entries.empty()) query.from = "(" + entries.back().elements[0].text;
    more &= fill(page, room, chat, entries);
  }
  for (const Message& message : page.messages) note_size(message.text.size());
  page.next_cursor = next_cursor(page.messages, range);
  if (!page.messages.empty()) {
    const auto newest = range.reverse ? page.messages.front().send_time : page.messages.back().send_time;
    if (changes == this->changes()) recent().saw(chat.name(), newest);
  } else if (!found && !recent().has_messages(chat.name())) {
    const auto there = co_await exists(query.stream, deadline);
    if (!there) co_return std::unexpected(there.error());
    if (!*there && stores == identity_.stores()) {
      co_return fail(ErrorCode::kChatNotFound, "the chat has no messages");
    }
    if (changes == this->changes()) recent().saw(chat.name(), 0);
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
  if (std::exchange(since_[loop], changes) != changes) {
    pages_[loop].clear();
    recent().forget_messages();
  }
  return pages_[loop];
}

/// By a command whose answer has no bound but its count.
Async<RedisAnswer> RedisReader::ask(const Query& query) {
  const auto call = [this, &query] {
    return client_.call(query.stream,
                        redis::format_command({query.command(), query.stream, query.from, query.to(), "COUNT",
                                               fmt::format_int(query.wanted).c_str()}),
                        {.deadline = query.deadline});
  };
  return until_answered(call, query.deadline, TooLarge::kEnds);
}

Async<RedisAnswer> RedisReader::ask_bounded(const Query& query) {
  const std::string count = std::to_string(query.wanted);
  const std::string bytes = std::to_string(query.room + query.wanted * kAroundText);
  const std::array<std::string_view, 1> keys{query.stream};
  const std::array<std::string_view, 5> arguments{query.command(), query.from, query.to(), count, bytes};
  const auto run = [&] { return client_.run(bounded_page_script(), keys, arguments, {.deadline = query.deadline}); };
  RedisAnswer answer = co_await until_answered(run, query.deadline);
  co_return answer;
}

void RedisReader::note_size(std::size_t text) {
  std::size_t known = largest_text_.load(std::memory_order_relaxed);
  while (text > known && !largest_text_.compare_exchange_weak(known, text, std::memory_order_relaxed)) {
  }
}

/// Whether the chat has messages, of which the page that was asked for has none.
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
