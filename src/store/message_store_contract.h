// The contract of MessageStore in tests: the suite is message_store_contract.cc, and every store instantiates it.
//
//   INSTANTIATE_TEST_SUITE_P(Memory, MessageStoreContract, testing::Values(&make_my_store));
#pragma once

#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

#include "net/loop.h"
#include "store/message_store.h"
#include "store/store_options.h"

namespace parley::store {

/// A store and what it stands on, for the length of a test.
class StoreUnderTest {
 public:
  virtual ~StoreUnderTest() = default;
  [[nodiscard]] virtual MessageStore& store() = 0;
};

using MakeStore = std::unique_ptr<StoreUnderTest> (*)(const StoreOptions&, net::LoopPool&);

/// Runs `task` on `loop` and waits for what it yields.
template <class T>
Result<T> run_on(net::Loop& loop, Task<T> task) {
  return boost::asio::co_spawn(loop.executor(), std::move(task), boost::asio::use_future).get();
}

inline Draft draft(std::string_view chat, std::string text, std::string key = {}, std::string sender = {}) {
  const ChatId id = *ChatId::parse(chat);
  if (sender.empty()) sender = id.first();
  return Draft{id, std::move(sender), std::move(text), std::move(key)};
}

inline std::vector<std::string> texts(const Page& page) {
  std::vector<std::string> out;
  for (const Message& message : page.messages) out.push_back(message.text);
  return out;
}

class MessageStoreContract : public testing::TestWithParam<MakeStore> {
 protected:
  static constexpr std::int64_t kHour = 3'600'000'000;

  void SetUp() override {
    options_.clock = [this] { return now_.load(); };
    options_.idempotency_window = std::chrono::hours(1);
    under_test_ = GetParam()(options_, loops_);
    ASSERT_NE(under_test_, nullptr);
  }

  MessageStore& store() { return under_test_->store(); }
  Result<Appended> append(Draft one, Deadline deadline = kNoDeadline) {
    return run_on(loops_[0], store().append(std::move(one), deadline));
  }
  std::int64_t time_of(Draft one) {
    const auto appended = append(std::move(one));
    EXPECT_TRUE(appended) << appended.error().detail;
    return appended ? appended->send_time : 0;
  }
  Result<Page> read(std::string_view chat, PageRange range = {}) {
    return run_on(loops_[0], store().read(*ChatId::parse(chat), range, kNoDeadline));
  }
  ErrorCode read_error(std::string_view chat, PageRange range = {}) {
    const auto page = read(chat, range);
    EXPECT_FALSE(page);
    return page ? ErrorCode::kInternal : page.error().code;
  }

  std::atomic<std::int64_t> now_{1'700'000'000'000'000};
  StoreOptions options_;
  net::LoopPool loops_{2};
  std::unique_ptr<StoreUnderTest> under_test_;
};

}  // namespace parley::store
