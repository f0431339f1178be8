// A connection's socket, watched without a system call for each wait.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/intrusive/list.hpp>
#include <boost/system/error_code.hpp>

#include "base/task.h"
#include "base/wakeup.h"

namespace parley::net {

class Channels;

/// Asio asks the kernel anew for each wait of a socket, which is a fifteenth of what a small request costs; here the
/// kernel is told once, and tells of each change. Loop's thread only. One coroutine waits, for whichever direction.
class Channel : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  /// Takes over the descriptor of a socket, which is connected and non-blocking: closes it in the end.
  Channel(Channels& channels, int descriptor);
  ~Channel() { close(); }
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  /// Suspends until a read may do something, for a turn of the loop where it may already. Other events and interrupt()
  /// end the wait too.
  [[nodiscard]] Wakeup::Waiting readable() { return wait(may_read_); }
  [[nodiscard]] Wakeup::Waiting writable() { return wait(may_write_); }
  /// Ends the wait that is under way, if there is one, but not before it returns.
  void interrupt();

  // What can be done at once, or would_block. The end of the stream is eof. After close() they fail.
  [[nodiscard]] std::size_t read_some(char* to, std::size_t size, boost::system::error_code& error);
  /// `second` after `first`.
  [[nodiscard]] std::size_t write_some(std::string_view first, std::string_view second,
                                       boost::system::error_code& error);

  /// Tells the peer that nothing more will come.
  void finish_writing(boost::system::error_code& error);
  void close();

 private:
  friend class Channels;
  [[nodiscard]] Wakeup::Waiting wait(bool ready);
  void on_events(std::uint32_t events);
  void resume();

  Channels& channels_;
  int descriptor_;
  // Until the kernel says so, which it does once it watches.
  bool may_read_ = false;
  bool may_write_ = false;
  bool ending_ = false;  // the peer has finished or failed, so that a short read need not be all there is
  bool waits_ = false;
  Wakeup wakeup_;
};

/// The channels of one loop. Loop's thread only; must outlive them.
class Channels {
 public:
  explicit Channels(boost::asio::io_context& io);
  Channels(const Channels&) = delete;
  Channels& operator=(const Channels&) = delete;

 private:
  friend class Channel;
  struct Turn;
  using Interrupted = boost::intrusive::list<Channel, boost::intrusive::constant_time_size<false>>;

  void add(Channel& channel);
  void forget(Channel& channel) noexcept;
  void interrupt(Channel& channel);
  void watch();
  void dispatch();

  boost::asio::posix::basic_stream_descriptor<Executor> epoll_;
  bool watching_ = false;
  Turn* turn_ = nullptr;  // whose events are being told
  Interrupted interrupted_;
};

}  // namespace parley::net
