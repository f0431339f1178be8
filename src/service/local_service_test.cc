#include "service/local_service.h"

#include <optional>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

#include "net/loop.h"

namespace parley::service {
namespace {

/// Keeps what it was asked, and answers the same always.
class RecordingStore final : public store::MessageStore {
 public:
  Task<store::Appended> append(Draft draft, Deadline) override {
    appended = std::move(draft);
    co_return store::Appended{.send_time = 7'000'000, .duplicate = true};
  }
  Task<Page> read(ChatId, PageRange range, Deadline) override {
    read_range = range;
    co_return Page{};
  }
  Health health() const override { return Health::nothing("gone"); }
  std::string id() const override { return id_; }

  std::optional<Draft> appended;
  std::optional<PageRange> read_range;

 private:
  std::string id_ = "id";
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
    return store_.read_range.value_or(PageRange{});
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

TEST_F(LocalServiceTest, RefusesNegativePulls) {
  EXPECT_EQ(run(service_.pull({.chat = "a:b", .cursor = -1}, {})).error().code, ErrorCode::kInvalidCursor);
  EXPECT_EQ(run(service_.pull({.chat = "a:b", .limit = -1}, {})).error().code, ErrorCode::kInvalidLimit);
  EXPECT_EQ(run(service_.pull({.chat = "group"}, {})).error().code, ErrorCode::kInvalidChat);
}

TEST_F(LocalServiceTest, IsReadyWhenItsStoreIs) { EXPECT_EQ(service_.health().why_not, "gone"); }

}  // namespace
}  // namespace parley::service
