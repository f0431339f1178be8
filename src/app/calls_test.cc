// Calls that only this test has are found everywhere that a call is: over HTTP in each encoding, through a gateway, by
// Thrift, in metrics, in OpenAPI and for Postman. All of it follows from their rows.
#include <atomic>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>
#include <calls_fixture.pb.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/api_routes.h"
#include "api/assets.h"
#include "api/docs_routes.h"
#include "api/openapi.h"
#include "http/client/http_client.h"
#include "http/server/server.h"
#include "rpc/client/remote_service.h"
#include "rpc/server/server.h"
#include "rpc/wire/messages.h"
#include "service/local_service.h"
#include "store/memory/store.h"

namespace parley::app {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::HasSubstr;
using testing::Not;

Task<fixture::TallyResponse> tally(const service::Resources&, fixture::TallyRequest& request, service::CallContext) {
  if (request.since() < 0) co_return fail(ErrorCode::kInvalidField, "since is negative");
  fixture::TallyResponse response;
  response.set_title(request.title());
  response.set_has_title(request.has_title());
  response.set_count(request.tags_size() + request.users_size());
  *response.mutable_tags() = request.tags();
  *response.mutable_users() = request.users();
  *response.mutable_request() = std::move(request);
  co_return response;
}

/// The table of a node or a gateway of this build.
std::vector<service::CallRow> rows(std::atomic<int>& notes) {
  std::vector<service::CallRow> all = service::program_calls();
  all.push_back(service::call_row<fixture::TallyRequest, fixture::TallyResponse>(
      "Tally", "/api/tally", service::Effect::kReads, {ErrorCode::kChatNotFound}, tally));
  all.push_back(service::call_row<fixture::NoteRequest, fixture::NoteResponse>(
      "Note", "/api/note", service::Effect::kOnceByKey, {},
      [&notes](const service::Resources&, fixture::NoteRequest&, service::CallContext) -> Task<fixture::NoteResponse> {
        return [](int count) -> Task<fixture::NoteResponse> {
          fixture::NoteResponse response;
          response.set_notes(count);
          co_return response;
        }(++notes);
      }));
  return all;
}

/// A listener for HTTP in front of a service.
class Front {
 public:
  Front(net::LoopPool& loops, service::MessageService& service, const service::CallTable& calls)
      : server_(loops, {"127.0.0.1", 0}, api::api_routes(service, calls, memory_, http::ErrorFormat::kProblem, {}), {},
                memory_, metrics_, "http") {
    EXPECT_TRUE(server_.listen());
    server_.start();
    client_.emplace(asking_, http::ServerUrl::parse("http://" + server_.endpoint().to_string()).value(),
                    milliseconds(20'000));
  }
  http::HttpAnswer call(std::string method, std::string target, std::string type = {}, std::string body = {},
                        std::vector<std::pair<std::string, std::string>> headers = {}) {
    if (!type.empty()) headers.emplace_back("Content-Type", type);
    auto answer =
        asking_.finish(client_->call({std::move(method), std::move(target), std::move(headers), std::move(body)}));
    EXPECT_TRUE(answer) << answer.error().why;
    return answer ? *answer : http::HttpAnswer{};
  }
  std::string metrics() const { return metrics_.text(); }

 private:
  MemoryBudget memory_{std::size_t{64} << 20};
  MetricsRegistry metrics_;
  http::HttpServer server_;
  net::Loop asking_;
  std::optional<http::HttpClient> client_;
};

constexpr std::string_view kJson =
    R"({"Chat":"a:b","tags":[{"name":"x","weight":"2","unknown":[{}]},{"name":"y","shown":true,"inner":{"name":"z"}}],)"
    R"("users":["u","v"],"best":{"name":"x","weight":-1},"TITLE":"","deep":true,"since":"9007199254740993",)"
    R"("limit":null,"other":{"chat":1},"times":[1,"2"]})";
constexpr std::string_view kQuery =
    "chat=a:b&users=u&users=v&title=&deep=TRUE&since=9007199254740993&limit=&times=1&times=2&other=1"
    "&tags=%7B%22name%22:%22x%22,%22weight%22:2%7D"
    "&tags=%7B%22name%22:%22y%22,%22shown%22:true,%22inner%22:%7B%22name%22:%22z%22%7D%7D"
    "&best=%7B%22name%22:%22no%22%7D&best=%7B%22name%22:%22x%22,%22weight%22:-1%7D";
constexpr std::string_view kAnswer =
    R"({"request":{"chat":"a:b",)"
    R"("tags":[{"name":"x","weight":2,"shown":false},{"name":"y","shown":true,"inner":{"name":"z","shown":false}}],)"
    R"("users":["u","v"],"best":{"name":"x","weight":-1,"shown":false},"title":"","deep":true,)"
    R"("since":9007199254740993,"times":[1,2]},"title":"","has_title":true,"count":4,)"
    R"("tags":[{"name":"x","weight":2,"shown":false},{"name":"y","shown":true,"inner":{"name":"z","shown":false}}],)"
    R"("users":["u","v"]})";

constexpr auto kForm = "application/x-www-form-urlencoded";
constexpr auto kProtobuf = "application/x-protobuf";

fixture::TallyRequest request() {
  fixture::TallyRequest out;
  out.set_chat("a:b");
  fixture::Tag& x = *out.add_tags();
  x.set_name("x");
  x.set_weight(2);
  fixture::Tag& y = *out.add_tags();
  y.set_name("y");
  y.set_shown(true);
  y.mutable_inner()->set_name("z");
  out.add_users("u");
  out.add_users("v");
  out.mutable_best()->set_name("x");
  out.mutable_best()->set_weight(-1);
  out.set_title("");
  out.set_deep(true);
  out.set_since(9007199254740993);
  out.add_times(1);
  out.add_times(2);
  return out;
}

/// A node with its store, a gateway in front of it, and a listener for HTTP at each.
class CallsTest : public testing::Test {
 protected:
  CallsTest() {
    EXPECT_TRUE(rpc_.listen());
    rpc_.start();
    gateway_ = std::make_unique<rpc::RemoteService>(loops_, std::vector{rpc_.endpoint()}, service::ServiceLimits{},
                                                    rpc::ClientOptions{}, gateway_metrics_);
    const auto started = gateway_->wait_until_started(steady_clock::now() + std::chrono::seconds(20));
    EXPECT_TRUE(started) << started.error().detail;
    fronts_.push_back(std::make_unique<Front>(loops_, local_, calls_));
    fronts_.push_back(std::make_unique<Front>(loops_, *gateway_, calls_));
  }

  /// A reply by the framed binary protocol, over a connection of its own.
  rpc::ReplyResult<rpc::CallResponse> by_thrift(std::string name, std::string message) {
    boost::asio::io_context io;
    boost::asio::ip::tcp::socket socket(io);
    socket.connect({boost::asio::ip::make_address("127.0.0.1"), rpc_.endpoint().port});
    const std::string call =
        rpc::encode_call(rpc::CallRequest{std::move(name), std::move(message)}, 7, rpc::Protocol::kBinary);
    boost::asio::write(socket, boost::asio::buffer(framed(call)));
    std::string length(4, '\0');
    boost::asio::read(socket, boost::asio::buffer(length));
    std::size_t size = 0;
    for (const char c : length) size = size << 8 | static_cast<unsigned char>(c);
    std::string reply(size, '\0');
    boost::asio::read(socket, boost::asio::buffer(reply));
    return rpc::decode_call_reply(reply, rpc::Protocol::kBinary);
  }
  static std::string framed(const std::string& message) {
    std::string out;
    for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(message.size() >> shift);
    return out + message;
  }

  std::atomic<int> notes_ = 0;
  const service::CallTable calls_{rows(notes_)};
  net::LoopPool loops_{1};
  net::LoopPool node_loops_{1};
  MetricsRegistry node_metrics_;
  MetricsRegistry gateway_metrics_;
  MemoryBudget memory_{std::size_t{64} << 20};
  std::atomic<bool> draining_ = false;
  std::unique_ptr<store::MessageStore> store_ = store::make_memory_store({}, node_loops_, node_metrics_);
  service::LocalService local_{*store_, {}};
  rpc::RpcServer rpc_{node_loops_,
                      {"127.0.0.1", 0},
                      rpc::CallHandler(
                          local_, calls_, [this] { return store_->id(); }, [] { return "memory"; }, draining_),
                      {},
                      draining_,
                      memory_,
                      node_metrics_};
  std::unique_ptr<rpc::RemoteService> gateway_;
  std::vector<std::unique_ptr<Front>> fronts_;
};

TEST_F(CallsTest, AnswersOverHttpInEachEncodingAtANodeAndThroughAGateway) {
  const std::string protobuf = request().SerializeAsString();
  for (const auto& front : fronts_) {
    for (const http::HttpAnswer& answer :
         {front->call("POST", "/api/tally", "application/json", std::string(kJson)),
          front->call("POST", "/api/tally", "", std::string(kJson)),
          front->call("POST", "/api/tally", kForm, std::string(kQuery)),
          front->call("POST", "/api/tally", kProtobuf, protobuf),
          front->call("GET", "/api/tally?" + std::string(kQuery)),
          front->call("GET", "/api/tally", "application/json", std::string(kJson)),
          front->call("GET", "/api/tally?users=no&chat=no&tags=no", kProtobuf, protobuf)}) {
      EXPECT_EQ(answer.status, 200U);
      EXPECT_EQ(answer.body, kAnswer);
    }
    const auto answer = front->call("POST", "/api/tally", kProtobuf, protobuf, {{"Accept", kProtobuf}});
    fixture::TallyResponse response;
    ASSERT_TRUE(response.ParseFromString(answer.body));
    EXPECT_EQ(response.request().SerializeAsString(), protobuf);
    EXPECT_EQ(response.count(), 4);
  }
}

TEST_F(CallsTest, AnswersTheAlwaysFieldsOfNothing) {
  for (const auto& front : fronts_) {
    EXPECT_EQ(front->call("GET", "/api/tally").body,
              R"({"request":{},"title":"","has_title":false,"count":0,"tags":[]})");
  }
}

TEST_F(CallsTest, ErrorsNameTheField) {
  struct Case {
    std::string body;
    std::string code;
    std::string detail;
  };
  for (const auto& front : fronts_) {
    for (const Case& test : std::vector<Case>{
             {R"({"since":-1})", "invalid_field", "since is negative"},
             {R"({"tags":[{},{"weight":1.5}]})", "malformed_request", "tags[1].weight is not a 32-bit integer"},
             {R"({"best":{"inner":{"shown":"x"}}})", "malformed_request", "best.inner.shown is not a boolean"},
             {R"({"limit":2147483648})", "malformed_request", "limit is not a 32-bit integer"},
             {R"({"users":"u"})", "malformed_request", "users is not a list"},
             {R"({"best":1})", "malformed_request", "best is not an object"},
             {R"({"chat":"\ud800"})", "malformed_request", "half of a surrogate pair"},
             {R"({"chat":)", "malformed_request", "it ends too early, after 8 bytes"}}) {
      const auto answer = front->call("POST", "/api/tally", "", test.body);
      EXPECT_EQ(answer.code, test.code) << test.body;
      EXPECT_THAT(answer.body, HasSubstr(test.detail)) << test.body;
    }
    EXPECT_EQ(front->call("GET", "/api/tally?chat=%ff").code, "invalid_chat");
    EXPECT_EQ(front->call("GET", "/api/tally?users=%ff").code, "invalid_field");
    EXPECT_THAT(front->call("GET", "/api/tally?best=x").body, HasSubstr("best: "));
  }
}

TEST_F(CallsTest, TheEffectSaysWhichMethodsThereAre) {
  for (const auto& front : fronts_) {
    EXPECT_EQ(front->call("DELETE", "/api/tally").code, "method_not_allowed");
    EXPECT_EQ(front->call("GET", "/api/tally/?chat=a").status, 301U);
    EXPECT_EQ(front->call("GET", "/api/note").code, "method_not_allowed");
    EXPECT_EQ(front->call("POST", "/api/note", "", "{}", {{"Idempotency-Key", "k"}}).status, 200U);
    EXPECT_EQ(front->call("POST", "/api/note", "", R"({"idempotency_key":"l"})", {{"Idempotency-Key", "k"}}).code,
              "invalid_idempotency_key");
  }
  EXPECT_EQ(notes_, 2);
}

TEST_F(CallsTest, ThriftMakesAnyCallByItsName) {
  const auto reply = by_thrift("Tally", request().SerializeAsString());
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->code, 0);
  fixture::TallyResponse response;
  ASSERT_TRUE(response.ParseFromString(reply->response.message));
  EXPECT_EQ(response.count(), 4);

  fixture::TallyRequest wrong;
  wrong.set_since(-1);
  const auto refused = by_thrift("Tally", wrong.SerializeAsString());
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->code, static_cast<int>(ErrorCode::kInvalidField));
  EXPECT_EQ(refused->message, "since is negative");
  EXPECT_EQ(by_thrift("Tally", "\xff")->code, static_cast<int>(ErrorCode::kMalformedRequest));
  EXPECT_EQ(by_thrift("Nothing", "")->code, static_cast<int>(ErrorCode::kNotSupported));
}

TEST_F(CallsTest, SendAndPullEndByNameAsTheyDoByTheirOwnMethods) {
  const std::string send = std::string("\x12\x02hi\x1a\x01") + "b\x4a\x01" + "a";  // text, sender, receiver
  const auto sent = by_thrift("Send", send);
  ASSERT_TRUE(sent) << sent.error().message;
  EXPECT_EQ(sent->code, 0) << sent->message;
  EXPECT_THAT(sent->response.message, HasSubstr("a:b"));
  const auto pulled = by_thrift("Pull", std::string("\x0a\x03") + "b:a");
  EXPECT_THAT(pulled->response.message, HasSubstr("hi"));
  EXPECT_THAT(fronts_[1]->call("GET", "/api/pull?chat=a:b").body, HasSubstr(R"("text":"hi")"));
  EXPECT_EQ(by_thrift("Pull", std::string("\x0a\x03") + "a:c")->code, static_cast<int>(ErrorCode::kChatNotFound));
}

TEST_F(CallsTest, TheMetricsOfBothListenersNameIt) {
  (void)fronts_[1]->call("GET", "/api/tally");
  (void)fronts_[1]->call("GET", "/api/tally?since=-1");
  (void)by_thrift("Nothing", "");
  EXPECT_THAT(fronts_[1]->metrics(),
              HasSubstr(R"(parley_http_requests_total{listener="http",route="/api/tally",status="200"} 1)"));
  const std::string node = node_metrics_.text();
  EXPECT_THAT(node, HasSubstr(R"(parley_rpc_requests_total{method="Tally",code="success"} 1)"));
  EXPECT_THAT(node, HasSubstr(R"(parley_rpc_requests_total{method="Tally",code="invalid_field"} 1)"));
  EXPECT_THAT(node, HasSubstr(R"(parley_rpc_requests_total{method="other",code="not_supported"} 1)"));
}

TEST_F(CallsTest, OpenApiAndPostmanDescribeIt) {
  std::ifstream file(PARLEY_CALLS_FIXTURE, std::ios::binary);
  ASSERT_TRUE(file);
  std::ostringstream descriptors;
  descriptors << file.rdbuf();
  const std::string openapi =
      api::openapi_document(api::openapi_frame(), calls_, api::read_comments(descriptors.str()));
  EXPECT_THAT(openapi, HasSubstr(R"("/api/tally":{"get":{"operationId":"tally","tags":["messages"],)"
                                 R"("summary":"Tally the tags","description":"Answers what it was asked.")"));
  EXPECT_THAT(openapi, HasSubstr(R"("operationId":"tallyByBody")"));
  EXPECT_THAT(openapi, HasSubstr(R"("/api/note":{"post":{"operationId":"note")"));
  EXPECT_THAT(openapi, HasSubstr(R"("description":"The tags to count.")"));
  EXPECT_THAT(openapi, HasSubstr(R"("description":"What was asked for.")"));
  EXPECT_THAT(openapi, HasSubstr(R"("required":["title","has_title","count","tags"])"));
  EXPECT_THAT(openapi, HasSubstr(R"("TagInput":{)"));
  EXPECT_THAT(openapi, HasSubstr(R"("MalformedRequestOrInvalidField")"));
  EXPECT_THAT(openapi, HasSubstr(R"("TallyRequestAnswer":{)"));
  EXPECT_THAT(openapi, Not(HasSubstr("\"x-parley")));
  EXPECT_THAT(openapi, Not(HasSubstr("\"x-errors")));

  const std::string postman = api::postman_collection(openapi);
  EXPECT_THAT(postman, HasSubstr(R"("name":"Tally the tags","request":{"method":"GET")"));
  EXPECT_THAT(postman, HasSubstr(R"("raw":"{{baseUrl}}/api/note")"));
  for (const http::Route& route : api::docs_routes(calls_, memory_, http::ErrorFormat::kProblem)) {
    if (route.path != "/openapi.json" && route.path != "/docs/postman.json") continue;
    boost::asio::io_context io;
    const http::Request get{.method = "GET",
                            .path = route.path,
                            .query = {},
                            .headers = {},
                            .body = {},
                            .request_id = "r",
                            .deadline = kNoDeadline};
    auto response = boost::asio::co_spawn(io, route.handler(get), boost::asio::use_future);
    io.run();
    EXPECT_THAT(response.get().body, HasSubstr("/api/tally")) << route.path;
  }
}

TEST(CallTable, RefusesWhatIsABug) {
  std::vector<service::CallRow> twice = service::program_calls();
  twice.push_back(twice.front());
  EXPECT_THROW(service::CallTable{std::move(twice)}, std::logic_error);
}

}  // namespace
}  // namespace parley::app
