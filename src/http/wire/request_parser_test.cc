#include "http/wire/request_parser.h"

#include <gtest/gtest.h>

namespace parley::http {
namespace {

using State = RequestParser::State;

constexpr ParserLimits kLimits{.max_header = 1000, .max_body = 100};

struct Parsed {
  std::string method, path, query, body;
  bool keep_alive;
  friend bool operator==(const Parsed&, const Parsed&) = default;
};

/// Everything that `bytes`, cut into pieces of `step`, is read as; the error, if any, comes last.
std::pair<std::vector<Parsed>, std::optional<Error>> parse(std::string_view bytes, std::size_t step) {
  RequestParser parser(kLimits);
  std::vector<Parsed> out;
  std::string_view piece;
  while (!bytes.empty() || !piece.empty()) {
    if (piece.empty()) {
      piece = bytes.substr(0, step);
      bytes.remove_prefix(piece.size());
    }
    const auto used = parser.feed(piece);
    if (!used) return {out, used.error()};
    piece.remove_prefix(*used);
    if (parser.state() != State::kDone) continue;
    const RequestHead& head = parser.head();
    out.push_back({std::string(head.method), std::string(head.target.path), std::string(head.target.query),
                   std::string(parser.body()), head.keep_alive});
    parser.next();
  }
  return {out, std::nullopt};
}

/// The error, the same however the bytes are cut.
std::optional<Error> error_of(std::string_view bytes) {
  const auto whole = parse(bytes, bytes.size());
  EXPECT_EQ(parse(bytes, 1), whole) << bytes;
  EXPECT_EQ(parse(bytes, 7), whole) << bytes;
  return whole.second;
}

std::vector<Parsed> requests_in(std::string_view bytes) {
  EXPECT_EQ(error_of(bytes), std::nullopt) << bytes;
  return parse(bytes, bytes.size()).first;
}

TEST(RequestParser, ReadsRequestsHoweverTheyAreCut) {
  const auto requests = requests_in(
      "GET /ping?a=b?c HTTP/1.1\r\nHost: x\r\n\r\n"
      "\r\nPOST /api/send HTTP/1.1\r\nhOST:x:80\r\nContent-Length: 5\r\n\r\nhello"
      "POST / HTTP/1.1\r\nHost: [::1]:8080\r\nTransfer-Encoding: Chunked\r\nTrailer: t\r\n\r\n"
      "3;ext=\"v\"\r\nabc\r\n0A \t;x\r\n0123456789\r\n000\r\nT: v\r\nU:\r\n\r\n"
      "GET http://x/p?q HTTP/1.0\r\nHost: X\r\nConnection: keep-alive\r\n\r\n"
      "GET / HTTP/1.0\r\n\r\n"
      "OPTIONS * HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(requests, (std::vector<Parsed>{{"GET", "/ping", "a=b?c", "", true},
                                           {"POST", "/api/send", "", "hello", true},
                                           {"POST", "/", "", "abc0123456789", true},
                                           {"GET", "/p", "q", "", true},
                                           {"GET", "/", "", "", false},
                                           {"OPTIONS", "*", "", "", false}}));
}

TEST(RequestParser, AnAbsoluteTargetTakesThePlaceOfHost) {
  RequestParser parser({.max_header = 1000, .max_body = 0});
  const auto host_of = [&parser](std::string_view request) {
    parser.next();
    EXPECT_TRUE(parser.feed(request)) << request;
    return parser.head().host;
  };
  EXPECT_EQ(host_of("GET http://a:81/p HTTP/1.1\r\nHost: b\r\n\r\n"), "a:81");
  EXPECT_EQ(host_of("GET HTTPS://a HTTP/1.0\r\n\r\n"), "a");
  EXPECT_EQ(host_of("GET / HTTP/1.1\r\nHost: b\r\n\r\n"), "b");
}

TEST(RequestParser, RefusesARequestLineThatIsNotStrict) {
  for (const std::string_view line : {"GET  / HTTP/1.1",          "GET /  HTTP/1.1",
                                      " GET / HTTP/1.1",          "GET\t/ HTTP/1.1",
                                      "GET / HTTP/1.1 ",          "GET /",
                                      "GET / HTTP/2.0",           "GET / HTTP/1.2",
                                      "GET / HTTP/0.9",           "GET / http/1.1",
                                      "GET / HTTP/1.1.1",         "G(T / HTTP/1.1",
                                      "GET ping HTTP/1.1",        "GET * HTTP/1.1",
                                      "CONNECT x:80 HTTP/1.1",    "GET /a#b HTTP/1.1",
                                      "GET ftp://x/ HTTP/1.1",    "GET http:/// HTTP/1.1",
                                      "GET http://u@x/ HTTP/1.1", "GET /a\x01 HTTP/1.1",
                                      "GET /a\x7f HTTP/1.1",      "GET",
                                      "PRI * HTTP/2.0",           "\x16\x03\x01"}) {
    const auto error = error_of(std::string(line) + "\r\nHost: x\r\n\r\n");
    ASSERT_TRUE(error) << line;
    EXPECT_EQ(error->code, ErrorCode::kMalformedRequest) << line;
  }
}

