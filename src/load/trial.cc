#include "load/trial.h"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <random>
#include <thread>

#include <fmt/format.h>

#include "http/client/http_client.h"
#include "load/progress.h"
#include "load/read_back.h"
#include "net/resolve.h"

namespace parley::load {
namespace {

namespace asio = boost::asio;

/// Between making the connections and the first request.
constexpr std::chrono::milliseconds kHeadStart{100};

Async<std::expected<std::string, std::string>> ask_durability(const Plan& plan, net::Loop& loop,
                                                              asio::ip::tcp::endpoint server,
                                                              const net::TlsSource* tls) {
  Connection connection(loop, server, tls);
  const std::string request =
      fmt::format("GET {}/ping HTTP/1.1\r\nHost: {}\r\n\r\n", plan.url.base, plan.url.authority);
  const Exchange exchange = co_await connection.exchange(request, Clock::now() + plan.timeout);
  if (exchange.outcome == Exchange::Outcome::kNoConnection && tls != nullptr)
    co_return std::unexpected("cannot be used: " + connection.why());
  if (exchange.outcome == Exchange::Outcome::kNoConnection)
    co_return std::unexpected(
        "refused the connection: start a server with parley serve, or write another address in --url");
  if (exchange.outcome == Exchange::Outcome::kLost)
    co_return std::unexpected("did not answer GET /ping as a Parley server does");
  if (exchange.outcome != Exchange::Outcome::kAnswered) co_return std::unexpected("did not answer GET /ping");
  if (exchange.head.status != 200) {
    co_return std::unexpected(fmt::format("is no Parley server: it answered GET /ping with {}", exchange.head.status));
  }
  co_return std::string(exchange.head.durability);
}

void show_progress(const std::stop_token& ended, Timeline& timeline) {
  Progress progress;
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any never;
  for (;;) {
    never.wait_for(lock, ended, std::chrono::seconds(1), [] { return false; });
    if (ended.stop_requested()) return;
    if (const auto seconds = timeline.seconds(false); !seconds.empty()) progress.show(seconds.back());
  }
}

void run_workers(std::vector<std::unique_ptr<Worker>>& workers, Timeline& timeline) {
  const std::jthread progress(show_progress, std::ref(timeline));
  std::vector<std::jthread> threads;
  threads.reserve(workers.size());
  for (const auto& worker : workers) threads.emplace_back([&worker] { worker->run(); });
}

}  // namespace

double Trial::reached() const {
  const std::uint64_t good = measured.all().count() - measured.error_count();
  return seconds > 0 ? static_cast<double>(good) / seconds : 0;
}

std::expected<Target, std::string> find_target(const Plan& plan) {
  auto tls = http::tls_of(plan.url);
  if (!tls) return std::unexpected(fmt::format("{} cannot be asked: {}", plan.url.shown(), tls.error().detail));
  net::Loop loop;
  const net::Endpoint name{plan.url.host, plan.url.port};
  const auto addresses = loop.finish(net::resolve_by_system(name));
  if (!addresses) {
    return std::unexpected(fmt::format("{} cannot be found: {}", plan.url.shown(), addresses.error().detail));
  }
  std::string why = "cannot be found: the name has no address";
  for (const auto& address : *addresses) {
    const auto durability = loop.finish(ask_durability(plan, loop, address, tls->get()));
    if (durability) return Target{address, *durability, *tls};
    why = durability.error();
  }
  return std::unexpected(fmt::format("{} {}", plan.url.shown(), why));
}

Trial run_trial(const Plan& plan, const Target& target, const Interrupt& interrupt) {
  const Texts texts(std::random_device{}(), plan.text_bytes);
  const auto zipf = plan.zipf > 0 ? std::make_shared<const ZipfTable>(plan.chats, plan.zipf) : nullptr;
  const Clock::time_point begin = Clock::now() + kHeadStart;
  Timeline timeline(begin + plan.warmup);
  const Shared shared{plan, target.server, target.tls.get(), texts, zipf, timeline, interrupt, begin};
  std::vector<std::unique_ptr<Worker>> workers;
  workers.reserve(plan.threads);
  for (std::uint32_t i = 0; i < plan.threads; ++i) workers.push_back(std::make_unique<Worker>(shared, i));
  run_workers(workers, timeline);

  Trial trial{.rate = plan.rate, .seconds = timeline.length()};
  trial.timeline = timeline.seconds(true);
  std::vector<const Ledger*> ledgers;
  ledgers.reserve(workers.size());
  for (const auto& worker : workers) {
    trial.measured.merge(worker->measured());
    ledgers.push_back(&worker->ledger());
  }
  if (plan.verify) {
    Progress progress;
    progress.show("reading back");
    trial.verdict = read_back(plan, texts, ledgers, interrupt);
  } else {
    for (const Ledger* ledger : ledgers) {
      for (const SendRecord& send : ledger->sends) trial.verdict.count(send.told);
    }
  }
  trial.verdict.bad_pages += trial.measured.bad_pages;
  return trial;
}

}  // namespace parley::load
