#include "net/loop.h"

#include <set>

#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

namespace parley::net {
namespace {

TEST(LoopPool, EachLoopHasItsOwnThread) {
  LoopPool loops(3);
  std::set<std::thread::id> threads;
  for (std::size_t i = 0; i < loops.size(); ++i) {
    boost::asio::post(loops[i].executor(), boost::asio::use_future([&, i] {
                        EXPECT_EQ(&Loop::current(), &loops[i]);
                        EXPECT_EQ(Loop::current().index(), i);
                        threads.insert(std::this_thread::get_id());
                      }))
        .get();
  }
  EXPECT_EQ(threads.size(), 3U);
}

TEST(LoopPool, HasAtLeastOneLoop) {
  EXPECT_EQ(LoopPool(0).size(), 1U);
  EXPECT_GE(LoopPool::usable_processors(), 1U);
}

}  // namespace
}  // namespace parley::net
