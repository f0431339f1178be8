// A connection in the clear or in TLS, watched without a system call for each wait.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/error.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/intrusive/list.hpp>
#include <boost/system/error_code.hpp>
#include <sys/types.h>

#include "base/task.h"
#include "base/wakeup.h"

namespace parley::net {

class Channels;
class TlsContext;

/// Asio asks the kernel anew for each wait of a socket, which is a fifteenth of what a small request costs; here the
/// kernel is told once, and tells of each change. Loop's thread only. At most one coroutine waits to read and one to
/// write; the channel must outlive both waits.
class Channel : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  /// Takes over the descriptor of a socket, which is connected and non-blocking: closes it in the end. `tls`: none is
  /// in the clear. The context need not outlive the channel.
  Channel(Channels& channels, int descriptor, const TlsContext* tls = nullptr);
  ~Channel() { close(); }
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  [[nodiscard]] bool secure() const noexcept { return tls_ != nullptr; }
  /// Goes on with the handshake of the context's side, which comes before everything else; in the clear it is over at
  /// once. would_block: wait for handshake_goes_on(), and call again. Any other error ends the connection;
  /// eof: the peer left without a word.
  void handshake(boost::system::error_code& error);
  [[nodiscard]] Wakeup::Waiting handshake_goes_on();
  /// Why TLS failed, for a person. After an error of handshake(), read_some() or write_some().
  [[nodiscard]] std::string tls_problem(const boost::system::error_code& error) const;
  /// Whether the handshake failed because the client speaks HTTP in the clear. Then the channel goes on in the clear,
  /// without what has come.
  [[nodiscard]] bool fall_back_to_clear();

  /// Suspends until a read may do something. If it may already, it suspends for a turn of the loop. Other events and
  /// interrupt() end the wait too.
  [[nodiscard]] Wakeup::Waiting readable() { return wait(reader_, may_read_); }
  [[nodiscard]] Wakeup::Waiting writable() { return wait(writer_, may_write_); }
  /// Ends the waits that are under way, but not before it returns.
  void interrupt();

  // What can be done at once, or would_block. The end of the stream is eof. A TLS stream that ends without saying so is
  // connection_reset. After close() they fail.
  [[nodiscard]] std::size_t read_some(char* to, std::size_t size, boost::system::error_code& error);
  /// `second` after `first`. After would_block, the next write begins with the same bytes.
  [[nodiscard]] std::size_t write_some(std::string_view first, std::string_view second,
                                       boost::system::error_code& error);

  /// Tells the peer that nothing more will come.
  void finish_writing(boost::system::error_code& error);
  /// In TLS the peer is told, if it can be told at once.
  void close();

  /// The peer's address, for the log.
  [[nodiscard]] std::string peer() const;

 private:
  friend class Channels;
  struct Tls;
  struct FreeTls {
    void operator()(Tls* tls) const noexcept;
  };
  struct Waiter {
    Wakeup wakeup;
    bool waits = false;
  };

  [[nodiscard]] Wakeup::Waiting wait(Waiter& waiter, bool ready);
  void on_events(std::uint32_t events);
  void resume();

  // Of the socket.
  [[nodiscard]] std::size_t receive(char* to, std::size_t size, boost::system::error_code& error);
  [[nodiscard]] std::size_t transmit(std::string_view bytes, boost::system::error_code& error);
  [[nodiscard]] std::size_t written(ssize_t count, boost::system::error_code& error);

  // In TLS.
  void start_tls(const TlsContext& context);
  [[nodiscard]] std::size_t decrypt(char* to, std::size_t size, boost::system::error_code& error);
  [[nodiscard]] std::size_t encrypt(std::string_view first, std::string_view second, boost::system::error_code& error);
  void say_goodbye();

  Channels& channels_;
  int descriptor_;
  // Until the kernel says so, which it does once it watches.
  bool may_read_ = false;
  bool may_write_ = false;
  bool ending_ = false;  // the peer has finished or failed, so that a short read need not be all there is
  Waiter reader_;
  Waiter writer_;
  std::unique_ptr<Tls, FreeTls> tls_;
};

/// Whether an operation has only to be tried again when the channel is ready.
[[nodiscard]] inline bool would_block(const boost::system::error_code& error) noexcept {
  return error == boost::asio::error::would_block || error == boost::asio::error::try_again;
}

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
