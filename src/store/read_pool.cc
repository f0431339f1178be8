#include "store/read_pool.h"

#include <memory>
#include <utility>

#include <boost/asio/post.hpp>

#include "base/wakeup.h"
#include "net/loop.h"

namespace parley::store {

struct ReadPool::Job {
  Job(std::function<void()> the_read, Deadline the_deadline) : read(std::move(the_read)), deadline(the_deadline) {}

  std::function<void()> read;
  Deadline deadline;
  net::Loop& loop = net::Loop::current();
  Wakeup done;
  bool ran = false;
};

ReadPool::ReadPool(std::size_t threads, std::size_t max_queue) : max_queue_(max_queue) {
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

ReadPool::~ReadPool() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  ready_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

Task<void> ReadPool::run(std::function<void()> read, Deadline deadline) {
  const auto job = std::make_shared<Job>(std::move(read), deadline);
  if (!submit(job)) co_return fail(ErrorCode::kOverloaded, "too many reads wait for the disk");
  co_await job->done.wait();
  if (!job->ran) co_return fail(ErrorCode::kOverloaded, "the deadline passed before the read was begun");
  co_return Result<void>{};
}

bool ReadPool::submit(std::shared_ptr<Job> job) {
  {
    const std::scoped_lock lock(mutex_);
    if (queue_.size() >= max_queue_) return false;
    queue_.push_back(std::move(job));
    depth_.set(static_cast<std::int64_t>(queue_.size()));
  }
  ready_.notify_one();
  return true;
}

void ReadPool::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    ready_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (stopping_) return;
    const std::shared_ptr<Job> job = std::move(queue_.front());
    queue_.pop_front();
    depth_.set(static_cast<std::int64_t>(queue_.size()));
    lock.unlock();
    if (std::chrono::steady_clock::now() < job->deadline) {
      job->read();
      job->ran = true;
    }
    boost::asio::post(job->loop.executor(), [job] { job->done.wake(); });
    lock.lock();
  }
}

}  // namespace parley::store
