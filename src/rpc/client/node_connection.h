// One connection to a node: TTHeader frames, many calls in flight, answers in any order.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/task_group.h"
#include "base/wakeup.h"
#include "net/channel.h"
#include "net/loop.h"
#include "rpc/wire/messages.h"

namespace parley::rpc {

/// How a call on one connection ended.
struct CallResult {
  enum class Outcome : std::uint8_t {
    kAnswered,  ///< `message` is the node's answer, a Thrift message in `protocol`
    kExpired,   ///< the deadline passed
    kLost,      ///< the connection ended, or another node was to be asked instead
    kNonsense,  ///< the connection ended because the node sent what is no TTHeader frame
    kFull,      ///< as many calls as may be are under way. The last
  };
  Outcome outcome = Outcome::kLost;
  bool sent = false;  ///< whether the node may have the request; false: it surely never had all of it, nor will
  Protocol protocol = Protocol::kBinary;
  std::string_view message{};  ///< holds until who waited for the call suspends
};

/// In the order of CallResult::Outcome.
inline constexpr auto kOutcomeNames =
    std::to_array<std::string_view>({"answered", "expired", "lost", "nonsense", "full"});
static_assert(kOutcomeNames.size() == static_cast<std::size_t>(CallResult::Outcome::kFull) + 1,
              "each outcome has a name");

struct CallOptions {
  Deadline deadline = kNoDeadline;  ///< the node is told a little less, so that its own word on it comes in time
  std::string_view request_id;
  bool movable = false;  ///< whether release() may end it
  std::string_view traceparent{};
};

class NodeConnection;

/// One call on a connection, made by constructing it. Stays in its place until it has ended. Loop's thread only.
class PendingCall {
 public:
  /// Sends `request`. Calls of one turn of the loop are written together.
  PendingCall(NodeConnection& connection, const Request& request, const CallOptions& options);

  /// Suspends until it has ended, which it does by the deadline. Once.
  [[nodiscard]] Wakeup::Waiting ended() { return ended_.wait(); }
  /// What became of it. Once it has ended.
  [[nodiscard]] const CallResult& result() const noexcept { return result_; }

 private:
  friend class NodeConnection;

  std::int32_t id_ = 0;
  bool movable_;
  std::string frame_;  // until it is written
  CallResult result_;
  Wakeup ended_;
  net::DeadlineEntry expiry_;
};

/// All on its loop's thread. Made by std::make_shared. Lives until run() has ended every call.
class NodeConnection : public std::enable_shared_from_this<NodeConnection> {
 public:
  /// `channel` has its handshake behind it. `on_leaving` is called on the loop, once, when no new call should be made:
  /// the node drains, or the connection ended.
  NodeConnection(net::Loop& loop, std::unique_ptr<net::Channel> channel, std::size_t max_in_flight,
                 std::function<void()> on_leaving);
  ~NodeConnection();
  NodeConnection(const NodeConnection&) = delete;
  NodeConnection& operator=(const NodeConnection&) = delete;

  /// Reads and writes until the connection ends, and then ends every call. Once; belongs into `group`, as the
  /// connection's writer does.
  static Async<> run(std::shared_ptr<NodeConnection> self, TaskGroup& group);

  /// No new calls; the connection ends with the last answer.
  void leave();
  /// Ends now. Calls end a little later, when it is known what was sent.
  void close();
  /// Ends the movable calls as kLost: the node does not answer, and another one may.
  void release();

  [[nodiscard]] bool leaving() const noexcept { return leaving_; }
  [[nodiscard]] std::size_t in_flight() const noexcept { return calls_.size(); }
  [[nodiscard]] bool full() const noexcept { return calls_.size() >= max_in_flight_; }
  /// For how long something has been written and nothing read.
  [[nodiscard]] std::chrono::steady_clock::duration silence() const;

 private:
  friend class PendingCall;

  void start(PendingCall& call, const Request& request, const CallOptions& options);
  [[nodiscard]] std::int32_t next_id() noexcept;
  void enqueue(PendingCall& call);
  void end(PendingCall& call, CallResult::Outcome outcome);
  void end_all();

  [[nodiscard]] Async<> read();
  /// Takes the whole frames out of what was read; false where there is something else.
  [[nodiscard]] bool take_frames();
  [[nodiscard]] bool take_frame(std::string_view frame);
  void keep(std::string_view rest, std::size_t room);
  [[nodiscard]] Async<> write();
  /// Writes the batch; how much of it was written before the connection ended.
  [[nodiscard]] Async<std::size_t> write_batch();
  /// Takes queued calls for one write; they count as sent from here on.
  void fill_batch();
  void take_back_unsent(std::size_t written);

  net::Loop& loop_;
  const std::unique_ptr<net::Channel> channel_;
  const std::size_t max_in_flight_;
  std::function<void()> on_leaving_;
  boost::unordered_flat_map<std::int32_t, PendingCall*> calls_;
  std::int32_t last_id_ = 0;

  std::deque<PendingCall*> queue_;  // not written yet
  std::string batch_;
  std::vector<std::pair<std::int32_t, std::size_t>> batch_ends_;  // where in the batch each call ends
  Wakeup work_;
  bool writer_idle_ = false;
  Wakeup writer_ended_;

  std::string input_;       // what was read, and room for more
  std::size_t filled_ = 0;  // how much of it was read
  std::optional<Deadline> waiting_since_;
  bool leaving_ = false;
  bool closed_ = false;
  bool nonsense_ = false;
};

}  // namespace parley::rpc