TEST(RequestParser, RefusesHeadersThatAreNotStrict) {
  using namespace std::literals;
  for (const std::string_view fields : {
           // Transfer-Encoding that is not exactly chunked, or not alone
           "Host: x\r\nTransfer-Encoding: xchunked\r\n"sv,
           "Host: x\r\nTransfer-Encoding: gzip, chunked\r\n"sv,
           "Host: x\r\nTransfer-Encoding: chunked, chunked\r\n"sv,
           "Host: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"sv,
           "Host: x\r\nTransfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n"sv,
           "Host: x\r\nTransfer-Encoding: \"chunked\"\r\n"sv,
           "Host: x\r\nTransfer-Encoding: chunked;q=1\r\n"sv,
           "Host: x\r\nTransfer-Encoding:\r\n"sv,
           "Host: x\r\nTransfer-Encoding: \x0b"
           "chunked\r\n"sv,
           "Host: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n"sv,
           "Host: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n"sv,
           "Host: x\r\nContent-Length: 5\r\nTransfer-Encoding: xchunked\r\n"sv,
           // Content-Length
           "Host: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n"sv,
           "Host: x\r\nContent-Length: 5, 6\r\n"sv,
           "Host: x\r\nContent-Length: +5\r\n"sv,
           "Host: x\r\nContent-Length: -5\r\n"sv,
           "Host: x\r\nContent-Length: 0x5\r\n"sv,
           "Host: x\r\nContent-Length: 5 5\r\n"sv,
           "Host: x\r\nContent-Length:\r\n"sv,
           "Host: x\r\nContent-Length: 5,\r\n"sv,
           "Host: x\r\nContent-Length: 18446744073709551616\r\n"sv,
           // Host
           ""sv,
           "Host: x\r\nHost: x\r\n"sv,
           "Host: a b\r\n"sv,
           "Host: a/b\r\n"sv,
           "Host: u@a\r\n"sv,
           "Host: a:b\r\n"sv,
           "Host: a:80:80\r\n"sv,
           "Host: [::1\r\n"sv,
           "Host: [::1]80\r\n"sv,
           "Host: a, b\r\n"sv,
           "Host: x\r\nA: b\r\n c\r\n"sv,  // obs-fold
           "Host: x\r\n\tc\r\n"sv,
           " Host: x\r\n"sv,
           // bare LF and CR, controls
           "Host: x\nA: b\r\n"sv,
           "Host: x\r\nA: b\rC: d\r\n"sv,
           "Host: x\r\nA: b\r\r\n"sv,
           "Host: x\r\nA: b\0c\r\n"sv,
           "Host: x\r\nA\0: b\r\n"sv,
           "Host: x\r\nA: \x08\r\n"sv,
           "Host: x\r\nA: \x7f\r\n"sv,
           // names
           "Host : x\r\n"sv,
           "Host: x\r\nContent-Length : 5\r\n"sv,
           "Host: x\r\n: b\r\n"sv,
           "Host: x\r\nA B: c\r\n"sv,
           "Host: x\r\nA\xc3\xa4: c\r\n"sv,
           "Host: x\r\nnothing\r\n"sv,
       }) {
    const auto error = error_of("POST / HTTP/1.1\r\n" + std::string(fields) + "\r\n");
    ASSERT_TRUE(error) << fields;
    EXPECT_EQ(error->code, ErrorCode::kMalformedRequest) << fields;
  }
  EXPECT_TRUE(error_of("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"));
  EXPECT_TRUE(error_of("GET http://a/ HTTP/1.1\r\nHost: b/\r\n\r\n"));
  EXPECT_TRUE(error_of("GET http://a/ HTTP/1.1\r\n\r\n"));
  EXPECT_TRUE(error_of("\r\n\r\nGET / HTTP/1.1\r\nHost: b\r\n\r\n"));
  EXPECT_TRUE(error_of("GET / HTTP/1.1\n"));
}

