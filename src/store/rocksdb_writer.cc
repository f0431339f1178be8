#include "store/rocksdb_writer.h"

#include <algorithm>
#include <optional>
#include <pthread.h>
#include <utility>

#include <boost/asio/post.hpp>
#include <rocksdb/write_batch.h>

namespace parley::store {
namespace {

constexpr std::size_t kMaxBatchMessages = 2048;
constexpr std::size_t kMaxBatchBytes = std::size_t{4} << 20;

Error not_writing(const std::string& why) {
  return {ErrorCode::kUnavailable, "the store takes no writes since one failed: " + why};
}

}  // namespace

/// An append and what became of it.
struct RocksdbWriter::Stamped {
  std::shared_ptr<PendingAppend> append;
  Result<std::int64_t> result;
  TextDigest digest{};
};

RocksdbWriter::RocksdbWriter(RocksdbDatabase& database, IdempotencyTable& claims, const StoreOptions& options,
                             net::LoopPool& loops)
    : database_(database),
      claims_(claims),
      loops_(loops),
      clock_(options.clock),
      sync_(options.durability == Durability::kFsync),
      max_queue_(options.max_queue),
      last_time_(database.last_time),
      thread_([this] { work(); }) {
  pthread_setname_np(thread_.native_handle(), "writer");
}

RocksdbWriter::~RocksdbWriter() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

Result<void> RocksdbWriter::submit(std::shared_ptr<PendingAppend> append) {
  if (const auto why = database_.failure->get()) return std::unexpected(not_writing(*why));
  bool wake = false;
  {
    const std::scoped_lock lock(mutex_);
    if (queue_.size() >= max_queue_) return fail(ErrorCode::kOverloaded, "too many messages wait to be written");
    queue_.push_back(std::move(append));
    metrics_.queue.set(static_cast<std::int64_t>(queue_.size()));
    wake = std::exchange(sleeping_, false);
  }
  if (wake) wake_.notify_one();
  return {};
}

void RocksdbWriter::work() {
  Appends taken;
  while (true) {
    {
      std::unique_lock lock(mutex_);
      while (queue_.empty() && !stopping_) {
        sleeping_ = true;
        wake_.wait(lock);
      }
      if (queue_.empty()) return;
      taken.swap(queue_);
      metrics_.queue.set(0);
    }
    for (std::size_t begin = 0; begin < taken.size();) {
      const std::size_t end = end_of_batch(taken, begin);
      write(taken, begin, end);
      begin = end;
    }
    taken.clear();
  }
}

std::size_t RocksdbWriter::end_of_batch(const Appends& appends, std::size_t begin) const {
  std::size_t bytes = 0;
  std::size_t end = begin;
  while (end < appends.size() && end - begin < kMaxBatchMessages && bytes < kMaxBatchBytes) {
    bytes += appends[end++]->draft.text.size();
  }
  return end;
}

/// Past the last time whatever the clock says; 0 where no time is left.
std::int64_t RocksdbWriter::next_time() const {
  const std::int64_t time = std::max({clock_(), last_time_ + 1, kMinSendTime});
  if (time <= kMaxSendTime) return time;
  return last_time_ < kMaxSendTime ? last_time_ + 1 : 0;  // the clock is beyond all bounds
}

void RocksdbWriter::write(Appends& appends, std::size_t begin, std::size_t end) {
  const auto now = std::chrono::steady_clock::now();
  std::vector<Stamped> batch;
  batch.reserve(end - begin);
  rocksdb::WriteBatch writes;
  std::size_t stored = 0;
  for (std::size_t i = begin; i < end; ++i) {
    Stamped stamped{std::move(appends[i]), 0};
    PendingAppend& append = *stamped.append;
    if (const auto why = database_.failure->get()) {
      stamped.result = std::unexpected(not_writing(*why));
    } else if (now >= append.deadline || !append.take()) {
      stamped.result = fail(ErrorCode::kOverloaded, "the deadline passed before the write was begun");
    } else if (const std::int64_t time = next_time(); time == 0) {
      stamped.result = fail(ErrorCode::kUnavailable, "no time is left to give to a message");
    } else {
      last_time_ = time;
      stamped.result = time;
      ++stored;
      writes.Put(database_.messages.get(), message_key(append.draft.chat.name(), time), encode_record(append.draft));
      if (!append.key_name.empty()) {
        stamped.digest = digest_of(append.draft.text);
        writes.Put(database_.keys.get(), append.key_name, encode_key_record({time, stamped.digest}));
      }
    }
    batch.push_back(std::move(stamped));
  }
  if (stored > 0) {
    writes.Put(database_.messages.get(), kLastTimeKey, encode_time(last_time_));
    rocksdb::WriteOptions options;
    options.sync = sync_;
    const rocksdb::Status status = database_.db->Write(options, &writes);
    metrics_.write_us.observe(static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - now).count()));
    metrics_.batch_size.observe(stored);
    if (status.ok()) {
      metrics_.messages.add(stored);
    } else {
      database_.failure->set(status.ToString());
      for (Stamped& stamped : batch) {
        if (stamped.result) {
          stamped.result = fail(ErrorCode::kOutcomeUnknown, "the write failed: " + status.ToString());
        }
      }
    }
  }
  finish(std::move(batch));
}

void RocksdbWriter::settle_key(const Stamped& stamped) {
  if (stamped.append->key_name.empty()) return;
  KeyOutcome outcome;
  if (stamped.result) {
    outcome = {KeyOutcome::Kind::kStored, {*stamped.result, stamped.digest}};
  } else if (stamped.result.error().code != ErrorCode::kOutcomeUnknown) {
    outcome.kind = KeyOutcome::Kind::kRefused;
  }
  claims_.settle(stamped.append->key_name, outcome);
}

/// Wakes each loop once for the whole batch.
void RocksdbWriter::finish(std::vector<Stamped> batch) {
  std::vector<std::vector<Stamped>> by_loop(loops_.size());
  for (Stamped& stamped : batch) {
    settle_key(stamped);
    by_loop[stamped.append->loop.index()].push_back(std::move(stamped));
  }
  for (std::size_t i = 0; i < by_loop.size(); ++i) {
    if (by_loop[i].empty()) continue;
    boost::asio::post(loops_[i].executor(), [done = std::move(by_loop[i])]() mutable {
      for (Stamped& stamped : done) stamped.append->finish(std::move(stamped.result));
    });
  }
}

}  // namespace parley::store
