#include "redis/dialer.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "net/resolve.h"
#include "redis/command.h"
#include "redis/refusal.h"

namespace parley::redis {
namespace {

using Outcome = CallResult::Outcome;

std::unexpected<Error> unusable(std::string why) { return fail(ErrorCode::kUnavailable, std::move(why)); }

/// What a server says, for one line: it is foreign text of any size.
std::string quoted(std::string_view text) {
  constexpr std::size_t kMost = 160;
  std::string out(text.substr(0, kMost));
  std::ranges::replace_if(out, [](char c) { return c >= 0 && c < ' '; }, '?');
  return out;
}

}  // namespace

Dialer::Dialer(net::Loop& loop, TaskGroup& tasks, const ClientOptions& options)
    : loop_(loop), tasks_(tasks), options_(options), connector_(loop) {}

Task<std::shared_ptr<Connection>> Dialer::dial(const net::Endpoint& server, Kind kind,
                                               std::shared_ptr<net::PeerMetrics> metrics,
                                               std::function<void()> on_end) {
  cancelled_ = {};
  turned_away_ = false;
  auto channel = co_await connect(server);
  if (!channel) {
    metrics->connect_failures.add();
    co_return std::unexpected(std::move(channel).error());
  }
  const Connection::Options options{options_.max_in_flight, options_.replicas};
  auto connection = std::make_shared<Connection>(loop_, *std::move(channel), options, std::move(on_end));
  tasks_.spawn(Connection::run(connection, tasks_, metrics));
  introducing_ = connection;
  auto introduced = co_await introduce(*connection, kind);
  introducing_.reset();
  if (introduced) co_return connection;
  metrics->connect_failures.add();
  connection->close(introduced.error().detail);
  co_return std::unexpected(std::move(introduced).error());
}

void Dialer::cancel() {
  connector_.cancel();
  if (introducing_) introducing_->close("nobody needs the connection any longer");
  cancelled_.request_stop();  // who waits for a name goes on in here
}

Task<std::unique_ptr<net::Channel>> Dialer::connect(const net::Endpoint& server) {
  const auto addresses = co_await net::resolve_by_system(server, cancelled_.get_token());
  if (!addresses) co_return unusable("the name cannot be resolved: " + addresses.error().detail);
  Result<std::unique_ptr<net::Channel>> channel = unusable("the name has no address");
  for (const auto& address : *addresses) {
    if (cancelled_.stop_requested()) co_return unusable("nobody needs the connection any longer");
    channel = co_await connector_.connect(address, options_.tls.get(), options_.connect_timeout);
    if (channel) break;
  }
  co_return channel;
}

Task<void> Dialer::introduce(Connection& connection, Kind kind) {
  auto done = co_await authenticate(connection, kind);
  if (done) done = co_await ping(connection);
  if (done) done = co_await select(connection);
  if (done && kind == Kind::kMaster) done = co_await check_role(connection);
  // So that an operator knows whose connection it is; not every server has it.
  std::string name = format_command({"CLIENT", "SETNAME", "parley"});
  if (done) (void)co_await ask(connection, std::move(name));
  co_return done;
}

Task<void> Dialer::authenticate(Connection& connection, Kind kind) {
  if (options_.password.empty()) co_return Result<void>();
  const bool named = !options_.user.empty();
  std::string command =
      named ? format_command({"AUTH", options_.user, options_.password}) : format_command({"AUTH", options_.password});
  const auto reply = co_await ask(connection, std::move(command));
  if (!reply) co_return std::unexpected(reply.error());
  // A sentinel need not have the master's users. Whether it lets us in, it says later.
  if (!reply->is_error() || kind == Kind::kSentinel) co_return Result<void>();
  const std::string_view text = reply->text;
  if (text.starts_with("WRONGPASS") || text.starts_with("ERR invalid password")) {
    co_return turn_away(named ? "the server does not know the user with this password: correct the user or the password"
                              : "the server has another password: correct the one that you give");
  }
  if (text.contains("without any password configured") || text.contains("no password is set")) {
    co_return turn_away("the server asks for no password: give none");
  }
  // Not in its own words: of a command that it does not know it repeats the arguments.
  co_return turn_away("the server refuses AUTH");
}

Task<void> Dialer::ping(Connection& connection) {
  std::string command = format_command({"PING"});
  const auto reply = co_await ask(connection, std::move(command));
  if (!reply) co_return std::unexpected(reply.error());
  if (reply->type == Reply::Type::kStatus && reply->text == "PONG") co_return Result<void>();
  if (!reply->is_error()) co_return unusable("the server is not Redis: it does not answer PING with PONG");
  switch (refusal_of(reply->text, false).value_or(Refusal::kMoved)) {
    case Refusal::kNoAuth:
      co_return turn_away(options_.password.empty() ? "the server asks for a password: give one"
                                                    : "the server has another password: correct the one that you give");
    case Refusal::kLoading: co_return unusable("the server is still loading its data");
    case Refusal::kMisconfigured:  // it can be read, and says for each write why it cannot be written
    case Refusal::kNoPermission: co_return Result<void>();
    default: co_return unusable("the server refuses PING: " + quoted(reply->text));
  }
}

Task<void> Dialer::select(Connection& connection) {
  if (options_.database == 0) co_return Result<void>();
  std::string command = format_command({"SELECT", std::to_string(options_.database)});
  const auto reply = co_await ask(connection, std::move(command));
  if (!reply) co_return std::unexpected(reply.error());
  if (!reply->is_error()) co_return Result<void>();
  co_return turn_away(fmt::format("the server has no database {}: {}", options_.database, quoted(reply->text)));
}

/// Best effort: users need not have the right to ask.
Task<void> Dialer::check_role(Connection& connection) const {
  std::string command = format_command({"ROLE"});
  const auto reply = co_await ask(connection, std::move(command));
  if (!reply) co_return std::unexpected(reply.error());
  if (reply->elements.empty() || reply->elements.front().text == "master") co_return Result<void>();
  co_return unusable(fmt::format("the server is not a master: its role is {}", quoted(reply->elements.front().text)));
}

std::unexpected<Error> Dialer::turn_away(std::string why) {
  turned_away_ = true;
  return unusable(std::move(why));
}

Task<Reply> Dialer::ask(Connection& connection, std::string command) const {
  const CallOptions options{.deadline = loop_.now() + options_.connect_timeout};
  auto result = co_await connection.call(command, options);
  if (result.outcome == Outcome::kAnswered) co_return std::move(result.reply);
  co_return unusable(result.outcome == Outcome::kExpired ? "the server does not answer in time"
                                                         : std::move(result.why));
}

}  // namespace parley::redis
