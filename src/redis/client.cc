#include "redis/client.h"

#include <utility>
#include <vector>

#include <boost/asio/post.hpp>

#include "redis/client_metrics.h"
#include "redis/loop_client.h"
#include "redis/refusal.h"
#include "redis/watch.h"

namespace parley::redis {

struct Client::State {
  State(net::LoopPool& the_loops, ClientOptions the_options, MetricsRegistry& registry)
      : loops(the_loops),
        options(std::move(the_options)),
        metrics(ClientMetrics::publish(registry)),
        watch(loops[0], options, *metrics, [this](const Layout& layout) { spread(layout); }) {
    const auto look = [this] {
      if (watches()) watch.hurry();
    };
    for (std::size_t i = 0; i < loops.size(); ++i) {
      parts.push_back(std::make_unique<LoopClient>(loops[i], options, *metrics, look));
    }
  }

  [[nodiscard]] bool watches() const noexcept { return options.topology != Topology::kSingle; }
  [[nodiscard]] LoopClient& here() const { return *parts[net::Loop::current().index()]; }

  void start() {
    if (watches()) {
      boost::asio::post(loops[0].executor(), [this] { watch.start(); });
    } else {
      spread({.masters = {options.servers.front()}});
    }
  }

  void spread(const Layout& layout) {
    for (std::size_t i = 0; i < parts.size(); ++i) {
      boost::asio::post(loops[i].executor(), [this, i, layout] { parts[i]->set_layout(layout); });
    }
  }

  void stop() {
    net::stop_on(loops[0], [this] { watch.stop(); }, watch.ended());
    for (std::size_t i = 0; i < parts.size(); ++i) {
      net::stop_on(loops[i], [this, i] { parts[i]->stop(); }, parts[i]->ended());
    }
    net::run_on(loops[0], [] {});  // what was posted to the watch
  }

  net::LoopPool& loops;
  const ClientOptions options;
  const std::shared_ptr<ClientMetrics> metrics;
  Watch watch;
  std::vector<std::unique_ptr<LoopClient>> parts;  // one a loop
  std::atomic<bool> started = false;
};

namespace {

bool not_loaded(const CallResult& result) {
  return result.outcome == CallResult::Outcome::kAnswered && result.reply.is_error() &&
         refusal_of(result.reply.text, true) == Refusal::kNoScript;
}

}  // namespace

Client::Client(net::LoopPool& loops, ClientOptions options, MetricsRegistry& metrics)
    : state_(std::make_unique<State>(loops, std::move(options), metrics)) {}

Client::~Client() { stop(); }

void Client::stop() { state_->stop(); }

Task<void> Client::start(Deadline deadline) {
  if (!state_->started.exchange(true)) state_->start();
  co_return co_await state_->here().started(deadline);
}

Async<CallResult> Client::call(std::string_view key, std::string command, CallOptions options) {
  return state_->here().call({.slot = hash_slot(key), .bytes = std::move(command)}, options);
}

Async<CallResult> Client::call(std::string_view key, std::function<std::string()> make, CallOptions options) {
  std::string first = make();
  return state_->here().call({.slot = hash_slot(key), .bytes = std::move(first), .remake = std::move(make)}, options);
}

Async<CallResult> Client::run(const Script& script, std::span<const std::string_view> keys,
                              std::span<const std::string_view> arguments, CallOptions options) {
  return run(
      script, keys.front(),
      [keys, arguments](ScriptCall& call) {
        for (const std::string_view one : keys) call.add_key(one);
        for (const std::string_view one : arguments) call.add_argument(one);
      },
      options);
}

Async<CallResult> Client::run(const Script& script, std::string_view key, std::function<void(ScriptCall&)> put,
                              CallOptions options) {
  LoopClient& here = state_->here();
  const std::uint16_t slot = hash_slot(key);
  ScriptCall script_call;
  const auto call = [&](std::string_view command, std::string_view name) {
    const auto make = [&script_call, &put, command, name] {
      script_call.clear();
      put(script_call);
      return script_call.format(command, name);
    };
    std::string first = make();
    return here.call({.slot = slot, .bytes = std::move(first), .remake = make, .script = true}, options);
  };
  CallResult result = co_await call("EVALSHA", script.sha1());
  if (!not_loaded(result)) co_return result;
  // Loads it, too. A server may have lost it by a restart, a failover or SCRIPT FLUSH.
  state_->metrics->retries.add();
  result = co_await call("EVAL", script.source());
  co_return result;
}

Async<> Client::visit_masters(std::chrono::milliseconds patience,
                              std::function<Async<>(std::string address, Ask ask)> visit) {
  return state_->here().visit_masters(patience, std::move(visit));
}

std::uint64_t Client::changes() const noexcept { return state_->here().changes(); }

bool Client::replicates() const noexcept { return state_->options.replicas > 0; }

Result<void> Client::ready() const { return state_->here().ready(); }

}  // namespace parley::redis
