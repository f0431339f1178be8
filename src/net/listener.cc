#include "net/listener.h"

#include <utility>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include "base/log.h"

namespace parley::net {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

constexpr std::chrono::milliseconds kPause{100};
constexpr std::size_t kPerTurn = 64;  // so that a flood of connections does not starve those that are there
// More than any backlog holds (net.core.somaxconn); close() ends even where connections come as fast as it accepts.
constexpr std::size_t kBacklogBound = 65536;

/// Why, and what to do about it.
std::string explain(const error_code& error) {
  switch (error.value()) {
    case EADDRINUSE:
      return "another program listens there. Stop that program (ss -ltnp names it), or choose another port";
    case EADDRNOTAVAIL: return "this machine has no such address. Choose one of its own, 127.0.0.1 or 0.0.0.0";
    case EACCES: return "no permission for this port. Choose a port from 1024 on";
    default: return error.message();
  }
}

std::unexpected<Error> cannot_listen(const Endpoint& endpoint, const error_code& error) {
  return fail(ErrorCode::kUnavailable, fmt::format("cannot listen on {}: {}", endpoint.to_string(), explain(error)));
}

/// The first address of the host, an IPv4 one if there is any: "localhost" then means the same on every machine.
Result<tcp::endpoint> resolve(boost::asio::io_context& io, const Endpoint& endpoint) {
  error_code error;
  const auto address = boost::asio::ip::make_address(endpoint.host, error);
  if (!error) return tcp::endpoint(address, endpoint.port);
  const auto found =
      tcp::resolver(io).resolve(endpoint.host, std::to_string(endpoint.port), tcp::resolver::passive, error);
  if (error) return cannot_listen(endpoint, error);
  for (const auto& entry : found) {
    if (entry.endpoint().address().is_v4()) return entry.endpoint();
  }
  return found.begin()->endpoint();
}

/// Errors of the one connection that was about to be accepted, which accept(2) says to treat like EAGAIN.
bool concerns_one_connection(const error_code& error) {
  switch (error.value()) {
    case ECONNABORTED:
    case EPROTO:
    case EPERM:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
    case EINTR: return true;
    default: return false;
  }
}

}  // namespace

Listener::Listener(LoopPool& loops, std::string name)
    : loops_(loops), name_(std::move(name)), acceptor_(loops[0].io()), retry_([this] { wait(); }) {}

Listener::~Listener() { shut(false); }

Result<void> Listener::check(const Endpoint& endpoint) {
  boost::asio::io_context io(1);
  Acceptor acceptor(io);
  return bind(acceptor, io, endpoint);
}

Result<void> Listener::bind(Acceptor& acceptor, boost::asio::io_context& io, const Endpoint& endpoint) {
  const auto address = resolve(io, endpoint);
  if (!address) return std::unexpected(address.error());
  error_code error;
  const auto step = [&error](auto&& call) {
    if (!error) call();
  };
  step([&] { acceptor.open(address->protocol(), error); });
  step([&] { acceptor.set_option(boost::asio::socket_base::reuse_address(true), error); });
  step([&] { acceptor.set_option(tcp::no_delay(true), error); });  // Linux: accepted sockets inherit it
  step([&] { acceptor.bind(*address, error); });
  if (!error) return {};
  error_code ignored;
  acceptor.close(ignored);
  return cannot_listen(endpoint, error);
}

Result<void> Listener::listen(const Endpoint& endpoint) {
  if (auto bound = bind(acceptor_, loops_[0].io(), endpoint); !bound) return bound;
  error_code error;
  acceptor_.listen(boost::asio::socket_base::max_listen_connections, error);
  if (!error) acceptor_.non_blocking(true, error);
  if (error) {
    error_code ignored;
    acceptor_.close(ignored);
    return cannot_listen(endpoint, error);
  }
  const tcp::endpoint local = acceptor_.local_endpoint();
  endpoint_ = Endpoint{local.address().to_string(), local.port()};
  return {};
}

void Listener::start(OnAccept on_accept) {
  on_accept_ = std::move(on_accept);
  boost::asio::post(loops_[0].executor(), [this] { wait(); });
}

void Listener::close() { shut(true); }

void Listener::wait() {
  acceptor_.async_wait(boost::asio::socket_base::wait_read, [this](const error_code& error) {
    if (!error) on_readable();
  });
}

void Listener::on_readable() {
  switch (accept(kPerTurn)) {
    case Round::kDrained:
      if (std::exchange(exhausted_, false) && log_.may_log_change("accepting")) {
        log_info("accepting connections again", {{"listener", name_}});
      }
      return wait();
    case Round::kMore: return wait();
    case Round::kExhausted: return loops_[0].deadlines().arm(retry_, loops_.now() + kPause);
  }
}

Listener::Round Listener::accept(std::size_t most) {
  for (std::size_t i = 0; i < most; ++i) {
    Loop& loop = loops_[next_loop_];
    error_code error;
    Socket socket = acceptor_.accept(loop.io(), error);
    if (!error) {
      next_loop_ = (next_loop_ + 1) % loops_.size();
      hand_over(std::move(socket), loop);
      continue;
    }
    if (error == boost::asio::error::would_block || error == boost::asio::error::try_again) return Round::kDrained;
    if (concerns_one_connection(error)) continue;
    pause(error);
    return Round::kExhausted;
  }
  return Round::kMore;
}

void Listener::hand_over(Socket socket, Loop& loop) {
  error_code error;
  socket.non_blocking(true, error);
  if (error) return;
  // At once where it can be: what a loop posts to itself may run later than what comes from outside, as in shut().
  if (&loop == &loops_[0]) return on_accept_(std::move(socket), loop);
  boost::asio::post(loop.executor(),
                    [this, &loop, held = std::move(socket)]() mutable { on_accept_(std::move(held), loop); });
}

void Listener::pause(const error_code& why) {
  exhausted_ = true;
  if (log_.may_log(why.message(), loops_.now()))
    log_warn("cannot accept connections for now", {{"listener", name_}, {"why", why.message()}});
}

void Listener::shut(bool serve_backlog) {
  if (!acceptor_.is_open()) return;
  const auto close = [this, serve_backlog] {
    if (serve_backlog && on_accept_) (void)accept(kBacklogBound);
    retry_.disarm();
    error_code ignored;
    acceptor_.close(ignored);
  };
  run_on(loops_[0], close);
  // Each loop runs in order what it was given from outside, so after this nothing is left that knows `this`.
  for (std::size_t i = 0; i < loops_.size(); ++i) run_on(loops_[i], [] {});
}

}  // namespace parley::net
