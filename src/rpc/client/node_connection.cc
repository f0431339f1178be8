#include "rpc/client/node_connection.h"

#include <algorithm>
#include <array>
#include <limits>
#include <span>

#include "rpc/wire/big_endian.h"
#include "rpc/wire/ttheader.h"

namespace parley::rpc {
namespace {

using Outcome = CallResult::Outcome;

std::string encode_frame(const Request& request, std::int32_t id, const CallOptions& options, Deadline now) {
  using Info = std::pair<std::uint16_t, std::string_view>;
  using Named = std::pair<std::string_view, std::string_view>;
  constexpr std::string_view kCall = "1";  // Thrift's number of the message type
  const std::string timeout =
      options.deadline == kNoDeadline ? "" : std::to_string(net::time_for_peer(options.deadline, now).count());
  const std::array<Info, 3> infos{{{kMsgTypeKey, kCall}, {kLogIdKey, options.request_id}, {kRpcTimeoutKey, timeout}}};
  const std::span<const Info> given(infos.data(), timeout.empty() ? 2 : 3);
  const Named trace{kTraceparentKey, options.traceparent};
  const std::span<const Named> named(&trace, options.traceparent.empty() ? 0 : 1);
  const std::string message = encode_call(request, id, Protocol::kBinary);
  constexpr std::size_t kHeaderRoom = 128;  // enough for most
  std::string frame;
  frame.reserve(kHeaderRoom + message.size());
  append_ttheader(frame, {.flags = kOutOfOrderFlag, .sequence_id = id, .ints = given, .strings = named}, message);
  return frame;
}

}  // namespace

PendingCall::PendingCall(NodeConnection& connection, const Request& request, const CallOptions& options)
    : movable_(options.movable), expiry_([this, &connection] { connection.end(*this, Outcome::kExpired); }) {
  connection.start(*this, request, options);
}

void NodeConnection::start(PendingCall& call, const Request& request, const CallOptions& options) {
  const Deadline now = loop_.now();
  if (leaving_ || full() || options.deadline <= now) {
    call.result_.outcome = leaving_ ? Outcome::kLost : full() ? Outcome::kFull : Outcome::kExpired;
    return call.ended_.wake();
  }
  call.id_ = next_id();
  call.frame_ = encode_frame(request, call.id_, options, now);
  calls_.emplace(call.id_, &call);
  loop_.deadlines().arm(call.expiry_, options.deadline);
  enqueue(call);
}

/// Positive and never 0, which is no call's; wraps around over ids that have long been answered.
std::int32_t NodeConnection::next_id() noexcept {
  do {
    last_id_ = last_id_ == std::numeric_limits<std::int32_t>::max() ? 1 : last_id_ + 1;
  } while (calls_.contains(last_id_));
  return last_id_;
}

void NodeConnection::end(PendingCall& call, Outcome outcome) {
  calls_.erase(call.id_);
  if (!call.frame_.empty()) std::erase(queue_, &call);
  call.expiry_.disarm();
  call.result_.outcome = outcome;
  if (leaving_ && calls_.empty()) close("the node drains");
  call.ended_.wake();
}

void NodeConnection::end_all() {
  while (!calls_.empty()) end(*calls_.begin()->second, nonsense_ ? Outcome::kNonsense : Outcome::kLost);
}

void NodeConnection::leave() {
  if (std::exchange(leaving_, true)) return;
  if (calls_.empty()) close("the node drains");
  on_leaving_();
}

void NodeConnection::release() {
  std::vector<std::int32_t> ids;
  for (const auto& [id, call] : calls_) {
    if (call->movable_) ids.push_back(id);
  }
  for (const std::int32_t id : ids) {
    if (const auto found = calls_.find(id); found != calls_.end()) end(*found->second, Outcome::kLost);
  }
}

std::string_view NodeConnection::take_input() {
  nonsense_ = !take_frames();
  return nonsense_ ? "the node sent something that is not TTHeader" : "";
}

bool NodeConnection::take_frames() {
  std::string_view rest(input_.data(), filled_);
  std::size_t wanted = kReadRoom;
  while (rest.size() >= sizeof(std::uint32_t)) {
    const std::size_t size = sizeof(std::uint32_t) + load_u32(rest);
    if (size > kMaxFrame) return false;
    if (rest.size() < size) {
      wanted = std::max(wanted, size);
      break;
    }
    if (!take_frame(rest.substr(0, size))) return false;
    rest.remove_prefix(size);
  }
  keep(rest, wanted);
  return true;
}

/// Moves what has not been taken to the front; the room of a large frame is given back after it.
void NodeConnection::keep(std::string_view rest, std::size_t room) {
  filled_ = rest.size();
  if (room == input_.size()) {
    std::ranges::copy(rest, input_.begin());
    return;
  }
  std::string moved;
  moved.reserve(room);
  moved.assign(rest);
  moved.resize(room);
  input_.swap(moved);
}

bool NodeConnection::take_frame(std::string_view frame) {
  if (frame.size() < 6 || !is_ttheader(frame)) return false;
  const auto header = decode_ttheader(frame);
  if (!header) return false;
  const auto found = calls_.find(header->sequence_id);
  if (header->find(kReadyToResetKey)) leave();
  if (found == calls_.end()) return true;  // a frame of its own for the above, or nobody waits any longer
  const auto payload = parse_payload(header->payload);
  if (!payload) return false;
  PendingCall& call = *found->second;
  call.result_.protocol = payload->protocol;
  call.result_.message = payload->message;
  end(call, Outcome::kAnswered);
  return true;
}

std::uint64_t NodeConnection::append(PendingCall& call, std::string& batch) {
  batch += std::exchange(call.frame_, {});
  call.result_.sent = true;
  return static_cast<std::uint64_t>(call.id_);
}

PendingCall* NodeConnection::find(std::uint64_t id) {
  const auto found = calls_.find(static_cast<std::int32_t>(id));
  return found == calls_.end() ? nullptr : found->second;
}

}  // namespace parley::rpc
