// The Redis servers that an operator configured.
#pragma once

#include <string>

#include "base/error.h"
#include "net/tls.h"
#include "redis/client_options.h"
#include "store/redis/url.h"

namespace parley::store {

/// What an operator may set about a store in Redis, besides its URL.
struct RedisOptions {
  redis::ClientOptions client{};
  std::string password_file{};  ///< empty: none
  net::TlsFiles tls{};
};

/// What `url` and `options` say together, with the files read that they name. The error's detail is one
/// line that names the file.
[[nodiscard]] Result<redis::ClientOptions> redis_servers(const RedisStoreUrl& url, const RedisOptions& options);

}  // namespace parley::store
