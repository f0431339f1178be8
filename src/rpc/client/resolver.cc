#include "rpc/client/resolver.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace parley::rpc {

Resolver::Resolver(net::Loop& loop, std::vector<net::Endpoint> names, std::chrono::milliseconds refresh,
                   net::Resolve resolve, std::function<void(const net::Addresses&)> on_addresses)
    : loop_(loop), refresh_(refresh), resolve_(std::move(resolve)), on_addresses_(std::move(on_addresses)) {
  for (net::Endpoint& endpoint : names) {
    if (const auto literal = net::literal_address(endpoint)) {
      literals_.push_back(*literal);
    } else {
      names_.emplace_back(std::move(endpoint));
    }
  }
  untried_ = names_.size();
}

void Resolver::start(TaskGroup& group) {
  tell();
  if (names_.empty()) all_tried_.set_value();
  for (Name& name : names_) group.spawn(follow(name));
}

void Resolver::stop() {
  stop_.request_stop();
  for (Name& name : names_) name.wakeup.wake();
}

void Resolver::hurry(bool yes) {
  if (std::exchange(hurried_, yes) || !yes) return;
  for (Name& name : names_) name.wakeup.wake();
}

Async<> Resolver::follow(Name& name) {
  while (!stop_.stop_requested()) {
    co_await refresh(name);
    if (stop_.stop_requested()) co_return;
    tell();
    if (!std::exchange(name.tried, true) && --untried_ == 0) all_tried_.set_value();
    co_await pause(name);
  }
}

Async<> Resolver::refresh(Name& name) {
  name.looked_up = loop_.now();
  auto found = co_await resolve_(name.endpoint, stop_.get_token());
  if (found) {
    name.addresses = *std::move(found);
    if (name.log.may_log_change("found", loop_.now()))
      log_info("a node's name is found again", {{"name", name.endpoint.host}});
  } else if (!stop_.stop_requested() && name.log.may_log(found.error().detail, loop_.now())) {
    log_warn("a node's name cannot be resolved", {{"name", name.endpoint.host}, {"why", found.error().detail}});
  }
}

Async<> Resolver::pause(Name& name) {
  for (Deadline next = name.looked_up + time_between(); !stop_.stop_requested() && loop_.now() < next;
       next = name.looked_up + time_between()) {
    co_await name.wakeup.wait(loop_, next);
  }
}

std::chrono::milliseconds Resolver::time_between() const { return hurried_ ? std::min(refresh_, kHurried) : refresh_; }

void Resolver::tell() {
  net::Addresses all = literals_;
  for (const Name& name : names_) all.insert(all.end(), name.addresses.begin(), name.addresses.end());
  std::ranges::sort(all);
  const auto repeated = std::ranges::unique(all);
  all.erase(repeated.begin(), repeated.end());
  if (all == told_) return;
  told_ = std::move(all);
  on_addresses_(told_);
}

}  // namespace parley::rpc
