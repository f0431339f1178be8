#include "store/redis/servers.h"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace parley::store {
namespace {

/// What stands in the file, less one last line break.
Result<std::string> read_password(const std::string& path) {
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  std::string password{std::istreambuf_iterator<char>(in), {}};
  if (!in) {
    const int why = errno;
    return fail(ErrorCode::kUnavailable,
                fmt::format("--redis-password-file: cannot read {}: {}", path, std::strerror(why)));
  }
  if (password.ends_with('\n')) password.pop_back();
  if (password.empty()) return fail(ErrorCode::kUnavailable, "--redis-password-file: there is no password in " + path);
  return password;
}

}  // namespace

Result<redis::ClientOptions> redis_servers(const RedisStoreUrl& url, const RedisOptions& options) {
  redis::ClientOptions out = options.client;
  out.topology = url.topology;
  out.servers = url.hosts;
  out.user = url.user;
  out.password = url.password;
  if (url.topology == redis::Topology::kSentinel) out.master = url.path;
  if (url.topology == redis::Topology::kSingle) {
    std::from_chars(url.path.data(), url.path.data() + url.path.size(), out.database);
  }
  if (!options.password_file.empty()) {
    auto password = read_password(options.password_file);
    if (!password) return std::unexpected(std::move(password).error());
    out.password = *std::move(password);
  }
  if (url.tls) {
    auto tls = net::TlsSource::for_client("--redis-tls-ca", options.tls, url.hosts);
    if (!tls) return std::unexpected(std::move(tls).error());
    out.tls = *std::move(tls);
  }
  return out;
}

}  // namespace parley::store
