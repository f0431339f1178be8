// Requests in bytes: cut anywhere they are read the same, within the limits, and no two readings of a length exist.
#include <optional>
#include <string>
#include <vector>

#include "fuzz.h"
#include "http/wire/request_parser.h"

namespace {

using namespace parley;
using http::RequestParser;

constexpr http::ParserLimits kLimits{.max_header = 2048, .max_body = 512};

/// What was read: every request in full, then the error that ended it.
struct Reading {
  std::vector<std::string> requests;
  std::optional<ErrorCode> error;

  friend bool operator==(const Reading&, const Reading&) = default;
};

void check(const http::RequestHead& head, std::string_view body) {
  fuzz::require(body.size() <= kLimits.max_body, "a body is within its limit");
  fuzz::require(!(head.chunked && head.content_length), "a body's length is told in one way");
  if (!head.chunked) fuzz::require(body.size() == head.content_length.value_or(0), "a body is as long as announced");
  fuzz::require(head.http_1_1 || !head.chunked, "HTTP/1.0 has no chunks");
}

std::string shown(const http::RequestHead& head, std::string_view body) {
  std::string out;
  for (const std::string_view part : {head.method, head.target.path, head.target.query, head.host, body}) {
    out.append(part).push_back('\n');
  }
  for (const http::Header& header : head.headers) out.append(header.name).append(":").append(header.value);
  return out + (head.keep_alive ? "k" : "") + (head.expects_continue ? "e" : "");
}

Reading read(std::string_view bytes, std::size_t step) {
  Reading reading;
  RequestParser parser(kLimits);
  while (!bytes.empty()) {
    const auto used = parser.feed(bytes.substr(0, step));
    if (!used) {
      reading.error = used.error().code;
      return reading;
    }
    fuzz::require(*used > 0 && *used <= step, "every turn gets on, no further than it was given");
    bytes.remove_prefix(*used);
    if (parser.state() != RequestParser::State::kDone) continue;
    check(parser.head(), parser.body());
    reading.requests.push_back(shown(parser.head(), parser.body()));
    parser.next();
  }
  return reading;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = fuzz::as_text(data, size);
  const Reading whole = read(bytes, size + 1);
  fuzz::require(whole == read(bytes, 1), "requests are read the same byte by byte");
  fuzz::require(whole == read(bytes, 7), "requests are read the same in pieces");
  return 0;
}
