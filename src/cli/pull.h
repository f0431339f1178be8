// `parley pull`
#pragma once

#include <chrono>

#include "cli/api_client.h"
#include "cli/message_printer.h"
#include "http/client/server_url.h"

namespace parley::cli {

struct PullCommand {
  http::ServerUrl url;
  std::chrono::milliseconds timeout{5'000};  ///< of one request
  PullCall call;
  bool newest = false;  ///< of call.limit messages the newest, oldest first, in place of those from call.cursor on
  bool follow = false;  ///< go on with what comes later; without `newest`, call.limit is the size of a page
  PrintStyle style;
};

/// Prints the messages, or one line of error. Standard error says if there are more messages than were asked for.
/// Without `follow` it ends after call.limit messages. With it, it ends at SIGINT or SIGTERM or when nobody reads
/// standard output any more (0), or when the server refuses the call (1). Returns the process' exit code.
[[nodiscard]] int run(const PullCommand& command);

}  // namespace parley::cli
