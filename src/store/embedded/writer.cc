#include "store/embedded/writer.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <pthread.h>
#include <utility>

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include "base/log.h"
#include "store/embedded/keys.h"
#include "store/record_codec.h"
#include "store/rules.h"
#include "store/send_time.h"

namespace parley::store {
namespace {

// What waits longer for a bigger batch gains nothing: the fsync is paid for long before.
constexpr std::size_t kMaxBatchRequests = 1024;
constexpr std::size_t kMaxBatchBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxUnseenBytes = std::size_t{1} << 20;

std::size_t messages_of(const Change& change) {
  return static_cast<std::size_t>(std::ranges::count(change.records, RecordKind::kMessage, &RecordDraft::kind));
}

}  // namespace

RocksdbWriter::RocksdbWriter(const RocksdbDatabase& database, const StoreOptions& options, net::LoopPool& loops,
                             Others others)
    : database_(database),
      options_(options),
      loops_(loops),
      others_(others),
      queue_(std::make_shared<WriteQueue>(options.max_queue, loops.size(), others.metrics.queue_depth)),
      answered_(loops.size()),
      last_time_(database.last_time()),
      unseen_(kMaxUnseenBytes),
      raised_(options.memory / kRaisedShare) {
  write_options_.sync = options.durability == Durability::kFsync;
  thread_ = std::thread([this] { run(); });
}

RocksdbWriter::~RocksdbWriter() {
  queue_->close();
  thread_.join();
}

void RocksdbWriter::run() {
  pthread_setname_np(pthread_self(), "store-writer");
  while (queue_->take(taken_)) {
    while (next_ < taken_.size()) write_some();
    taken_.clear();
    next_ = 0;
  }
}

void RocksdbWriter::write_some() {
  if (gather()) commit();
  wake_loops();
}

/// Judges what was taken, and fills the batch; whether there is anything to commit.
bool RocksdbWriter::gather() {
  const std::size_t first = next_;
  const Deadline now = loops_.now();
  const std::int64_t wall = options_.clock();
  while (next_ < taken_.size() && judged_.size() < kMaxBatchRequests &&
         batch_.GetDataSize() + place_keys_.size() < kMaxBatchBytes) {
    WriteRequestPtr request = std::move(taken_[next_++]);
    if (!request->take()) continue;
    if (request->deadline <= now) {
      refuse(std::move(request), too_late(kBeforeTheWrite).error());
    } else if (database_.health().failed()) {
      refuse(std::move(request), WriteHealth::refusal());
    } else {
      handle(std::move(request), wall);
    }
  }
  queue_->begun(next_ - first);
  return !judged_.empty();
}

/// Adds it to the batch, or has it refused with the batch: what refuses it may be part of that.
void RocksdbWriter::handle(WriteRequestPtr request, std::int64_t wall) {
  const What what = judge(*request);
  Judged judged{std::move(request), what};
  if (judged.what == What::kLookAgain) {
    judged.request->set(WriteOutcome{.what = What::kLookAgain});
    return answer(std::move(judged.request));
  }
  if (judged.what == What::kDone) {
    if (const auto& change = judged.request->change) {
      const std::size_t count = change->records.size();
      const auto time = next_send_time(wall, last_time_, count);
      if (!time) return refuse(std::move(judged.request), times_used_up().error());
      judged.time = *time;
      if (batch_time_ == 0) batch_time_ = *time;
      last_time_ = *time + static_cast<std::int64_t>(count) - 1;
      // The chat's row first: its place is right before the records, which then need no search.
      judged.raised = raise_index(*judged.request);
      add_records(*judged.request, *time);
    }
    if (judged.request->table) add_rows(*judged.request->table);
  }
  judged_.push_back(std::move(judged));
}

/// Whether the rows are as they should be, as of all that was added before.
RocksdbWriter::What RocksdbWriter::judge(const WriteRequest& request) const {
  if (!request.table) return What::kDone;
  const TableWrite& table = *request.table;
  const bool too_old = table.found_after < unseen_.complete_since();
  auto found = table.found.begin();
  for (const RowWrite& row : table.rows) {
    if (row.condition == RowWrite::If::kAlways) continue;
    const std::string key = table.prefix + row.name;
    std::optional<std::string> now;
    const std::optional<std::string>* value = unseen_.find(key);
    if (value == nullptr && too_old) {
      if (!look(key, now)) return What::kLookAgain;
      value = &now;
    }
    if (!row_allows(row, value != nullptr ? *value : *found)) return What::kRefused;
    ++found;
  }
  return What::kDone;
}

/// A row as the batches before this one left it: of what was written lately, memory has nearly all. False if not.
bool RocksdbWriter::look(const std::string& key, std::optional<std::string>& value) const {
  rocksdb::ReadOptions memory;
  memory.read_tier = rocksdb::kBlockCacheTier;
  const rocksdb::Status status = database_.db().Get(memory, &database_.rows(), key, &value.emplace());
  if (status.IsNotFound()) value.reset();
  return status.ok() || status.IsNotFound();
}

void RocksdbWriter::add_records(const WriteRequest& request, std::int64_t time) {
  const Change& change = *request.change;
  if (request.claim) {
    encode_idempotency({time, request.hash}, value_);
    batch_.Put(&database_.idempotency(), request.claim->key(), value_);
  }
  for (const RecordDraft& record : change.records) {
    encode_record(change.chat, record, value_);
    batch_.Put(&database_.records(), to_slice(record_key(change.chat.name(), time++)), value_);
  }
}

/// Raises the rows of the change's audience, unless they are known to be high enough; whether it did.
bool RocksdbWriter::raise_index(const WriteRequest& request) {
  const Change& change = *request.change;
  const std::string& chat = change.chat.name();
  RaisedChats::Raised& rows = raised_.of(chat);
  const bool same_audience = rows.time != 0 && rows.audience == request.audience;
  if (same_audience && last_time_ <= rows.time + kRaiseAfter) return false;
  const std::int64_t from = rows.time;
  if (from == 0) database_.busy().search_for(chat);
  rows = {request.audience, batch_time_};

  const std::string time = encode_time(batch_time_);
  batch_.Put(&database_.records(), to_slice(chat_row_key(chat)), time);
  raised_in_batch_.emplace_back(chat);
  move_in_order(change.chat.first(), chat, from);
  if (change.chat.second() != change.chat.first()) move_in_order(change.chat.second(), chat, from);
  for (const std::string& user : change.audience) {
    batch_.Put(&database_.rows(), to_slice(index_row_key(user, chat)), time);
    move_in_order(user, chat, same_audience ? from : 0);
  }
  return true;
}

/// To the batch's time. From 0: it was nowhere, or nobody knows where, and then its old place does not count any more.
void RocksdbWriter::move_in_order(std::string_view user, std::string_view chat, std::int64_t from) {
  if (from == batch_time_) return;  // raised twice in this batch
  if (from != 0) add_place(user, from, chat, true);
  add_place(user, batch_time_, chat, false);
}

void RocksdbWriter::add_place(std::string_view user, std::int64_t time, std::string_view chat, bool gone) {
  const std::size_t begin = place_keys_.size();
  append_index_order_key(place_keys_, user, time, chat);
  places_.push_back({begin, place_keys_.size() - begin, gone});
}

/// Into the batch, by their keys: each is inserted near the one before it then, with a shorter search.
void RocksdbWriter::put_places() {
  const auto key_of = [this](const Place& place) {
    return std::string_view(place_keys_).substr(place.begin, place.size);
  };
  // What is put and deleted again stays in this order.
  std::ranges::sort(places_, {}, [&](const Place& place) { return std::pair(key_of(place), place.begin); });
  for (const Place& place : places_) {
    if (place.gone) {
      batch_.Delete(&database_.rows(), to_slice(key_of(place)));
    } else {
      batch_.Put(&database_.rows(), to_slice(key_of(place)), rocksdb::Slice());
    }
  }
  places_.clear();
  place_keys_.clear();
}

/// For the followers of the lane: which chats the batch raises.
void RocksdbWriter::put_lane_row() {
  if (raised_in_batch_.empty()) return;
  std::ranges::sort(raised_in_batch_);
  const auto twice = std::ranges::unique(raised_in_batch_);
  raised_in_batch_.erase(twice.begin(), twice.end());
  value_.clear();
  for (const std::string_view chat : raised_in_batch_) append_listed(value_, chat);
  batch_.Put(&database_.rows(), to_slice(lane_row_key(batch_time_)), value_);
  raised_in_batch_.clear();
}

void RocksdbWriter::add_rows(const TableWrite& table) {
  for (const RowWrite& row : table.rows) {
    const std::string key = table.prefix + row.name;
    if (row.value) {
      batch_.Put(&database_.rows(), key, *row.value);
    } else {
      batch_.Delete(&database_.rows(), key);
    }
    unseen_.put(key, row.value, batches() + 1);
  }
}

void RocksdbWriter::refuse(WriteRequestPtr request, Error error) {
  if (request->claim) request->claim->settle(KeyRefused{});
  request->set(std::unexpected(std::move(error)));
  answer(std::move(request));
}

void RocksdbWriter::commit() {
  put_places();
  put_lane_row();
  batch_time_ = 0;
  // What refuses a request without being in this batch is durable already.
  const bool written = batch_.Count() == 0 || write();
  if (written && others_.bell.anybody_listens()) ring();
  for (Judged& judged : judged_) settle(judged, written);
  judged_.clear();
}

/// Writes the batch; whether it is durable and can be seen.
bool RocksdbWriter::write() {
  batch_.Put(&database_.records(), to_slice(kLastTimeKey), encode_time(last_time_));
  std::size_t messages = 0;
  for (const Judged& judged : judged_) {
    if (!changes_a_chat(judged)) continue;
    others_.epochs.begin(judged.request->change->chat.name());
    messages += messages_of(*judged.request->change);
  }
  const auto begun = std::chrono::steady_clock::now();
  const rocksdb::Status status = database_.db().Write(write_options_, &batch_);
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begun);
  batch_.Clear();
  database_.busy().forget();
  if (status.ok()) batches_.fetch_add(1, std::memory_order_release);
  for (const Judged& judged : judged_) {
    if (changes_a_chat(judged)) others_.epochs.end(judged.request->change->chat.name());
  }
  others_.metrics.write_us.observe(static_cast<std::uint64_t>(took.count()));
  others_.metrics.batch_size.observe(messages);
  if (status.ok()) others_.metrics.messages.add(messages);
  if (!status.ok()) store_failed(database_.describe(status));
  return status.ok();
}

