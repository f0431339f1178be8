#include "http/wire/request_parser.h"

#include <algorithm>

#include <boost/beast/core/string.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <fmt/format.h>

namespace parley::http {
namespace {

namespace beast_http = boost::beast::http;
using boost::beast::iequals;
using boost::system::error_code;

std::unexpected<Error> malformed(std::string detail) { return fail(ErrorCode::kMalformedRequest, std::move(detail)); }

/// Collects what Beast finds in a header block, and what it does not look at: how often Host and Transfer-Encoding
/// come.
class HeadReader final : public beast_http::basic_parser<true> {
 public:
  explicit HeadReader(RequestHead& head) : head_(head) {
    header_limit(UINT32_MAX);  // the block's size has been checked
    body_limit(boost::none);   // and the body is not read here
  }

  int hosts = 0;
  int transfer_encodings = 0;
  std::string_view transfer_encoding;
  std::string_view target;

 private:
  void on_request_impl(beast_http::verb, boost::beast::string_view method, boost::beast::string_view request_target,
                       int version, error_code&) override {
    head_.method = method;
    target = request_target;
    head_.http_1_1 = version == 11;
  }

  void on_field_impl(beast_http::field field, boost::beast::string_view name, boost::beast::string_view value,
                     error_code&) override {
    head_.headers.push_back({name, value});
    switch (field) {
      case beast_http::field::host:
        ++hosts;
        head_.host = value;
        break;
      case beast_http::field::transfer_encoding:
        ++transfer_encodings;
        transfer_encoding = value;
        break;
      case beast_http::field::expect: head_.expects_continue |= iequals(value, "100-continue"); break;
      default: break;
    }
  }

  // The block holds a header of a request and nothing else, so these are never called or have nothing to do.
  void on_response_impl(int, boost::beast::string_view, int, error_code&) override {}
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(boost::beast::string_view, error_code&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, boost::beast::string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, boost::beast::string_view, error_code&) override { return 0; }
  void on_finish_impl(error_code&) override {}

  RequestHead& head_;
};

/// RFC 9112, 3.2: exactly one valid Host. An absolute target's authority takes its place, whatever it says (3.2.2).
Result<void> check_host(RequestHead& head, int hosts) {
  if (hosts > 1) return malformed("there are several Host fields");
  if (hosts == 0 && head.http_1_1) return malformed("there is no Host field");
  if (!is_host(head.host)) return malformed("the Host field is invalid");
  if (!head.target.authority.empty()) head.host = head.target.authority;
  return {};
}

/// RFC 9112, 6.1 and 6.3: whatever two readers could take for bodies of different lengths is refused.
Result<void> check_body_framing(const HeadReader& reader, RequestHead& head) {
  if (reader.transfer_encodings == 0) return {};
  if (reader.transfer_encodings > 1 || !iequals(reader.transfer_encoding, "chunked")) {
    return malformed("the only Transfer-Encoding that is understood is chunked");
  }
  if (!head.http_1_1) return malformed("there is no Transfer-Encoding in HTTP/1.0");
  if (head.content_length) return malformed("there are both Content-Length and Transfer-Encoding");
  head.chunked = true;
  return {};
}

/// A field costs more in memory than on the wire.
constexpr std::size_t kMaxFields = 256;

constexpr std::size_t kKeptCapacity = 1024;  // of a connection that waits for its next request

void reset(std::string& text) {
  text.clear();
  if (text.capacity() > kKeptCapacity) text.shrink_to_fit();
}

}  // namespace

Result<std::size_t> RequestParser::feed(std::string_view bytes) {
  return state_ == State::kBody ? feed_body(bytes) : feed_head(bytes);
}

void RequestParser::next() {
  state_ = State::kEmpty;
  line_start_ = 0;
  skipped_empty_line_ = false;
  reset(block_);
  reset(body_);
  chunks_.reset();
  std::vector<Header> headers = std::move(head_.headers);
  headers.clear();
  if (headers.capacity() * sizeof(Header) > kKeptCapacity) headers = {};
  head_ = RequestHead{};
  head_.headers = std::move(headers);
}

Result<std::size_t> RequestParser::feed_head(std::string_view bytes) {
  std::size_t used = 0;
  while (used < bytes.size()) {
    const std::size_t newline = bytes.find('\n', used);
    const std::size_t n = (newline == std::string_view::npos ? bytes.size() : newline + 1) - used;
    if (block_.size() + n > limits_.max_header) {
      return fail(ErrorCode::kHeadersTooLarge, fmt::format("the header is larger than {} bytes", limits_.max_header));
    }
    block_.append(bytes.substr(used, n));
    used += n;
    // Not a request at all (TLS, say): no need to wait for the end of a line that may never come.
    if (block_.front() != '\r' && !is_token({block_.data(), 1})) return malformed("this is not an HTTP request");
    state_ = State::kHead;
    if (newline == std::string_view::npos) break;
    if (!block_.ends_with("\r\n")) return malformed("a line of the header does not end in CRLF");
    const bool empty_line = block_.size() - line_start_ == 2;
    if (!empty_line) {
      if (line_start_ > 0 && (block_[line_start_] == ' ' || block_[line_start_] == '\t')) {
        return malformed("a field is folded over several lines");
      }
      line_start_ = block_.size();
      continue;
    }
    if (line_start_ > 0) {
      if (auto parsed = parse_head(); !parsed) return std::unexpected(std::move(parsed).error());
      break;
    }
    // RFC 9112, 2.2: one empty line before a request is put up with.
    if (std::exchange(skipped_empty_line_, true)) return malformed("the request line is empty");
    block_.clear();
  }
  return used;
}

Result<void> RequestParser::parse_head() {
  HeadReader reader(head_);
  error_code error;
  reader.put(boost::asio::buffer(block_), error);
  if (error) return malformed("the header cannot be read: " + error.message());
  if (head_.headers.size() > kMaxFields) {
    return fail(ErrorCode::kHeadersTooLarge, fmt::format("there are more than {} header fields", kMaxFields));
  }
  auto target = parse_target(head_.method, reader.target);
  if (!target) return std::unexpected(std::move(target).error());
  head_.target = *target;
  head_.keep_alive = reader.keep_alive();
  if (const auto length = reader.content_length()) head_.content_length = *length;
  if (auto checked = check_host(head_, reader.hosts); !checked) return checked;
  if (auto checked = check_body_framing(reader, head_); !checked) return checked;

  state_ = head_.chunked || head_.content_length.value_or(0) > 0 ? State::kBody : State::kDone;
  if (head_.chunked) chunks_.emplace(limits_.max_body, limits_.max_header);
  if (head_.content_length.value_or(0) > limits_.max_body) {
    return fail(ErrorCode::kBodyTooLarge, fmt::format("the body is larger than {} bytes", limits_.max_body));
  }
  return {};
}

Result<std::size_t> RequestParser::feed_body(std::string_view bytes) {
  if (head_.chunked) {
    auto used = chunks_->feed(bytes, body_);
    if (used && chunks_->done()) state_ = State::kDone;
    return used;
  }
  const std::size_t n = std::min(bytes.size(), static_cast<std::size_t>(*head_.content_length) - body_.size());
  body_.append(bytes.substr(0, n));
  if (body_.size() == *head_.content_length) state_ = State::kDone;
  return n;
}

}  // namespace parley::http
