#include "store/embedded/writer.h"

#include <chrono>
#include <iterator>
#include <pthread.h>
#include <utility>

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include "base/log.h"
#include "store/embedded/keys.h"
#include "store/send_time.h"

namespace parley::store {
namespace {

// What waits longer for a bigger batch gains nothing: the fsync is paid for long before.
constexpr std::size_t kMaxBatchRequests = 1024;
constexpr std::size_t kMaxBatchBytes = std::size_t{1} << 20;

}  // namespace

RocksdbWriter::RocksdbWriter(const RocksdbDatabase& database, const StoreOptions& options, net::LoopPool& loops,
                             ChatEpochs& epochs, StoreMetrics& metrics)
    : database_(database),
      options_(options),
      loops_(loops),
      epochs_(epochs),
      metrics_(metrics),
      queue_(std::make_shared<AppendQueue>(options.max_queue, loops.size(), metrics.queue_depth)),
      answered_(loops.size()),
      last_time_(database.last_time()) {
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

/// Fills the batch from what was taken; whether there is anything to write.
bool RocksdbWriter::gather() {
  const std::size_t first = next_;
  const Deadline now = loops_.now();
  const std::int64_t wall = options_.clock();
  while (next_ < taken_.size() && batch_requests_.size() < kMaxBatchRequests && batch_.GetDataSize() < kMaxBatchBytes) {
    AppendRequestPtr request = std::move(taken_[next_++]);
    if (!request->take()) continue;
    if (request->deadline <= now) {
      refuse(*request, too_late(kBeforeTheWrite).error());
      answer(std::move(request));
    } else if (database_.health().failed()) {
      refuse(*request, WriteHealth::refusal());
      answer(std::move(request));
    } else if (const auto time = next_send_time(wall, last_time_)) {
      add(std::move(request), *time);
    } else {
      refuse(*request, {ErrorCode::kUnavailable, "the times that messages can have are used up"});
      answer(std::move(request));
    }
  }
  queue_->begun(next_ - first);
  return !batch_requests_.empty();
}

void RocksdbWriter::add(AppendRequestPtr request, std::int64_t time) {
  last_time_ = time;
  const Draft& draft = request->draft;
  encode_record(draft.sender, draft.text, record_);
  const KeyBuffer key = message_key(draft.chat.name(), time);
  batch_.Put(&database_.messages(), to_slice(key), record_);
  if (request->claim) {
    encode_idempotency({time, request->text_hash}, record_);
    batch_.Put(&database_.idempotency(), request->claim->key(), record_);
  }
  batch_requests_.push_back({std::move(request), time});
}

void RocksdbWriter::refuse(AppendRequest& request, Error error) {
  if (request.claim) request.claim->settle(KeyRefused{});
  request.set(std::unexpected(std::move(error)));
}

void RocksdbWriter::commit() {
  batch_.Put(&database_.messages(), to_slice(kLastTimeKey), encode_time(last_time_));
  for (const Stamped& stamped : batch_requests_) epochs_.begin(stamped.request->draft.chat.name());
  const auto begun = std::chrono::steady_clock::now();
  const rocksdb::Status status = database_.db().Write(write_options_, &batch_);
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begun);
  batch_.Clear();
  metrics_.write_us.observe(static_cast<std::uint64_t>(took.count()));
  metrics_.batch_size.observe(batch_requests_.size());
  if (!status.ok()) store_failed(database_.describe(status));
  if (status.ok()) metrics_.messages.add(batch_requests_.size());
  for (Stamped& stamped : batch_requests_) {
    AppendRequest& request = *stamped.request;
    epochs_.end(request.draft.chat.name());
    if (status.ok()) {
      if (request.claim) request.claim->settle(IdempotencyRecord{stamped.time, request.text_hash});
      request.set(stamped.time);
    } else {
      if (request.claim) request.claim->settle(KeyUnknown{request.text_hash});
      request.set(fail(ErrorCode::kOutcomeUnknown, "the write failed: the server's log says why"));
    }
    answer(std::move(stamped.request));
  }
  batch_requests_.clear();
}

void RocksdbWriter::store_failed(std::string_view reason) {
  if (database_.health().fail(reason)) log_error("the store takes no more writes", {{"error", reason}});
}

void RocksdbWriter::answer(AppendRequestPtr request) {
  answered_[request->loop().index()].push_back(std::move(request));
}

void RocksdbWriter::wake_loops() {
  for (std::size_t i = 0; i < answered_.size(); ++i) {
    if (answered_[i].empty()) continue;
    boost::asio::post(loops_[i].executor(), [requests = std::exchange(answered_[i], {})] {
      for (const AppendRequestPtr& request : requests) request->finish();
    });
  }
}

}  // namespace parley::store
