#include "api/binding.h"

#include <functional>
#include <string>
#include <vector>

#include <api.pb.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <utf8.h>

#include "service/protobuf.h"

namespace parley::api {
namespace {

using namespace std::string_view_literals;
using service::PullRequest;
using service::SendRequest;

/// A request, and the call that is expected of it.
struct Input {
  std::string_view query = {};
  std::string_view content_type = {};  // empty: none
  std::string_view body = {};
  std::vector<std::string_view> keys = {};  // Idempotency-Key headers
  std::string_view encoding = {};           // empty: no Content-Encoding
};

template <class Call>
Result<Call> bind_input(const std::function<Result<Call>(const http::Request&)>& binder, const Input& input) {
  std::vector<http::Header> headers = {{"Host", "localhost"}};
  if (!input.content_type.empty()) headers.push_back({"content-TYPE", input.content_type});
  if (!input.encoding.empty()) headers.push_back({"content-ENCODING", input.encoding});
  for (const std::string_view key : input.keys) headers.push_back({"idempotency-key", key});
  http::Request request{};
  request.method = "POST";
  request.query = input.query;
  request.headers = headers;
  request.body = input.body;
  return binder(request);
}

std::string shown(const Result<SendRequest>& call) {
  if (!call) return std::string(error_info(call.error().code).name);
  return call->chat + "|" + call->text + "|" + call->sender + "|" + call->idempotency_key;
}
std::string shown(const Result<PullRequest>& call) {
  if (!call) return std::string(error_info(call.error().code).name);
  return call->chat + "|" + std::to_string(call->cursor) + "|" + std::to_string(call->limit) + "|" +
         (call->reverse ? "true" : "false");
}

bool is_utf8(std::string_view text) { return utf8::is_valid(text.begin(), text.end()); }

// The same calls by their descriptors alone, as any other call is bound.
Result<SendRequest> bind_send_by_descriptor(const http::Request& request) {
  ::api::SendRequest message;
  if (auto bound = bind_message(request, message); !bound) return std::unexpected(std::move(bound).error());
  const std::string receiver = message.receiver();
  SendRequest call = service::from_protobuf(std::move(message));
  if (auto applied = service::apply_receiver(call, receiver); !applied) {
    return std::unexpected(std::move(applied).error());
  }
  return call;
}
Result<PullRequest> bind_pull_by_descriptor(const http::Request& request) {
  ::api::PullRequest message;
  if (auto bound = bind_message(request, message); !bound) return std::unexpected(std::move(bound).error());
  return service::from_protobuf(std::move(message));
}

/// The call, which both ways must bind alike. By its descriptor, what a form has that is not UTF-8 is refused at once,
/// and not only by the service.
template <class Call>
Result<Call> bind_twice(Result<Call> (*fast)(const http::Request&), Result<Call> (*by_descriptor)(const http::Request&),
                        const Input& input) {
  auto call = bind_input<Call>(fast, input);
  const auto again = bind_input<Call>(by_descriptor, input);
  if (call && !is_utf8(shown(call))) {
    EXPECT_FALSE(again) << shown(call);
    return call;
  }
  EXPECT_EQ(shown(call), shown(again)) << input.query << " " << input.body;
  if (!call && !again) EXPECT_EQ(call.error().detail, again.error().detail);
  return call;
}

std::string sent(const Input& input) { return shown(bind_twice(bind_send, bind_send_by_descriptor, input)); }
std::string pulled(const Input& input) { return shown(bind_twice(bind_pull, bind_pull_by_descriptor, input)); }

std::string detail(const Input& input) {
  const auto call = bind_twice(bind_send, bind_send_by_descriptor, input);
  return call ? "none" : call.error().detail;
}

std::string protobuf_send() {
  ::api::SendRequest message;
  message.set_chat("a:b");
  message.set_text("hi");
  message.set_sender("a");
  message.set_idempotency_key("k");
  return message.SerializeAsString();
}

constexpr auto kForm = "application/x-www-form-urlencoded"sv;
constexpr auto kJson = "application/json"sv;
constexpr auto kProtobuf = "application/x-protobuf"sv;
constexpr auto kJsonSend = R"({"chat":"a:b","text":"hi","sender":"a","idempotency_key":"k"})"sv;
constexpr auto kFormSend = "chat=a%3Ab&text=hi&sender=a&idempotency_key=k"sv;

TEST(Binding, ReadsASendInEveryEncoding) {
  const std::string protobuf = protobuf_send();
  for (const Input& input : std::vector<Input>{{.content_type = kJson, .body = kJsonSend},
                                               {.content_type = "Application/JSON ; charset=UTF-8", .body = kJsonSend},
                                               {.body = kJsonSend},
                                               {.content_type = kForm, .body = kFormSend},
                                               {.content_type = kProtobuf, .body = protobuf},
                                               {.content_type = "application/protobuf", .body = protobuf},
                                               {.query = kFormSend}}) {
    EXPECT_EQ(sent(input), "a:b|hi|a|k") << input.content_type;
  }
}

TEST(Binding, ReadsAPullInEveryEncoding) {
  ::api::PullRequest message;
  message.set_chat("a:b");
  message.set_cursor(-5);
  message.set_limit(7);
  message.set_reverse(true);
  const std::string protobuf = message.SerializeAsString();
  const auto form = "chat=a:b&cursor=-5&limit=7&reverse=1"sv;
  for (const Input& input : std::vector<Input>{{.body = R"({"chat":"a:b","cursor":"-5","limit":7,"reverse":true})"},
                                               {.content_type = kForm, .body = form},
                                               {.content_type = kProtobuf, .body = protobuf},
                                               {.query = form}}) {
    EXPECT_EQ(pulled(input), "a:b|-5|7|true") << input.content_type;
  }
  EXPECT_EQ(pulled({}), "|0|0|false");
}

TEST(Binding, TakesTheReceiverForTheChatInEveryEncoding) {
  ::api::SendRequest message;
  message.set_text("hi");
  message.set_sender("ann");
  message.set_receiver("ben");
  const std::string protobuf = message.SerializeAsString();
  EXPECT_THAT(protobuf, testing::HasSubstr("\x4a\x03"
                                           "ben"));
  const auto form = "sender=ann&receiver=ben&text=hi"sv;
  for (const Input& input : std::vector<Input>{{.body = R"({"sender":"ann","Receiver":"ben","text":"hi"})"},
                                               {.content_type = kForm, .body = form},
                                               {.content_type = kProtobuf, .body = protobuf},
                                               {.query = form},
                                               {.query = "receiver=ben", .body = R"({"sender":"ann","text":"hi"})"},
                                               {.query = "chat=&sender=ann&receiver=ben&text=hi"}}) {
    EXPECT_EQ(sent(input), "ann:ben|hi|ann|") << input.content_type << input.body;
  }
  EXPECT_EQ(sent({.query = "sender=a&receiver=a"}), "a:a||a|");
}

TEST(Binding, TakesAReceiverBesideTheChatOnlyIfTheyAgree) {
  EXPECT_EQ(sent({.query = "chat=a:b&sender=b&receiver=a"}), "a:b||b|");
  EXPECT_EQ(sent({.query = "chat=b:a&sender=b&receiver=a"}), "b:a||b|");
  EXPECT_EQ(sent({.query = "chat=a:b&sender=a&receiver="}), "a:b||a|");
  EXPECT_EQ(sent({.query = "chat=a:b&sender=a&receiver=c"}), "invalid_chat");
  EXPECT_EQ(sent({.query = "chat=a:c&sender=a&receiver=b"}), "invalid_chat");
  EXPECT_EQ(sent({.query = "chat=a:b&sender=c&receiver=b"}), "invalid_chat");
  EXPECT_EQ(sent({.query = "chat=team&sender=a&receiver=b"}), "invalid_chat");
}

TEST(Binding, RefusesAReceiverThatMakesNoChat) {
  EXPECT_EQ(sent({.query = "receiver=b&text=hi"}), "sender_not_in_chat");
  EXPECT_EQ(sent({.query = "sender=&receiver=b"}), "sender_not_in_chat");
  EXPECT_EQ(sent({.query = "sender=a&receiver=a:b"}), "invalid_chat");
  EXPECT_EQ(sent({.query = "sender=a&receiver=:"}), "invalid_chat");
}

TEST(Binding, BindsAlikeByTheDescriptorWhateverComes) {
  for (const auto json : {R"({})"sv,
                          R"([])"sv,
                          R"(1)"sv,
                          R"(null)"sv,
                          R"("x")"sv,
                          R"({"text":1})"sv,
                          R"({"text":{}})"sv,
                          R"({"text":[]})"sv,
                          R"({"text":null,"Text":"a","TEXT":"b"})"sv,
                          R"({"a":{"text":[1,{"text":2}]}})"sv,
                          R"({"text":"\u0000\n\ud83d\ude00"})"sv,
                          R"({"text":"a"} x)"sv,
                          R"({"text":"a",})"sv,
                          R"({"te\u0078t":"a"})"sv,
                          R"({"text":"\ud83d"})"sv,
                          R"({"cursor":1.0})"sv,
                          R"({"cursor":1e3})"sv,
                          R"({"cursor":true})"sv,
                          R"({"cursor":"9223372036854775807"})"sv,
                          R"({"cursor":9223372036854775808})"sv,
                          R"({"cursor":" 1"})"sv,
                          R"({"limit":"2147483648"})"sv,
                          R"({"limit":-2147483648})"sv,
                          R"({"limit":"+1"})"sv,
                          R"({"limit":""})"sv,
                          R"({"reverse":1})"sv,
                          R"({"reverse":"true"})"sv,
                          R"({"limit":1,"limit":null})"sv,
                          R"({"":1})"sv}) {
    (void)sent({.body = json});
    (void)pulled({.body = json});
  }
  std::string deep = R"({"a":)" + std::string(40, '[');
  (void)sent({.body = deep});
  for (const auto form :
       {"text"sv, "text="sv, "text=a&text=b"sv, "te%78t=a"sv, "TEXT=a"sv, "text=a+b%2B"sv, "&&=&text=1&"sv,
        "cursor=&cursor=1&cursor="sv, "cursor=x&cursor=1"sv, "cursor=1&cursor=x"sv, "limit=2147483648"sv,
        "reverse=TrUe"sv, "reverse=0"sv, "reverse=yes"sv, "reverse="sv, "limit=1.0"sv, "x=%zz"sv, "cursor=-0"sv}) {
    for (const Input& input : std::vector<Input>{{.query = form},
                                                 {.content_type = kForm, .body = form},
                                                 {.query = form, .body = R"({"text":"b","cursor":7})"},
                                                 {.query = "text=q&limit=3", .content_type = kForm, .body = form}}) {
      (void)sent(input);
      (void)pulled(input);
    }
  }
}

TEST(Binding, RefusesMoreElementsThanAnyCallHas) {
  for (const std::size_t count : {service::kMaxListItems, service::kMaxListItems + 1}) {
    std::string json = R"({"messages":[{})";
    std::string form = "messages=%7B%7D";
    std::string protobuf = "\x0a";
    protobuf += '\0';
    for (std::size_t i = 1; i < count; ++i) {
      json += ",{}";
      form += "&messages=%7B%7D";
      protobuf += "\x0a";
      protobuf += '\0';
    }
    json += "]}";
    for (const Input& input : std::vector<Input>{{.body = json},
                                                 {.content_type = kForm, .body = form},
                                                 {.query = form},
                                                 {.content_type = kProtobuf, .body = protobuf}}) {
      ::api::PullResponse message;
      const auto bound =
          bind_input<void>([&message](const http::Request& r) { return bind_message(r, message); }, input);
      EXPECT_EQ(bound.has_value(), count == service::kMaxListItems) << input.content_type;
      if (bound) {
        EXPECT_EQ(message.messages_size(), count);
      } else {
        EXPECT_THAT(bound.error().detail, testing::HasSubstr("more than 4096 elements"));
      }
    }
  }
}

TEST(Binding, MixesBodyAndQueryAndTheBodyWins) {
  EXPECT_EQ(pulled({.query = "chat=q&cursor=1", .body = R"({"chat":"b","limit":2})"}), "b|1|2|false");
  EXPECT_EQ(pulled({.query = "chat=q&cursor=1", .content_type = kForm, .body = "chat=b&limit=2"}), "b|1|2|false");
  EXPECT_EQ(pulled({.query = "cursor=x", .body = R"({"cursor":3})"}), "|3|0|false");
  EXPECT_EQ(pulled({.query = "reverse=1", .body = R"({"reverse":false})"}), "|0|0|false");
  EXPECT_EQ(pulled({.query = "chat=q", .body = R"({"chat":""})"}), "|0|0|false");
  EXPECT_EQ(pulled({.query = "chat=q", .body = R"({"chat":null})"}), "q|0|0|false");
  EXPECT_EQ(pulled({.query = "limit=4", .content_type = kForm, .body = "limit="}), "|0|4|false");

  ::api::PullRequest message;
  message.set_chat("p");
  const std::string protobuf = message.SerializeAsString();
  EXPECT_EQ(pulled({.query = "chat=q&cursor=1", .content_type = kProtobuf, .body = protobuf}), "p|1|0|false");
}

TEST(Binding, IgnoresContentTypeWhereThereIsNoBody) {
  EXPECT_EQ(pulled({.query = "chat=q", .content_type = "image/png"}), "q|0|0|false");
  EXPECT_EQ(pulled({.query = "chat=q", .content_type = kProtobuf}), "q|0|0|false");
}

TEST(Binding, RefusesAnUnknownContentType) {
  for (const auto type : {"text/plain", "multipart/form-data; boundary=x", "application/problem+json", "json"}) {
    EXPECT_EQ(sent({.content_type = type, .body = kJsonSend}), "unsupported_media_type") << type;
  }
}

TEST(Binding, RefusesWhatItCannotRead) {
  const std::string protobuf = protobuf_send();
  for (const Input& input :
       std::vector<Input>{{.body = kFormSend},
                          {.body = " \r\n"},
                          {.content_type = kJson, .body = "{"},
                          {.content_type = kForm, .body = "text=%"},
                          {.query = "text=%", .body = kJsonSend},
                          {.query = "utm=100%", .body = kJsonSend},
                          {.content_type = kProtobuf, .body = kJsonSend},
                          {.content_type = kProtobuf, .body = std::string_view(protobuf).substr(0, 6)}}) {
    EXPECT_EQ(sent(input), "malformed_request") << input.content_type << input.body;
  }
}

TEST(Binding, SaysWhatABodyIsThatItCannotRead) {
  using testing::HasSubstr;
  for (const auto json : {R"({"chat":"a:b"})"sv, " \r\n[1]"sv, R"({"text":"100%"})"sv}) {
    const std::string form = detail({.content_type = kForm, .body = json});
    EXPECT_THAT(form, HasSubstr("was read as a form"));
    EXPECT_THAT(form, HasSubstr("Content-Type: application/json"));
  }
  for (const auto type : {""sv, kJson, kForm, kProtobuf}) {
    EXPECT_THAT(detail({.content_type = type, .body = "\x1f\x8b\x08"}), HasSubstr("is gzip")) << type;
    EXPECT_THAT(detail({.content_type = type, .body = "\xef\xbb\xbf{}"}), HasSubstr("byte order mark")) << type;
  }
  EXPECT_THAT(detail({.content_type = kProtobuf, .body = "\x12\x01\xff"}), HasSubstr("not UTF-8"));
  EXPECT_THAT(detail({.content_type = kProtobuf, .body = "\x12\x05\xff"}), HasSubstr("not a protobuf message"));
}

TEST(Binding, RefusesAnEncodedBody) {
  for (const auto encoding : {"gzip", "identity, gzip", "br", "x"}) {
    const Input input{.content_type = kJson, .body = kJsonSend, .encoding = encoding};
    EXPECT_EQ(sent(input), "unsupported_media_type") << encoding;
    EXPECT_THAT(detail(input), testing::HasSubstr(encoding));
  }
  EXPECT_EQ(sent({.body = kJsonSend, .encoding = "Identity"}), "a:b|hi|a|k");
  EXPECT_EQ(sent({.query = kFormSend, .encoding = "gzip"}), "a:b|hi|a|k") << "there is no body";
}

TEST(Binding, RefusesInvalidUtf8InJsonAndProtobufButNotInForms) {
  EXPECT_EQ(sent({.body = "{\"text\":\"\xff\"}"}), "malformed_request");
  EXPECT_EQ(sent({.content_type = kProtobuf, .body = "\x12\x01\xff"}), "malformed_request");
  EXPECT_EQ(sent({.content_type = kProtobuf, .body = "\x12\x03\xed\xa0\x80"}), "malformed_request");
  EXPECT_EQ(sent({.content_type = kForm, .body = "text=%ff"}), "|\xff||");
  EXPECT_EQ(sent({.query = "text=%ED%A0%80"}), "|\xed\xa0\x80||");
}

TEST(Binding, SkipsUnknownFieldsOfProtobuf) {
  const std::string body = protobuf_send() + "\x28\x05" + "\xc2\x3e\x02hi";  // 5: a varint, 1000: bytes
  EXPECT_EQ(sent({.content_type = kProtobuf, .body = body}), "a:b|hi|a|k");
}

TEST(Binding, TakesTheIdempotencyKeyFromTheHeaderAsItStands) {
  EXPECT_EQ(sent({.keys = {"\"k\""}}), "|||\"k\"");
  EXPECT_EQ(sent({.keys = {"\xff"}}), "|||\xff");
  EXPECT_EQ(sent({.body = kJsonSend, .keys = {"k"}}), "a:b|hi|a|k");
  EXPECT_EQ(sent({.query = "idempotency_key=k", .keys = {"k", "k"}}), "|||k");
}

TEST(Binding, RefusesIdempotencyKeysThatDisagree) {
  EXPECT_EQ(sent({.body = kJsonSend, .keys = {"other"}}), "invalid_idempotency_key");
  EXPECT_EQ(sent({.body = kJsonSend, .keys = {"\"k\""}}), "invalid_idempotency_key");
  EXPECT_EQ(sent({.query = "idempotency_key=q", .keys = {"k"}}), "invalid_idempotency_key");
  EXPECT_EQ(sent({.keys = {"k", "other"}}), "invalid_idempotency_key");
  EXPECT_EQ(sent({.keys = {"k", "K"}}), "invalid_idempotency_key");
}

TEST(Binding, TakesAnEmptyIdempotencyKeyAsNone) {
  EXPECT_EQ(sent({.keys = {""}}), "|||");
  EXPECT_EQ(sent({.body = kJsonSend, .keys = {""}}), "a:b|hi|a|k");
  EXPECT_EQ(sent({.body = R"({"idempotency_key":""})", .keys = {"", "k"}}), "|||k");
}

}  // namespace
}  // namespace parley::api
