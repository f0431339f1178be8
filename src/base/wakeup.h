// Suspends one coroutine until somebody on the same loop wakes it.
#pragma once

#include <functional>
#include <utility>

#include <boost/asio/async_result.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>

#include "base/task.h"

namespace parley {

/// One waiter, one wake, all on one loop. A wake that comes first is kept, so none is lost.
class Wakeup {
  struct Suspend {
    template <class Handler>
    void operator()(Handler handler, Wakeup* self) const {
      if (std::exchange(self->woken_, false)) {
        boost::asio::post(std::move(handler));
      } else {
        self->waiter_ = std::move(handler);
      }
    }
  };

 public:
  Wakeup() = default;
  Wakeup(const Wakeup&) = delete;
  Wakeup& operator=(const Wakeup&) = delete;

  /// For co_await in an Async, which it suspends without a frame of its own.
  using Waiting = decltype(boost::asio::async_initiate<const boost::asio::deferred_t, void()>(
      Suspend{}, boost::asio::deferred, std::declval<Wakeup*>()));

  /// Suspends until wake(). If that came before, it suspends for no longer than a turn of the loop. One waiter at a
  /// time.
  [[nodiscard]] Waiting wait() {
    return boost::asio::async_initiate<const boost::asio::deferred_t, void()>(Suspend{}, boost::asio::deferred, this);
  }

  /// Resumes the waiter before it returns, so the caller must not rely on `*this` afterwards.
  void wake() {
    if (auto waiter = std::exchange(waiter_, nullptr)) {
      waiter();
    } else {
      woken_ = true;
    }
  }

 private:
  std::move_only_function<void()> waiter_;
  bool woken_ = false;
};

}  // namespace parley
