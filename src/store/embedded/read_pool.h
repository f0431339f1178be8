// A few threads for reads that may block on the disk.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>

#include <boost/asio/thread_pool.hpp>

#include "base/metrics.h"

namespace parley::store {

/// Any thread. Finishes what it was given before it goes away.
class ReadPool {
 public:
  /// At most `max_reads` at once, running or waiting; `depth` shows how many.
  ReadPool(std::size_t threads, std::size_t max_reads, Gauge& depth)
      : max_reads_(max_reads), depth_(depth), threads_(threads) {}
  ~ReadPool() { threads_.join(); }
  ReadPool(const ReadPool&) = delete;
  ReadPool& operator=(const ReadPool&) = delete;

  /// False, and `read` is not called, when there are too many already.
  [[nodiscard]] bool submit(std::function<void()> read);

 private:
  std::size_t max_reads_;
  Gauge& depth_;
  std::atomic<std::size_t> reads_{0};
  boost::asio::thread_pool threads_;
};

}  // namespace parley::store
