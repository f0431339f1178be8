#include "store/rocksdb_store.h"

#include <algorithm>
#include <fstream>
#include <unistd.h>

#include <sys/wait.h>

#include "store/message_store_contract.h"
#include "store/temporary_folder.h"

namespace parley::store {
namespace {

namespace fs = std::filesystem;

class RocksdbUnderTest final : public StoreUnderTest {
 public:
  RocksdbUnderTest(const StoreOptions& options, net::LoopPool& loops)
      : store_(*open_rocksdb_store(folder_.path(), options, loops, metrics_)) {}
  MessageStore& store() override { return *store_; }

 private:
  TemporaryFolder folder_;
  MetricsRegistry metrics_;
  std::unique_ptr<MessageStore> store_;
};

std::unique_ptr<StoreUnderTest> make(const StoreOptions& options, net::LoopPool& loops) {
  return std::make_unique<RocksdbUnderTest>(options, loops);
}

std::unique_ptr<StoreUnderTest> make_os(const StoreOptions& options, net::LoopPool& loops) {
  StoreOptions os = options;
  os.durability = Durability::kOs;
  return std::make_unique<RocksdbUnderTest>(os, loops);
}

INSTANTIATE_TEST_SUITE_P(RocksdbFsync, MessageStoreContract, testing::Values(&make));
INSTANTIATE_TEST_SUITE_P(RocksdbOs, MessageStoreContract, testing::Values(&make_os));

class RocksdbStoreTest : public testing::Test {
 protected:
  Result<std::unique_ptr<MessageStore>> open(StoreOptions options = {}) {
    return open_rocksdb_store(folder_.path() / "data", options, loops_, metrics_);
  }
  Result<Appended> append(MessageStore& store, Draft one) {
    return run_on(loops_[0], store.append(std::move(one), kNoDeadline));
  }
  Result<Page> read(MessageStore& store, std::string_view chat, PageRange range = {}) {
    return run_on(loops_[0], store.read(*ChatId::parse(chat), range, kNoDeadline));
  }

