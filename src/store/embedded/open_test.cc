// What the RocksDB store refuses to open, and in which words; and what a crash leaves that it must open.
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <unistd.h>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <rocksdb/db.h>
#include <sys/file.h>
#include <sys/wait.h>

#include "store/embedded/database.h"
#include "store/embedded/keys.h"
#include "store/embedded/store.h"
#include "store/embedded/store_facts.h"
#include "store/embedded/write_ahead_log.h"
#include "store/store_fixture.h"

namespace parley::store {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr uid_t kNobody = 65534;

class RocksdbOpenTest : public StoreFixture {
 protected:
  Result<std::unique_ptr<MessageStore>> try_open() {
    return open_rocksdb_store(folder_.path() / "store", options(), loops_, metrics_);
  }
  void open() {
    store_.reset();
    auto store = try_open();
    EXPECT_TRUE(store) << store.error().detail;
    store_ = std::move(store).value();
  }
  /// The line of a refusal.
  std::string refusal() {
    const auto store = try_open();
    EXPECT_FALSE(store);
    if (store) return "opened";
    EXPECT_EQ(store.error().code, ErrorCode::kUnavailable);
    EXPECT_THAT(store.error().detail, AllOf(HasSubstr(folder().string()), Not(HasSubstr("\n"))));
    return store.error().detail;
  }

  [[nodiscard]] fs::path folder() const { return folder_.path() / "store"; }
  [[nodiscard]] std::set<fs::path> names() const {
    std::set<fs::path> out;
    for (const auto& entry : fs::directory_iterator(folder())) out.insert(entry.path());
    return out;
  }
  /// The newest file with such a name.
  fs::path file(std::string_view prefix, std::string_view extension) {
    fs::path found;
    for (const auto& entry : fs::directory_iterator(folder())) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with(prefix) && name.ends_with(extension)) found = std::max(found, entry.path());
    }
    EXPECT_FALSE(found.empty()) << prefix << "*" << extension;
    return found;
  }
  fs::path largest(std::string_view extension) {
    fs::path found;
    for (const auto& entry : fs::directory_iterator(folder())) {
      const bool is_one = entry.path().extension() == extension;
      if (is_one && (found.empty() || entry.file_size() > fs::file_size(found))) found = entry.path();
    }
    EXPECT_FALSE(found.empty()) << extension;
    return found;
  }
  static void edit(const fs::path& path, const std::function<void(std::string&)>& change) {
    std::ifstream in(path, std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(in)), {});
    change(bytes);
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  }
  /// What was written to a log, without what is allocated ahead of it.
  static std::uint64_t log_size(const fs::path& log) {
    std::uint64_t size = 0;
    edit(log, [&size](std::string& bytes) { size = bytes.find_last_not_of('\0') + 1; });
    return size;
  }
  static void cut_to_what_was_written(const fs::path& log) { fs::resize_file(log, log_size(log)); }

  /// The name of the log that RocksDB would make next.
  static fs::path log_after(const fs::path& log) {
    return log.parent_path() / fmt::format("{:06}.log", std::stoi(log.stem().string()) + 1);
  }
  /// Moves what is at `size` and later into a log of its own, which is how it looks where the write buffer was full
  /// there. For logs of one block.
  static void split(const fs::path& log, std::uint64_t size, const fs::path& newer) {
    edit(log, [&](std::string& bytes) {
      std::ofstream(newer, std::ios::binary) << bytes.substr(size);
      bytes.resize(size);
    });
  }

  /// A store of some format, with these column families.
  void make_store(const std::string& format, const std::vector<std::string>& families) {
    rocksdb::Options options;
    options.create_if_missing = true;
    rocksdb::DB* opened = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open(options, folder().string(), &opened).ok());
    const std::unique_ptr<rocksdb::DB> database(opened);
    for (const std::string& name : families) {
      if (name == rocksdb::kDefaultColumnFamilyName) continue;
      rocksdb::ColumnFamilyHandle* family = nullptr;
      ASSERT_TRUE(database->CreateColumnFamily({}, name, &family).ok());
      ASSERT_TRUE(database->DestroyColumnFamilyHandle(family).ok());
    }
    ASSERT_TRUE(database->Put({}, to_slice(kFormatKey), format).ok());
    ASSERT_TRUE(database->Put({}, to_slice(kStoreIdKey), "id").ok());
    ASSERT_TRUE(database->Flush({}).ok());
  }
  /// The names and sizes of the files that hold data.
  [[nodiscard]] std::map<std::string, std::uintmax_t> files() const {
    std::map<std::string, std::uintmax_t> out;
    for (const auto& entry : std::filesystem::directory_iterator(folder())) {
      const std::string name = entry.path().filename().string();
      if (name != "LOG" && name != "LOCK") out.emplace(name, entry.file_size());
    }
    return out;
  }
  [[nodiscard]] std::vector<std::string> families_of_store() const {
    std::vector<std::string> out;
    EXPECT_TRUE(rocksdb::DB::ListColumnFamilies({}, folder().string(), &out).ok());
    return out;
  }

  /// What a kill would leave: the files while the store is open, with nothing flushed. The store is opened again later.
  void kill_and_keep_files() {
    fs::copy(folder(), folder_.path() / "copy");
    store_.reset();
    fs::remove_all(folder());
    fs::rename(folder_.path() / "copy", folder());
  }
};

