// A fault at every write, sync and rename that the RocksDB store makes, and what is left after it.
#include <functional>
#include <map>
#include <optional>

#include <gmock/gmock.h>

#include "store/embedded/faulty_file_system.h"
#include "store/embedded/store.h"
#include "store/store_fixture.h"

namespace parley::store {
namespace {

/// What was answered to the sends of a scenario, by their texts, which are also their keys where they have one.
struct Answers {
  std::map<std::string, std::int64_t> acknowledged;
  std::vector<std::string> unknown;
  std::vector<std::string> refused;
};

bool has_key(const std::string& text) { return text.starts_with("keyed"); }

/// Whether it is told to "c" as well, and changes the chat's row in the same step.
bool has_audience(const std::string& text) { return has_key(text) && text.ends_with('1'); }

class RocksdbFaultTest : public StoreFixture {
 protected:
  static constexpr int kSessions = 2;
  static constexpr int kSends = 3;

  /// Two lives of a store in `folder`, on files that may fail. Everything that can be checked on the way is.
  Answers live(const std::filesystem::path& folder) {
    Answers answers;
    now_ = kStart;
    for (int session = 0; session < kSessions; ++session) {
      auto store = open_rocksdb_store(folder, options(), loops_, metrics_, &env_);
      if (!store) {
        EXPECT_EQ(store.error().code, ErrorCode::kUnavailable);
        EXPECT_EQ(store.error().detail.find('\n'), std::string::npos);
        break;
      }
      store_ = *std::move(store);
      for (int i = 0; i < kSends; ++i) {
        send("plain" + std::to_string(session) + std::to_string(i), answers);
        send("keyed" + std::to_string(session) + std::to_string(i), answers);
      }
      check_still_readable(answers);
      store_.reset();
    }
    return answers;
  }

  void send(const std::string& text, Answers& answers) {
    const bool failed_before = !health().writes;
    now_ += 2 * kIndexGrain;  // so that each raises its index rows from where the one before left them
    Change change = change_of({chat_of("a:b"), "a", text, has_key(text) ? text : ""});
    if (has_audience(text)) {
      change.audience = {"c"};
      change.rows = {{"row", text, RowWrite::If::kBelow, text}};
    }
    const auto appended = append(std::move(change));
    if (appended) {
      EXPECT_FALSE(failed_before) << "acknowledged after a failure";
      EXPECT_FALSE(appended->refused) << "no row is above";
      answers.acknowledged.emplace(text, appended->send_time);
    } else if (appended.error().code == ErrorCode::kOutcomeUnknown) {
      EXPECT_FALSE(failed_before);
      answers.unknown.push_back(text);
    } else {
      EXPECT_EQ(appended.error().code, ErrorCode::kUnavailable);
      EXPECT_FALSE(health().writes);
      answers.refused.push_back(text);
    }
  }

  void check_still_readable(const Answers& answers) {
    for (const auto& [text, time] : answers.acknowledged) {
      const auto page = read("a:b", {.cursor = time, .limit = 1});
      ASSERT_TRUE(page) << page.error().detail;
      ASSERT_EQ(page->records.size(), 1U);
      EXPECT_EQ(to_message(page->records[0]), (Message{"a", text, time}));
      if (has_key(text)) {
        EXPECT_EQ(append("a:b", "a", text, text)->send_time, time);
      }
    }
  }

  /// One row, which is high enough, whatever was raised and lost.
  void check_index(const std::string& user, std::int64_t newest) {
    for (const bool oldest_first : {false, true}) {
      const auto rows = whole_index(user, {.oldest_first = oldest_first});
      ASSERT_EQ(rows.size(), 1U) << "a message came without its index row, or with two, for " << user;
      EXPECT_GE(rows[0].time, newest - kIndexGrain) << user;
    }
  }

  /// Opens what a scenario left, on files that do not fail any more.
  void check_what_is_left(const std::filesystem::path& folder, const Answers& answers) {
    env_.files().heal();
    auto store = open_rocksdb_store(folder, options(), loops_, metrics_, &env_);
    ASSERT_TRUE(store) << store.error().detail;
    store_ = *std::move(store);
    std::map<std::string, std::int64_t> left;
    std::int64_t last = 0;
    if (const auto page = read("a:b", {.limit = kMaxPullLimit})) {
      for (const Record& record : page->records) {
        EXPECT_TRUE(left.emplace(text_of(record), record.time).second) << text_of(record) << " is there twice";
        last = record.time;
      }
      for (const std::string& user : {std::string("a"), std::string("b"), follower_of(0)}) check_index(user, last);
      std::string newest;
      for (const auto& [text, time] : left) {
        if (has_audience(text)) newest = std::max(newest, text);
      }
      if (!newest.empty()) check_index("c", left[newest]);
      const std::vector<Row> rows = newest.empty() ? std::vector<Row>{} : std::vector<Row>{{"row", newest}};
      EXPECT_EQ(all_rows({TableId::Of::kChat, "a:b"}), rows) << "rows and records are one step";
    }
    for (const auto& [text, time] : answers.acknowledged) {
      ASSERT_TRUE(left.contains(text)) << text << " was acknowledged and is lost";
      EXPECT_EQ(left[text], time);
    }
    for (const std::string& text : answers.refused) EXPECT_FALSE(left.contains(text)) << text;
    EXPECT_LE(left.size(), answers.acknowledged.size() + answers.unknown.size());
    for (const auto& [text, time] : left) {
      if (!has_key(text)) continue;
      const auto repeat = append("a:b", "a", text, text);
      ASSERT_TRUE(repeat);
      EXPECT_TRUE(repeat->duplicate) << text << " came without its key";
      EXPECT_EQ(repeat->send_time, time);
    }
    EXPECT_GT(stored("a:b", "a", "new", "new"), last);
    for (const std::string& text : answers.unknown) {
      if (left.contains(text) || !has_key(text)) continue;
      EXPECT_FALSE(append("a:b", "a", text, text)->duplicate) << text << " left its key and no message";
    }
    store_.reset();
  }

  /// Once for every operation of a scenario without faults.
  void at_every_operation(Fault fault, bool crash) {
    env_.files().heal();
    const Answers all = live(folder_.path() / "healthy");
    ASSERT_EQ(all.acknowledged.size(), 2U * kSessions * kSends);
    const std::uint64_t operations = env_.files().operations();
    ASSERT_GT(operations, 20U);
    for (std::uint64_t n = 1; n <= operations; ++n) {
      SCOPED_TRACE("operation " + std::to_string(n) + " of " + std::to_string(operations));
      const auto folder = folder_.path() / std::to_string(n);
      env_.files().fail_at(n, fault, crash);
      const Answers answers = live(folder);
      if (crash) env_.files().lose_unsynced();
      check_what_is_left(folder, answers);
      std::filesystem::remove_all(folder);
      if (HasFailure()) return;
    }
  }

  void TearDown() override { store_.reset(); }

  FaultyEnv env_;
};

TEST_F(RocksdbFaultTest, AnIoErrorAtEveryOperation) { at_every_operation(Fault::kIoError, false); }
TEST_F(RocksdbFaultTest, AFullDiskAtEveryOperation) { at_every_operation(Fault::kNoSpace, false); }
TEST_F(RocksdbFaultTest, AShortWriteAtEveryOperation) { at_every_operation(Fault::kShortWrite, false); }
TEST_F(RocksdbFaultTest, APowerLossAtEveryOperation) { at_every_operation(Fault::kShortWrite, true); }

}  // namespace
}  // namespace parley::store
