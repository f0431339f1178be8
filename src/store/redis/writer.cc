#include "store/redis/writer.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "store/bytes.h"
#include "store/redis/calls.h"

namespace parley::store {
namespace {

using redis::Reply;

/// How long a command may lie about on the way to the server after its connection was lost, and still be executed.
constexpr std::chrono::minutes kLateExecution{10};
/// Server clocks may differ from one another and be set.
constexpr std::chrono::minutes kServerClockError{1};

bool is_time_refused(const Reply& reply) {
  return reply.is_error() && reply.text.find("equal or smaller") != std::string::npos;
}

std::unexpected<Error> used_up() {
  return fail(ErrorCode::kUnavailable, "the times that messages can have are used up");
}

std::unexpected<Error> too_few_replicas() {
  return fail(ErrorCode::kOutcomeUnknown, "Redis has stored the message, but too few replicas confirmed it in time");
}

std::string_view view(const TextHash& hash) { return {hash.data(), hash.size()}; }

/// What a script remembers of a key.
std::string remembered(std::int64_t time, const TextHash& text_hash) {
  std::string out = encode_time(time);
  out.append(view(text_hash));
  return out;
}

}  // namespace

RedisWriter::RedisWriter(redis::Client& client, const RedisIdentity& identity, const StoreOptions& options,
                         RecentChatsOfLoops& recent, StoreMetrics& metrics)
    : client_(client),
      identity_(identity),
      options_(options),
      recent_(recent),
      metrics_(metrics),
      keyed_(make_append_script(
          {.window = options.idempotency_window,
           .takes = std::max<std::chrono::milliseconds>(
               std::chrono::ceil<std::chrono::milliseconds>(options.idempotency_window) + kServerClockError,
               kLateExecution),
           .confirm = client.replicates()})),
      // Whatever the node's clock does meanwhile, an append stays known.
      again_(make_append_script({.window = std::chrono::microseconds(kMaxSendTime),
                                 .takes = kLateExecution,
                                 .confirm = client.replicates()})) {
  std::random_device entropy;
  for (std::size_t i = 0; i < recent.size(); ++i) {
    std::seed_seq seed{entropy(), entropy(), entropy(), entropy()};
    random_.emplace_back(seed);
  }
}

Task<Appended> RedisWriter::append(Draft draft, Deadline deadline) {
  const std::uint64_t stores = identity_.stores();
  if (!identity_.settled()) co_return std::unexpected(identity_.unsettled());
  const std::int64_t now = options_.clock();
  const auto time = recent().next_time(draft.chat.name(), now);
  if (!time) co_return used_up();
  const bool keyed = !draft.idempotency_key.empty();
  std::string sender(1, redis_sender(draft.chat, draft.sender));
  if (!keyed) sender += make_nonce();
  std::string stream = redis_stream_key(draft.chat);
  Attempt attempt{.draft = std::move(draft),
                  .deadline = deadline,
                  .now = now,
                  .time = *time,
                  .stream = std::move(stream),
                  .sender = std::move(sender),
                  .stores = stores};
  const Deadline begun = net::Loop::current().now();
  metrics_.queue_depth.add(1);
  Task<Appended> appending = keyed ? append_keyed(attempt) : append_plain(attempt);
  auto appended = co_await std::move(appending);
  metrics_.queue_depth.add(-1);
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(net::Loop::current().now() - begun);
  metrics_.write_us.observe(static_cast<std::uint64_t>(took.count()));
  co_return appended;
}

Task<Appended> RedisWriter::append_plain(Attempt& attempt) {
  std::string id;
  const auto add = [&] {
    take_time(attempt);
    id = redis_entry_id(attempt.time);
    return redis::format_command(
        {"XADD", attempt.stream, id, kRedisSenderField, attempt.sender, kRedisTextField, attempt.draft.text});
  };
  RedisAnswer answer;
  answer.result = co_await client_.call(attempt.stream, add, {.deadline = attempt.deadline, .replicate = true});
  answer.maybe_executed = answer.result.sent && !answer.answered();
  if (answer.is_lost()) {
    auto appended = co_await append_again(attempt, std::move(id));
    co_return appended;
  }
  if (!answer.answered()) co_return std::unexpected(write_failure(answer));
  if (answer.reply().type == Reply::Type::kString && answer.reply().text == id) {
    if (answer.is_short()) co_return too_few_replicas();
    co_return stored(attempt, attempt.time);
  }
  if (!is_time_refused(answer.reply())) co_return std::unexpected(write_failure(answer));
  counts_.refused.add();
  auto appended = co_await append_again(attempt, {});
  co_return appended;
}

/// After an XADD that was refused, or of which nothing is known.
Task<Appended> RedisWriter::append_again(Attempt& attempt, std::string lost) {
  const Identity identity{
      .script = again_, .keys = redis_refused_keys(attempt.stream), .key = attempt.sender, .lost = std::move(lost)};
  const auto done = co_await run_script(attempt, identity);
  if (!done) co_return std::unexpected(done.error());
  if (done->how == RedisAppend::kUsedUp) co_return used_up();
  if (done->how == RedisAppend::kRepeated) counts_.settled.add();
  co_return stored(attempt, done->time);
}

Task<Appended> RedisWriter::append_keyed(Attempt& attempt) {
  const Draft& draft = attempt.draft;
  const Identity identity{.script = keyed_,
                          .keys = redis_idempotency_keys(attempt.stream),
                          .key = std::string(view(hash_text(attempt.sender + draft.idempotency_key))),
                          .text_hash = hash_text(draft.text)};
  const auto done = co_await run_script(attempt, identity);
  if (!done) co_return std::unexpected(done.error());
  switch (done->how) {
    case RedisAppend::kStored: co_return stored(attempt, done->time);
    case RedisAppend::kRepeated: co_return stored(attempt, done->time, true);
    case RedisAppend::kConflict:
      co_return fail(ErrorCode::kIdempotencyConflict, "the idempotency key was used with another text");
    case RedisAppend::kUsedUp: break;
  }
  co_return used_up();
}

Task<RedisAppended> RedisWriter::run_script(Attempt& attempt, const Identity& identity) {
  const std::array<std::string_view, 3> keys{attempt.stream, identity.keys.young, identity.keys.old};
  const std::string now = std::to_string(attempt.now);
  std::string record;
  std::string id;
  std::array<std::string_view, 7> arguments{identity.key,       record, id,           attempt.sender,
                                            attempt.draft.text, now,    identity.lost};
  const std::span used(arguments.data(), arguments.size() - (identity.lost.empty() ? 1 : 0));
  const auto renew = [&] {
    take_time(attempt);
    arguments[1] = record = remembered(attempt.time, identity.text_hash);
    arguments[2] = id = redis_entry_id(attempt.time);
  };
  const auto run = [&] {
    return client_.run(identity.script, keys, used, {.deadline = attempt.deadline, .replicate = true}, renew);
  };
  RedisAnswer answer = co_await until_answered(run, attempt.deadline);
  answer.maybe_executed |= !identity.lost.empty();
  const auto done = answer.answered() ? read_append_answer(answer.reply(), attempt.time) : std::nullopt;
  if (!done) {
    // A script that fails may have done a part of its work. It comes upon keys of a wrong type before that.
    answer.maybe_executed |= answer.answered() && !answer.reply().text.starts_with("WRONGTYPE");
    co_return std::unexpected(write_failure(answer));
  }
  const bool has_message = done->how == RedisAppend::kStored || done->how == RedisAppend::kRepeated;
  if (has_message && answer.is_short()) co_return too_few_replicas();
  co_return *done;
}

/// Before each time that it is sent: a time of this moment, for the first time that of its beginning. Never an earlier
/// one, also where the chat was forgotten and the clock went back: what was lost is refused for what comes after it.
void RedisWriter::take_time(Attempt& attempt) {
  if (!std::exchange(attempt.tried, true)) return;
  const auto time = recent().next_time(attempt.draft.chat.name(), options_.clock());
  if (time) attempt.time = std::max(attempt.time, *time);  // the server says when times are used up
}

Result<Appended> RedisWriter::stored(const Attempt& attempt, std::int64_t time, bool duplicate) {
  if (attempt.stores != identity_.stores()) {
    return fail(ErrorCode::kOutcomeUnknown, "Redis lost its data or was replaced during the send");
  }
  recent().saw(attempt.draft.chat.name(), time);
  (duplicate ? metrics_.duplicates : metrics_.messages).add();
  return Appended{.send_time = time, .duplicate = duplicate};
}

/// What tells an entry from any other under the same time.
std::string RedisWriter::make_nonce() {
  const std::uint64_t bits = random_[net::Loop::current().index()]();
  std::string nonce(sizeof(bits), '\0');
  for (std::size_t i = 0; i < nonce.size(); ++i) nonce[i] = static_cast<char>(bits >> (8 * i));
  return nonce;
}

}  // namespace parley::store
