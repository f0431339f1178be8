// The API's calls, as the commands use them.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "http/client/http_client.h"

namespace parley::cli {

/// Why a call failed.
struct Failure {
  std::string message;                  ///< one line, fit for a terminal
  std::string code;                     ///< the error table's name; empty where no Parley answered
  bool passing = false;                 ///< the same call may succeed later: 5xx, or no connection
  bool reached = true;                  ///< a server answered
  bool maybe_done = false;              ///< the call may have taken effect all the same
  std::chrono::seconds retry_after{0};  ///< how long the server asks to wait
};

template <class T>
using Outcome = std::expected<T, Failure>;

struct SendCall {
  std::string chat;
  std::string sender;
  std::string text;
  std::string idempotency_key;
};

struct Sent {
  std::string chat;
  std::int64_t send_time = 0;
  bool duplicate = false;
};

struct PullCall {
  std::string chat;
  std::int64_t cursor = 0;
  std::int32_t limit = 0;
  bool reverse = false;
};

struct PulledMessage {
  std::string chat;
  std::string text;
  std::string sender;
  std::int64_t send_time = 0;  ///< microseconds since 1970
};

struct Pulled {
  std::vector<PulledMessage> messages;
  bool has_more = false;
  std::int64_t next_cursor = 0;
};

[[nodiscard]] Async<Outcome<Sent>> send(http::HttpClient& client, SendCall call);
[[nodiscard]] Async<Outcome<Pulled>> pull(http::HttpClient& client, PullCall call);

/// What the admin listener says of itself at `path`, /healthz or /readyz: one word.
[[nodiscard]] Async<Outcome<std::string>> status(http::HttpClient& client, std::string path);

// What an answer says; for the calls above, and their tests.
[[nodiscard]] Outcome<Sent> read_sent(const http::HttpOutcome& answer);
[[nodiscard]] Outcome<Pulled> read_pulled(const http::HttpOutcome& answer);
[[nodiscard]] Outcome<std::string> read_status(const http::HttpOutcome& answer);

}  // namespace parley::cli
