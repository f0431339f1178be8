#include "store/redis_writer.h"

#include <array>
#include <string_view>
#include <utility>

#include "store/idempotency_record.h"
#include "store/redis_calls.h"

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

}  // namespace

RedisWriter::RedisWriter(redis::Client& client, const StoreOptions& options, RecentChatsOfLoops& recent,
                         StoreMetrics& metrics)
    : client_(client), options_(options), recent_(recent), metrics_(metrics) {
  std::random_device entropy;
  for (std::size_t i = 0; i < recent.size(); ++i) {
    std::seed_seq seed{entropy(), entropy(), entropy(), entropy()};
    random_.emplace_back(seed);
  }
}

Task<Appended> RedisWriter::append(Draft draft, Deadline deadline) {
  const std::int64_t now = options_.clock();
  const auto time = recent().next_time(draft.chat.name(), now);
  if (!time) co_return used_up();
  const bool keyed = !draft.idempotency_key.empty();
  std::string sender(1, redis_sender(draft.chat, draft.sender));
  if (!keyed) sender += make_nonce();
  std::string stream = redis_stream_key(draft.chat);
  const Attempt attempt{.draft = std::move(draft),
                        .deadline = deadline,
                        .now = now,
                        .time = *time,
                        .stream = std::move(stream),
                        .id = redis_entry_id(*time),
                        .sender = std::move(sender)};
  const auto begun = std::chrono::steady_clock::now();
  metrics_.queue_depth.add(1);
  Task<Appended> appending = keyed ? append_keyed(attempt) : append_plain(attempt);
  auto appended = co_await std::move(appending);
  metrics_.queue_depth.add(-1);
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begun);
  metrics_.write_us.observe(static_cast<std::uint64_t>(took.count()));
  co_return appended;
}

Task<Appended> RedisWriter::append_plain(const Attempt& attempt) {
  const auto add = [&] {
    return client_.call(attempt.stream,
                        redis::format_command({"XADD", attempt.stream, attempt.id, kRedisSenderField, attempt.sender,
                                               kRedisTextField, attempt.draft.text}),
                        {.deadline = attempt.deadline, .replicate = true});
  };
  const RedisAnswer answer = co_await until_answered(add, attempt.deadline);
  if (!answer.answered()) co_return std::unexpected(write_failure(answer));
  if (answer.reply().type == Reply::Type::kString && answer.reply().text == attempt.id) {
    if (answer.is_short()) co_return too_few_replicas();
    co_return stored(attempt, attempt.time);
  }
  if (!is_time_refused(answer.reply())) co_return std::unexpected(write_failure(answer));
  if (answer.maybe_executed) {
    const auto ours = co_await is_stored(attempt);
    if (!ours) co_return std::unexpected(ours.error());
    if (*ours) co_return stored(attempt, attempt.time);
  }
  auto appended = co_await append_above(attempt);
  co_return appended;
}

/// After a lost reply and then a refusal: whether the entry of this time is ours, and the replicas have it. If not, it
/// never will be.
Task<bool> RedisWriter::is_stored(const Attempt& attempt) {
  const std::array<std::string_view, 1> keys{attempt.stream};
  const std::array<std::string_view, 2> arguments{attempt.id, attempt.sender};
  const auto settle = [&] {
    return client_.run(settle_script(), keys, arguments, {.deadline = attempt.deadline, .replicate = true});
  };
  RedisAnswer answer = co_await until_answered(settle, attempt.deadline);
  answer.maybe_executed = true;  // the append, that is
  if (!answer.answered() || answer.reply().type != Reply::Type::kInteger) {
    co_return std::unexpected(write_failure(answer));
  }
  if (answer.reply().integer != 1) co_return false;
  if (answer.is_short()) co_return too_few_replicas();
  counts_.settled.add();
  co_return true;
}

