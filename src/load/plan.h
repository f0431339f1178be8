// What a run of the load generator is to do.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/client/server_url.h"

namespace parley::load {

using Clock = std::chrono::steady_clock;

enum class Kind : std::uint8_t {
  kSend,
  kPull,    ///< a page from a chat's beginning
  kFollow,  ///< what has come to a chat since this connection's last look
};
inline constexpr std::array<std::string_view, 3> kKindNames{"send", "pull", "follow"};

struct Plan {
  http::ServerUrl url;
  double rate = 0;             ///< requests a second, at random times (Poisson); 0: each connection as fast as it can
  std::uint64_t requests = 0;  ///< how many at most; 0: as many as the duration has room for
  std::chrono::microseconds duration{10'000'000};
  std::chrono::microseconds warmup{0};           ///< of the duration, at its beginning: done, but not measured
  std::chrono::microseconds timeout{5'000'000};  ///< of one request
  std::size_t connections = 64;
  std::size_t threads = 1;               ///< the connections are dealt out to them
  std::array<unsigned, 3> mix{1, 0, 0};  ///< weights by Kind
  std::size_t chats = 1000;
  std::size_t first_chat = 0;    ///< chat n is u<n>:v<n>, with n from here on
  double zipf = 0;               ///< the exponent; 0: chats in turn
  std::size_t text_bytes = 100;  ///< of a message; at least kLeastText
  bool keyed = false;            ///< each send with an idempotency key of its own
  std::size_t limit = 10;        ///< of a pull
  bool verify = true;            ///< read everything back afterwards
};

}  // namespace parley::load