TEST_F(RocksdbOpenTest, MakesTheFolder) {
  open();
  EXPECT_TRUE(fs::is_directory(folder()));
}

TEST_F(RocksdbOpenTest, WhatIsNotADirectoryIsRefused) {
  std::ofstream(folder()) << "a file";
  EXPECT_THAT(refusal(), HasSubstr("not a directory"));
}

TEST_F(RocksdbOpenTest, ALinkToNothingIsRefused) {
  fs::create_symlink("not-mounted", folder());
  EXPECT_THAT(refusal(), HasSubstr("a symbolic link to a folder that is not there"));
  EXPECT_FALSE(fs::exists(folder().parent_path() / "not-mounted"));
}

TEST_F(RocksdbOpenTest, AFolderWithoutPermissionIsRefused) {
  fs::create_directory(folder());
  fs::permissions(folder(), fs::perms::owner_read | fs::perms::owner_exec);
  fs::permissions(folder().parent_path(), fs::perms::group_all | fs::perms::others_all, fs::perm_options::add);
  const uid_t user = geteuid();
  if (user == 0) ASSERT_EQ(seteuid(kNobody), 0);  // nothing is forbidden to root
  const std::string line = refusal();
  ASSERT_EQ(seteuid(user), 0);
  EXPECT_THAT(line, HasSubstr("no permission"));
}

TEST_F(RocksdbOpenTest, ASecondOpeningIsRefused) {
  open();
  EXPECT_THAT(refusal(), HasSubstr("another process has it open"));
  stored("a:b", "a", "text");
}

TEST_F(RocksdbOpenTest, AFolderThatAnotherProcessHoldsIsRefused) {
  open();
  store_.reset();
  int held[2];
  ASSERT_EQ(pipe(held), 0);
  const std::string lock_file = (folder() / "LOCK").string();
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const int lock = ::open(lock_file.c_str(), O_RDWR | O_CLOEXEC);
    struct flock whole{};
    whole.l_type = F_WRLCK;
    const char ok = fcntl(lock, F_SETLK, &whole) == 0 ? 'y' : 'n';
    if (::write(held[1], &ok, 1) == 1) pause();
    _exit(0);
  }
  char ok = 'n';
  EXPECT_EQ(::read(held[0], &ok, 1), 1);
  EXPECT_EQ(ok, 'y');
  EXPECT_THAT(refusal(), HasSubstr("another process has it open"));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  close(held[0]);
  close(held[1]);
  open();
}

TEST_F(RocksdbOpenTest, ANewerFormatIsRefused) {
  open();
  store_.reset();
  {
    const auto database = RocksdbDatabase::open(folder(), options(), *rocksdb::Env::Default()).value();
    ASSERT_TRUE(database->db().Put({}, to_slice(kFormatKey), "4").ok());
  }
  EXPECT_THAT(refusal(), AllOf(HasSubstr("version 4"), HasSubstr("newer version of Parley")));
}

