#include "app/server.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <prometheus/metric_family.h>

#include "api/admin_routes.h"
#include "api/api_routes.h"
#include "api/docs_routes.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/version.h"
#include "net/listener.h"
#include "net/url.h"
#include "rpc/client/backend_url.h"
#include "rpc/client/remote_service.h"
#include "service/local_service.h"

namespace parley::app {
namespace {

// For the store to answer at the start, and for the last probes to be answered at the end.
constexpr std::chrono::seconds kReadyTimeout{10};
constexpr std::chrono::seconds kAdminDrainTimeout{1};

std::vector<prometheus::MetricFamily> build_info() {
  return {
      gauge_family("parley_build_info", "Always 1, with labels that say what runs", {{{{"version", kVersion}}, 1}})};
}

std::size_t loop_count(const Config& config) {
  return config.threads == 0 ? net::LoopPool::usable_processors() : config.threads;
}

/// What an acknowledgement promises, as clients and gateways are told.
std::string durability_name(const store::Engine& engine, store::Durability durability) {
  if (!engine.promise.empty()) return std::string(engine.promise);
  return durability == store::Durability::kFsync ? "fsync" : "os";
}

/// `listening`, with the option that it is about.
Result<void> of_option(std::string_view listener, Result<void> listening) {
  if (listening) return listening;
  return fail(listening.error().code, fmt::format("--{}: {}", listener, listening.error().detail));
}

/// What a listener speaks TLS by; nothing if it has no certificate. `name` is the listener's.
Result<std::shared_ptr<net::TlsSource>> listener_tls(std::string_view name, const net::TlsFiles& files,
                                                     std::string_view protocol, FileWatch& watch,
                                                     MetricsRegistry& metrics) {
  if (files.certificate.empty()) return nullptr;
  const std::string option = fmt::format("--{}-tls-cert", name);
  auto source = net::TlsSource::for_server(option, files, protocol);
  if (!source) return fail(source.error().code, fmt::format("{}: {}", option, source.error().detail));
  net::TlsSource::follow(*source, std::string(name), watch, metrics);
  return source;
}

/// Metrics are not for web pages, whichever may call the API.
http::HttpOptions admin_options(const Config& config) {
  http::HttpOptions options = config.http_options;
  options.tls.reset();
  options.allow_origins.clear();
  options.errors = http::ErrorFormat::kProblem;
  return options;
}

}  // namespace

Server::Server(const Config& config) : config_(config), memory_(config.max_memory), loops_(loop_count(config)) {
  metrics_.add(build_info);
  metrics_.add(collect_process);
  metrics_.add([] {
    return std::vector{counter_family("parley_log_dropped_lines_total",
                                      "Lines of the log that were dropped, since nobody read it or a write failed",
                                      {{Labels{}, static_cast<double>(dropped_log_lines())}})};
  });
  metrics_.add([this] {
    return std::vector{gauge_family("parley_memory_bytes", "Bytes of bodies and pages in memory",
                                    {{Labels{}, static_cast<double>(memory_.used())}})};
  });
}

Result<std::unique_ptr<Server>> Server::start(const Config& config) {
  std::unique_ptr<Server> server(new Server(config));
  for (const auto step : {&Server::check_ports, &Server::open_service, &Server::check_ready, &Server::listen}) {
    if (const auto done = (server.get()->*step)(); !done) return std::unexpected(done.error());
  }
  return server;
}

/// So that a start that fails at a port makes no store.
Result<void> Server::check_ports() {
  std::vector<net::Endpoint> taken;
  for (const auto& [option, address] :
       {std::pair("http", config_.http), std::pair("rpc", config_.rpc), std::pair("admin", config_.admin)}) {
    if (address.empty()) continue;
    const auto endpoint = net::Endpoint::parse(address);
    if (!endpoint) return std::unexpected(endpoint.error());
    if (auto free = of_option(option, net::Listener::check(*endpoint)); !free) return free;
    if (endpoint->port != 0 && std::ranges::find(taken, *endpoint) != taken.end()) {
      return fail(ErrorCode::kUnavailable, fmt::format("--{}: another listener has {} already", option, address));
    }
    taken.push_back(*endpoint);
  }
  return {};
}

Result<void> Server::open_service() { return config_.backend.empty() ? open_store() : connect_backend(); }

Result<void> Server::connect_backend() {
  auto url = rpc::parse_backend_url(config_.backend);
  if (!url) return fail(ErrorCode::kUnavailable, "--backend: " + url.error());
  rpc::ClientOptions options = config_.client_options;
  if (url->tls) {
    auto tls = net::TlsSource::for_client("--rpc-tls-ca", config_.rpc_tls, url->nodes);
    if (!tls) return std::unexpected(std::move(tls).error());
    options.tls = *std::move(tls);
    net::TlsSource::follow(options.tls, "backend", files_, metrics_);
  }
  auto service = std::make_unique<rpc::RemoteService>(loops_, std::move(url->nodes), config_.limits, options, metrics_);
  auto started = service->wait_until_started(loops_.now() + config_.backend_timeout);
  if (!started) return fail(started.error().code, "--backend: " + started.error().detail);
  store_id_ = [remote = service.get()] { return remote->store_id(); };
  durability_ = [remote = service.get()] { return remote->durability(); };
  service_ = std::move(service);
  return {};
}

Result<void> Server::open_store() {
  const store::Engine* const engine = find_engine(config_.engines, config_.store);
  if (engine == nullptr) return fail(ErrorCode::kUnavailable, "--store: no such kind of store");
  auto opened = engine->open(config_.store, {.options = config_.store_options,
                                             .loops = loops_,
                                             .metrics = metrics_,
                                             .files = files_,
                                             .deadline = loops_.now() + kReadyTimeout});
  if (!opened) return std::unexpected(std::move(opened).error());
  store_ = *std::move(opened);
  store_id_ = [store = store_.get()] { return store->id(); };
  durability_ = [name = durability_name(*engine, config_.store_options.durability)] { return name; };
  service_ = std::make_unique<service::LocalService>(*store_, config_.limits);
  return {};
}

Result<void> Server::check_ready() {
  return net::run_on(loops_[0], [this] { return service_->health().check(); });
}

Result<void> Server::listen() {
  if (!config_.http.empty()) {
    if (auto listening = listen_http(); !listening) return listening;
  }
  if (!config_.rpc.empty()) {
    if (auto listening = listen_rpc(); !listening) return listening;
  }
  if (!config_.admin.empty()) {
    if (auto listening = listen_admin(); !listening) return listening;
  }
  // Nothing is served before everything can be.
  if (http_) http_->start();
  if (rpc_) rpc_->start();
  if (admin_) admin_->start();
  return {};
}

Result<void> Server::listen_http() {
  auto endpoint = net::Endpoint::parse(config_.http);
  if (!endpoint) return std::unexpected(endpoint.error());
  const http::ErrorFormat errors = config_.http_options.errors;
  http::Routes routes = api::api_routes(*service_, calls_, memory_, errors, durability_);
  std::ranges::move(api::docs_routes(calls_, memory_, errors), std::back_inserter(routes));
  auto tls = listener_tls("http", config_.http_tls, "http/1.1", files_, metrics_);
  if (!tls) return std::unexpected(std::move(tls).error());
  http::HttpOptions options = config_.http_options;
  options.tls = *std::move(tls);
  http_ = std::make_unique<http::HttpServer>(loops_, *std::move(endpoint), std::move(routes), std::move(options),
                                             memory_, metrics_, "http");
  return of_option("http", http_->listen());
}

Result<void> Server::listen_rpc() {
  auto endpoint = net::Endpoint::parse(config_.rpc);
  if (!endpoint) return std::unexpected(endpoint.error());
  auto tls = listener_tls("rpc", config_.rpc_tls, {}, files_, metrics_);
  if (!tls) return std::unexpected(std::move(tls).error());
  rpc::RpcOptions options = config_.rpc_options;
  options.tls = *std::move(tls);
  rpc_ = std::make_unique<rpc::RpcServer>(loops_, *std::move(endpoint),
                                          rpc::CallHandler(*service_, calls_, store_id_, durability_, draining_),
                                          std::move(options), draining_, memory_, metrics_);
  return of_option("rpc", rpc_->listen());
}

Result<void> Server::listen_admin() {
  auto endpoint = net::Endpoint::parse(config_.admin);
  if (!endpoint) return std::unexpected(endpoint.error());
  admin_ = std::make_unique<http::HttpServer>(loops_, *std::move(endpoint),
                                              api::admin_routes(*service_, draining_, metrics_), admin_options(config_),
                                              memory_, metrics_, "admin");
  return of_option("admin", admin_->listen());
}

std::string Server::listeners() const {
  std::string out;
  const auto add = [&out](std::string_view name, const auto& listener) {
    if (!listener) return;
    if (!out.empty()) out += ' ';
    out.append(name).append("=").append(listener->endpoint().to_string());
  };
  add("http", http_);
  add("rpc", rpc_);
  add("admin", admin_);
  return out;
}

std::string Server::store_name() const {
  if (!config_.backend.empty()) return config_.backend;
  const store::Engine* const engine = find_engine(config_.engines, config_.store);
  return engine != nullptr && engine->shown ? engine->shown(config_.store) : net::without_password(config_.store);
}

bool Server::is_embedded() const {
  const store::Engine* const engine = find_engine(config_.engines, config_.store);
  return engine != nullptr && engine->embedded;
}

std::string Server::store_failure() {
  if (!is_embedded()) return {};
  const auto ready = check_ready();
  return ready ? std::string() : ready.error().detail;
}

void Server::drain() {
  draining_ = true;
  if (http_) http_->begin_drain();
  if (admin_) admin_->begin_drain();
  std::this_thread::sleep_for(config_.drain_delay);
  const Deadline deadline = loops_.now() + config_.drain_timeout;
  // Side by side: neither listens on while the other waits for its clients.
  std::thread rpc([&] {
    if (rpc_) rpc_->drain(deadline);
  });
  if (http_) http_->drain(deadline);
  rpc.join();
  if (admin_) admin_->drain(loops_.now() + kAdminDrainTimeout);
}

}  // namespace parley::app
