// A connection to a peer on which many calls are under way at once.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/post.hpp>

#include "base/clock.h"
#include "base/task_group.h"
#include "base/wakeup.h"
#include "net/channel.h"
#include "net/client_metrics.h"
#include "net/loop.h"

namespace parley::net {

/// A server's part of the time that is left: less than all of it, so that its own word on a missed deadline still
/// reaches us. At least 1 ms.
[[nodiscard]] inline std::chrono::milliseconds time_for_peer(Deadline deadline, Deadline now) {
  using std::chrono::milliseconds;
  const auto left = std::chrono::duration_cast<milliseconds>(deadline - now);
  return std::max(left - std::min(left / 10, milliseconds(100)), milliseconds(1));
}

/// Writes calls and reads answers. What is called in one turn of the loop is written together. All on its loop's
/// thread. Made by std::make_shared: whoever calls keeps it.
///
/// `Protocol`, which is derived from this, knows what the bytes mean:
/// - append(call, batch) writes a call behind `batch`, and returns a number of its own. The call counts as sent.
/// - find(number) is the call of that number. Null: it has ended.
/// - unsend(call) says that the peer cannot have all of the call.
/// - take_input() takes answers from the first `filled_` bytes of `input_`, and sets both for what is to come. It
///   returns what is wrong with the bytes. Empty: nothing.
/// - awaits() says whether an answer is to come.
/// - on_close() is called once, when the connection ends, and end_all() when it is known what was sent: it ends every
///   call.
/// - may_write() and end_batch(batch) may take the place of those here.
template <class Protocol, class Call>
class Pipeline : public std::enable_shared_from_this<Protocol> {
 public:
  /// Reads and writes until the connection ends, and then ends every call. Once. Belongs into `group`, as the
  /// connection's writer does. Counted in `metrics`.
  static Async<> run(std::shared_ptr<Protocol> self, TaskGroup& group, std::shared_ptr<PeerMetrics> metrics) {
    metrics->connects.add();
    metrics->connections.add(1);
    group.spawn(self->write());
    co_await self->read();
    co_await self->writer_ended_.wait();
    self->end_all();
    metrics->connections.add(-1);
  }

  /// Ends now, and for everybody who asks, because of `why`. Calls end a little later, when it is known what was sent.
  void close(std::string why) {
    if (std::exchange(closed_, true)) return;
    why_ = std::move(why);
    channel_->close();
    wake_writer();
    self().on_close();
  }

  [[nodiscard]] bool closed() const noexcept { return closed_; }
  /// Why it ended, for a person.
  [[nodiscard]] const std::string& why() const noexcept { return why_; }
  /// For how long something has been written and nothing read.
  [[nodiscard]] std::chrono::steady_clock::duration silence() const {
    if (!silent_since_) return {};
    return loop_.now() - *silent_since_;
  }

 protected:
  static constexpr std::size_t kReadRoom = std::size_t{64} << 10;

  [[nodiscard]] bool may_write() const noexcept { return !queue_.empty(); }
  void end_batch(std::string& /*batch*/) {}

  void enqueue(Call& call) {
    queue_.push_back(&call);
    if (self().may_write()) wake_writer();
  }
  /// After what is ready in this turn, so that its calls go into one write.
  void wake_writer() {
    if (!std::exchange(writer_idle_, false)) return;
    boost::asio::post(loop_.executor(), [self = this->shared_from_this()] { self->work_.wake(); });
  }

  Loop& loop_;
  std::deque<Call*> queue_;  // not written yet
  std::string input_;        // what was read, and room for more
  std::size_t filled_ = 0;   // how much of it was read

 private:
  friend Protocol;
  static constexpr std::size_t kBatch = std::size_t{256} << 10;

  /// `channel` has its handshake behind it.
  Pipeline(Loop& loop, std::unique_ptr<Channel> channel)
      : loop_(loop), input_(kReadRoom, '\0'), channel_(std::move(channel)) {}
  ~Pipeline() = default;

  [[nodiscard]] Protocol& self() noexcept { return static_cast<Protocol&>(*this); }

  [[nodiscard]] Async<> read() {
    while (!closed_) {
      co_await channel_->readable();
      if (closed_) break;
      boost::system::error_code error;
      const std::size_t size = channel_->read_some(input_.data() + filled_, input_.size() - filled_, error);
      if (would_block(error)) continue;
      if (error) {
        close(error == boost::asio::error::eof ? "the server closed the connection" : channel_->tls_problem(error));
        break;
      }
      filled_ += size;
      silent_since_.reset();
      if (const std::string_view wrong = self().take_input(); !wrong.empty()) close(std::string(wrong));
      if (self().awaits()) silent_since_ = loop_.now();
    }
  }

  [[nodiscard]] Async<> write() {
    const auto keep = this->shared_from_this();
    while (!closed_) {
      if (!self().may_write()) {
        writer_idle_ = true;
        co_await work_.wait();
        continue;
      }
      fill_batch();
      const std::size_t written = co_await write_batch();
      if (written == batch_.size()) continue;
      take_back_unsent(written);
      close("writing to the connection failed");
    }
    writer_ended_.wake();
  }

  /// Takes queued calls for one write.
  void fill_batch() {
    batch_.clear();
    batch_ends_.clear();
    while (!queue_.empty() && batch_.size() < kBatch) {
      Call& call = *queue_.front();
      queue_.pop_front();
      const std::uint64_t number = self().append(call, batch_);
      batch_ends_.emplace_back(number, batch_.size());
    }
    self().end_batch(batch_);
    if (!silent_since_) silent_since_ = loop_.now();
  }

  /// Writes the batch. Returns how much of it was written before the connection ended.
  [[nodiscard]] Async<std::size_t> write_batch() {
    std::size_t written = 0;
    while (written < batch_.size() && !closed_) {
      boost::system::error_code error;
      written += channel_->write_some(std::string_view(batch_).substr(written), {}, error);
      if (error && !would_block(error)) break;
      if (error) co_await channel_->writable();
    }
    co_return written;
  }

  /// Of a call that was not written to its end, the peer can make nothing.
  void take_back_unsent(std::size_t written) {
    for (const auto& [number, end] : batch_ends_) {
      if (end <= written) continue;
      if (Call* const call = self().find(number)) self().unsend(*call);
    }
  }

  const std::unique_ptr<Channel> channel_;
  std::string batch_;
  std::vector<std::pair<std::uint64_t, std::size_t>> batch_ends_;  // where in the batch each call ends
  Wakeup work_;
  bool writer_idle_ = false;
  Wakeup writer_ended_;
  std::optional<Deadline> silent_since_;
  bool closed_ = false;
  std::string why_;
};

}  // namespace parley::net