TEST_F(RocksdbOpenTest, AnOlderFormatIsRefusedAndLeftAsItIs) {
  const std::vector<std::string> families = {"default", "idempotency"};
  make_store("1", families);
  EXPECT_THAT(refusal(),
              AllOf(HasSubstr("version 1"), HasSubstr("reads version 3"), HasSubstr("choose another folder")));
  EXPECT_FALSE(judge_store("/data", look_at_store(folder())).good());
  EXPECT_EQ(families_of_store(), families);
}

TEST_F(RocksdbOpenTest, AnOlderFormatWithTheSameFamiliesIsRefused) {
  make_store("2", {"default", "idempotency", "rows"});
  EXPECT_THAT(refusal(), AllOf(HasSubstr("version 2"), HasSubstr("choose another folder")));
}

TEST_F(RocksdbOpenTest, AnOlderStoreThatCannotBeReadIsLeftAsItIs) {
  const std::vector<std::string> families = {"default", "idempotency"};
  make_store("1", families);
  edit(largest(".sst"), [](std::string& bytes) { bytes.resize(bytes.size() / 2); });
  EXPECT_THAT(refusal(), HasSubstr("it cannot be read: "));
  EXPECT_EQ(families_of_store(), families);
}

TEST_F(RocksdbOpenTest, AStoreThatLostAColumnFamilyIsRefused) {
  const std::vector<std::string> families = {"default", "idempotency"};
  make_store("3", families);
  EXPECT_THAT(refusal(), HasSubstr("it is damaged, since its column family rows is missing"));
  EXPECT_EQ(families_of_store(), families);
}

TEST_F(RocksdbOpenTest, ALaterFormatIsLeftAsItIs) {
  const std::vector<std::string> families = {"default", "idempotency", "rows", "later"};
  make_store("4", families);
  const auto before = files();
  EXPECT_THAT(refusal(), AllOf(HasSubstr("version 4"), HasSubstr("newer version of Parley")));
  EXPECT_EQ(files(), before);
}

TEST_F(RocksdbOpenTest, AStoreThatGoesWhileItIsLookedAtIsUnreadable) {
  /// Has lost the file CURRENT, which only others see.
  class NoCurrent final : public rocksdb::FileSystemWrapper {
   public:
    NoCurrent() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
    const char* Name() const override { return "NoCurrent"; }
    rocksdb::IOStatus NewSequentialFile(const std::string& name, const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSSequentialFile>* result,
                                        rocksdb::IODebugContext* debug) override {
      if (name.ends_with("/CURRENT")) return rocksdb::IOStatus::NotFound("gone");
      return target()->NewSequentialFile(name, options, result, debug);
    }
  };
  open();
  store_.reset();
  const auto env = rocksdb::NewCompositeEnv(std::make_shared<NoCurrent>());
  EXPECT_FALSE(look_at_store(folder(), *env).unreadable.empty());
}

TEST_F(RocksdbOpenTest, AStoreSaysWhatItIsWithoutBeingOpened) {
  EXPECT_FALSE(look_at_store(folder()).made);
  const auto found = [this] { return judge_store("/data", look_at_store(folder())).found; };
  EXPECT_THAT(found(), HasSubstr("there is none"));
  open();
  EXPECT_EQ(found(), "it has format 3 and no messages");  // while it is open, too
  now_ = 1'700'000'000'000'000;
  stored("a:b", "a", "text");
  const std::set<fs::path> before = names();
  EXPECT_EQ(found(), "it has format 3, and its last message is of 2023-11-14T22:13:20Z");
  EXPECT_EQ(names(), before);
  store_.reset();
  EXPECT_EQ(found(), "it has format 3, and its last message is of 2023-11-14T22:13:20Z");
  EXPECT_TRUE(judge_store("/data", look_at_store(folder())).good());
  edit(largest(".sst"), [](std::string& bytes) { bytes.clear(); });
  EXPECT_FALSE(judge_store("/data", look_at_store(folder())).good());
}

TEST_F(RocksdbOpenTest, WhoLooksAtAStoreSaysWhatKeepsItFromBeingOpened) {
  open();
  store_.reset();
  {
    const auto database = RocksdbDatabase::open(folder(), options(), *rocksdb::Env::Default()).value();
    ASSERT_TRUE(database->db().Put({}, to_slice(kLastTimeKey), "none").ok());
  }
  constexpr const char* kWhy = "the record of its last time is corrupt: restore it from a backup";
  EXPECT_THAT(refusal(), HasSubstr(kWhy));
  const Finding finding = judge_store("/data", look_at_store(folder()));
  EXPECT_FALSE(finding.good());
  EXPECT_THAT(finding.found, HasSubstr(kWhy));
}

