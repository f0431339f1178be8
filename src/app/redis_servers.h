// The Redis servers that an operator configured.
#pragma once

#include "app/config.h"
#include "app/store_url.h"
#include "base/error.h"
#include "redis/client_options.h"

namespace parley::app {

/// What `url` and the options of `config` say together, with the files read that they name. The error's detail is one
/// line that names the file.
[[nodiscard]] Result<redis::ClientOptions> redis_servers(const RedisStoreUrl& url, const Config& config);

}  // namespace parley::app
