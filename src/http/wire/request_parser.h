// Reads requests from bytes: Beast's parser for the header, stricter rules on top, no sockets.
//
// To drive it with arbitrary bytes (a fuzz target), with any cuts between them:
//
//   RequestParser parser({.max_header = 65536, .max_body = 409600});
//   while (!bytes.empty()) {
//     const Result<std::size_t> used = parser.feed(bytes);
//     if (!used) break;                                   // the answer is this error, then close
//     bytes.remove_prefix(*used);
//     if (parser.state() == RequestParser::State::kDone) {
//       use(parser.head(), parser.body());
//       parser.next();
//     }
//   }
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "http/wire/chunk_decoder.h"
#include "http/wire/framing.h"
#include "http/wire/message.h"

namespace parley::http {

struct ParserLimits {
  std::size_t max_header;  ///< bytes of request line and fields, and of the trailers again
  std::size_t max_body;    ///< bytes, out of their chunks
};

/// What a request's header says. The views are into the parser, until its next().
struct RequestHead {
  std::string_view method;
  Target target;
  std::string_view host;  ///< an absolute target's authority, else the Host field's; empty if there is none (HTTP/1.0)
  std::vector<Header> headers;
  std::optional<std::uint64_t> content_length;
  bool chunked = false;
  bool http_1_1 = false;
  bool keep_alive = false;  ///< what the client wants: by its version and its Connection
  bool expects_continue = false;
};

/// One request after another. Any thread, one at a time.
class RequestParser {
 public:
  enum class State : std::uint8_t {
    kEmpty,  ///< nothing of a request has come
    kHead,   ///< some of the header has
    kBody,   ///< the header is whole and strict; the body is to come
    kDone,   ///< the request is whole
  };

  explicit RequestParser(ParserLimits limits) : limits_(limits) {}

  /// Takes bytes up to the end of the header (so that its body can be refused), and then up to the end of the body;
  /// returns how many. Never in State::kDone. The errors are kMalformedRequest, kHeadersTooLarge and kBodyTooLarge;
  /// after one, where the next request would begin is not known, so the connection must close; state() stays where it
  /// was, and head() is complete if that is kBody.
  [[nodiscard]] Result<std::size_t> feed(std::string_view bytes);

  [[nodiscard]] State state() const noexcept { return state_; }
  [[nodiscard]] const RequestHead& head() const noexcept { return head_; }
  [[nodiscard]] std::string_view body() const noexcept { return body_; }

  /// Makes room for a body of the announced length at once. In State::kBody.
  void reserve_body() { body_.reserve(static_cast<std::size_t>(head_.content_length.value_or(0))); }
  /// Bytes that the body holds in memory.
  [[nodiscard]] std::size_t body_capacity() const noexcept { return body_.capacity(); }

  /// Forgets this request, and starts on the next. Memory beyond a little is given back.
  void next();

 private:
  [[nodiscard]] Result<std::size_t> feed_head(std::string_view bytes);
  [[nodiscard]] Result<std::size_t> feed_body(std::string_view bytes);
  /// Parses block_, which is a whole header.
  [[nodiscard]] Result<void> parse_head();

  ParserLimits limits_;
  std::string block_;  // the header as it came
  std::size_t line_start_ = 0;
  bool skipped_empty_line_ = false;
  State state_ = State::kEmpty;
  RequestHead head_;
  std::string body_;
  std::optional<ChunkDecoder> chunks_;
};

}  // namespace parley::http