TEST_F(RocksdbOpenTest, ANewerColumnFamilyIsRefused) {
  open();
  store_.reset();
  {
    const auto database = RocksdbDatabase::open(folder(), options(), *rocksdb::Env::Default()).value();
    rocksdb::ColumnFamilyHandle* family = nullptr;
    ASSERT_TRUE(database->db().CreateColumnFamily({}, "later", &family).ok());
    ASSERT_TRUE(database->db().DestroyColumnFamilyHandle(family).ok());
  }
  EXPECT_THAT(refusal(), HasSubstr("newer version of Parley"));
}

TEST_F(RocksdbOpenTest, AForeignDatabaseIsRefusedAndLeftAlone) {
  rocksdb::Options plain;
  plain.create_if_missing = true;
  rocksdb::DB* db = nullptr;
  ASSERT_TRUE(rocksdb::DB::Open(plain, folder().string(), &db).ok());
  ASSERT_TRUE(db->Put({}, "someone's", "data").ok());
  delete db;
  EXPECT_THAT(refusal(), HasSubstr("not make"));
  const auto status = rocksdb::DB::OpenForReadOnly(plain, folder().string(), &db);
  ASSERT_TRUE(status.ok()) << status.ToString();
  std::string value;
  EXPECT_TRUE(db->Get({}, "someone's", &value).ok());
  delete db;
}

TEST_F(RocksdbOpenTest, AMissingCurrentIsRefusedAndNothingDeleted) {
  open();
  stored("a:b", "a", "text");
  store_.reset();
  std::string current;
  edit(folder() / "CURRENT", [&](std::string& bytes) { current = bytes; });
  fs::remove(folder() / "CURRENT");
  EXPECT_THAT(refusal(), HasSubstr("the store's file CURRENT is missing"));
  std::ofstream(folder() / "CURRENT") << current;
  open();
  EXPECT_THAT(texts("a:b"), ElementsAre("text"));
}

TEST_F(RocksdbOpenTest, LogsOfOtherProgramsAreLeftAlone) {
  fs::create_directories(folder());
  std::ofstream(folder() / "apt.log") << "what apt did\n";
  std::ofstream(folder() / "empty.log").flush();
  open();
  stored("a:b", "a", "text");
  store_.reset();
  open();
  EXPECT_THAT(texts("a:b"), ElementsAre("text"));
  EXPECT_TRUE(fs::exists(folder() / "apt.log"));
  EXPECT_TRUE(fs::exists(folder() / "empty.log"));
}

TEST_F(RocksdbOpenTest, TheProcessThatHoldsTheFolderIsNamedWithoutItsLockFile) {
  const auto held = StoreFolder::hold(folder());
  ASSERT_TRUE(held);
  EXPECT_EQ(process_that_holds(folder()), getpid());
}

TEST_F(RocksdbOpenTest, TheProcessThatHoldsTheFolderIsNamedWhileOthersWaitForLocks) {
  const auto held = StoreFolder::hold(folder());
  ASSERT_TRUE(held);
  const TemporaryFolder elsewhere;
  const std::string path = elsewhere.path() / "file";
  const int first = ::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  const int second = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_EQ(::flock(first, LOCK_EX), 0);
  std::thread waits([second] { (void)::flock(second, LOCK_EX); });
  const auto is_waiting = [] {
    std::ifstream locks("/proc/locks");
    const std::string rows(std::istreambuf_iterator<char>(locks), {});
    return rows.find("->") != std::string::npos;
  };
  while (!is_waiting()) std::this_thread::yield();
  EXPECT_EQ(process_that_holds(folder()), getpid());
  ::close(first);
  waits.join();
  ::close(second);
}

TEST_F(RocksdbOpenTest, ACorruptManifestIsRefused) {
  open();
  stored("a:b", "a", "text");
  store_.reset();
  edit(file("MANIFEST", ""), [](std::string& bytes) { bytes[bytes.size() / 2] ^= 0x20; });
  EXPECT_THAT(refusal(), AllOf(HasSubstr("corrupt"), HasSubstr("MANIFEST")));
}

