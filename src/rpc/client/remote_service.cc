#include "rpc/client/remote_service.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <boost/asio/post.hpp>
#include <fmt/format.h>
#include <google/protobuf/message.h>

#include "chat/text.h"
#include "rpc/client/verdict.h"
#include "service/protobuf.h"

namespace parley::rpc {
namespace {

/// What goes around the message of a call: its name and the frame.
constexpr std::size_t kAroundMessage = std::size_t{64} << 10;

/// A request that brings down each node that it reaches must come to an end.
constexpr int kMaxAttempts = 8;

/// What is sent twice to a node that knows no keys is stored twice.
RequestKind kind_at(const Node& node, RequestKind kind) {
  return kind == RequestKind::kKeyedSend && node.keyless() ? RequestKind::kSend : kind;
}

/// The page that a node answered, within `range.max_bytes`, since the node's own bound may be higher. A page of ours
/// can be cut anywhere. A page of a foreign server passes whole or not at all: only that server knows which cursor
/// leads to the rest.
Result<Page> check_page(Page page, const PageRange& range, bool foreign) {
  if (!std::ranges::all_of(page.messages, [](const Message& m) { return is_utf8(m.text) && is_utf8(m.sender); })) {
    return fail(ErrorCode::kBadUpstream, "the node answered a text that is not UTF-8");
  }
  PageRoom room({.limit = std::numeric_limits<std::int32_t>::max(), .max_bytes = range.max_bytes});
  const auto end = std::ranges::find_if(page.messages, [&](const Message& m) { return !room.take(m.text.size()); });
  if (end == page.messages.end()) return page;
  if (foreign) {
    return fail(
        ErrorCode::kBadUpstream,
        fmt::format("the page of the foreign server is over --max-page-bytes ({}), and a gateway cannot cut it: "
                    "pull with a smaller limit",
                    range.max_bytes));
  }
  page.messages.erase(end, page.messages.end());
  page.has_more = true;
  page.next_cursor = next_cursor(page.messages, range);
  return page;
}

/// A send that may go to a node, and what is made of a node's answer.
struct Sending {
  using Response = service::SendResponse;
  static constexpr bool kOfOurs = false;

  [[nodiscard]] Verdict<Response> judge(const CallResult& result, RequestKind kind_there, Codes codes) const {
    return judge_send(result, kind_there, codes);
  }
  [[nodiscard]] Result<Response> finish(Response answer, bool /*foreign*/) {
    answer.chat = std::move(std::get<service::SendRequest>(request).chat);
    return answer;
  }

  Request request;
  RequestKind kind;
};

/// A pull, likewise.
struct Pulling {
  using Response = service::PullResponse;
  static constexpr bool kOfOurs = false;

  [[nodiscard]] Verdict<Response> judge(const CallResult& result, RequestKind /*kind_there*/, Codes codes) const {
    return judge_pull(result, codes, range);
  }
  [[nodiscard]] Result<Response> finish(Response answer, bool foreign) {
    auto page = check_page(std::move(answer.page), range, foreign);
    if (!page) return std::unexpected(std::move(page).error());
    return Response{std::move(std::get<service::PullRequest>(request).chat), *std::move(page)};
  }

  Request request;
  PageRange range;
  static constexpr RequestKind kind = RequestKind::kPull;  // NOLINT(readability-identifier-naming): as Sending's
};

/// Any other call, likewise.
struct Calling {
  using Response = CallResponse;
  static constexpr bool kOfOurs = true;  // only our nodes have the method

  [[nodiscard]] Verdict<Response> judge(const CallResult& result, RequestKind kind_there, Codes codes) const {
    return judge_call(result, kind_there, codes);
  }
  [[nodiscard]] static Result<Response> finish(Response answer, bool /*foreign*/) { return answer; }

