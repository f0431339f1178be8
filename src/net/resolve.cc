#include "net/resolve.h"

#include <algorithm>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/basic_resolver.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include "base/wakeup.h"

namespace parley::net {
namespace {

using boost::asio::ip::tcp;

/// Blocks for as long as the system likes.
Result<Addresses> look_up(const Endpoint& name) {
  boost::system::error_code error;
  boost::asio::io_context io;
  boost::asio::ip::basic_resolver<tcp, Executor> resolver(io);
  const auto found = resolver.resolve(name.host, std::to_string(name.port), error);
  if (error) return fail(ErrorCode::kUnavailable, error.message());
  Addresses all;
  for (const auto& entry : found) all.push_back(entry.endpoint());
  const auto is_v4 = [](const tcp::endpoint& endpoint) { return endpoint.address().is_v4(); };
  if (std::ranges::any_of(all, is_v4)) std::erase_if(all, std::not_fn(is_v4));
  return all;
}

/// What a thread and the coroutine that waits for it have in common, whichever of them goes first.
class Lookup : public std::enable_shared_from_this<Lookup> {
 public:
  explicit Lookup(Executor executor) : executor_(std::move(executor)) {}

  /// The thread's last word.
  void finish(Result<Addresses> found) {
    const std::scoped_lock lock(mutex_);
    if (left_) return;  // the loop may be gone
    found_ = std::move(found);
    boost::asio::post(executor_, [self = shared_from_this()] { self->wake(); });
  }

  // On the loop.
  void wake() { ended_.wake(); }
  [[nodiscard]] Wakeup::Waiting wait() { return ended_.wait(); }
  /// The coroutine's last word: what was found, if anything.
  Result<Addresses> leave() {
    const std::scoped_lock lock(mutex_);
    left_ = true;
    return std::move(found_);
  }

 private:
  const Executor executor_;
  Wakeup ended_;
  std::mutex mutex_;
  bool left_ = false;
  Result<Addresses> found_ = fail(ErrorCode::kUnavailable, "it is not needed any longer");
};

}  // namespace

std::optional<tcp::endpoint> literal_address(const Endpoint& name) {
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(name.host, error);
  if (error) return std::nullopt;
  return tcp::endpoint(address, name.port);
}

Task<Addresses> resolve_by_system(const Endpoint& name, std::stop_token stop) {
  if (const auto literal = literal_address(name)) co_return Addresses(1, *literal);
  const Executor executor = co_await boost::asio::this_coro::executor;
  const auto lookup = std::make_shared<Lookup>(executor);
  try {
    std::thread([lookup, name] { lookup->finish(look_up(name)); }).detach();
  } catch (const std::system_error& error) {
    co_return fail(ErrorCode::kUnavailable, error.what());
  }
  const std::stop_callback on_stop(std::move(stop), [&lookup] { lookup->wake(); });
  co_await lookup->wait();
  co_return lookup->leave();
}

}  // namespace parley::net