TEST_F(RocksdbOpenTest, AMissingOrShortTableFileIsRefusedByName) {
  open();
  stored("a:b", "a", "text");
  store_.reset();
  const fs::path table = file("", ".sst");
  edit(table, [](std::string& bytes) { bytes.resize(bytes.size() - 10); });
  EXPECT_THAT(refusal(), HasSubstr(table.stem().string()));
  fs::remove(table);
  EXPECT_THAT(refusal(), HasSubstr(table.stem().string()));
}

TEST_F(RocksdbOpenTest, DamageInATableFileIsAnErrorOfTheReadThatMeetsIt) {
  open();
  std::mt19937 random;  // NOLINT(cert-msc51-cpp): the same texts each time
  for (int i = 0; i < 30; ++i) {
    std::string text(3000, '\0');  // of which compression makes no less than many blocks
    for (char& c : text) c = static_cast<char>(' ' + random() % 64);
    stored("a:b", "a", text);
  }
  store_.reset();
  edit(largest(".sst"), [](std::string& bytes) { bytes[bytes.size() / 2] ^= 0x20; });
  open();
  const auto page = read("a:b", {.limit = kMaxPullLimit});
  ASSERT_EQ(code_of(page), ErrorCode::kUnavailable);
  EXPECT_THAT(page.error().detail, Not(HasSubstr("/"))) << "names the server's files";
  EXPECT_THAT(metrics_.text(), HasSubstr("\nparley_store_read_errors_total 1\n"));
}

// The write-ahead log

TEST_F(RocksdbOpenTest, ALogThatWasCutOpens) {
  open();
  stored("a:b", "a", "1");
  stored("a:b", "a", "2");
  kill_and_keep_files();
  const fs::path log = file("", ".log");
  fs::resize_file(log, log_size(log) - 5);
  open();
  EXPECT_THAT(texts("a:b"), ElementsAre("1"));
}