TEST(RequestParser, TakesWhatTheRulesAllow) {
  // RFC 9110, 8.6: equal lengths may be taken for one.
  EXPECT_EQ(requests_in("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab")[0].body,
            "ab");
  EXPECT_EQ(requests_in("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2, 2\r\n\r\nab")[0].body, "ab");
  EXPECT_EQ(requests_in("GET /\xd1\x8f?{\"a\":1} HTTP/1.1\r\nHost: x\r\nA: \xd1\x8f\t\r\n\r\n")[0].query, "{\"a\":1}");
  EXPECT_EQ(requests_in("PURGE / HTTP/1.1\r\nHost: x\r\n\r\n")[0].method, "PURGE");
}

TEST(RequestParser, RefusesChunksThatAreNotStrict) {
  using namespace std::literals;
  for (const std::string_view body : {
           "\r\n"sv,
           "g\r\n"sv,
           "-1\r\n"sv,
           "+1\r\n"sv,
           "0x1\r\na\r\n"sv,
           " 1\r\na\r\n"sv,
           "1 \r\na\r\n"sv,
           "1\na\r\n"sv,
           "1\r\na\n"sv,
           "1\r\nab\r\n"sv,
           "1\r\na0\r\n"sv,
           "1 a\r\na\r\n"sv,
           "1;\x01\r\na\r\n"sv,
           "1;a\rb\r\na\r\n"sv,
           "11111111111111111\r\n"sv,
           "0\r\nA: b\n\r\n"sv,
           "0\r\nA : b\r\n\r\n"sv,
           "0\r\n A: b\r\n\r\n"sv,
           "0\r\nA: b\r\n c\r\n\r\n"sv,
           "0\r\nA: \0\r\n\r\n"sv,
           "0\r\nnothing\r\n\r\n"sv,
           "0\r\n\n"sv,
       }) {
    const auto error = error_of("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(body));
    ASSERT_TRUE(error) << body;
    EXPECT_EQ(error->code, ErrorCode::kMalformedRequest) << body;
  }
}

TEST(RequestParser, EveryLimitIsExact) {
  const auto header_of = [](std::size_t size) {
    const std::string start = "GET / HTTP/1.1\r\nHost: x\r\nA: ";
    return start + std::string(size - start.size() - 4, 'a') + "\r\n\r\n";
  };
  EXPECT_FALSE(error_of(header_of(1000)));
  EXPECT_EQ(error_of(header_of(1001))->code, ErrorCode::kHeadersTooLarge);
  EXPECT_EQ(error_of("GET /" + std::string(2000, 'a'))->code, ErrorCode::kHeadersTooLarge);

  const std::string post = "POST / HTTP/1.1\r\nHost: x\r\n";
  EXPECT_FALSE(error_of(post + "Content-Length: 100\r\n\r\n" + std::string(100, 'a')));
  EXPECT_EQ(error_of(post + "Content-Length: 101\r\n\r\n")->code, ErrorCode::kBodyTooLarge);
  const std::string chunked = post + "Transfer-Encoding: chunked\r\n\r\n";
  const std::string half = "32\r\n" + std::string(50, 'a') + "\r\n";
  EXPECT_FALSE(error_of(chunked + half + half + "0\r\n\r\n"));
  EXPECT_EQ(error_of(chunked + half + half + "1\r\n")->code, ErrorCode::kBodyTooLarge);
  EXPECT_EQ(error_of(chunked + "ffffffffffffffff\r\n")->code, ErrorCode::kBodyTooLarge);
  EXPECT_EQ(error_of(chunked + "0\r\nA: " + std::string(1000, 'a') + "\r\n\r\n")->code, ErrorCode::kHeadersTooLarge);
  EXPECT_EQ(error_of(chunked + "1;" + std::string(ChunkDecoder::kMaxExtensions, 'a'))->code,
            ErrorCode::kMalformedRequest);
  std::string crumbs = chunked;
  for (int i = 0; i < 50; ++i) crumbs += "1;" + std::string(100, 'a') + "\r\na\r\n";
  EXPECT_EQ(error_of(crumbs)->code, ErrorCode::kMalformedRequest);
}

TEST(RequestParser, TheNumberOfFieldsIsLimited) {
  RequestParser parser({.max_header = 65536, .max_body = 0});
  std::string header = "GET / HTTP/1.1\r\nHost: x\r\n";
  for (int i = 0; i < 256; ++i) header += "a:\r\n";
  EXPECT_EQ(parser.feed(header + "\r\n").error().code, ErrorCode::kHeadersTooLarge);
}

TEST(RequestParser, AnOversizedBodyStillHasItsHead) {
  RequestParser parser(kLimits);
  EXPECT_FALSE(parser.feed("POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n\r\n"));
  EXPECT_EQ(parser.state(), State::kBody);
  EXPECT_EQ(parser.head().target.path, "/p");
}

}  // namespace
}  // namespace parley::http