/// Answers what was in a batch, or rested on it, that was written or failed.
void RocksdbWriter::settle(Judged& judged, bool written) {
  WriteRequest& request = *judged.request;
  const bool refused = judged.what == What::kRefused;
  if (refused && !written) return refuse(std::move(judged.request), WriteHealth::refusal());
  if (request.claim) {
    if (refused) {
      request.claim->settle(KeyRefused{});
    } else if (written) {
      request.claim->settle(IdempotencyRecord{judged.time, request.hash});
    } else {
      request.claim->settle(KeyUnknown{request.hash});
    }
  }
  if (written) {
    request.set(WriteOutcome{.what = judged.what, .time = judged.time});
  } else {
    request.set(fail(ErrorCode::kOutcomeUnknown, "the write failed: the server's log says why"));
  }
  answer(std::move(judged.request));
}

void RocksdbWriter::store_failed(std::string_view reason) {
  if (database_.health().fail(reason)) log_error("the store takes no more writes", {{"error", reason}});
}

void RocksdbWriter::answer(WriteRequestPtr request) {
  answered_[request->loop().index()].push_back(std::move(request));
}

void RocksdbWriter::wake_loops() {
  for (std::size_t i = 0; i < answered_.size(); ++i) {
    if (answered_[i].empty()) continue;
    boost::asio::post(loops_[i].executor(), [requests = std::exchange(answered_[i], {})] {
      for (const WriteRequestPtr& request : requests) request->finish();
    });
  }
}

/// For what is in the batch.
void RocksdbWriter::ring() const {
  std::vector<std::string_view> chats;
  std::vector<std::string_view> users;
  for (const Judged& judged : judged_) {
    if (!changes_a_chat(judged)) continue;
    const Change& change = *judged.request->change;
    chats.emplace_back(change.chat.name());
    if (!judged.raised) continue;
    users.insert(users.end(), {change.chat.first(), change.chat.second(), lane_follower()});
    users.insert(users.end(), change.audience.begin(), change.audience.end());
  }
  others_.bell.ring(chats, users);
}

}  // namespace parley::store
