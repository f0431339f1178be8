#include "rpc/resolver.h"

#include <algorithm>
#include <string>
#include <utility>

#include <boost/asio/ip/basic_resolver.hpp>
#include <boost/asio/redirect_error.hpp>

#include "base/log.h"

namespace parley::rpc {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

constexpr std::chrono::milliseconds kFirstRefresh{500};  // while nothing has an address yet

bool is_address(const net::Endpoint& endpoint) {
  error_code error;
  boost::asio::ip::make_address(endpoint.host, error);
  return !error;
}

}  // namespace

Task<Addresses> resolve_by_system(const net::Endpoint& name) {
  error_code error;
  const auto address = boost::asio::ip::make_address(name.host, error);
  if (!error) co_return Addresses(1, tcp::endpoint(address, name.port));
  boost::asio::ip::basic_resolver<tcp, Executor> resolver(net::Loop::current().executor());
  const std::string port = std::to_string(name.port);
  const auto found = co_await resolver.async_resolve(name.host, port, boost::asio::redirect_error(kAwait, error));
  if (error) co_return fail(ErrorCode::kUnavailable, error.message());
  Addresses all;
  for (const auto& entry : found) all.push_back(entry.endpoint());
  const auto is_v4 = [](const tcp::endpoint& endpoint) { return endpoint.address().is_v4(); };
  if (std::ranges::any_of(all, is_v4)) std::erase_if(all, std::not_fn(is_v4));
  co_return all;
}

Resolver::Resolver(net::Loop& loop, std::vector<net::Endpoint> names, std::chrono::milliseconds refresh,
                   Resolve resolve, std::function<void(const Addresses&)> on_addresses)
    : loop_(loop),
      refresh_(refresh),
      resolve_(std::move(resolve)),
      on_addresses_(std::move(on_addresses)),
      timer_([this] { wakeup_.wake(); }) {
  for (net::Endpoint& endpoint : names) names_.push_back({.endpoint = std::move(endpoint)});
}

Async<> Resolver::run() {
  const bool changeless = std::ranges::all_of(names_, is_address, &Name::endpoint);
  while (!stopped_) {
    for (Name& name : names_) co_await refresh(name);
    if (!stopped_) tell();
    if (changeless) co_return;
    co_await pause();
  }
}

void Resolver::stop() {
  stopped_ = true;
  wakeup_.wake();
}

Async<> Resolver::refresh(Name& name) {
  auto found = co_await resolve_(name.endpoint);
  if (found) {
    name.addresses = *std::move(found);
    name.failed = false;
  } else if (!std::exchange(name.failed, true)) {
    log_warn("a node's name cannot be resolved", {{"name", name.endpoint.host}, {"why", found.error().detail}});
  }
}

void Resolver::tell() {
  Addresses all;
  for (const Name& name : names_) all.insert(all.end(), name.addresses.begin(), name.addresses.end());
  std::ranges::sort(all);
  const auto repeated = std::ranges::unique(all);
  all.erase(repeated.begin(), repeated.end());
  if (all == told_) return;
  told_ = std::move(all);
  on_addresses_(told_);
}

Async<> Resolver::pause() {
  if (stopped_) co_return;
  const auto time = told_.empty() ? std::min(refresh_, kFirstRefresh) : refresh_;
  loop_.deadlines().arm(timer_, std::chrono::steady_clock::now() + time);
  co_await wakeup_.wait();
  timer_.disarm();
}

}  // namespace parley::rpc
