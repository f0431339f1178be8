#include "rpc/client/backend_url.h"

#include <utility>

#include "net/url.h"

namespace parley::rpc {

std::expected<BackendUrl, std::string> parse_backend_url(std::string_view text) {
  const auto parts = net::split_url(text);
  const bool known = parts && (parts->scheme == "thrift" || parts->scheme == "thrifts");
  if (!known) return std::unexpected("a backend is the --rpc address of other servers: write thrift://HOST:PORT");
  if (!parts->user_info.empty() || !parts->path.empty()) {
    return std::unexpected("a backend has no user and no path: write thrift://HOST:PORT");
  }
  auto nodes = net::parse_hosts(parts->hosts);
  if (!nodes) return std::unexpected(std::move(nodes).error());
  return BackendUrl{*std::move(nodes), parts->scheme == "thrifts"};
}

}  // namespace parley::rpc
