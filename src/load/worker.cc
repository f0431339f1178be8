#include "load/worker.h"

#include <algorithm>
#include <exception>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <fmt/format.h>
#include <sys/prctl.h>

#include "base/error.h"

namespace parley::load {
namespace {

using Outcome = Exchange::Outcome;

constexpr std::chrono::milliseconds kWatch{20};
constexpr std::string_view kNoChat = "chat_not_found";

void rethrow(const std::exception_ptr& bug) {
  if (bug) std::rethrow_exception(bug);
}

/// Share `index` of `whole`, dealt out as evenly as it can be.
std::uint64_t share(std::uint64_t whole, std::size_t index, std::size_t shares) {
  return whole / shares + (index < whole % shares ? 1 : 0);
}

std::uint64_t most_requests(const Plan& plan, std::size_t index) {
  return plan.requests == 0 ? std::numeric_limits<std::uint64_t>::max() : share(plan.requests, index, plan.threads);
}

/// What went wrong; empty where nothing did.
std::string error_of(const Exchange& exchange) {
  switch (exchange.outcome) {
    case Outcome::kTimeout: return "timeout";
    case Outcome::kLost: return "connection lost";
    case Outcome::kNoConnection: return "no connection";
    case Outcome::kAnswered: break;
  }
  if (exchange.head.status == 200) return {};
  if (!exchange.head.code.empty()) return std::string(exchange.head.code);
  return fmt::format("HTTP {}", exchange.head.status);
}

/// What a client may conclude of an answer that is no 200.
Told told_by(const Exchange& exchange) {
  if (exchange.outcome == Outcome::kNoConnection) return Told::kRefused;
  if (exchange.outcome != Outcome::kAnswered) return Told::kUnknown;
  const ErrorInfo* const row = error_named(exchange.head.code);
  const bool unknown = row != nullptr ? row->effect == ErrorEffect::kUnknown : exchange.head.status >= 500;
  return unknown ? Told::kUnknown : Told::kRefused;
}

}  // namespace

struct Worker::Lane {
  Lane(net::Loop& loop, const Shared& shared) : connection(loop, shared.server, shared.tls), timer(loop.executor()) {}

