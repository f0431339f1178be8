// One connection to a node: TTHeader frames, many calls in flight, answers in any order.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/wakeup.h"
#include "net/deadlines.h"
#include "net/pipeline.h"
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
class NodeConnection : public net::Pipeline<NodeConnection, PendingCall> {
 public:
  /// `channel` has its handshake behind it. `on_leaving` is called on the loop, once, when no new call should be made:
  /// the node drains, or the connection ended.
  NodeConnection(net::Loop& loop, std::unique_ptr<net::Channel> channel, std::size_t max_in_flight,
                 std::function<void()> on_leaving)
      : Pipeline(loop, std::move(channel)), max_in_flight_(max_in_flight), on_leaving_(std::move(on_leaving)) {}

  /// No new calls; the connection ends with the last answer.
  void leave();
  /// Ends the movable calls as kLost: the node does not answer, and another one may.
  void release();

  [[nodiscard]] bool leaving() const noexcept { return leaving_; }
  [[nodiscard]] std::size_t in_flight() const noexcept { return calls_.size(); }
  [[nodiscard]] bool full() const noexcept { return calls_.size() >= max_in_flight_; }

 private:
  friend class net::Pipeline<NodeConnection, PendingCall>;
  friend class PendingCall;

  void start(PendingCall& call, const Request& request, const CallOptions& options);
  [[nodiscard]] std::int32_t next_id() noexcept;
  void end(PendingCall& call, CallResult::Outcome outcome);

  // For the pipeline.
  [[nodiscard]] static std::uint64_t append(PendingCall& call, std::string& batch);
  [[nodiscard]] PendingCall* find(std::uint64_t id);
  static void unsend(PendingCall& call) { call.result_.sent = false; }
  [[nodiscard]] std::string_view take_input();
  [[nodiscard]] bool awaits() const noexcept { return !calls_.empty(); }
  void on_close() { leave(); }
  void end_all();

  /// Takes the whole frames out of what was read; false if there is something else.
  [[nodiscard]] bool take_frames();
  [[nodiscard]] bool take_frame(std::string_view frame);
  void keep(std::string_view rest, std::size_t room);

  const std::size_t max_in_flight_;
  std::function<void()> on_leaving_;
  boost::unordered_flat_map<std::int32_t, PendingCall*> calls_;
  std::int32_t last_id_ = 0;
  bool leaving_ = false;
  bool nonsense_ = false;
};

}  // namespace parley::rpc
