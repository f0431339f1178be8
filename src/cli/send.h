// `parley send`
#pragma once

#include <chrono>
#include <string>

#include "cli/api_client.h"
#include "http/client/server_url.h"

namespace parley::cli {

struct SendCommand {
  http::ServerUrl url;
  std::chrono::milliseconds timeout{5'000};  ///< of one attempt
  SendCall call;                             ///< with an empty idempotency key, one is made
  bool json = false;
};

/// Sends, trying again while a failure may pass: the idempotency key keeps a repeat from storing twice. Prints the
/// chat and the message's time, or one line of error. Returns the process' exit code, 0 or 1.
[[nodiscard]] int run(const SendCommand& command);

}  // namespace parley::cli
