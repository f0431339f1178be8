#include "store/embedded/write_queue.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <utility>

#include <boost/asio/post.hpp>

namespace parley::store {

bool WriteQueue::push(WriteRequestPtr request) {
  if (waiting_.fetch_add(1, std::memory_order_relaxed) >= max_waiting_) {
    waiting_.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  depth_.add(1);
  net::Loop& loop = request->loop();
  Requests& gathered = gathered_[loop.index()];
  gathered.push_back(std::move(request));
  if (gathered.size() == 1) {
    // Behind everything that is ready to run on this loop now.
    boost::asio::post(loop.executor(), [self = shared_from_this(), index = loop.index()] { self->hand_over(index); });
  }
  return true;
}

void WriteQueue::hand_over(std::size_t loop) {
  Requests& gathered = gathered_[loop];
  {
    const std::scoped_lock lock(mutex_);
    if (queue_.empty()) {
      queue_.swap(gathered);
    } else {
      std::ranges::move(gathered, std::back_inserter(queue_));
      gathered.clear();
    }
  }
  wake_.notify_one();
}

bool WriteQueue::take(Requests& out) {
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [this] { return !queue_.empty() || closed_; });
  queue_.swap(out);
  return !out.empty();
}

void WriteQueue::begun(std::size_t count) {
  waiting_.fetch_sub(count, std::memory_order_relaxed);
  depth_.add(-static_cast<std::int64_t>(count));
}

void WriteQueue::close() {
  {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
  }
  wake_.notify_one();
}

}  // namespace parley::store
