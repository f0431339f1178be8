// The disk fails at each write and each sync in turn: nothing acknowledged may be lost, doubled or half there.
#include <atomic>
#include <map>
#include <set>

#include <gtest/gtest.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include "store/message_store_contract.h"
#include "store/rocksdb_store.h"
#include "store/temporary_folder.h"

namespace parley::store {
namespace {

enum class Fault { kIoError, kNoSpace, kShortWrite };

/// Counts the writes and syncs of all files, and lets one of them fail.
class FaultyDisk {
 public:
  FaultyDisk(int fail_at, Fault fault) : fail_at_(fail_at), fault_(fault) {}

  [[nodiscard]] bool hit() noexcept { return armed_ && count_.fetch_add(1) == fail_at_; }
  void arm() noexcept { armed_ = true; }
  [[nodiscard]] int count() const noexcept { return count_; }
  [[nodiscard]] Fault fault() const noexcept { return fault_; }
  [[nodiscard]] rocksdb::IOStatus error() const {
    return fault_ == Fault::kNoSpace ? rocksdb::IOStatus::NoSpace("injected") : rocksdb::IOStatus::IOError("injected");
  }

 private:
  const int fail_at_;
  const Fault fault_;
  std::atomic<bool> armed_{false};
  std::atomic<int> count_{0};
};

class FaultyFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  FaultyFile(std::unique_ptr<rocksdb::FSWritableFile> file, FaultyDisk& disk)
      : FSWritableFileOwnerWrapper(std::move(file)), disk_(disk) {}

  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* context) override {
    if (!disk_.hit()) return FSWritableFileOwnerWrapper::Append(data, options, context);
    if (disk_.fault() == Fault::kShortWrite) {
      FSWritableFileOwnerWrapper::Append(rocksdb::Slice(data.data(), data.size() / 2), options, context)
          .PermitUncheckedError();
    }
    return disk_.error();
  }
  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           const rocksdb::DataVerificationInfo&, rocksdb::IODebugContext* context) override {
    return Append(data, options, context);
  }
  rocksdb::IOStatus Sync(const rocksdb::IOOptions& options, rocksdb::IODebugContext* context) override {
    return disk_.hit() ? disk_.error() : FSWritableFileOwnerWrapper::Sync(options, context);
  }
  rocksdb::IOStatus Fsync(const rocksdb::IOOptions& options, rocksdb::IODebugContext* context) override {
    return disk_.hit() ? disk_.error() : FSWritableFileOwnerWrapper::Fsync(options, context);
  }

 private:
  FaultyDisk& disk_;
};

class FaultyFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  explicit FaultyFileSystem(FaultyDisk& disk) : FileSystemWrapper(rocksdb::FileSystem::Default()), disk_(disk) {}
  const char* Name() const override { return "FaultyFileSystem"; }

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* context) override {
    auto status = FileSystemWrapper::NewWritableFile(name, options, result, context);
    if (status.ok()) *result = std::make_unique<FaultyFile>(std::move(*result), disk_);
    return status;
  }

 private:
  FaultyDisk& disk_;
};

constexpr int kSends = 12;

/// What clients were told.
struct History {
  std::map<std::string, std::int64_t> acknowledged;  // text → time
  std::set<std::string> unknown;
  bool acknowledged_after_failure = false;
};

History send_all(MessageStore& store, net::LoopPool& loops) {
  History history;
  bool failed = false;
  for (int i = 0; i < kSends; ++i) {
    const std::string text = "message " + std::to_string(i);
    const std::string key = i % 2 == 0 ? "k" + std::to_string(i) : std::string();
    const auto appended = run_on(loops[0], store.append(draft("a:b", text, key), kNoDeadline));
    if (appended) {
      history.acknowledged[text] = appended->send_time;
      history.acknowledged_after_failure |= failed;
      continue;
    }
    EXPECT_EQ(appended.error().code, failed ? ErrorCode::kUnavailable : ErrorCode::kOutcomeUnknown);
    if (!failed) history.unknown.insert(text);
    failed = true;
  }
  return history;
}

