// One RPC connection: messages in, answers out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/memory_budget.h"
#include "base/request_ids.h"
#include "base/task_group.h"
#include "base/wakeup.h"
#include "net/channel.h"
#include "net/deadlines.h"
#include "net/listener.h"
#include "rpc/server/worker.h"
#include "rpc/wire/messages.h"
#include "rpc/wire/wire_form.h"

namespace parley::rpc {

/// Lives on its worker's loop. One coroutine reads; each call in a TTHeader gets one of its own, any other is answered
/// before the next message is looked at. What has been answered in a turn of the loop is written at once. A connection
/// that waits for a message holds no buffers.
class Session {
 public:
  /// `tls`: none is in the clear.
  Session(Worker& worker, net::Socket socket, const net::TlsContext* tls);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Serves the connection until it ends and everything that it asked is answered.
  [[nodiscard]] static Async<> run(std::unique_ptr<Session> session);

  /// The server is draining: tells a multiplexed client to leave, once nothing is in flight or a moment has passed, and
  /// gives it another to, as a new one for its first message; closes any other once it is idle.
  void drain();
  /// Closes now. The coroutine ends soon, or when the calls in flight do.
  void cut();

 private:
  /// What is to be done next.
  enum class Step : std::uint8_t {
    kRead,    ///< the message goes on
    kAnswer,  ///< in_order_ is to be answered first
    kWait,    ///< there is too much in flight
    kEnd,     ///< nothing that comes is of interest any more
  };

  /// A call that is to be answered.
  struct Pending {
    Call call;
    WireForm form;
    service::CallContext context;
    Deadline began;
    MemoryReservation memory;
  };

  // Reading.
  [[nodiscard]] Async<> serve();
  /// The TLS handshake, if there is one. False: there will be no connection.
  [[nodiscard]] Async<bool> greet();
  [[nodiscard]] Async<Step> receive();
  [[nodiscard]] Step feed(std::string_view bytes);
  [[nodiscard]] Step consume_input();
  /// Takes whole messages off the front of `bytes`.
  [[nodiscard]] Step consume(std::string_view& bytes);
  [[nodiscard]] Step take(std::string_view message);
  [[nodiscard]] Step give_up(std::string_view why);
  /// The time to leave has come: a multiplexed client that has not been told is told now.
  [[nodiscard]] Step part();
  void answer_unreadable(std::string_view bytes);
  [[nodiscard]] bool account_for_input();
  [[nodiscard]] Deadline deadline_of(const Incoming& incoming) const;
  [[nodiscard]] std::string request_id_of(const TTHeader& header);
  [[nodiscard]] static std::string traceparent_of(const TTHeader& header);

  // Answering.
  [[nodiscard]] Async<> handle(Pending pending);
  /// `context` is the call's, for the log.
  void respond(const Answer& answer, const WireForm& form, Deadline began, const service::CallContext& context);
  void observe(const Answer& answer, Deadline began, const service::CallContext& context);
  void on_call_done();

  // Writing.
  /// Tells a multiplexed client, once, to leave. When nothing is in flight, if it can be: Kitex' clients (0.15 at
  /// least) lose the connection by it, and with it what they wait for. Answers tell others before.
  void warn();
  void start_flush();
  [[nodiscard]] Async<> flush();
  [[nodiscard]] Async<bool> write(std::string_view bytes);
  /// Closes so that the client can read what was written: a close with unread bytes would be a reset.
  [[nodiscard]] Async<> linger();

  [[nodiscard]] bool crowded() const noexcept;
  void make_room();
  /// Whether a draining server has nothing more to do here, once nothing more has come.
  [[nodiscard]] bool may_leave() const noexcept;
  [[nodiscard]] Deadline read_deadline() const;
  void arm_reading();

  Worker& worker_;
  net::Channel channel_;
  TaskGroup calls_;
  net::DeadlineEntry read_expiry_;
  net::DeadlineEntry write_expiry_;
  Wakeup room_;
  MessageFinder finder_;
  std::optional<Pending> in_order_;

  std::string input_;  // bytes that have come and wait
  std::size_t input_used_ = 0;
  MemoryReservation input_memory_;
  std::size_t input_reserved_ = 0;
  Deadline read_at_{};        // when the last bytes came
  Deadline message_began_{};  // when the first bytes of the message in input_ did
  Deadline leave_by_ = kNoDeadline;

  std::string out_;  // answers to be written
  MemoryReservation out_memory_;
  std::size_t unwritten_ = 0;  // bytes, with those that are being written
  std::size_t in_flight_ = 0;

  bool greeting_ = false;     // the TLS handshake goes on
  bool spoken_ = false;       // a message has come
  bool multiplexed_ = false;  // and its client takes answers, and warnings, in any order
  bool warned_ = false;       // it has been told to leave
  bool reading_ = false;      // waits for bytes
  bool waiting_ = false;      // waits for room
  bool flushing_ = false;
  bool read_expired_ = false;
  bool write_expired_ = false;
  bool peer_gone_ = false;
  bool cut_ = false;
};

}  // namespace parley::rpc
