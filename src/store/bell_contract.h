// What every store's bell must do, said in tests.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "store/store_contract.h"

namespace parley::store {

class BellContract : public StoreContract {
 protected:
  /// What was heard, awaited from the test's thread.
  class Ears {
   public:
    void hear() {
      {
        const std::scoped_lock lock(mutex_);
        ++heard_;
      }
      more_.notify_all();
    }
    /// Whether it was heard since the last time that this was asked, soon enough.
    bool heard() {
      std::unique_lock lock(mutex_);
      const bool rang = more_.wait_for(lock, std::chrono::seconds(20), [this] { return heard_ != asked_; });
      asked_ = heard_;
      return rang;
    }

   private:
    std::mutex mutex_;
    std::condition_variable more_;
    int heard_ = 0;
    int asked_ = 0;
  };

  std::deque<Ears> ears_;  // a ring may come until the listenings have ended

  void TearDown() override {
    for (std::size_t loop = 0; loop < listenings_.size(); ++loop) {
      net::run_on(loops_[loop], [this, loop] { listenings_[loop].clear(); });
    }
  }

  void listen_to_chat(std::string_view chat, Ears& ears, std::size_t loop) {
    net::run_on(loops_[loop],
                [&] { listenings_[loop].push_back(store_->bell().listen_to_chat(chat, [&ears] { ears.hear(); })); });
  }
  void listen_to_user(std::string_view user, Ears& ears, std::size_t loop) {
    net::run_on(loops_[loop],
                [&] { listenings_[loop].push_back(store_->bell().listen_to_user(user, [&ears] { ears.hear(); })); });
  }

 private:
  std::vector<std::vector<Bell::ListeningPtr>> listenings_{loops_.size()};
};

TEST_P(BellContract, RingsForTheChatAndForBothMembersIndexes) {
  Ears& chat = ears_.emplace_back();
  Ears& again = ears_.emplace_back();
  Ears& first = ears_.emplace_back();
  Ears& second = ears_.emplace_back();
  listen_to_chat("a:b", chat, 0);
  listen_to_chat("a:b", again, 1);
  listen_to_user("a", first, 1);
  listen_to_user("b", second, 2);
  const std::int64_t time = stored("a:b", "a", "1");
  EXPECT_TRUE(chat.heard());
  EXPECT_TRUE(again.heard());
  EXPECT_TRUE(first.heard());
  EXPECT_TRUE(second.heard());
  stored("a:b", "a", "2", "key");
  EXPECT_TRUE(chat.heard());
  EXPECT_TRUE(again.heard());
  now_ = time + 2 * kIndexGrain;  // the rows are raised again
  stored("a:b", "b", "3");
  EXPECT_TRUE(chat.heard());
  EXPECT_TRUE(first.heard());
  EXPECT_TRUE(second.heard());
}

TEST_P(BellContract, RingsForAGivenAudience) {
  Ears& ears = ears_.emplace_back();
  listen_to_user("c", ears, 1);
  Change change = change_of({chat_of("a:b"), "a", "text", ""});
  change.audience = {"c"};
  ASSERT_TRUE(append(std::move(change)));
  EXPECT_TRUE(ears.heard());
}

TEST_P(BellContract, WhatRangCanBeSeen) {
  // Whoever looks when it rings, and only then, sees all in the end.
  std::atomic<std::int64_t> newest{0};
  Ears caught_up;
  std::atomic<std::int64_t> last{0};
  const auto look = [&]() -> Task<bool> {
    auto page = co_await store_->read(chat_of("a:b"), {{.limit = 1, .reverse = true}}, kNoDeadline);
    if (page && !page->records.empty()) newest = std::max(newest.load(), page->records[0].time);
    if (newest == last) caught_up.hear();
    co_return true;
  };
  std::vector<std::future<Result<bool>>> looks;  // of the loop alone until the listening has ended
  std::vector<Bell::ListeningPtr> listening;
  net::run_on(loops_[1], [&] {
    listening.push_back(store_->bell().listen_to_chat("a:b", [&] { looks.push_back(start(look(), 1)); }));
  });
  std::vector<std::future<Result<Appended>>> pending;
  for (std::size_t i = 0; i < 200; ++i) {
    pending.push_back(start_append({chat_of("a:b"), "a", "text", ""}, kNoDeadline, i % loops_.size()));
  }
  std::int64_t greatest = 0;
  for (auto& one : pending) greatest = std::max(greatest, one.get()->send_time);
  last = greatest;
  net::run_on(loops_[1], [&] {  // for a look that was faster than the line above
    if (newest == last) caught_up.hear();
  });
  EXPECT_TRUE(caught_up.heard());
  net::run_on(loops_[1], [&] { listening.clear(); });
  for (auto& one : looks) EXPECT_TRUE(one.get());
}

}  // namespace parley::store