  Connection connection;
  Timer timer;
  std::string request;
  Exchange exchange;
  std::unordered_map<std::size_t, std::size_t> follows;  // chat: its place in the ledger
};

void Measured::merge(const Measured& other) {
  for (std::size_t i = 0; i < latencies.size(); ++i) latencies[i].merge(other.latencies[i]);
  for (const auto& [what, count] : other.errors) errors[what] += count;
  no_chat += other.no_chat;
  bad_pages += other.bad_pages;
}

LatencyHistogram Measured::all() const {
  LatencyHistogram out;
  for (const LatencyHistogram& one : latencies) out.merge(one);
  return out;
}

std::uint64_t Measured::error_count() const {
  std::uint64_t out = 0;
  for (const auto& [what, count] : errors) out += count;
  return out;
}

Worker::Worker(const Shared& shared, std::uint32_t index)
    : shared_(shared),
      index_(index),
      random_(std::random_device{}()),
      kinds_(shared.plan.mix.begin(), shared.plan.mix.end()),
      chats_(shared.plan.chats, shared.zipf, index, shared.plan.threads),
      arrivals_(shared.plan.rate / static_cast<double>(shared.plan.threads), most_requests(shared.plan, index),
                shared.begin, shared.begin + shared.plan.duration, std::random_device{}()),
      give_up_(shared.begin + shared.plan.duration + shared.plan.timeout) {
  const std::uint64_t count = share(shared.plan.connections, index, shared.plan.threads);
  for (std::uint64_t i = 0; i < count; ++i) lanes_.push_back(std::make_unique<Lane>(loop_, shared));
}

Worker::~Worker() = default;

void Worker::run() {
  ::prctl(PR_SET_TIMERSLACK, 1UL);  // or every wait would end 50 µs late
  for (const auto& lane : lanes_) boost::asio::co_spawn(loop_.io(), drive(*lane), rethrow);
  running_ = lanes_.size();
  loop_.finish(watch());
}

void Worker::stop() {
  arrivals_.stop();
  for (const auto& lane : lanes_) lane->timer.cancel();
}

Async<> Worker::drive(Lane& lane) {
  // Nobody measures how long connecting takes; a lane without a connection tries again with its first request.
  static_cast<void>(co_await lane.connection.open(Clock::now() + shared_.plan.timeout));
  lane.timer.expires_at(shared_.begin);
  boost::system::error_code stopped;
  co_await lane.timer.async_wait(boost::asio::redirect_error(kAwait, stopped));
  while (const auto due = arrivals_.take(Clock::now())) {
    if (*due > Clock::now()) {
      lane.timer.expires_at(*due);
      co_await lane.timer.async_wait(boost::asio::redirect_error(kAwait, stopped));
      if (stopped) break;
    }
    const Kind kind = pick_kind();
    if (Clock::now() > give_up_) {
      record(kind, *due, "never begun");
      continue;
    }
    const std::size_t chat = shared_.plan.first_chat + chats_.next(random_);
    switch (kind) {
      case Kind::kSend: co_await send(lane, chat, *due); break;
      case Kind::kPull: co_await pull(lane, chat, *due); break;
      case Kind::kFollow: co_await follow(lane, chat, *due); break;
    }
  }
  --running_;
}

Async<> Worker::watch() {
  Timer timer(loop_.executor());
  while (running_ > 0) {
    timer.expires_after(kWatch);
    co_await timer.async_wait(kAwait);
    for (const auto& lane : lanes_) lane->connection.expire(Clock::now());
    if (shared_.interrupt.came()) stop();
  }
}

Kind Worker::pick_kind() { return static_cast<Kind>(kinds_(random_)); }

Async<> Worker::send(Lane& lane, std::size_t chat, Clock::time_point due) {
  const std::size_t number = ledger_.sends.size();
  const SendName name{index_, static_cast<std::uint32_t>(number)};
  const Plan& plan = shared_.plan;
  const std::string body = fmt::format(R"({{"chat":"{}","sender":"{}","text":"{}"}})", chat_name(chat),
                                       member_name(chat), shared_.texts.text(name));
  const std::string key = plan.keyed ? fmt::format("Idempotency-Key: {}\r\n", shared_.texts.mark(name)) : "";
  lane.request = fmt::format(
      "POST {}/api/send HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n{}Content-Length: {}\r\n\r\n{}",
      plan.url.base, plan.url.authority, key, body.size(), body);
  ledger_.sends.push_back({.chat = static_cast<std::uint32_t>(chat), .begun = Clock::now()});
  const bool good = co_await ask(lane, Kind::kSend, due);
  SendRecord& record = ledger_.sends[number];
  record.ended = Clock::now();
  const auto time = good ? last_number(lane.exchange.body, "send_time") : std::nullopt;
  record.send_time = time.value_or(0);
  // A 200 without a time is some other server's; that it is stored is still what it says.
  record.told = good ? Told::kAcknowledged : told_by(lane.exchange);
}

Async<> Worker::pull(Lane& lane, std::size_t chat, Clock::time_point due) {
  const Plan& plan = shared_.plan;
  lane.request = fmt::format("GET {}/api/pull?chat={}&limit={} HTTP/1.1\r\nHost: {}\r\n\r\n", plan.url.base,
                             chat_name(chat), plan.limit, plan.url.authority);
  const bool good = co_await ask(lane, Kind::kPull, due);
  if (good && !is_page(lane.exchange.body, 0)) ++measured_.bad_pages;
}

Async<> Worker::follow(Lane& lane, std::size_t chat, Clock::time_point due) {
  const Plan& plan = shared_.plan;
  const auto known = lane.follows.find(chat);
  const bool begins = known == lane.follows.end();
  // The first look is for where the chat ends; what comes behind that is followed.
  const std::int64_t cursor = begins ? 0 : ledger_.follows[known->second].cursor;
  lane.request = fmt::format(
      "GET {}/api/pull?chat={}&{}={} HTTP/1.1\r\nHost: {}\r\n\r\n", plan.url.base, chat_name(chat),
      begins ? "reverse=true&limit=1&cursor" : fmt::format("limit={}&cursor", plan.limit), cursor, plan.url.authority);
  const bool good = co_await ask(lane, Kind::kFollow, due);
  if (!good) co_return;
  const auto next = last_number(lane.exchange.body, "next_cursor");
  if (!next || !is_page(lane.exchange.body, cursor)) {
    ++measured_.bad_pages;
    co_return;
  }
  if (begins) {
    const std::int64_t from = *next + 2;  // in reverse it is the newest message's time - 1
    lane.follows.emplace(chat, ledger_.follows.size());
    ledger_.follows.push_back({.chat = static_cast<std::uint32_t>(chat), .from = from, .cursor = from});
  } else {
    FollowRecord& record = ledger_.follows[lane.follows.at(chat)];
    record.cursor = *next;
    record.seen += send_times(lane.exchange.body).size();
  }
}

/// Whether the page's times rise from the cursor on, and there are no more than were asked for.
bool Worker::is_page(std::string_view body, std::int64_t cursor) const {
  const std::vector<std::int64_t> times = send_times(body);
  if (times.size() > shared_.plan.limit) return false;
  return (times.empty() || times.front() >= cursor) &&
         std::ranges::adjacent_find(times, std::greater_equal()) == times.end();
}

Async<bool> Worker::ask(Lane& lane, Kind kind, Clock::time_point due) {
  lane.exchange = co_await lane.connection.exchange(lane.request, Clock::now() + shared_.plan.timeout);
  std::string error = error_of(lane.exchange);
  const bool good = error.empty();
  if (kind != Kind::kSend && error == kNoChat) {
    ++measured_.no_chat;
    error.clear();
  }
  record(kind, due, error);
  co_return good;
}

void Worker::record(Kind kind, Clock::time_point due, std::string_view error) {
  if (due < shared_.begin + shared_.plan.warmup) return;
  const Clock::time_point now = Clock::now();
  measured_.latencies[static_cast<std::size_t>(kind)].record(now - due);
  if (!error.empty()) ++measured_.errors[std::string(error)];
  shared_.timeline.record(now, now - due, error.empty());
}

}  // namespace parley::load
