#include "store/redis/batch.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/parse_number.h"
#include "store/message_store.h"
#include "store/redis/lanes.h"
#include "store/redis/tables.h"

namespace parley::store {
namespace {

using redis::Reply;

// The arguments of a call: the clock; the sender; its number; and the lanes, one after the other. A lane has these
// keys:
//
//   its clock; the keys of all generations of idempotency keys, if an item has one; the index of the lane's followers,
//   if an item raises it; the logs of the plain and keyed items; the buckets of the keyed ones in the newest
//   generation, and so on in each; and for each general item its log if it has records, its buckets if it has a key,
//   and its table if it has rows
//
// and these arguments:
//
//   a head of numbers: how many keys and arguments the lane has; how many plain, keyed and general items, and how many
//   that raise; how many generations; how many keys fill the newest one; the limit; what is known to be confirmed; the
//   least time. The lane's id. The generations. The records of the plain and keyed items. For each keyed one two bytes
//   of the print, and the field of the key. For each that raises its place among all items, and the chat. For each
//   general one how many records and rows it has, and 1 if it has a key; the records; if it has a key the same two as
//   above; the rows.
//
// A plain item is one record, a keyed one is that with a key, and all others are general.

constexpr std::size_t kPrintBytes = 2;  // of an entry in a bucket
/// Of the head: what put_batch() puts there.
constexpr std::size_t kHeadBytes = 4 + 4 + (4 * 2) + 1 + 5 + (3 * 7);
// Roughly: an item beside its records and rows, and the name of a bucket.
constexpr std::size_t kItemBytes = 128;
// Each of a row's arguments: a row of a few bytes takes the server as long as 64 bytes do.
constexpr std::size_t kRowArgumentBytes = 64 / kRedisRowArguments;
constexpr std::size_t kBucketBytes = 48;

/// Takes what stands before the next space, and that.
std::string_view take_word(std::string_view& text) {
  const std::size_t end = std::min(text.find(' '), text.size());
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return word;
}

std::optional<std::int64_t> take_number(std::string_view& text) { return parse_number<std::int64_t>(take_word(text)); }

bool take(std::string_view& text, std::string_view mark) {
  if (!text.starts_with(mark)) return false;
  text.remove_prefix(mark.size());
  return true;
}

constexpr char kStored = 'S';
constexpr char kFailedLate = 'e';  // it had its times

std::optional<RedisDone::How> how_of(char outcome) noexcept {
  switch (outcome) {
    case kStored: return RedisDone::How::kStored;
    case 'D': return RedisDone::How::kRepeated;
    case 'C': return RedisDone::How::kConflict;
    case 'R': return RedisDone::How::kRefused;
    case 'U': return RedisDone::How::kUsedUp;
    case 'E':
    case kFailedLate: return RedisDone::How::kFailed;
    default: return std::nullopt;
  }
}

std::int64_t times_of(const RedisItem& item) noexcept {
  return static_cast<std::int64_t>(std::max<std::size_t>(item.records.size(), 1));
}

/// `<first time> <clock>[ <outcomes>[ <time of a repeat>…][\n<fault>]]`. Without outcomes all is stored.
bool read_items(std::string_view text, const RedisBatch& batch, RedisStep& step) {
  const std::size_t line = std::min(text.find('\n'), text.size());
  step.fault = text.substr(std::min(line + 1, text.size()));
  text = text.substr(0, line);
  auto time = take_number(text);
  const auto clock = take_number(text);
  if (!time || !clock) return false;
  step.clock = *clock;
  const std::string_view outcomes = take_word(text);
  if (!outcomes.empty() && outcomes.size() != batch.items.size()) return false;
  step.kept = step.again;
  step.items.reserve(batch.items.size());
  for (std::size_t i = 0; i < batch.items.size(); ++i) {
    const char outcome = outcomes.empty() ? kStored : outcomes[i];
    const auto how = how_of(outcome);
    if (!how) return false;
    RedisDone& done = step.items.emplace_back(RedisDone{.how = *how});
    if (*how == RedisDone::How::kRepeated) {
      const auto before = take_number(text);
      if (!before) return false;
      done.time = *before;
    } else if (outcome == kStored || outcome == kFailedLate) {
      step.kept = true;
      done.time = *time;
      *time += times_of(*batch.items[i]);
    }
  }
  return true;
}

/// Why nothing was done.
bool read_refusal(std::string_view text, RedisStep& step) {
  const std::string_view how = take_word(text);
  if (how == "overtaken") {
    step.how = RedisStep::How::kOvertaken;
  } else if (how == "lost") {
    step.how = RedisStep::How::kLost;
  } else if (how == "fault") {
    step.how = RedisStep::How::kFault;
    step.fault = text;
  } else if (how == "generations") {
    step.how = RedisStep::How::kGenerations;
    step.generations = text;
  } else if (const auto clock = take_number(text); how == "limit" && clock) {
    step.how = RedisStep::How::kBeyondLimit;
    step.clock = *clock;
  } else {
    return false;
  }
  return true;
}

/// Puts a number into the next so many bytes, the high one first.
void put_number(char*& out, std::uint64_t value, int bytes) {
  for (int i = bytes - 1; i >= 0; --i) *out++ = static_cast<char>(value >> (8 * i));
}

void put_print(const RedisItem& item, redis::ScriptCall& call) {
  call.add_argument(std::string_view(item.print).substr(0, kPrintBytes));
  call.add_argument(item.key_field);
}

void put_general(const RedisItem& item, const RedisKeyGenerations& generations, std::size_t lane,
                 redis::ScriptCall& call) {
  if (!item.records.empty()) call.add_key(item.log);
  call.add_argument(static_cast<std::int64_t>(item.records.size()));
  call.add_argument(static_cast<std::int64_t>(item.rows.size() / kRedisRowArguments));
  call.add_argument(item.print.empty() ? "0" : "1");
  for (const std::string& record : item.records) call.add_argument(record);
  if (!item.print.empty()) {
    for (const auto& one : generations.all()) call.add_key(RedisKeyGenerations::bucket(lane, one, item.print));
    put_print(item, call);
  }
  if (!item.rows.empty()) call.add_key(item.table);
  for (const std::string& row : item.rows) call.add_argument(row);
}

void put_batch(const RedisBatch& batch, redis::ScriptCall& call) {
  std::int64_t limit = kMaxSendTime;
  std::array<std::size_t, 3> counts{};  // by RedisItem::Kind
  std::size_t raising = 0;
  bool keyed_at_all = false;
  for (const RedisItem* const item : batch.items) {
    limit = std::min(limit, item->limit);
    ++counts[static_cast<std::size_t>(item->kind())];
    raising += item->raises ? 1 : 0;
    keyed_at_all |= !item->print.empty();
  }
  const std::span items(batch.items);
  const auto [plain, keyed, general] = counts;
  const auto simple = items.first(plain + keyed);
  const auto with_keys = simple.subspan(plain);
  static const RedisKeyGenerations none;
  const RedisKeyGenerations& generations = keyed_at_all ? *batch.generations : none;

  const std::size_t first_key = call.keys();
  call.add_key(redis_key(batch.lane, RedisKey::kClock));
  for (const auto& one : generations.all()) call.add_key(RedisKeyGenerations::key(batch.lane, one));
  if (raising > 0) call.add_key(redis_key(batch.lane, RedisKey::kIndex, follower_of(batch.lane)));
  for (const RedisItem* const item : simple) call.add_key(item->log);
  for (const auto& one : generations.all()) {
    for (const RedisItem* const item : with_keys) {
      call.add_key(RedisKeyGenerations::bucket(batch.lane, one, item->print));
    }
  }

  const std::size_t first_argument = call.arguments();
  std::array<char, kHeadBytes> head{};
  const std::size_t place_of_head = call.add_argument_of(head.size());
  call.add_argument(batch.lane_id);
  call.add_argument(generations.text());
  for (const RedisItem* const item : simple) call.add_argument(item->records.front());
  for (const RedisItem* const item : with_keys) put_print(*item, call);
  for (std::size_t i = 0; raising > 0 && i < items.size(); ++i) {
    if (!items[i]->raises) continue;
    call.add_argument(static_cast<std::int64_t>(i + 1));
    call.add_argument(items[i]->chat);
  }
  for (const RedisItem* const item : items.subspan(plain + keyed)) put_general(*item, generations, batch.lane, call);

  char* out = head.data();
  put_number(out, call.keys() - first_key, 4);
  put_number(out, call.arguments() - first_argument, 4);
  for (const std::size_t count : {plain, keyed, general, raising}) put_number(out, count, 2);
  put_number(out, generations.all().size(), 1);
  put_number(out, generations.room(), 5);
  for (const std::int64_t time : {limit, batch.known, batch.floor})
    put_number(out, static_cast<std::uint64_t>(time), 7);
  call.set_argument(place_of_head, {head.data(), static_cast<std::size_t>(out - head.data())});
}

}  // namespace

RedisItem::Kind RedisItem::kind() const noexcept {
  if (records.size() != 1 || !rows.empty()) return Kind::kGeneral;
  return print.empty() ? Kind::kPlain : Kind::kKeyed;
}

std::size_t RedisItem::bytes(std::size_t generations) const noexcept {
  std::size_t out = kItemBytes + log.size();
  if (!print.empty()) out += kBucketBytes * generations;
  for (const std::string& record : records) out += record.size();
  for (const std::string& row : rows) out += kRowArgumentBytes + row.size();
  return out;
}

bool RedisItem::goes_with(const RedisItem& before) const noexcept { return print.empty() || print != before.print; }

void put_steps(const RedisStepHead& head, std::span<const RedisBatch* const> batches, redis::ScriptCall& call) {
  call.add_argument(head.now);
  call.add_argument(head.sender);
  call.add_argument(static_cast<std::int64_t>(head.number));
  for (const RedisBatch* const batch : batches) put_batch(*batch, call);
}

std::optional<RedisStep> read_step(const Reply& reply, const RedisBatch& batch, bool confirm) {
  if (reply.type != Reply::Type::kString) return std::nullopt;
  std::string_view text = reply.text;
  RedisStep step;
  if (take(text, "!")) {
    if (!read_refusal(text, step)) return std::nullopt;
    return step;
  }
  step.again = take(text, "=");
  step.full = take(text, "+");
  if (!read_items(text, batch, step)) return std::nullopt;
  using How = RedisDone::How;
  step.wrote = std::ranges::any_of(step.items, [&](const RedisDone& done) {
    const bool known = done.how == How::kRepeated || done.how == How::kConflict || done.how == How::kRefused;
    return done.how == How::kStored || (confirm && (step.again || known));
  });
  return step;
}

}  // namespace parley::store
