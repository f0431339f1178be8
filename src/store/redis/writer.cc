#include "store/redis/writer.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "chat/message_body.h"
#include "store/idempotency_record.h"
#include "store/record_codec.h"
#include "store/redis/lanes.h"
#include "store/redis/tables.h"
#include "store/rules.h"
#include "store/send_time.h"

namespace parley::store {
namespace {

using How = RedisDone::How;

/// An append that is refused for its limit is tried again under a later one. The lane is ahead of that only if it took
/// longer than the grain.
constexpr int kMaxTries = 4;

std::unexpected<Error> lane_runs_away() {
  return fail(ErrorCode::kUnavailable, "the lane's times went up faster than the index could follow");
}

/// The field of the key in the body of a record. Empty: it has none.
std::string key_field_of(std::string_view record, std::string_view key) {
  std::string field = key_field(key);
  if (!record.contains(field)) field.clear();
  return field;
}

RedisItem item_of(const Change& change, std::size_t lane, const RedisLaneId& id) {
  const std::string& chat = change.chat.name();
  RedisItem item{.lane = lane, .epoch = id.epoch, .chat = chat};
  item.log = redis_key(item.lane, RedisKey::kLog, chat);
  for (const RecordDraft& draft : change.records) {
    item.records.emplace_back();
    encode_record(change.chat, draft, item.records.back());
  }
  if (!change.idempotency_key.empty()) {
    // The id is a secret, so that no client can tell keys that would lie in one bucket.
    const auto print =
        hash_bytes(id.id + idempotency_key_of(change.chat, change.records.front().sender, change.idempotency_key));
    item.print.assign(print.begin(), print.end());
    item.key_field = key_field_of(item.records.front(), change.idempotency_key);
  }
  if (!change.rows.empty()) {
    item.table = redis_key(item.lane, RedisKey::kChatTable, chat);
    item.rows = redis_row_arguments(change.rows);
  }
  return item;
}

}  // namespace

std::int64_t RedisWriter::now() const { return counted_clock(options_.clock()); }

Task<Appended> RedisWriter::append(Change change, Deadline deadline) {
  if (!identity_.settled()) co_return std::unexpected(identity_.unsettled());
  if (auto fits = check_size(change.records, change.rows); !fits) co_return std::unexpected(std::move(fits).error());
  const std::size_t lane = redis_lane_of(change.chat.name(), identity_.lanes());
  RedisItem item = item_of(change, lane, steps_.lane_id(lane));  // of the lane as it is before the rows are raised
  std::int64_t floor = 0;
  for (int tries = 0; tries < kMaxTries; ++tries) {
    const std::int64_t now = this->now();
    std::optional<RedisRaised> raised;
    if (floor == 0) raised = index_.known(change.chat, change.audience, now);
    if (!raised) {
      auto raising = co_await index_.raise(change.chat, change.audience, now, floor, deadline);
      if (!raising) co_return std::unexpected(std::move(raising).error());
      raised = *raising;
    }
    item.limit = raised->limit;
    item.raises = raised->raise_lane;
    const auto done = co_await steps_.run(item, deadline);
    if (!done) co_return std::unexpected(done.error());
    switch (done->how) {
      case How::kStored:
        index_.appended(change.chat.name(), done->time + static_cast<std::int64_t>(change.records.size()) - 1,
                        raised->raise_lane);
        metrics_.messages.add(
            static_cast<std::uint64_t>(std::ranges::count(change.records, RecordKind::kMessage, &RecordDraft::kind)));
        co_return Appended{.send_time = done->time};
      case How::kRepeated: metrics_.duplicates.add(); co_return Appended{.send_time = done->time, .duplicate = true};
      case How::kConflict: co_return key_conflict();
      case How::kRefused: co_return Appended{.refused = true};
      case How::kBeyondLimit: floor = done->time + 1; break;
      case How::kUsedUp: co_return times_used_up();
      case How::kFailed: co_return fail(ErrorCode::kInternal, "a step failed and gave no reason");
    }
  }
  co_return lane_runs_away();
}

Task<Written> RedisWriter::write(TableId table, std::vector<RowWrite> rows, Deadline deadline) {
  if (!identity_.settled()) co_return std::unexpected(identity_.unsettled());
  if (auto fits = check_size({}, rows); !fits) co_return std::unexpected(std::move(fits).error());
  const std::size_t lanes = identity_.lanes();
  const std::size_t lane = redis_lane_of(table, lanes);
  RedisItem item{.lane = lane,
                 .epoch = steps_.lane_id(lane).epoch,
                 .table = redis_table_key(table, lanes),
                 .rows = redis_row_arguments(rows)};
  std::int64_t floor = 0;
  for (int tries = 0; tries < kMaxTries; ++tries) {
    item.limit = std::max(now(), floor) + kIndexGrain;
    const auto done = co_await steps_.run(item, deadline);
    if (!done) co_return std::unexpected(done.error());
    if (done->how != How::kBeyondLimit) co_return Written{.refused = done->how == How::kRefused};
    floor = done->time + 1;
  }
  co_return lane_runs_away();
}

}  // namespace parley::store