  Request request;
  RequestKind kind;
};

RequestKind kind_of(const service::CallRow& row, const service::Protobuf& request) {
  if (row.effect == service::Effect::kReads) return RequestKind::kPull;
  const auto* const key = service::idempotency_key_field(*request.GetDescriptor());
  const bool keyed = row.effect == service::Effect::kOnceByKey && key != nullptr &&
                     !request.GetReflection()->GetString(request, key).empty();
  return keyed ? RequestKind::kKeyedSend : RequestKind::kSend;
}

Result<Sending> prepare(service::SendRequest&& request, const service::ServiceLimits& limits) {
  const auto chat = service::check(request, limits);
  if (!chat) return std::unexpected(chat.error());
  request.chat = chat->name();
  const RequestKind kind = request.idempotency_key.empty() ? RequestKind::kSend : RequestKind::kKeyedSend;
  return Result<Sending>(std::in_place, std::move(request), kind);
}

Result<Pulling> prepare(const service::PullRequest& request, const service::ServiceLimits& limits,
                        const StoreIdentity& identity) {
  // The cursors of a foreign server are its own, negative ones too, and come back to it.
  const bool foreign_cursor = request.cursor < 0 && identity.is_foreign();
  auto query = service::validate(
      foreign_cursor ? service::PullRequest{request.chat, 0, request.limit, request.reverse} : request, limits);
  if (!query) return std::unexpected(std::move(query).error());
  PageRange& range = query->range;
  if (foreign_cursor) range.cursor = request.cursor;
  return Pulling{service::PullRequest{query->chat.name(), range.cursor, range.limit, range.reverse}, range};
}

}  // namespace

RemoteService::RemoteService(net::LoopPool& loops, std::vector<net::Endpoint> names, service::ServiceLimits limits,
                             const ClientOptions& options, MetricsRegistry& metrics, net::Resolve resolve)
    : loops_(loops),
      limits_(limits),
      max_request_(options.max_request),
      metrics_(net::ClientMetrics::publish(metrics, {.prefix = "parley_backend",
                                                     .peer = "node",
                                                     .peers = "nodes",
                                                     .outcomes = {kOutcomeNames.begin(), kOutcomeNames.end()}})),
      loops_without_(loops.size()),
      resolver_(loops[0], std::move(names), options.refresh, std::move(resolve),
                [this](const net::Addresses& addresses) { set_addresses(addresses); }),
      resolving_(loops[0].executor()) {
  for (std::size_t i = 0; i < loops_.size(); ++i) {
    pools_.push_back(
        std::make_unique<NodePool>(loops_[i], options, identity_, *metrics_, [this](bool lost) { on_lost(lost); }));
  }
  boost::asio::post(loops_[0].executor(), [this] { resolver_.start(resolving_); });
}

RemoteService::~RemoteService() {
  net::stop_on(loops_[0], [this] { resolver_.stop(); }, resolving_.wait());
  for (std::size_t i = 0; i < pools_.size(); ++i) {
    net::stop_on(loops_[i], [this, i] { pools_[i]->stop(); }, pools_[i]->ended());
  }
  net::run_on(loops_[0], [] {});  // what on_lost() posted
}

void RemoteService::set_addresses(const net::Addresses& addresses) {
  for (std::size_t i = 0; i < pools_.size(); ++i) {
    boost::asio::post(loops_[i].executor(), [this, i, addresses] { pools_[i]->set_addresses(addresses); });
  }
}

void RemoteService::on_lost(bool lost) {
  const std::size_t before = lost ? loops_without_.fetch_add(1) : loops_without_.fetch_sub(1);
  if (before != (lost ? 0 : 1)) return;
  boost::asio::post(loops_[0].executor(), [this] { resolver_.hurry(loops_without_.load() > 0); });
}

Result<void> RemoteService::wait_until_started(Deadline deadline) {
  resolver_.wait_until_tried(deadline);
  Result<void> all;
  for (std::size_t i = 0; i < pools_.size() && all; ++i) {
    all = net::run_on(loops_[i], pools_[i]->started(deadline));
  }
  if (auto conflict = identity_.conflict(loops_.now()); !conflict.empty())
    return fail(ErrorCode::kUnavailable, conflict);
  return all;
}

template <class Question>
Task<typename Question::Response> RemoteService::ask(Result<Question> question, service::CallContext context) {
  using Next = Verdict<typename Question::Response>::Next;
  if (!question) co_return std::unexpected(std::move(question).error());
  NodePool& nodes = pool();
  std::shared_ptr<Node> node;
  std::vector<std::shared_ptr<Node>> lacking;  // those that have no such call
  bool maybe_stored = false;
  for (int attempt = 1;; ++attempt) {
    const NodeWish wish{question->kind, node.get(), lacking};
    auto next_node = nodes.pick(wish);
    if (next_node && !*next_node) next_node = co_await nodes.wait_and_pick(context.deadline, wish);
    if (!next_node) co_return std::unexpected(in_view_of_earlier(std::move(next_node).error(), maybe_stored));
    node = *std::move(next_node);
    if (Question::kOfOurs && node->foreign()) {
      // Not asked: Kitex ends the connection of a client that calls what it does not have, and with it others' calls.
      lacking.push_back(node);
      if (nodes.has_another(lacking)) continue;
      Error error{ErrorCode::kNotSupported, "a foreign server has no such call"};
      co_return std::unexpected(in_view_of_earlier(std::move(error), maybe_stored));
    }
    const RequestKind kind = kind_at(*node, question->kind);
    const Codes codes = node->foreign() ? Codes::kForeign : Codes::kOurs;
    const bool foreign = node->keyless();
    node->metrics().in_flight.add(1);
    PendingCall call(*node->connection(), question->request,
                     {.deadline = context.deadline,
                      .request_id = context.request_id,
                      .movable = kind != RequestKind::kSend,
                      .traceparent = context.traceparent});
    co_await call.ended();
    node->metrics().in_flight.add(-1);
    node->metrics().observe(call.result().outcome);
    auto verdict = question->judge(call.result(), kind, codes);
    if (verdict.response) co_return question->finish(*std::move(verdict.response), foreign);
    const bool lacks = verdict.response.error().code == ErrorCode::kNotSupported;
    if (lacks) lacking.push_back(node);
    const bool elsewhere = nodes.has_another(lacks ? NodePool::Nodes(lacking) : NodePool::Nodes(&node, 1));
    const bool go_on = verdict.next == Next::kAgain || (verdict.next == Next::kElsewhere && elsewhere);
    if (!go_on || attempt >= kMaxAttempts) {
      co_return std::unexpected(in_view_of_earlier(std::move(verdict.response).error(), maybe_stored));
    }
    maybe_stored |= verdict.maybe_stored;
    metrics_->retries.add();
  }
}

Task<service::SendResponse> RemoteService::send(service::SendRequest request, service::CallContext context) {
  return ask(prepare(std::move(request), limits_), std::move(context));
}

Task<service::PullResponse> RemoteService::pull(service::PullRequest request, service::CallContext context) {
  return ask(prepare(request, limits_, identity_), std::move(context));
}

Task<service::ProtobufPtr> RemoteService::do_call(const service::CallRow& row, service::ProtobufPtr request,
                                                  service::CallContext context) {
  // A node would end the connection, and with it others' calls.
  if (const std::size_t size = request->ByteSizeLong() + kAroundMessage; size > max_request_) {
    co_return fail(
        ErrorCode::kMalformedRequest,
        fmt::format("the request has {} bytes as a message between servers, and may have {}", size, max_request_));
  }
  Calling calling{CallRequest{std::string(row.name), request->SerializeAsString()}, kind_of(row, *request)};
  request.reset();
  auto answer = co_await ask(Result<Calling>(std::move(calling)), std::move(context));
  if (!answer) co_return std::unexpected(std::move(answer).error());
  service::ProtobufPtr message(row.answer->New());
  if (!service::read_protobuf(answer->message, *message)) {
    co_return fail(ErrorCode::kBadUpstream, "the node answered something that is not an answer of this call");
  }
  co_return message;
}

}  // namespace parley::rpc