  TemporaryFolder folder_;
  MetricsRegistry metrics_;
  net::LoopPool loops_{1};
};

TEST_F(RocksdbStoreTest, ARestartKeepsMessagesTimesKeysAndTheId) {
  std::string id;
  std::int64_t time = 0;
  {
    const auto store = *open();
    id = store->id();
    time = append(*store, draft("a:b", "x", "k"))->send_time;
  }
  StoreOptions options;
  options.clock = [time] { return time - 3'600'000'000; };
  const auto store = *open(options);
  EXPECT_EQ(store->id(), id);
  EXPECT_EQ(texts(*read(*store, "a:b")), std::vector<std::string>{"x"});
  const auto repeat = append(*store, draft("a:b", "x", "k"));
  EXPECT_TRUE(repeat->duplicate);
  EXPECT_EQ(repeat->send_time, time);
  EXPECT_EQ(append(*store, draft("c:d", "y"))->send_time, time + 1) << "the last time is the whole store's";
}

TEST_F(RocksdbStoreTest, PagesComeFromTheDiskToo) {
  StoreOptions options;
  options.memory = std::size_t{4} << 20;
  constexpr int kChats = 40;
  constexpr int kMessages = 50;
  {
    const auto store = *open(options);
    for (int i = 0; i < kChats * kMessages; ++i) {
      ASSERT_TRUE(append(*store, draft("a:" + std::to_string(i % kChats), std::string(2000, 'x') + std::to_string(i))));
    }
  }
  const auto store = *open(options);  // its cache is cold
  for (int chat = 0; chat < kChats; ++chat) {
    const std::string name = "a:" + std::to_string(chat);
    const auto oldest = read(*store, name, {.limit = 1000});
    ASSERT_TRUE(oldest);
    EXPECT_EQ(oldest->messages.size(), static_cast<std::size_t>(kMessages));
    const auto newest = read(*store, name, {.limit = 1000, .reverse = true});
    ASSERT_TRUE(newest);
    std::vector<Message> turned = newest->messages;
    std::ranges::reverse(turned);
    EXPECT_EQ(turned, oldest->messages);
    EXPECT_FALSE(read(*store, "b:" + std::to_string(chat)));
  }
}

TEST_F(RocksdbStoreTest, AFullQueueIsOverloadedAndStoresNothing) {
  StoreOptions options;
  options.max_queue = 0;
  const auto store = *open(options);
  EXPECT_EQ(append(*store, draft("a:b", "x", "k")).error().code, ErrorCode::kOverloaded);
  EXPECT_EQ(read(*store, "a:b").error().code, ErrorCode::kChatNotFound);
}

TEST_F(RocksdbStoreTest, ASecondOpeningIsRefused) {
  const auto store = *open();
  const auto second = open();
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().detail.find("in use by another process"), std::string::npos) << second.error().detail;
  EXPECT_TRUE(append(*store, draft("a:b", "x"))) << "the first goes on";
}

TEST_F(RocksdbStoreTest, ANewerFormatIsRefused) {
  {
    ASSERT_TRUE(open());
  }
  std::ofstream(folder_.path() / "data" / "FORMAT") << "2\n";
  const auto store = open();
  ASSERT_FALSE(store);
  EXPECT_NE(store.error().detail.find("newer version"), std::string::npos) << store.error().detail;
}

TEST_F(RocksdbStoreTest, AForeignOrUnusableFolderIsRefused) {
  fs::create_directories(folder_.path() / "data");
  std::ofstream(folder_.path() / "data" / "CURRENT") << "MANIFEST-000001\n";
  EXPECT_FALSE(open());
  EXPECT_FALSE(fs::exists(folder_.path() / "data" / "FORMAT")) << "nothing was written into it";
  std::ofstream(folder_.path() / "file") << "x";
  EXPECT_FALSE(open_rocksdb_store(folder_.path() / "file" / "data", {}, loops_, metrics_));
}

/// Appends `count` messages in a child that then dies without closing anything; returns the log's path.
fs::path write_and_die(const fs::path& folder, int count) {
  const pid_t child = fork();
  if (child == 0) {
    net::LoopPool loops(1);
    MetricsRegistry metrics;
    const auto store = open_rocksdb_store(folder, {}, loops, metrics);
    for (int i = 0; i < count; ++i) {
      if (!run_on(loops[0], (*store)->append(draft("a:b", "message " + std::to_string(i)), kNoDeadline))) _exit(1);
    }
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".log" && entry.file_size() > 0) return entry.path();
  }
  return {};
}

TEST(RocksdbStoreCrash, ATornTailOpensAndLosesNothingElse) {
  const TemporaryFolder folder;
  const fs::path log = write_and_die(folder.path(), 20);
  ASSERT_FALSE(log.empty());
  fs::resize_file(log, fs::file_size(log) - 3);
  net::LoopPool loops(1);
  MetricsRegistry metrics;
  const auto store = open_rocksdb_store(folder.path(), {}, loops, metrics);
  ASSERT_TRUE(store) << store.error().detail;
  EXPECT_EQ(run_on(loops[0], (*store)->read(*ChatId::parse("a:b"), {.limit = 100}, kNoDeadline))->messages.size(), 19U);
}

TEST(RocksdbStoreCrash, DamageInTheMiddleIsRefused) {
  const TemporaryFolder folder;
  const fs::path log = write_and_die(folder.path(), 20);
  ASSERT_FALSE(log.empty());
  std::fstream file(log, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(fs::file_size(log) / 2));
  file << "damage";
  file.close();
  net::LoopPool loops(1);
  MetricsRegistry metrics;
  const auto store = open_rocksdb_store(folder.path(), {}, loops, metrics);
  ASSERT_FALSE(store);
  EXPECT_NE(store.error().detail.find("damaged"), std::string::npos) << store.error().detail;
  EXPECT_EQ(store.error().detail.find('\n'), std::string::npos);
}

}  // namespace
}  // namespace parley::store
