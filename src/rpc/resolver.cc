#include "rpc/resolver.h"

#include <algorithm>
#include <utility>

#include <boost/asio/ip/address.hpp>

#include "base/log.h"

namespace parley::rpc {
namespace {

constexpr std::chrono::milliseconds kFirstRefresh{500};  // while nothing has an address yet

bool is_address(const net::Endpoint& endpoint) {
  boost::system::error_code error;
  boost::asio::ip::make_address(endpoint.host, error);
  return !error;
}

}  // namespace

Resolver::Resolver(net::Loop& loop, std::vector<net::Endpoint> names, std::chrono::milliseconds refresh,
                   net::Resolve resolve, std::function<void(const net::Addresses&)> on_addresses)
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
  net::Addresses all;
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
