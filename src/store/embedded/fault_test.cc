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

class RocksdbFaultTest : public StoreFixture {
 protected:
  static constexpr int kSessions = 2;
  static constexpr int kSends = 3;

  /// Two lives of a store in `folder`, on files that may fail. Everything that can be checked on the way is.
  Answers live(const std::filesystem::path& folder) {
    Answers answers;
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
    const auto appended = append("a:b", "a", text, has_key(text) ? text : "");
    if (appended) {
      EXPECT_FALSE(failed_before) << "acknowledged after a failure";
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
      EXPECT_EQ(page->messages, (std::vector<Message>{{"a", text, time}}));
      if (has_key(text)) {
        EXPECT_EQ(append("a:b", "a", text, text)->send_time, time);
      }
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
      for (const Message& message : page->messages) {
        EXPECT_TRUE(left.emplace(message.text, message.send_time).second) << message.text << " is there twice";
        last = message.send_time;
      }
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