void check_failed_store(MessageStore& store, net::LoopPool& loops, const History& history) {
  EXPECT_FALSE(run_on(loops[0], store.ready(kNoDeadline))) << "it must say that it takes no writes";
  if (history.acknowledged.empty()) return;
  const auto page = run_on(loops[0], store.read(*ChatId::parse("a:b"), {.limit = 100}, kNoDeadline));
  ASSERT_TRUE(page) << "pulls go on";
  EXPECT_EQ(page->messages.size(), history.acknowledged.size()) << "a failed write must not be seen";
  if (history.acknowledged.contains("message 0")) {
    const auto repeat = run_on(loops[0], store.append(draft("a:b", "message 0", "k0"), kNoDeadline));
    ASSERT_TRUE(repeat) << "repeats of what is stored go on";
    EXPECT_TRUE(repeat->duplicate);
  }
}

void check_reopened(const std::filesystem::path& folder, net::LoopPool& loops, const History& history) {
  MetricsRegistry metrics;
  const auto store = open_rocksdb_store(folder, {}, loops, metrics);
  ASSERT_TRUE(store) << store.error().detail;
  const auto page = run_on(loops[0], (*store)->read(*ChatId::parse("a:b"), {.limit = 100}, kNoDeadline));
  std::map<std::string, std::int64_t> found;
  if (page) {
    for (const Message& message : page->messages) {
      EXPECT_TRUE(found.emplace(message.text, message.send_time).second) << "doubled: " << message.text;
    }
  }
  for (const auto& [text, time] : history.acknowledged) EXPECT_EQ(found[text], time) << text;
  for (const auto& [text, time] : found) {
    EXPECT_TRUE(history.acknowledged.contains(text) || history.unknown.contains(text)) << text;
  }
  const auto after = run_on(loops[0], (*store)->append(draft("a:b", "after"), kNoDeadline));
  ASSERT_TRUE(after);
  for (const auto& [text, time] : found) EXPECT_LT(time, after->send_time);
}

/// Whether the fault was reached.
bool run_scenario(int fail_at, Fault fault) {
  const TemporaryFolder folder;
  FaultyDisk disk(fail_at, fault);
  const auto file_system = std::make_shared<FaultyFileSystem>(disk);
  const std::unique_ptr<rocksdb::Env> env = rocksdb::NewCompositeEnv(file_system);
  net::LoopPool loops(1);
  History history;
  {
    MetricsRegistry metrics;
    const auto store = open_rocksdb_store(folder.path(), {}, loops, metrics, env.get());
    EXPECT_TRUE(store);
    if (!store) return false;
    disk.arm();
    history = send_all(**store, loops);
    EXPECT_FALSE(history.acknowledged_after_failure);
    if (!history.unknown.empty()) check_failed_store(**store, loops, history);
  }
  check_reopened(folder.path(), loops, history);
  return disk.count() > fail_at && !history.unknown.empty();
}

class RocksdbFault : public testing::TestWithParam<Fault> {};

TEST_P(RocksdbFault, AtEachWriteAndSync) {
  int hit = 0;
  // Twelve sends take a write and a sync each; the first of a log's life may take more.
  for (int fail_at = 0; fail_at < 2 * kSends; ++fail_at) {
    SCOPED_TRACE(fail_at);
    hit += run_scenario(fail_at, GetParam()) ? 1 : 0;
    if (HasFatalFailure()) return;
  }
  EXPECT_EQ(hit, 2 * kSends) << "each of them must have been one that a send waited for";
}

INSTANTIATE_TEST_SUITE_P(Disk, RocksdbFault, testing::Values(Fault::kIoError, Fault::kNoSpace, Fault::kShortWrite));

}  // namespace
}  // namespace parley::store
