// A node that does what a test says.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/read.hpp>

#include "net/fake_peer.h"
#include "rpc/wire/big_endian.h"
#include "rpc/wire/messages.h"
#include "rpc/wire/ttheader.h"

namespace parley::rpc {

/// A call as the node read it.
struct ReceivedCall {
  std::int32_t id = 0;
  std::string timeout;  ///< TTHeader's, as it came
  MessageHead head;
  Request request;

  [[nodiscard]] const service::SendRequest& send() const { return std::get<service::SendRequest>(request); }
  [[nodiscard]] const CallRequest& call() const { return std::get<CallRequest>(request); }
  [[nodiscard]] const service::PullRequest& pull() const { return std::get<service::PullRequest>(request); }
};

class FakeConnection : public net::FakePeerConnection {
 public:
  using FakePeerConnection::FakePeerConnection;

  /// The next call, whatever it is.
  ReceivedCall receive() {
    std::string frame(4, '\0');
    boost::asio::read(socket_, boost::asio::buffer(frame));
    frame.resize(4 + load_u32(frame));
    boost::asio::read(socket_, boost::asio::buffer(frame.data() + 4, frame.size() - 4));
    const auto header = decode_ttheader(frame).value();
    const auto payload = parse_payload(header.payload).value();
    auto call = decode_call(payload.message, payload.protocol).value();
    return {header.sequence_id, std::string(header.find(kRpcTimeoutKey).value_or("")), std::move(call.head),
            std::move(call.request.value())};
  }

  void answer(const ReceivedCall& call, std::string_view message, bool draining = false) {
    using Info = std::pair<std::string_view, std::string_view>;
    const std::vector<Info> infos = draining ? std::vector{Info{kReadyToResetKey, "1"}} : std::vector<Info>{};
    std::string frame;
    append_ttheader(frame, {.sequence_id = call.id, .strings = infos}, message);
    write(frame);
  }
  template <class Response>
  void answer(const ReceivedCall& call, const Result<Response>& response) {
    answer(call, encode_reply(call.head, response));
  }
  void stored(const ReceivedCall& call, std::int64_t send_time, bool duplicate = false) {
    answer(call, Result<service::SendResponse>(service::SendResponse{call.send().chat, send_time, duplicate}));
  }

  /// Answers the Ready that opens a connection.
  FakeConnection&& ready(const std::string& store_id = "store") && {
    const ReceivedCall call = receive();
    if (!std::holds_alternative<ReadyRequest>(call.request)) throw std::logic_error("not a Ready call");
    answer(call, Result<ReadyResponse>(ReadyResponse{store_id}));
    return std::move(*this);
  }

  /// A frame of its own that says that the node drains.
  void drain() {
    ReceivedCall none;
    answer(none, "", true);
  }
};

using FakeNode = net::FakePeer<FakeConnection>;

}  // namespace parley::rpc
