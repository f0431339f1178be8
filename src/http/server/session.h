// One connection: requests in, answers out, in order.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/memory_budget.h"
#include "http/server/worker.h"
#include "http/wire/request_parser.h"
#include "net/channel.h"
#include "net/deadlines.h"
#include "net/listener.h"

namespace parley::http {

/// Lives on its worker's loop. While it waits for a request it holds no buffers.
class Session {
 public:
  /// `tls`: none is in the clear. `refused` is a connection past the cap. It is told so, and does not count against the
  /// cap.
  Session(Worker& worker, net::Socket socket, const net::TlsContext* tls, bool refused);
  ~Session();

  /// Serves the connection until it ends. A refused one gets the answer that says so, whatever it asks.
  [[nodiscard]] static Async<> run(std::unique_ptr<Session> session);

  /// The server ends: gives a connection that waits for a request a moment for it.
  void drain();
  /// Closes now. The coroutine ends soon, or when the route that it waits for does.
  void cut();

  /// For the outbox. Writes as much as the socket takes, and leaves the rest to the coroutine. If there is no room to
  /// keep the rest, the connection is cut.
  void write_gathered(std::string_view answers);

 private:
  enum class Phase : std::uint8_t {
    kFresh,  ///< waits for its first request
    kIdle,   ///< waits for a further one
    kHead,
    kBody,
    kHandling,
    kWriting,
    kLingering,
  };

  /// Reads and answers one request after the other. One coroutine for all but what is rare: each further one would be a
  /// part of what a request costs.
  [[nodiscard]] Async<> serve();
  /// Answers whatever comes, or is not read, with an error, and closes.
  [[nodiscard]] Async<> refuse(Error error);
  /// The TLS handshake. False: there will be no requests.
  [[nodiscard]] Async<bool> greet();
  void on_handshake_failed(const std::string& why);

  // Reading.
  enum class Input : std::uint8_t {
    kPartial,  ///< more of a request is to come
    kWhole,    ///< a request is whole, or not to be read further
    kOver,     ///< the client is gone, or owed nothing
  };
  /// Reads what has come. An error is the answer.
  [[nodiscard]] Result<Input> read();
  [[nodiscard]] Result<Input> feed_leftover();
  [[nodiscard]] Result<Input> feed_scratch(std::size_t size);
  /// Feeds the parser from the front of `bytes`.
  [[nodiscard]] Result<Input> feed(std::string_view& bytes);
  [[nodiscard]] Result<Input> refuse_bytes(std::string_view bytes, Error error);
  [[nodiscard]] Result<void> on_body_begins(bool nothing_read);
  [[nodiscard]] Result<void> account_for_body();
  [[nodiscard]] Result<Input> on_read_failed(bool end_of_stream) const;
  [[nodiscard]] std::chrono::milliseconds time_to_read() const noexcept;
  [[nodiscard]] bool is_waiting() const noexcept { return phase_ == Phase::kFresh || phase_ == Phase::kIdle; }
  [[nodiscard]] Stage stage() const noexcept { return worker_.state().stage.load(std::memory_order_relaxed); }

  // Answering.
  void identify();
  /// Begins to answer. Returns the answer if it needs no route.
  [[nodiscard]] std::optional<Response> begin_answer(const Result<Input>& input, std::size_t route);
  [[nodiscard]] std::optional<Response> answer_here(std::size_t route) const;
  [[nodiscard]] Response answer_options(std::size_t route) const;
  [[nodiscard]] Response answer_unknown_path() const;
  [[nodiscard]] Request request_until(Deadline deadline) const;
  [[nodiscard]] Response answer_bug(const std::exception_ptr& thrown) const;
  /// Makes the answer's header in worker_.header(), where it lasts until the coroutine waits. Counts and logs it.
  void prepare(const Response& response, bool keep, std::size_t route, Deadline began);
  /// Hands the prepared answer to the outbox, which is the cheapest way for small ones. False: to be written.
  [[nodiscard]] bool gather(const Response& response, bool keep);
  /// Writes the prepared answer. False: the connection ends here.
  [[nodiscard]] Async<bool> write_answer(Response response, bool keep);
  [[nodiscard]] std::string_view body_of(const Response& response) const noexcept;
  void end_request();
  void observe(int status, std::size_t route, Deadline began);
  [[nodiscard]] bool head_is_known() const noexcept;
  [[nodiscard]] bool keeps_open() const noexcept;
  [[nodiscard]] bool may_still_send() const noexcept;

  // Writing.
  enum class Written : std::uint8_t { kAll, kSome, kFailed };
  /// Writes what the socket takes at once off the fronts of `header` and `body`.
  [[nodiscard]] Written write_now(std::string_view& header, std::string_view& body);
  [[nodiscard]] Async<bool> write_rest(std::string_view header, std::string_view body);
  /// Writes what was answered before.
  [[nodiscard]] Async<bool> write_unsent();
  /// Closes so that the client can read what was written: a close with unread bytes would be a reset.
  [[nodiscard]] Async<> linger();

  void arm(std::chrono::milliseconds time);
  void arm_until(Deadline deadline);
  void on_expiry();

  Worker& worker_;
  net::Channel channel_;
  net::DeadlineEntry deadline_;
  RequestParser parser_;
  MemoryReservation reservation_;
  std::size_t reserved_ = 0;
  std::string leftover_;  // bytes that came behind a request
  std::size_t leftover_used_ = 0;
  std::string unsent_;  // of answers that were gathered
  MemoryReservation unsent_memory_;
  std::string_view request_id_;
  RequestIds::Place made_id_;
  std::string_view traceparent_;
  std::string_view origin_;
  Phase phase_ = Phase::kFresh;
  bool refused_;
  bool gathered_ = false;     // an answer is in the outbox
  bool expired_ = false;      // deadline_ has passed since it was armed
  bool cut_ = false;          // the socket is closed
  bool body_unread_ = false;  // since nobody wants it
  bool failed_ = false;       // the request could not be read
};

}  // namespace parley::http
