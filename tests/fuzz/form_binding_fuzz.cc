// Query strings and forms: the input is a query, a line feed, a form. What is bound and written anew is bound the same.
#include <string>

#include "calls.h"

namespace {

using namespace parley;

constexpr http::Header kFormHeader{"Content-Type", "application/x-www-form-urlencoded"};

/// Every byte as %XX, so that nothing depends on which characters are safe.
std::string encoded(std::string_view bytes) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += {'%', kHex[byte >> 4], kHex[byte & 15]};
  }
  return out;
}

std::string form_of(const service::SendRequest& call) {
  return "chat=" + encoded(call.chat) + "&text=" + encoded(call.text) + "&sender=" + encoded(call.sender) +
         "&idempotency_key=" + encoded(call.idempotency_key) + "&receiver=";  // which is in the chat already
}

std::string form_of(const service::PullRequest& call) {
  return "chat=" + encoded(call.chat) + "&cursor=" + std::to_string(call.cursor) +
         "&limit=" + std::to_string(call.limit) + "&reverse=" + (call.reverse ? "TRUE" : "0");
}

template <class Call>
void check(Result<Call> (*bind)(const http::Request&), std::string_view query, std::string_view form) {
  const http::Request request = fuzz::request_of(query, form, {&kFormHeader, 1});
  const auto call = bind(request);
  fuzz::require_same_by_descriptor(request, call);
  if (!call) return fuzz::require_malformed(call);
  const std::string written = form_of(*call);
  const auto from_form = bind(fuzz::request_of(query, written, {&kFormHeader, 1}));
  fuzz::require(from_form && fuzz::same(*call, *from_form), "a call survives as a form, which wins over the query");
  const auto from_query = bind(fuzz::request_of(written, "", {}));
  fuzz::require(from_query && fuzz::same(*call, *from_query), "a call survives as a query");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = fuzz::as_text(data, size);
  const std::size_t line = input.find('\n');
  const std::string_view query = input.substr(0, line);
  const std::string_view form = line == std::string_view::npos ? std::string_view{} : input.substr(line + 1);
  check(parley::api::bind_send, query, form);
  check(parley::api::bind_pull, query, form);
  return 0;
}
