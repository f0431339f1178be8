// What the RocksDB store does beyond the contract: restarts, queues and deadlines.
#include "store/embedded/store.h"

#include <atomic>
#include <future>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include "store/embedded/database.h"
#include "store/embedded/faulty_file_system.h"
#include "store/embedded/keys.h"
#include "store/embedded/reader.h"
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
  /// Opens the database itself; the store is closed for it. With enough memory for a cache that keeps all.
  std::unique_ptr<RocksdbDatabase> open_database() {
    store_.reset();
    return RocksdbDatabase::open(folder_.path(), with_much_memory(), env_).value();
  }
  StoreOptions with_much_memory() {
    StoreOptions out = options();
    out.memory = std::size_t{256} << 20;
    return out;
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

  /// How many places users' indexes have in their order, once everything was compacted if so asked; the store is closed
  /// for it.
  std::size_t places(bool compact = false) {
    const auto database = open_database();
    if (compact) {
      rocksdb::CompactRangeOptions options;
      options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
      EXPECT_TRUE(database->db().CompactRange(options, &database->rows(), nullptr, nullptr).ok());
    }
    rocksdb::ReadOptions all;
    all.total_order_seek = true;
    const std::unique_ptr<rocksdb::Iterator> it(database->db().NewIterator(all, &database->rows()));
    std::size_t count = 0;
    for (it->SeekToFirst(); it->Valid(); it->Next()) count += is_index_order(to_view(it->key())) ? 1 : 0;
    return count;
  }
  /// What `read` finds in memory. First it reads what is not there, if need be again: the cache may drop anything.
  template <class Read>
  static auto in_memory(Read read) {
    auto found = read(ReadFrom::kMemory);
    for (int i = 0; i < 20 && !found; ++i) {
      static_cast<void>(read(ReadFrom::kDisk));
      found = read(ReadFrom::kMemory);
    }
    return found;
  }

  /// How many batches were written.
  std::size_t writes_so_far() {
    const std::string text = metrics_.text();
    const std::string name = "\nparley_store_write_sync_seconds_count ";
    return std::stoul(text.substr(text.find(name) + name.size()));
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
  ASSERT_EQ(page->records.size(), times.size());
  for (std::size_t i = 0; i < times.size(); ++i) {
    EXPECT_EQ(to_message(page->records[i]), (Message{"a", std::to_string(i), times[i]}));
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

TEST_F(RocksdbStoreTest, SkipsRecordsOfKindsThatALaterVersionMade) {
  const std::int64_t first = stored("a:b", "a", "1");
  {
    const auto database = open_database();
    ASSERT_TRUE(
        database->db().Put({}, to_slice(record_key("a:b", first + 1)), std::string("\xc8\x00\x00later", 8)).ok());
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
    return database->db().Get({}, &database->idempotency(), idempotency_key_of(chat_of("a:b"), "a", key), &value);
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

// Tables and index

TEST_F(RocksdbStoreTest, RowsOutliveARestart) {
  const TableId table{TableId::Of::kUser, "a"};
  EXPECT_FALSE(write(table, {{"1", "v"}, {"2", "v"}})->refused);
  EXPECT_FALSE(write(table, {{"2", std::nullopt}, {"3", "w", RowWrite::If::kAbsent}})->refused);
  open(options());
  EXPECT_THAT(all_rows(table), ElementsAre(Row{"1", "v"}, Row{"3", "w"}));
  EXPECT_TRUE(write(table, {{"3", "x", RowWrite::If::kAbsent}})->refused);
}

TEST_F(RocksdbStoreTest, TheIndexOutlivesARestartWhichForgetsWhereItsPlacesWere) {
  const std::int64_t first = stored("a:b", "a", "1");
  stored("a:c", "a", "1");
  open(options());
  EXPECT_THAT(whole_index("a"), SizeIs(2));
  now_ = first + kIndexGrain - 1;
  stored("a:b", "a", "2");  // the rows are high enough still, and are raised all the same
  now_ = first + 3 * kIndexGrain;
  stored("a:b", "a", "3");
  const auto look = [&] {
    for (const std::string& user : {std::string("a"), follower_of(0)}) {
      for (const std::size_t limit : {1, 100}) {
        const auto rows = whole_index(user, {.limit = limit});
        ASSERT_THAT(rows, SizeIs(2)) << user;
        EXPECT_EQ(rows[0], (IndexRow{"a:b", first + 3 * kIndexGrain}));
        EXPECT_EQ(rows[1].chat, "a:c");
        EXPECT_THAT(whole_index(user, {.limit = limit, .oldest_first = true}), ElementsAre(rows[1], rows[0]));
      }
    }
  };
  look();
  EXPECT_EQ(places(), 2U * (2 + 1)) << "the first place of a:b was left behind";
  open(options());
  look();
  EXPECT_EQ(places(true), 2U * 2);
  open(options());
  look();
}

TEST_F(RocksdbStoreTest, ABusyChatRaisesItsRowsOnceInAGrain) {
  const std::int64_t first = stored("a:b", "a", "1");
  for (int i = 1; i < 10; ++i) {
    now_ = first + i * kIndexGrain / 20;
    stored("a:b", "a", "text");
  }
  EXPECT_EQ(whole_index("a").at(0).time, first);
  now_ = first + kIndexGrain;
  stored("a:b", "a", "text");
  EXPECT_EQ(whole_index("a").at(0).time, first + kIndexGrain);
}

TEST_F(RocksdbStoreTest, WhoFollowsALaneFromItsBeginningGetsOnOverAllThatWasLeftBehind) {
  // Each message raises the rows, since it has another audience than the one before.
  constexpr int kMessages = 10'000;
  StoreOptions os = options();
  os.durability = Durability::kOs;
  open(os);
  Change change = change_of({chat_of("a:b"), "a", "text", ""});
  for (int i = 0; i < kMessages; ++i) {
    change.audience = {i % 2 == 0 ? "c" : "d"};
    ASSERT_TRUE(append(change));
  }
  stored("a:c", "a", "text");
  IndexRange range{.oldest_first = true};
  std::vector<std::string> chats;
  for (int pages = 1;; ++pages) {
    const auto page = run(store_->index(follower_of(0), range, kNoDeadline), 0);
    ASSERT_TRUE(page);
    for (const IndexRow& row : page->rows) chats.push_back(row.chat);
    if (!page->has_more) break;
    ASSERT_LT(pages, kMessages);
    range.after = page->rows.back();
  }
  EXPECT_EQ(chats.back(), "a:c");
  EXPECT_GT(std::ranges::count(chats, "a:b"), 1);  // with times that it had before
}

TEST_F(RocksdbStoreTest, APlaceThatWasLeftBehindInTheOrderDoesNotCount) {
  const std::int64_t time = stored("a:b", "a", "1");
  {
    const auto database = open_database();
    for (const std::int64_t stale : {time - 5, time + 5}) {
      ASSERT_TRUE(database->db()
                      .Put({}, &database->rows(), to_slice(index_order_key("a", stale, "a:b")), rocksdb::Slice())
                      .ok());
    }
  }
  open(options());
  for (const bool oldest_first : {false, true}) {
    EXPECT_THAT(whole_index("a", {.limit = 1, .oldest_first = oldest_first}), ElementsAre(IndexRow{"a:b", time}));
  }
}

TEST_F(RocksdbStoreTest, ChatsThatWereRaisedToOneTimeComeByTheirNames) {
  // As a batch leaves them that raises several chats; some were raised again by the next one.
  const std::vector<std::string> first = {"a:b", "a:b.", "a:bc", "a:c", "a:d"};
  const std::vector<std::string> second = {"a:b.", "a:c", "b:c"};
  std::map<std::string, std::int64_t> times;
  {
    const auto database = open_database();
    rocksdb::WriteBatch batch;
    const auto raise = [&](const std::vector<std::string>& chats, std::int64_t time) {
      std::string list;
      for (const std::string& chat : chats) {
        append_listed(list, chat);
        batch.Put(&database->records(), to_slice(chat_row_key(chat)), encode_time(time));
        for (const std::string_view user : {chat_of(chat).first(), chat_of(chat).second()}) {
          batch.Put(&database->rows(), to_slice(index_order_key(user, time, chat)), rocksdb::Slice());
        }
        times[chat] = time;
      }
      batch.Put(&database->rows(), to_slice(lane_row_key(time)), list);
    };
    raise(first, kStart);
    raise(second, kStart + 5);
    ASSERT_TRUE(database->db().Write({}, &batch).ok());
  }
  open(options());
  for (const std::string& user : {std::string("a"), follower_of(0)}) {
    std::vector<IndexRow> rows;  // the oldest first
    for (const auto& [chat, time] : times) {
      if (user != "a" || chat != "b:c") rows.push_back({chat, time});
    }
    std::ranges::stable_sort(rows, {}, &IndexRow::time);
    for (const bool oldest_first : {true, false}) {
      for (const std::size_t limit : {std::size_t{1}, std::size_t{2}, std::size_t{100}}) {
        EXPECT_EQ(whole_index(user, {.limit = limit, .oldest_first = oldest_first}), rows) << user << " by " << limit;
      }
      const IndexRow between{"a:bb", kStart};  // which is not there
      std::vector<IndexRow> rest = rows;
      std::erase_if(rest, [&](const IndexRow& row) {
        const auto place = std::pair(row.time, row.chat);
        return oldest_first ? place < std::pair(kStart, between.chat) : place > std::pair(kStart, between.chat);
      });
      EXPECT_EQ(whole_index(user, {.after = between, .oldest_first = oldest_first}), rest) << user;
      EXPECT_THAT(whole_index(user, {.least = kStart + 1, .oldest_first = oldest_first}), SizeIs(user == "a" ? 2 : 3));
      EXPECT_THAT(whole_index(user, {.least = kStart + 6, .oldest_first = oldest_first}), IsEmpty());
      std::ranges::reverse(rows);
    }
  }
  {
    const auto database = open_database();
    ASSERT_TRUE(database->db().Put({}, &database->rows(), to_slice(lane_row_key(kStart + 9)), "\5a:b").ok());
  }
  open(options());
  EXPECT_EQ(code_of(index(follower_of(0), {})), ErrorCode::kUnavailable);
}

TEST_F(RocksdbStoreTest, ConditionsSeeWhatWaitsForTheSameBatch) {
  const TableId table{TableId::Of::kUser, "a"};
  auto held = start_held(draft("held"));
  std::vector<std::future<Result<Written>>> pending;
  for (int i = 0; i < 3; ++i) {
    pending.push_back(start(store_->write(table, {{"r", std::to_string(i), RowWrite::If::kAbsent}}, kNoDeadline)));
    pass_through_loop();
  }
  pending.push_back(start(store_->write(table, {{"r", "next", RowWrite::If::kEquals, "0"}}, kNoDeadline)));
  env_.files().release_syncs();
  EXPECT_TRUE(held.get());
  std::vector<bool> refused;
  for (auto& one : pending) refused.push_back(one.get()->refused);
  EXPECT_THAT(refused, ElementsAre(false, true, true, false));
  EXPECT_THAT(all_rows(table), ElementsAre(Row{"r", "next"}));
}

TEST_F(RocksdbStoreTest, WhoLookedTooLongAgoIsJudgedByWhatIsNewer) {
  // More rows are written than the writer remembers, while others wait that looked before.
  open(with_much_memory());
  const TableId table{TableId::Of::kUser, "a"};
  const std::string large(kMaxRowValueBytes, 'x');
  std::vector<std::size_t> writes;
  for (const bool with_conditions : {false, true}) {
    const std::string name = with_conditions ? "r" : "s";
    auto held = start_held(draft("held"));
    std::vector<std::future<Result<Written>>> pending;
    pending.push_back(start(store_->write(table, {{name, "first"}}, kNoDeadline)));
    pass_through_loop();
    for (int i = 0; i < 150; ++i) {
      pending.push_back(start(store_->write(table, {{"large" + std::to_string(i), large}}, kNoDeadline)));
    }
    pass_through_loop();
    if (with_conditions) {
      pending.push_back(start(store_->write(table, {{"r", "second", RowWrite::If::kAbsent}}, kNoDeadline)));
      pending.push_back(start(store_->write(table, {{"r", "third", RowWrite::If::kEquals, "first"}}, kNoDeadline)));
    }
    for (int i = 0; i < 3; ++i) pass_through_loop();
    const std::size_t before = writes_so_far();
    env_.files().release_syncs();
    EXPECT_TRUE(held.get());
    std::vector<bool> refused;
    for (auto& one : pending) refused.push_back(one.get()->refused);
    EXPECT_EQ(std::ranges::count(refused, true), with_conditions ? 1 : 0);
    if (with_conditions) EXPECT_TRUE(refused[refused.size() - 2]);
    writes.push_back(writes_so_far() - before);
  }
  EXPECT_EQ(rows(table, {.from = "r", .limit = 1})->rows.at(0).value, "third");
  EXPECT_EQ(writes[0], writes[1]) << "they were sent back to look again, and so are never done if more is written";
}

TEST_F(RocksdbStoreTest, WhatRefusesAWriteIsAsDurableAsAWrite) {
  const TableId table{TableId::Of::kUser, "a"};
  auto held = start_held(draft("held"));
  auto first = start(store_->write(table, {{"r", "first"}}, kNoDeadline));
  pass_through_loop();
  auto refused = start(store_->write(table, {{"r", "second", RowWrite::If::kAbsent}}, kNoDeadline));
  Change change{.chat = chat_of("a:b"), .records = {}, .idempotency_key = "key"};
  change.records.push_back(draft_of_message(draft("text", "key")));
  change.rows = {{"r", "v"}, {"r2", "v", RowWrite::If::kEquals, "w"}};
  auto keyed = start(store_->append(change, kNoDeadline));
  for (int i = 0; i < 3; ++i) pass_through_loop();
  env_.files().fail_at(2, Fault::kIoError);  // of the batch behind the one that is held
  env_.files().release_syncs();
  EXPECT_TRUE(held.get());
  EXPECT_EQ(code_of(first.get()), ErrorCode::kOutcomeUnknown);
  EXPECT_EQ(code_of(refused.get()), ErrorCode::kUnavailable) << "by a row that may not be there after a restart";
  EXPECT_EQ(code_of(keyed.get()), ErrorCode::kUnavailable);
  env_.files().heal();
  open(options());
  change.rows.clear();
  EXPECT_FALSE(append(change)->duplicate) << "a refused change left its key";
}

TEST_F(RocksdbStoreTest, WhatIsRefusedByWhatIsStoredWaitsForNoWrite) {
  const TableId table{TableId::Of::kUser, "a"};
  EXPECT_FALSE(write(table, {{"r", "v"}})->refused);
  env_.files().fail_at(1, Fault::kIoError);
  EXPECT_TRUE(write(table, {{"r", "w", RowWrite::If::kAbsent}})->refused);
  env_.files().heal();
}

// Reads that take long

TEST_F(RocksdbStoreTest, WalksOnALoopAreBounded) {
  stored("a:b", "a", "message");
  const auto marks = [this](std::size_t count) {
    for (std::size_t done = 0; done < count; done += 1000) {
      Change change{.chat = chat_of("a:b"), .records = {}};
      for (int i = 0; i < 1000; ++i) {
        change.records.push_back({.kind = RecordKind::kMark, .sender = "a", .about = 7, .body = ""});
      }
      ASSERT_TRUE(append(std::move(change)));
    }
  };
  marks(1000);
  const RecordRange newest{{.limit = 10, .reverse = true}};
  EXPECT_THAT(texts("a:b", newest.page), ElementsAre("message"));
  marks(3000);
  EXPECT_THAT(texts("a:b", newest.page), ElementsAre("message"));  // by another thread
  {
    const auto database = open_database();
    const auto metrics = register_store_metrics(metrics_);
    const RocksdbReader reader(*database, loops_, *metrics);
    const auto page = reader.page(chat_of("a:b"), newest, ReadFrom::kDisk);  // fills the cache
    ASSERT_TRUE(page && *page);
    EXPECT_THAT((*page)->records, SizeIs(1));
    const auto read = [&](const RecordRange& range) {
      return in_memory([&](ReadFrom from) { return reader.page(chat_of("a:b"), range, from); });
    };
    EXPECT_FALSE(read(newest));
    EXPECT_TRUE(read({{.limit = 10}, true}));
    EXPECT_EQ(code_of(*reader.page(chat_of("a:b"), newest, ReadFrom::kDisk, loops_.now())), ErrorCode::kOverloaded);
  }
}

TEST_F(RocksdbStoreTest, PlacesThatDoNotCountAreBoundedOnALoop) {
  stored("a:b", "a", "text");
  const auto database = open_database();
  const auto metrics = register_store_metrics(metrics_);
  const RocksdbReader reader(*database, loops_, *metrics);
  int count = 0;
  const auto put_up_to = [&](int end) {
    for (; count < end; ++count) {
      const auto key = index_order_key("a", kStart + 1 + count, "a:b");
      ASSERT_TRUE(database->db().Put({}, &database->rows(), to_slice(key), rocksdb::Slice()).ok());
    }
  };
  const auto in_memory = [&] {
    return RocksdbStoreTest::in_memory([&](ReadFrom from) { return reader.index("a", {}, from); });
  };
  put_up_to(100);
  EXPECT_TRUE(in_memory());
  put_up_to(300);
  EXPECT_FALSE(in_memory()) << "each is a look at a row, too";
  put_up_to(3000);
  const auto page = reader.index("a", {}, ReadFrom::kDisk);
  ASSERT_TRUE(page && *page);
  EXPECT_THAT((*page)->rows, SizeIs(1));
  EXPECT_EQ(code_of(*reader.index("a", {}, ReadFrom::kDisk, loops_.now())), ErrorCode::kOverloaded);
  for (int i = 0; i < 3000; ++i) {
    const auto key = index_order_key("a", kStart + 1 + i, "a:b");
    ASSERT_TRUE(database->db().Delete({}, &database->rows(), to_slice(key)).ok());
  }
  EXPECT_FALSE(in_memory()) << "what was deleted is passed by, too";
}

TEST_F(RocksdbStoreTest, OlderPlacesOfAChatThatWasMetAreNotLookedUp) {
  stored("a:c", "a", "text");
  now_ = kStart + 10'000;
  stored("a:b", "a", "text");
  const auto database = open_database();
  for (int i = 0; i < 1000; ++i) {
    const auto key = index_order_key("a", kStart + 1 + i, "a:b");
    ASSERT_TRUE(database->db().Put({}, &database->rows(), to_slice(key), rocksdb::Slice()).ok());
  }
  const auto metrics = register_store_metrics(metrics_);
  const RocksdbReader reader(*database, loops_, *metrics);
  const IndexRow last{"a:b", kStart + 10'000};
  for (const auto& after : {std::optional<IndexRow>(), std::optional(last)}) {
    const auto page = in_memory([&](ReadFrom from) { return reader.index("a", {.after = after}, from); });
    ASSERT_TRUE(page && *page) << "more than a loop may look up";
    EXPECT_EQ((*page)->rows.back(), (IndexRow{"a:c", kStart}));
  }
}

TEST_F(RocksdbStoreTest, AWalkOverAnIndexIsBoundedAsAWhole) {
  // There are never many deleted places in a row, and yet a page may come to many of them.
  constexpr std::int64_t kChats = 60;
  constexpr std::int64_t kGone = 100;
  const auto database = open_database();
  rocksdb::DB& db = database->db();
  std::int64_t time = kStart;
  for (std::int64_t i = 0; i < kChats; ++i) {
    const std::string chat = "a:b" + std::to_string(i);
    for (std::int64_t gone = 0; gone < kGone; ++gone) {
      const auto place = index_order_key("c", ++time, chat);
      ASSERT_TRUE(db.Put({}, &database->rows(), to_slice(place), rocksdb::Slice()).ok());
      ASSERT_TRUE(db.Delete({}, &database->rows(), to_slice(place)).ok());
    }
    const auto place = index_order_key("c", ++time, chat);
    ASSERT_TRUE(db.Put({}, &database->rows(), to_slice(place), rocksdb::Slice()).ok());
    ASSERT_TRUE(db.Put({}, &database->rows(), to_slice(index_row_key("c", chat)), encode_time(time)).ok());
  }
  const auto metrics = register_store_metrics(metrics_);
  const RocksdbReader reader(*database, loops_, *metrics);
  const auto rows_in_memory = [&](const IndexRange& range) {
    const auto page = in_memory([&](ReadFrom from) { return reader.index("c", range, from); });
    return page ? std::optional(page->value().rows) : std::nullopt;
  };
  const auto rows = [&](const IndexRange& range) { return reader.index("c", range, ReadFrom::kDisk)->value().rows; };
  auto all = rows({});
  EXPECT_THAT(all, SizeIs(kChats));
  EXPECT_EQ(rows_in_memory({}), std::nullopt);
  EXPECT_EQ(rows_in_memory({.limit = 10}), std::vector(all.begin(), all.begin() + 10));
  // The oldest first: a page that is the whole range is read as the newest first, and others go back.
  std::ranges::reverse(all);
  EXPECT_EQ(rows_in_memory({.least = all[50].time, .limit = 10, .oldest_first = true}),
            std::vector(all.begin() + 50, all.end()));
  EXPECT_EQ(rows_in_memory({.limit = 10, .oldest_first = true}), std::nullopt);
  EXPECT_EQ(rows({.limit = 10, .oldest_first = true}), std::vector(all.begin(), all.begin() + 10));
}

TEST_F(RocksdbStoreTest, AReaderMissesNothingThatACompactionDropsUnderItsSnapshot) {
  const auto raise = [](const RocksdbDatabase& database, const std::string& chat, std::int64_t time) {
    rocksdb::WriteBatch batch;
    batch.Put(&database.rows(), to_slice(index_row_key("c", chat)), encode_time(time));
    batch.Put(&database.rows(), to_slice(index_order_key("c", time, chat)), rocksdb::Slice());
    ASSERT_TRUE(database.db().Write({}, &batch).ok());
  };
  {
    const auto database = open_database();
    for (int i = 1; i <= 3; ++i) raise(*database, "a:b" + std::to_string(i), kStart + i);
  }
  const auto database = open_database();  // with an empty block cache
  const auto metrics = register_store_metrics(metrics_);
  const RocksdbReader reader(*database, loops_, *metrics);
  env_.files().hold_reads(1);
  const IndexRange oldest{.limit = 2, .oldest_first = true};  // two walks in one snapshot
  auto reading = std::async(std::launch::async, [&] { return reader.index("c", oldest, ReadFrom::kDisk); });
  env_.files().await_held_reads();
  raise(*database, "a:b1", kStart + 9);  // and nobody knows where it was
  ASSERT_TRUE(database->db().CompactRange({}, &database->rows(), nullptr, nullptr).ok());
  env_.files().release_reads();
  const auto page = reading.get();
  ASSERT_TRUE(page && *page);
  EXPECT_THAT((*page)->rows, ElementsAre(IndexRow{"a:b2", kStart + 2}, IndexRow{"a:b3", kStart + 3}));
  EXPECT_TRUE((*page)->has_more) << "a:b1 was neither at its old place nor at its new one";
}

TEST_F(RocksdbStoreTest, LooksOnALoopAreBounded) {
  const auto database = open_database();
  const auto metrics = register_store_metrics(metrics_);
  const RocksdbReader reader(*database, loops_, *metrics);
  std::vector<KeyBuffer> keys(256, index_row_key("c", "a:b"));
  EXPECT_TRUE(reader.values(keys, ReadFrom::kMemory));
  keys.push_back(index_row_key("d", "a:b"));
  EXPECT_FALSE(reader.values(keys, ReadFrom::kMemory));
  EXPECT_THAT(reader.values(keys, ReadFrom::kDisk)->value(), SizeIs(keys.size()));
}

TEST_F(RocksdbStoreTest, AnIndexRowThatIsNoTimeIsUnreadable) {
  Change change{.chat = chat_of("a:b"), .records = {draft_of_message("a", "text", "")}};
  change.audience = {"c"};
  ASSERT_TRUE(append(std::move(change)));
  {
    const auto database = open_database();
    ASSERT_TRUE(database->db().Put({}, &database->rows(), to_slice(index_row_key("c", "a:b")), "none").ok());
  }
  open(options());
  EXPECT_EQ(code_of(index("c", {})), ErrorCode::kUnavailable);
}

TEST_F(RocksdbStoreTest, ReadersOfTheDiskDoNotKeepSendsFromIt) {
  for (int i = 0; i < 4; ++i) stored("a:b" + std::to_string(i), "a", std::string(10'000, 'x'));
  open(options());  // with an empty block cache
  env_.files().hold_reads(2);
  auto first = start(store_->read(chat_of("a:b0"), {}, kNoDeadline));
  auto second = start(store_->read(chat_of("a:b1"), {}, kNoDeadline), 1);
  env_.files().await_held_reads();  // as many as there are threads for readers
  const auto sent = start_append({chat_of("a:b2"), "a", "text", ""}, in(std::chrono::seconds(20)), 2).get();
  EXPECT_TRUE(sent) << sent.error().detail;
  env_.files().release_reads();
  EXPECT_TRUE(first.get());
  EXPECT_TRUE(second.get());
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
    for (std::size_t loop = 0; loop < loops_.size(); ++loop)
      out.push_back(text_of(read("a:b", newest, loop)->records[0]));
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
    EXPECT_THAT(read("a:b", {.cursor = second + 1}, loop)->records, IsEmpty());
  }
  stored("a:b", "a", "third");
  for (std::size_t loop = 0; loop < loops_.size(); ++loop) {
    EXPECT_THAT(read("a:b", {.cursor = second + 1}, loop)->records, SizeIs(1));
  }
}

TEST_F(RocksdbStoreTest, WhatOneLoopHasSeenNoOtherMissesWhileItIsWritten) {
  stored("a:b", "a", "0");
  std::atomic<std::int64_t> seen{0};
  std::atomic<bool> done{false};
  const auto watch = [&](std::size_t loop) {
    while (!done) {
      const std::int64_t before = seen;
      const std::int64_t newest = read("a:b", {.limit = 1, .reverse = true}, loop)->records[0].time;
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