TEST_F(RocksdbOpenTest, ALogThatEndsInZeroesOpens) {
  open();
  stored("a:b", "a", "1");
  stored("a:b", "a", "2");
  kill_and_keep_files();
  edit(file("", ".log"), [](std::string& bytes) { bytes.append(10'000, '\0'); });
  open();
  EXPECT_THAT(texts("a:b"), ElementsAre("1", "2"));
}

TEST_F(RocksdbOpenTest, ALastBatchThatIsTornOpensWithoutIt) {
  // As a power loss leaves it: the file has grown, and some of the last batch's pages never came.
  open();
  stored("a:b", "a", "1");
  stored("a:b", "a", std::string(100'000, 'x'));
  kill_and_keep_files();
  cut_to_what_was_written(file("", ".log"));
  edit(file("", ".log"), [](std::string& bytes) { bytes.replace(bytes.size() - 60'000, 4096, 4096, '\0'); });
  open();
  EXPECT_THAT(texts("a:b"), ElementsAre("1"));
  stored("a:b", "a", "2");
}

TEST_F(RocksdbOpenTest, DamageBeforeALaterBatchIsRefusedByName) {
  open();
  stored("a:b", "a", "1");
  stored("a:b", "a", std::string(100'000, 'x'));
  stored("a:b", "a", "3");
  kill_and_keep_files();
  const fs::path log = file("", ".log");
  cut_to_what_was_written(log);
  edit(log, [](std::string& bytes) { bytes[bytes.size() - 60'000] ^= 0x20; });
  EXPECT_THAT(refusal(), AllOf(HasSubstr("corrupt"), HasSubstr(log.filename().string())));
  edit(log, [](std::string& bytes) { bytes[bytes.size() - 60'000] ^= 0x20; });
  open();
  EXPECT_EQ(texts("a:b").size(), 3U);
}

TEST_F(RocksdbOpenTest, ALastBatchThatANewerLogFollowsIsRefusedIfDamaged) {
  open();
  std::vector<std::uint64_t> ends;
  for (const char* text : {"1", "2", "3"}) {
    stored("a:b", "a", text);
    ends.push_back(log_size(file("", ".log")));
  }
  kill_and_keep_files();
  const fs::path log = file("", ".log");
  const fs::path newer = log_after(log);
  split(log, ends[1], newer);
  edit(log, [](std::string& bytes) { bytes.back() ^= 0x20; });
  EXPECT_THAT(refusal(), AllOf(HasSubstr("corrupt"), HasSubstr(log.filename().string())));
  edit(log, [](std::string& bytes) { bytes.back() ^= 0x20; });
  open();
  EXPECT_THAT(texts("a:b"), ElementsAre("1", "2", "3"));
}

TEST_F(RocksdbOpenTest, ANewerLogThatTakesThePlaceOfATornBatchOpens) {
  // As a second kill leaves it, just after the store was opened and the older log was not deleted yet.
  now_ = kStart + 1;  // so that no batch ends in a zero, which would look like what is allocated ahead
  open();
  stored("a:b", "a", "1");
  const std::uint64_t first = log_size(file("", ".log"));
  stored("a:b", "a", "2");
  kill_and_keep_files();
  const fs::path log = file("", ".log");
  const std::uint64_t torn = log_size(log) - 5;
  fs::copy_file(log, folder_.path() / "log");
  split(log, first, log_after(log));
  edit(folder_.path() / "log", [torn](std::string& bytes) { bytes.resize(torn); });
  fs::rename(folder_.path() / "log", log);
  open();
  EXPECT_THAT(texts("a:b"), ElementsAre("1", "2"));
}

TEST_F(RocksdbOpenTest, DamageAnywhereBeforeTheLastBatchIsRefused) {
  open();
  for (int i = 0; i < 5; ++i) stored("a:b", "a", std::to_string(i), "key" + std::to_string(i));
  const fs::path log = file("", ".log");
  const std::uint64_t last_begins = log_size(log);
  stored("a:b", "a", "last");
  const fs::path copy = folder_.path() / "log";
  fs::copy_file(log, copy);
  store_.reset();
  EXPECT_EQ(check_write_ahead_log(copy).state, WalCheck::State::kSound);
  cut_to_what_was_written(copy);
  for (std::uint64_t at = 0; at < fs::file_size(copy); ++at) {
    for (const char mask : {'\x01', '\x80'}) {
      edit(copy, [&](std::string& bytes) { bytes[at] ^= mask; });
      const WalCheck check = check_write_ahead_log(copy);
      EXPECT_EQ(check.state, at < last_begins ? WalCheck::State::kDamaged : WalCheck::State::kTornTail) << at;
      edit(copy, [&](std::string& bytes) { bytes[at] ^= mask; });
    }
  }
  // A page that became zeroes, which RocksDB by itself would skip.
  edit(copy, [&](std::string& bytes) { bytes.replace(0, 300, 300, '\0'); });
  EXPECT_EQ(check_write_ahead_log(copy).state, WalCheck::State::kDamaged);
}

TEST_F(RocksdbOpenTest, ALogCutAnywhereIsTornOrSound) {
  now_ += 1;  // a batch ends with its time, and here with a byte that is not zero
  open();
  std::set<std::uint64_t> ends = {0};
  const fs::path log = file("", ".log");
  ends.insert(log_size(log));
  for (int i = 0; i < 3; ++i) {
    stored("a:b", "a", std::string(static_cast<std::size_t>(i) * 20'000 + 1, 'x'));
    ends.insert(log_size(log));
  }
  const fs::path copy = folder_.path() / "log";
  fs::copy_file(log, copy);
  store_.reset();
  EXPECT_EQ(check_write_ahead_log(copy).state, WalCheck::State::kSound);
  cut_to_what_was_written(copy);
  for (std::uint64_t size = fs::file_size(copy); size > 0; size -= std::min<std::uint64_t>(size, 97)) {
    const auto state = ends.contains(size) ? WalCheck::State::kSound : WalCheck::State::kTornTail;
    fs::resize_file(copy, size);
    EXPECT_EQ(check_write_ahead_log(copy).state, state) << size;
    fs::resize_file(copy, size + 100'000);
    EXPECT_EQ(check_write_ahead_log(copy).state, state) << size << " and zeros";
  }
}

}  // namespace
}  // namespace parley::store
