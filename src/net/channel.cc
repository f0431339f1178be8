#include "net/channel.h"

#include <array>
#include <cerrno>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

namespace parley::net {
namespace {

using boost::system::error_code;

constexpr std::size_t kEventsPerTurn = 256;

error_code last_error() { return {errno, boost::system::system_category()}; }

int make_epoll() {
  const int descriptor = ::epoll_create1(EPOLL_CLOEXEC);
  if (descriptor < 0) throw std::system_error(errno, std::system_category(), "epoll_create1");
  return descriptor;
}

}  // namespace

Channel::Channel(Channels& channels, int descriptor, const TlsContext* tls)
    : channels_(channels), descriptor_(descriptor) {
  if (tls != nullptr) start_tls(*tls);
  channels_.add(*this);
}

Wakeup::Waiting Channel::wait(Waiter& waiter, bool ready) {
  waiter.waits = true;
  if (ready) interrupt();
  return waiter.wakeup.wait();
}

void Channel::interrupt() {
  if ((reader_.waits || writer_.waits) && !is_linked()) channels_.interrupt(*this);
}

void Channel::resume() {
  const bool reads = std::exchange(reader_.waits, false);
  if (std::exchange(writer_.waits, false)) writer_.wakeup.wake();
  if (reads) reader_.wakeup.wake();  // if it waits, we are still there
}

void Channel::on_events(std::uint32_t events) {
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) ending_ = true;
  const bool both = ending_ || tls_ != nullptr;  // TLS may have to write in order to read
  if ((events & EPOLLIN) != 0 || both) may_read_ = true;
  if ((events & EPOLLOUT) != 0 || both) may_write_ = true;
  resume();
}

std::size_t Channel::read_some(char* to, std::size_t size, error_code& error) {
  return tls_ == nullptr ? receive(to, size, error) : decrypt(to, size, error);
}

std::size_t Channel::write_some(std::string_view first, std::string_view second, error_code& error) {
  if (tls_ != nullptr) return encrypt(first, second, error);
  if (second.empty()) return transmit(first, error);  // a cheaper system call
  std::array<iovec, 2> parts{
      {{const_cast<char*>(first.data()), first.size()}, {const_cast<char*>(second.data()), second.size()}}};
  const msghdr message{.msg_name = nullptr,
                       .msg_namelen = 0,
                       .msg_iov = parts.data(),
                       .msg_iovlen = parts.size(),
                       .msg_control = nullptr,
                       .msg_controllen = 0,
                       .msg_flags = 0};
  return written(::sendmsg(descriptor_, &message, MSG_NOSIGNAL), error);
}

std::size_t Channel::receive(char* to, std::size_t size, error_code& error) {
  const ssize_t read = ::recv(descriptor_, to, size, 0);
  error = read < 0 ? last_error() : error_code();
  if (read == 0) error = boost::asio::error::eof;
  if (read <= 0) {
    if (error == boost::asio::error::would_block) may_read_ = false;
    return 0;
  }
  const auto count = static_cast<std::size_t>(read);
  if (count < size && !ending_) may_read_ = false;
  return count;
}

std::size_t Channel::transmit(std::string_view bytes, error_code& error) {
  return written(::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL), error);
}

std::size_t Channel::written(ssize_t count, error_code& error) {
  error = count < 0 ? last_error() : error_code();
  if (error == boost::asio::error::would_block) may_write_ = false;
  return count < 0 ? 0 : static_cast<std::size_t>(count);
}

void Channel::finish_writing(error_code& error) {
  if (tls_ != nullptr) say_goodbye();
  error = ::shutdown(descriptor_, SHUT_WR) != 0 ? last_error() : error_code();
}

void Channel::close() {
  if (descriptor_ < 0) return;
  if (tls_ != nullptr) say_goodbye();
  channels_.forget(*this);
  ::close(descriptor_);
  descriptor_ = -1;
  may_read_ = may_write_ = ending_ = true;  // as far as failing goes
  interrupt();
}

std::string Channel::peer() const {
  boost::asio::ip::tcp::endpoint peer;
  auto size = static_cast<socklen_t>(peer.capacity());
  const bool known = ::getpeername(descriptor_, peer.data(), &size) == 0 &&
                     (peer.data()->sa_family == AF_INET || peer.data()->sa_family == AF_INET6);
  return known ? peer.address().to_string() : std::string();
}

/// The events that one look at the epoll found. A channel that goes away while they are told takes its own out.
struct Channels::Turn {
  std::array<epoll_event, kEventsPerTurn> events;
  std::size_t count = 0;
  std::size_t next = 0;
};

Channels::Channels(boost::asio::io_context& io) : epoll_(io.get_executor(), make_epoll()) {}

void Channels::add(Channel& channel) {
  epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = {.ptr = &channel}};
  if (::epoll_ctl(epoll_.native_handle(), EPOLL_CTL_ADD, channel.descriptor_, &event) != 0) {
    channel.close();  // no memory in the kernel
  }
  if (!watching_) watch();
}

void Channels::forget(Channel& channel) noexcept {
  // Closing would not do while a process that has just been forked has the socket, too.
  ::epoll_ctl(epoll_.native_handle(), EPOLL_CTL_DEL, channel.descriptor_, nullptr);
  if (turn_ == nullptr) return;
  for (std::size_t i = turn_->next; i < turn_->count; ++i) {
    if (turn_->events[i].data.ptr == &channel) turn_->events[i].data.ptr = nullptr;
  }
}

void Channels::interrupt(Channel& channel) {
  interrupted_.push_back(channel);
  if (&interrupted_.front() != &interrupted_.back()) return;  // it has been posted
  boost::asio::post(epoll_.get_executor(), [this] {
    // Whoever waits again while it is resumed waits for the next turn, so that one busy peer does not keep the loop.
    Interrupted now;
    now.swap(interrupted_);
    while (!now.empty()) {
      Channel& front = now.front();
      now.pop_front();
      front.resume();
    }
  });
}

void Channels::watch() {
  watching_ = true;
  epoll_.async_wait(boost::asio::posix::descriptor_base::wait_read, [this](const error_code& error) {
    if (error) return;
    dispatch();
    watch();
  });
}

void Channels::dispatch() {
  Turn turn;
  const int count = ::epoll_wait(epoll_.native_handle(), turn.events.data(), kEventsPerTurn, 0);
  turn.count = count < 0 ? 0 : static_cast<std::size_t>(count);
  turn_ = &turn;
  while (turn.next < turn.count) {
    const epoll_event& event = turn.events[turn.next++];
    if (event.data.ptr != nullptr) static_cast<Channel*>(event.data.ptr)->on_events(event.events);
  }
  turn_ = nullptr;
}

}  // namespace parley::net
