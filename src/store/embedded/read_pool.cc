#include "store/embedded/read_pool.h"

#include <utility>

#include <boost/asio/post.hpp>

namespace parley::store {

bool ReadPool::submit(std::function<void()> read) {
  if (reads_.fetch_add(1, std::memory_order_relaxed) >= max_reads_) {
    reads_.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  depth_.add(1);
  boost::asio::post(threads_, [this, read = std::move(read)] {
    read();
    depth_.add(-1);
    reads_.fetch_sub(1, std::memory_order_relaxed);
  });
  return true;
}

}  // namespace parley::store
