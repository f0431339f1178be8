// What the RocksDB store does beyond the contract: restarts, queues and deadlines.
#include "store/embedded/store.h"

#include <atomic>
#include <optional>
#include <thread>

#include <gmock/gmock.h>
#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include "store/embedded/database.h"
#include "store/embedded/faulty_file_system.h"
#include "store/embedded/keys.h"
#include "store/store_fixture.h"

namespace parley::store {
namespace {

using std::chrono::milliseconds;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class RocksdbStoreTest : public StoreFixture {
 protected:
  void SetUp() override { open(options()); }

  void open(const StoreOptions& options) {
    store_.reset();
    auto store = open_rocksdb_store(folder_.path(), options, loops_, metrics_, &env_);
    ASSERT_TRUE(store) << store.error().detail;
    store_ = *std::move(store);
  }
  /// Opens the database itself; the store is closed for it.
  std::unique_ptr<RocksdbDatabase> open_database() {
    store_.reset();
    return RocksdbDatabase::open(folder_.path(), options(), env_).value();
  }

  Draft draft(std::string text, std::string key = {}) { return {chat_of("a:b"), "a", std::move(text), std::move(key)}; }
  /// An append that the writer has taken and that now waits for its fsync.
  std::future<Result<Appended>> start_held(Draft draft, Deadline deadline = kNoDeadline) {
    env_.files().hold_syncs();
    auto pending = start_append(std::move(draft), deadline);
    env_.files().await_held_sync();
    return pending;
  }
  /// Returns when everything that was posted to the loop before has run.
  void pass_through_loop(std::size_t loop = 0) {
    net::run_on(loops_[loop], [] {});
  }

  void TearDown() override { store_.reset(); }

  FaultyEnv env_;
};

// Restarts

TEST_F(RocksdbStoreTest, ARestartKeepsEverything) {
  const std::string id = store_->id();
  std::vector<std::int64_t> times;
  for (int i = 0; i < 20; ++i) times.push_back(stored("a:b", "a", std::to_string(i)));
  open(options());
  EXPECT_EQ(store_->id(), id);
  const auto page = read("a:b", {.limit = kMaxPullLimit});
  ASSERT_TRUE(page);
  ASSERT_EQ(page->messages.size(), times.size());
  for (std::size_t i = 0; i < times.size(); ++i) {
    EXPECT_EQ(page->messages[i], (Message{"a", std::to_string(i), times[i]}));
  }
  EXPECT_THAT(texts("a:b", {.limit = 2, .reverse = true}), ElementsAre("19", "18"));
}

TEST_F(RocksdbStoreTest, TimesRiseOverARestartWithTheClockSetBack) {
  const std::int64_t before = stored("a:b", "a", "text");
  now_ = kStart - 3'600'000'000;
  open(options());
  EXPECT_GT(stored("a:c", "a", "text"), before);
}

TEST_F(RocksdbStoreTest, KeysOutliveARestartAndThenExpire) {
  StoreOptions short_window = options();
  short_window.idempotency_window = std::chrono::seconds(60);
  open(short_window);
  const std::int64_t time = stored("a:b", "a", "text", "key");
  open(short_window);
  EXPECT_EQ(append("a:b", "a", "text", "key")->send_time, time);
  EXPECT_EQ(code_of(append("a:b", "a", "other", "key")), ErrorCode::kIdempotencyConflict);
  now_ = time + 60'000'001;
  open(short_window);
  EXPECT_GT(stored("a:b", "a", "other", "key"), time);
}

TEST_F(RocksdbStoreTest, ReadsWhatIsNotInMemory) {
  std::vector<std::future<Result<Appended>>> pending;
  for (std::size_t i = 0; i < 2000; ++i) pending.push_back(start_append(draft(std::to_string(i)), kNoDeadline, i % 2));
  for (auto& one : pending) ASSERT_TRUE(one.get());
  stored("a:b", "a", "last", "key");
  open(options());  // with an empty block cache
  EXPECT_THAT(texts("a:b", {.limit = 1, .reverse = true}), ElementsAre("last"));
  EXPECT_EQ(texts("a:b").size(), 1000U);
  EXPECT_TRUE(append("a:b", "a", "last", "key")->duplicate);
  EXPECT_EQ(code_of(read("a:c")), ErrorCode::kChatNotFound);
}

TEST_F(RocksdbStoreTest, SkipsRecordsOfOtherKinds) {
  const std::int64_t first = stored("a:b", "a", "1");
  {
    const auto database = open_database();
    const std::string other("\x01\x02something else", 16);
    ASSERT_TRUE(database->db().Put({}, to_slice(message_key("a:b", first + 1)), other).ok());
  }
  now_ += 10;
  open(options());
  stored("a:b", "a", "2");
  EXPECT_THAT(texts("a:b"), ElementsAre("1", "2"));
  EXPECT_THAT(texts("a:b", {.reverse = true}), ElementsAre("2", "1"));
  EXPECT_FALSE(read("a:b", {.limit = 2})->has_more);
}

TEST_F(RocksdbStoreTest, CompactionDropsExpiredKeys) {
  stored("a:b", "a", "old", "old");
  now_ += std::chrono::microseconds(std::chrono::hours(25)).count();
  stored("a:b", "a", "new", "new");
  const auto database = open_database();
  rocksdb::CompactRangeOptions all;
  all.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
  ASSERT_TRUE(database->db().CompactRange(all, &database->idempotency(), nullptr, nullptr).ok());
  std::string value;
  const auto lookup = [&](std::string_view key) {
    Draft of = draft("", std::string(key));
    return database->db().Get({}, &database->idempotency(), idempotency_key_of(of), &value);
  };
  EXPECT_TRUE(lookup("old").IsNotFound());
  EXPECT_TRUE(lookup("new").ok());
}

TEST_F(RocksdbStoreTest, DurabilityOsStoresWithoutSyncs) {
  StoreOptions os = options();
  os.durability = Durability::kOs;
  open(os);
  env_.files().hold_syncs();
  stored("a:b", "a", "text", "key");  // would never return if it synced
  env_.files().release_syncs();
  open(os);
  EXPECT_THAT(texts("a:b"), ElementsAre("text"));
}

// Waiting for the writer

TEST_F(RocksdbStoreTest, NothingIsSeenBeforeItsFsync) {
  stored("a:b", "a", "before");
  auto held = start_held(draft("held"));
  EXPECT_THAT(texts("a:b"), ElementsAre("before"));
  env_.files().release_syncs();
  ASSERT_TRUE(held.get());
  EXPECT_THAT(texts("a:b"), ElementsAre("before", "held"));
}

TEST_F(RocksdbStoreTest, AFullQueueIsOverloadedAndStoresNothing) {
  StoreOptions small = options();
  small.max_queue = 2;
  open(small);
  auto held = start_held(draft("held"));
  auto first = start_append(draft("1"));
  auto second = start_append(draft("2", "key 2"));
  pass_through_loop();
  EXPECT_EQ(code_of(append("a:b", "a", "3")), ErrorCode::kOverloaded);
  EXPECT_EQ(code_of(append("a:b", "a", "3", "key 3")), ErrorCode::kOverloaded);
  env_.files().release_syncs();
  EXPECT_TRUE(held.get());
  EXPECT_TRUE(first.get());
  EXPECT_TRUE(second.get());
  EXPECT_THAT(texts("a:b"), ElementsAre("held", "1", "2"));
  stored("a:b", "a", "another 3", "key 3");  // no key was left behind
}

TEST_F(RocksdbStoreTest, WhatWaitsPastItsDeadlineIsNeverStored) {
  auto held = start_held(draft("held"));
  EXPECT_EQ(code_of(start_append(draft("late"), in(milliseconds(20))).get()), ErrorCode::kOverloaded);
  EXPECT_EQ(code_of(start_append(draft("late", "key"), in(milliseconds(20))).get()), ErrorCode::kOverloaded);
  env_.files().release_syncs();
  EXPECT_TRUE(held.get());
  stored("a:b", "a", "later", "key");
  EXPECT_THAT(texts("a:b"), ElementsAre("held", "later"));
}

TEST_F(RocksdbStoreTest, PastItsDeadlineInTheWriterTheOutcomeIsUnknown) {
  auto held = start_held(draft("held", "key"), in(milliseconds(20)));
  EXPECT_EQ(code_of(held.get()), ErrorCode::kOutcomeUnknown);
  env_.files().release_syncs();
  const auto repeat = append("a:b", "a", "held", "key");
  ASSERT_TRUE(repeat) << repeat.error().detail;
  EXPECT_TRUE(repeat->duplicate);
  EXPECT_THAT(texts("a:b"), ElementsAre("held"));
}

TEST_F(RocksdbStoreTest, ARepeatWaitsForTheFirst) {
  auto first = start_held(draft("text", "key"));
  auto repeat = start_append(draft("text", "key"), kNoDeadline, 1);
  auto other = start_append(draft("other", "key"), kNoDeadline, 2);
  auto impatient = start_append(draft("text", "key"), in(milliseconds(20)), 1);
  EXPECT_EQ(code_of(impatient.get()), ErrorCode::kOutcomeUnknown);
  env_.files().release_syncs();
  EXPECT_FALSE(first.get()->duplicate);
  EXPECT_TRUE(repeat.get()->duplicate);
  EXPECT_EQ(code_of(other.get()), ErrorCode::kIdempotencyConflict);
}

TEST_F(RocksdbStoreTest, ARepeatOfARefusedSendTriesForItself) {
  auto held = start_held(draft("held"));
  auto first = start_append(draft("first", "key"), in(milliseconds(20)));
  pass_through_loop();
  auto repeat = start_append(draft("other", "key"), kNoDeadline, 1);
  EXPECT_EQ(code_of(first.get()), ErrorCode::kOverloaded);
  env_.files().release_syncs();
  EXPECT_TRUE(held.get());
  const auto appended = repeat.get();
  ASSERT_TRUE(appended) << appended.error().detail;
  EXPECT_FALSE(appended->duplicate);
  EXPECT_THAT(texts("a:b"), ElementsAre("held", "other"));
}

TEST_F(RocksdbStoreTest, ClosingAnswersWhatWaits) {
  auto held = start_held(draft("held"));
  auto waiting = start_append(draft("waiting"));
  pass_through_loop();
  pass_through_loop();  // the turn after that hands over what the first one gathered
  env_.files().release_syncs();
  store_.reset();
  EXPECT_TRUE(held.get());
  EXPECT_TRUE(waiting.get());
  open(options());
  EXPECT_THAT(texts("a:b"), ElementsAre("held", "waiting"));
}

// After a failure

TEST_F(RocksdbStoreTest, AfterAFailedWriteNothingIsWrittenAndTheRestGoesOn) {
  std::size_t expected = 0;
  for (const Fault fault : {Fault::kIoError, Fault::kNoSpace, Fault::kShortWrite}) {
    const std::string round = std::to_string(static_cast<int>(fault));
    stored("a:b", "a", "before", "before" + round);
    env_.files().fail_at(1, fault);
    EXPECT_EQ(code_of(append("a:b", "a", "failed", "failed" + round)), ErrorCode::kOutcomeUnknown);
    EXPECT_EQ(code_of(append("a:b", "a", "after")), ErrorCode::kUnavailable);
    EXPECT_EQ(code_of(append("a:b", "a", "after", "after")), ErrorCode::kUnavailable);
    EXPECT_EQ(texts("a:b").size(), ++expected);
    EXPECT_TRUE(append("a:b", "a", "before", "before" + round)->duplicate);
    EXPECT_TRUE(health().reads);
    EXPECT_FALSE(health().writes);
    EXPECT_THAT(health().why_not, HasSubstr(fault == Fault::kNoSpace ? "No space left" : "Input/output error"));
    EXPECT_THAT(metrics_.text(), HasSubstr("parley_store_writable 0\n"));
    env_.files().heal();
    open(options());
    EXPECT_TRUE(health().writes);
    ASSERT_TRUE(append("a:b", "a", "failed", "failed" + round));  // it is there or not, and the repeat knows
    EXPECT_EQ(texts("a:b").size(), ++expected);
  }
}

TEST_F(RocksdbStoreTest, ARepeatOfAFailedWriteHasItsOutcome) {
  auto first = start_held(draft("text", "key"));
  auto repeat = start_append(draft("text", "key"), kNoDeadline, 1);
  auto other = start_append(draft("other", "key"), kNoDeadline, 2);
  auto queued = start_append(draft("queued"));
  for (std::size_t loop = 0; loop < loops_.size(); ++loop) pass_through_loop(loop);
  env_.files().fail_at(1, Fault::kIoError);
  env_.files().release_syncs();
  EXPECT_EQ(code_of(first.get()), ErrorCode::kOutcomeUnknown);
  EXPECT_EQ(code_of(repeat.get()), ErrorCode::kOutcomeUnknown);
  EXPECT_EQ(code_of(other.get()), ErrorCode::kUnavailable);
  EXPECT_EQ(code_of(queued.get()), ErrorCode::kUnavailable);
}

// Pages that were read before

TEST_F(RocksdbStoreTest, EveryLoopSeesWhatWasAcknowledgedWhateverItReadBefore) {
  stored("a:b", "a", "first");
  const PageRange newest{.limit = 1, .reverse = true};
  const auto newest_on_every_loop = [&] {
    std::vector<std::string> out;
    for (std::size_t loop = 0; loop < loops_.size(); ++loop) out.push_back(read("a:b", newest, loop)->messages[0].text);
    return out;
  };
  for (int i = 0; i < 3; ++i) EXPECT_THAT(newest_on_every_loop(), Each("first"));
  auto held = start_held(draft("second"));
  for (int i = 0; i < 2; ++i) EXPECT_THAT(newest_on_every_loop(), Each("first"));
  env_.files().release_syncs();
  const std::int64_t second = held.get()->send_time;
  EXPECT_THAT(newest_on_every_loop(), Each("second"));
  // Empty pages at the end of the chat, as somebody who polls reads them.
  for (std::size_t loop = 0; loop < loops_.size(); ++loop) {
    EXPECT_THAT(read("a:b", {.cursor = second + 1}, loop)->messages, IsEmpty());
  }
  stored("a:b", "a", "third");
  for (std::size_t loop = 0; loop < loops_.size(); ++loop) {
    EXPECT_THAT(read("a:b", {.cursor = second + 1}, loop)->messages, SizeIs(1));
  }
}

TEST_F(RocksdbStoreTest, WhatOneLoopHasSeenNoOtherMissesWhileItIsWritten) {
  stored("a:b", "a", "0");
  std::atomic<std::int64_t> seen{0};
  std::atomic<bool> done{false};
  const auto watch = [&](std::size_t loop) {
    while (!done) {
      const std::int64_t before = seen;
      const std::int64_t newest = read("a:b", {.limit = 1, .reverse = true}, loop)->messages[0].send_time;
      ASSERT_GE(newest, before);
      std::int64_t expected = before;
      while (expected < newest && !seen.compare_exchange_weak(expected, newest)) {
      }
    }
  };
  std::vector<std::thread> readers;
  for (std::size_t loop = 1; loop < loops_.size(); ++loop) readers.emplace_back(watch, loop);
  for (int i = 1; i <= 200; ++i) stored("a:b", "a", std::to_string(i));
  done = true;
  for (std::thread& reader : readers) reader.join();
}

}  // namespace
}  // namespace parley::store
