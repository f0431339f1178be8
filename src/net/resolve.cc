#include "net/resolve.h"

#include <algorithm>
#include <string>

#include <boost/asio/ip/basic_resolver.hpp>
#include <boost/asio/redirect_error.hpp>

#include "net/loop.h"

namespace parley::net {

using boost::asio::ip::tcp;

Task<Addresses> resolve_by_system(const Endpoint& name) {
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(name.host, error);
  if (!error) co_return Addresses(1, tcp::endpoint(address, name.port));
  boost::asio::ip::basic_resolver<tcp, Executor> resolver(Loop::current().executor());
  const std::string port = std::to_string(name.port);
  const auto found = co_await resolver.async_resolve(name.host, port, boost::asio::redirect_error(kAwait, error));
  if (error) co_return fail(ErrorCode::kUnavailable, error.message());
  Addresses all;
  for (const auto& entry : found) all.push_back(entry.endpoint());
  const auto is_v4 = [](const tcp::endpoint& endpoint) { return endpoint.address().is_v4(); };
  if (std::ranges::any_of(all, is_v4)) std::erase_if(all, std::not_fn(is_v4));
  co_return all;
}

}  // namespace parley::net