/// After a refusal, when nothing is stored: appends under the next time there is.
Task<Appended> RedisWriter::append_above(const Attempt& attempt) {
  counts_.refused.add();
  // Whatever the node's clock does meanwhile, this append stays known.
  const Identity identity{.keys = redis_refused_keys(attempt.stream),
                          .key = attempt.sender,
                          .text_hash = {},
                          .window = std::chrono::microseconds(kMaxSendTime),
                          .kept_for = kLateExecution};
  const auto done = co_await run_script(attempt, identity);
  if (!done) co_return std::unexpected(done.error());
  if (done->how == RedisAppend::kUsedUp) co_return used_up();
  co_return stored(attempt, done->time);
}

Task<Appended> RedisWriter::append_keyed(const Attempt& attempt) {
  const Draft& draft = attempt.draft;
  const Identity identity{
      .keys = redis_idempotency_keys(attempt.stream),
      .key = std::string(view(hash_text(attempt.sender + draft.idempotency_key))),
      .text_hash = std::string(view(hash_text(draft.text))),
      .window = options_.idempotency_window,
      .kept_for = std::chrono::ceil<std::chrono::milliseconds>(options_.idempotency_window) + kServerClockError};
  const auto done = co_await run_script(attempt, identity);
  if (!done) co_return std::unexpected(done.error());
  switch (done->how) {
    case RedisAppend::kStored: co_return stored(attempt, done->time);
    case RedisAppend::kRepeated:
      recent().saw(draft.chat.name(), done->time);
      metrics_.duplicates.add();
      co_return Appended{.send_time = done->time, .duplicate = true};
    case RedisAppend::kConflict:
      co_return fail(ErrorCode::kIdempotencyConflict, "the idempotency key was used with another text");
    case RedisAppend::kUsedUp: break;
  }
  co_return used_up();
}

Task<RedisWriter::ByScript> RedisWriter::run_script(const Attempt& attempt, const Identity& identity) {
  const std::array<std::string_view, 3> keys{attempt.stream, identity.keys.young, identity.keys.old};
  const std::string now = std::to_string(attempt.now);
  const std::string window = std::to_string(identity.window.count());
  const std::string time = std::to_string(attempt.time);
  const std::string kept_for = std::to_string(identity.kept_for.count());
  const std::string_view confirm = client_.replicates() ? "1" : "0";
  const std::array<std::string_view, 9> arguments{identity.key,   identity.text_hash, now,      window, time,
                                                  attempt.sender, attempt.draft.text, kept_for, confirm};
  const auto run = [&] {
    return client_.run(append_once_script(), keys, arguments, {.deadline = attempt.deadline, .replicate = true});
  };
  RedisAnswer answer = co_await until_answered(run, attempt.deadline);
  const Reply& reply = answer.reply();
  const bool sound = answer.answered() && reply.type == Reply::Type::kArray && reply.elements.size() == 2 &&
                     reply.elements[0].type == Reply::Type::kInteger &&
                     reply.elements[1].type == Reply::Type::kInteger &&
                     reply.elements[0].integer >= static_cast<std::int64_t>(RedisAppend::kStored) &&
                     reply.elements[0].integer <= static_cast<std::int64_t>(RedisAppend::kUsedUp);
  if (!sound) {
    // A script that fails may have done a part of its work. It comes upon keys of a wrong type before that.
    answer.maybe_executed |= answer.answered() && !reply.text.starts_with("WRONGTYPE");
    co_return std::unexpected(write_failure(answer));
  }
  const ByScript done{static_cast<RedisAppend>(reply.elements[0].integer), reply.elements[1].integer};
  const bool has_message = done.how == RedisAppend::kStored || done.how == RedisAppend::kRepeated;
  if (has_message && answer.is_short()) co_return too_few_replicas();
  co_return done;
}

Appended RedisWriter::stored(const Attempt& attempt, std::int64_t time) {
  recent().saw(attempt.draft.chat.name(), time);
  metrics_.messages.add();
  return {.send_time = time};
}

/// What tells an entry from any other under the same time.
std::string RedisWriter::make_nonce() {
  const std::uint64_t bits = random_[net::Loop::current().index()]();
  std::string nonce(sizeof(bits), '\0');
  for (std::size_t i = 0; i < nonce.size(); ++i) nonce[i] = static_cast<char>(bits >> (8 * i));
  return nonce;
}

}  // namespace parley::store
