#include "service/local_service.h"

#include <optional>
#include <string>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

#include "chat/message_body.h"
#include "net/loop.h"

namespace parley::service {
namespace {

/// Keeps what it was asked, and answers the same always.
class RecordingStore final : public store::MessageStore {
 public:
  Task<store::Appended> append(store::Change change, Deadline) override {
    appended = std::move(change);
    co_return store::Appended{.send_time = 7'000'000, .duplicate = true};
  }
  Task<store::RecordPage> read(ChatId, store::RecordRange range, Deadline) override {
    read_range = range;
    co_return page;
  }
  Task<store::RowPage> rows(store::TableId, store::RowRange, Deadline) override { co_return store::RowPage{}; }
  Task<store::Written> write(store::TableId, std::vector<store::RowWrite>, Deadline) override {
    co_return store::Written{};
  }
  Task<store::IndexPage> index(std::string, store::IndexRange, Deadline) override { co_return store::IndexPage{}; }
  std::size_t lanes() const noexcept override { return 1; }
  std::size_t lane_of(std::string_view) const noexcept override { return 0; }
  std::size_t reads_at_once() const noexcept override { return 1; }
  Task<std::vector<std::int64_t>> clocks(store::Clocks, Deadline) override { co_return std::vector<std::int64_t>{0}; }
  store::Bell& bell() noexcept override { return bell_; }
  Health health() const override { return Health::nothing("gone"); }
  std::string id() const override { return "id"; }

  store::RecordPage page;
  std::optional<store::Change> appended;
  std::optional<store::RecordRange> read_range;

 private:
  net::LoopPool loops_{1};
  store::Bell bell_{loops_};
};

class LocalServiceTest : public testing::Test {
 protected:
  template <class T>
  Result<T> run(Task<T> task) {
    return net::run_on(loops_[0], std::move(task));
  }
  Result<SendResponse> send(SendRequest request) { return run(service_.send(std::move(request), {})); }
  ErrorCode send_error(SendRequest request) {
    auto response = send(std::move(request));
    EXPECT_FALSE(store_.appended) << "a refused send reached the store";
    return response ? ErrorCode::kInternal : response.error().code;
  }
  PageRange range_of(PullRequest request) {
    EXPECT_TRUE(run(service_.pull(std::move(request), {})));
    EXPECT_FALSE(store_.read_range->all_kinds);
    return store_.read_range->page;
  }

  net::LoopPool loops_{1};
  RecordingStore store_;
  LocalService service_{store_, {.max_text = 8, .max_page_bytes = 1000}};
};

TEST_F(LocalServiceTest, SendsUnderTheCanonicalName) {
  const auto response = send({"b:a", "hi", "b", "k"});
  ASSERT_TRUE(response);
  EXPECT_EQ(response->chat, "a:b");
  EXPECT_EQ(response->send_time, 7'000'000);
  EXPECT_TRUE(response->duplicate);
  EXPECT_EQ(store_.appended->chat.name(), "a:b");
  EXPECT_EQ(store_.appended->idempotency_key, "k");
  ASSERT_EQ(store_.appended->records.size(), 1U);
  const RecordDraft& record = store_.appended->records[0];
  EXPECT_EQ(record.kind, RecordKind::kMessage);
  const auto message = to_message({record.kind, 5, record.sender, record.about, record.body}, "b");
  ASSERT_TRUE(message);
  EXPECT_EQ(message->text, "hi");
  EXPECT_EQ(message->sender, "b");
  ASSERT_TRUE(message->extras);
  EXPECT_EQ(message->extras->idempotency_key, "k");
}

TEST_F(LocalServiceTest, RefusesWhatIsInvalidBeforeTheStore) {
  EXPECT_EQ(send_error({"a", "hi", "a", ""}), ErrorCode::kInvalidChat);
  EXPECT_EQ(send_error({"a:b", "hi", "c", ""}), ErrorCode::kSenderNotInChat);
  EXPECT_EQ(send_error({"a:b", "", "a", ""}), ErrorCode::kInvalidText);
  EXPECT_EQ(send_error({"a:b", "123456789", "a", ""}), ErrorCode::kTextTooLong);
  EXPECT_EQ(send_error({"a:b", "hi", "a", std::string(129, 'k')}), ErrorCode::kInvalidIdempotencyKey);
}

TEST_F(LocalServiceTest, PullsWithinTheLimits) {
  EXPECT_EQ(range_of({.chat = "a:b"}).limit, 10);
  EXPECT_EQ(range_of({.chat = "a:b", .limit = 1}).limit, 1);
  EXPECT_EQ(range_of({.chat = "a:b", .limit = 1000}).limit, 1000);
  EXPECT_EQ(range_of({.chat = "a:b", .limit = 1001}).limit, 1000);
  const PageRange range = range_of({.chat = "a:b", .cursor = 5, .limit = 3, .reverse = true});
  EXPECT_EQ(range.cursor, 5);
  EXPECT_TRUE(range.reverse);
  EXPECT_EQ(range.max_bytes, 1000U);
}

TEST_F(LocalServiceTest, AnswersWhatTheRecordsSayAndWhereToGoOn) {
  for (const std::int64_t time : {5'000'000, 6'000'000}) {
    const RecordDraft record = draft_of_message({ChatId::parse("a:b").value(), "a", "text", "key"});
    store_.page.records.push_back({record.kind, time, record.sender, record.about, record.body});
  }
  store_.page.has_more = true;
  const auto pull = [this](PullRequest request) { return run(service_.pull(std::move(request), {})).value().page; };
  const Page page = pull({.chat = "a:b"});
  EXPECT_EQ(page.messages, (std::vector<Message>{{"a", "text", 5'000'000}, {"a", "text", 6'000'000}}));
  EXPECT_TRUE(page.has_more);
  EXPECT_EQ(page.next_cursor, 6'000'001);
  EXPECT_EQ(pull({.chat = "a:b", .reverse = true}).next_cursor, 5'999'999);
  store_.page = {};
  EXPECT_EQ(pull({.chat = "a:b", .cursor = 7}).next_cursor, 7);
}

TEST_F(LocalServiceTest, ACorruptMessageIsUnavailable) {
  store_.page.records.push_back({RecordKind::kMessage, 5'000'000, "a", 0, "\x0a\xff"});
  EXPECT_EQ(run(service_.pull({.chat = "a:b"}, {})).error().code, ErrorCode::kUnavailable);
}

TEST_F(LocalServiceTest, RefusesNegativePulls) {
  EXPECT_EQ(run(service_.pull({.chat = "a:b", .cursor = -1}, {})).error().code, ErrorCode::kInvalidCursor);
  EXPECT_EQ(run(service_.pull({.chat = "a:b", .limit = -1}, {})).error().code, ErrorCode::kInvalidLimit);
  EXPECT_EQ(run(service_.pull({.chat = "group"}, {})).error().code, ErrorCode::kInvalidChat);
}

TEST_F(LocalServiceTest, IsReadyWhenItsStoreIs) { EXPECT_EQ(service_.health().why_not, "gone"); }

}  // namespace
}  // namespace parley::service
