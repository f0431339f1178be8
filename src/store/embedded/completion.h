// What a coroutine waits for from another thread, no longer than its deadline.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include <boost/asio/post.hpp>

#include "base/wakeup.h"
#include "net/loop.h"

namespace parley::store {

/// One value on its way from any thread to one coroutine. Shared by both, so that either may leave first. The loop of
/// the coroutine must outlive it.
template <class T>
class Completion : public std::enable_shared_from_this<Completion<T>> {
 public:
  /// On the loop of the coroutine.
  Completion() : Completion(&net::Loop::current()) {}
  Completion(const Completion&) = delete;
  Completion& operator=(const Completion&) = delete;

  [[nodiscard]] net::Loop& loop() const noexcept { return *loop_; }

  /// Suspends until the value is there or the deadline has passed. Once, on the loop.
  [[nodiscard]] Wakeup::Waiting until(Deadline deadline) {
    loop_->deadlines().arm(deadline_entry_, deadline);
    return wakeup_.wait();
  }

  /// After that: the value, or nothing when the deadline passed first. Once.
  [[nodiscard]] std::optional<T> outcome() {
    deadline_entry_.disarm();
    abandoned_ = !finished_;
    return abandoned_ ? std::nullopt : std::move(value_);
  }

  /// Any thread, once, and then finish() on the loop: many values can so reach a loop by one post.
  void set(T value) { value_.emplace(std::move(value)); }

  /// Loop's thread. Resumes the waiter before it returns, unless that has given up.
  void finish() {
    if (abandoned_) return;
    finished_ = true;
    deadline_entry_.disarm();
    wakeup_.wake();
  }

  /// Any thread, once: set() and a finish() of its own.
  void complete(T value) {
    set(std::move(value));
    boost::asio::post(loop_->executor(), [self = this->shared_from_this()] { self->finish(); });
  }

 protected:
  /// Of no loop yet: the coroutine binds it before anything else.
  explicit Completion(net::Loop* loop) : loop_(loop), deadline_entry_([this] { wakeup_.wake(); }) {}
  void bind() noexcept { loop_ = &net::Loop::current(); }

 private:
  net::Loop* loop_;
  std::optional<T> value_;  // written before the post, read after it
  // The loop's alone:
  Wakeup wakeup_;
  net::DeadlineEntry deadline_entry_;
  bool finished_ = false;
  bool abandoned_ = false;
};

}  // namespace parley::store
