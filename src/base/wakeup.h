// Suspends one coroutine until somebody on the same loop wakes it.
#pragma once

#include <optional>
#include <utility>

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>

#include "base/task.h"

namespace parley {

/// One waiter, one wake, all on one loop. A wake that comes first is kept, so none is lost.
class Wakeup {
 public:
  Wakeup() = default;
  Wakeup(const Wakeup&) = delete;
  Wakeup& operator=(const Wakeup&) = delete;

  /// Suspends until wake(); no longer than a turn of the loop if that came before. One waiter at a time.
  [[nodiscard]] Async<> wait() {
    return boost::asio::async_initiate<const boost::asio::use_awaitable_t<Executor>, void()>(
        [](auto handler, Wakeup* self) {
          if (std::exchange(self->woken_, false)) {
            boost::asio::post(std::move(handler));
          } else {
            self->waiter_.emplace(std::move(handler));
          }
        },
        kAwait, this);
  }

  /// Resumes the waiter before it returns, so the caller must not rely on `*this` afterwards.
  void wake() {
    if (auto waiter = std::exchange(waiter_, std::nullopt)) {
      std::move (*waiter)();
    } else {
      woken_ = true;
    }
  }

 private:
  using Handler = boost::asio::async_result<boost::asio::use_awaitable_t<Executor>, void()>::handler_type;

  std::optional<Handler> waiter_;
  bool woken_ = false;
};

}  // namespace parley
