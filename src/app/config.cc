#include "app/config.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "app/store_url.h"
#include "base/units.h"
#include "http/host_guard.h"
#include "net/endpoint.h"

namespace parley::app {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::size_t kKiB = 1024;
constexpr std::size_t kMiB = 1024 * kKiB;
constexpr std::size_t kGiB = 1024 * kMiB;

/// Frames stay under 16 MiB, with what stands around a text or a page.
constexpr std::size_t kMaxRpcMessage = 15 * kMiB;
constexpr std::size_t kAroundText = 16 * kKiB;

constexpr std::string_view kDefaultHttp = "127.0.0.1:8080";
constexpr std::string_view kDefaultRpc = "127.0.0.1:8888";
constexpr std::string_view kDefaultAdmin = "127.0.0.1:8081";

bool is_address(std::string_view text) { return net::Endpoint::parse(text).has_value(); }

void declare_listeners(OptionSet& options, Config& config) {
  options.section("Listeners");
  const auto listener = [&](std::string name, std::string& target, std::string_view fallback, std::string help) {
    options
        .text(std::move(name), target, "ADDR", "HOST:PORT, such as 127.0.0.1:0 for any free port", is_address,
              std::move(help))
        .default_value = fallback;
  };
  listener("http", config.http, kDefaultHttp,
           "Where the HTTP API listens; naming any listener starts just those named");
  listener("rpc", config.rpc, kDefaultRpc, "Where the Thrift service listens");
  listener("admin", config.admin, kDefaultAdmin, "Where /healthz, /readyz and /metrics are served");
  const auto file = [&](std::string name, std::string& target, std::string help) {
    const auto is_named = [](std::string_view text) { return !text.empty(); };
    options.text(std::move(name), target, "FILE", "a PEM file", is_named, std::move(help));
  };
  net::TlsFiles& tls = config.rpc_options.tls;
  file("rpc-tls-cert", tls.certificate,
       "The Thrift service speaks TLS with this certificate chain; a gateway shows it to thrifts:// nodes");
  file("rpc-tls-key", tls.key, "The certificate's key");
  file("rpc-tls-ca", tls.authority,
       "Its clients, and thrifts:// nodes, need certificates from one of these authorities");
  options.flag("allow-anonymous", config.allow_anonymous,
               "Let listeners be reachable from other machines although nobody is authenticated");
  options.texts("allow-origin", config.http_options.allow_origins, "ORIGIN",
                "an origin such as https://chat.example or https://*.chat.example, or *", http::is_origin_pattern,
                "Web pages of these origins may call");
  options.texts("allow-host", config.http_options.allow_hosts, "HOST",
                "a host such as chat.example or *.chat.example, or *", http::is_host_pattern,
                "Further names that a loopback listener answers to, as behind a reverse proxy");
  options.choice<http::ErrorFormat>(
      "http-errors", config.http_options.errors,
      {{"problem", http::ErrorFormat::kProblem}, {"template", http::ErrorFormat::kTemplate}},
      "Errors as RFC 9457 problem details, or as the template's Go server writes them");
}

void declare_store(OptionSet& options, Config& config) {
  options.section("Store");
  options
      .text(
          "store", config.store, "URL",
          "rocksdb:PATH, memory:, redis://[USER:PASSWORD@]HOST:PORT[/DB], redis+cluster://HOST:PORT,..., "
          "redis+sentinel://HOST:PORT,.../MASTER, or rediss... the same over TLS",
          [](std::string_view text) { return parse_store_url(text).has_value(); }, "Where messages are kept")
      .redact = without_password;
  options
      .text(
          "backend", config.backend, "URL", "thrift://HOST:PORT[,HOST:PORT...] or thrifts://...",
          [](std::string_view text) { return parse_backend_url(text).has_value(); },
          "Remote nodes in place of the store; a name with several addresses is several nodes")
      .redact = without_password;  // an URL of a store has one
  options.choice<store::Durability>("durability", config.store_options.durability,
                                    {{"fsync", store::Durability::kFsync}, {"os", store::Durability::kOs}},
                                    "A send is acknowledged once on disk, or once the operating system has it");
  options.duration("idempotency-window", config.store_options.idempotency_window, seconds(1), hours(24 * 366),
                   "How long idempotency keys are remembered, at least");
  options.size("store-memory", config.store_options.memory, 8 * kMiB, 1024 * kGiB,
               "The store's caches and write buffers together; over Redis, what is remembered of recent chats");
  options.count("store-queue", config.store_options.max_queue, 1, 1'000'000,
                "Sends that may wait for the disk; one more is answered overloaded");
}

void declare_redis(OptionSet& options, Config& config) {
  options.section("Redis");
  const auto file = [&](std::string name, std::string& target, std::string expected, std::string help) {
    const auto is_named = [](std::string_view text) { return !text.empty(); };
    options.text(std::move(name), target, "FILE", std::move(expected), is_named, std::move(help));
  };
  file("redis-password-file", config.redis_password_file, "a file",
       "Holds the password, in place of one in --store, which other users of the machine can see");
  file("redis-tls-ca", config.redis_tls.authority, "a PEM file",
       "rediss:// servers need certificates from one of these authorities");
  file("redis-tls-cert", config.redis_tls.certificate, "a PEM file",
       "Shown to rediss:// servers, which may ask for it");
  file("redis-tls-key", config.redis_tls.key, "a PEM file", "The certificate's key");
  options.count("redis-replicas", config.redis.replicas, 0, 100,
                "A send is acknowledged once this many replicas of the server have confirmed it");
  options.count("redis-pipeline", config.redis.max_in_flight, 1, 1'000'000,
                "Calls under way on one connection, of which each event loop has one to each server; one more is "
                "answered overloaded");
  options.duration("redis-patience", config.redis.patience, milliseconds(0), minutes(10),
                   "How old an outage of Redis may be for requests to wait for its end");
}

void declare_backend(OptionSet& options, Config& config) {
  options.section("Backend");
  rpc::ClientOptions& client = config.client_options;
  options.count(
      "backend-pipeline", client.max_in_flight, 1, 1'000'000,
      "Calls under way on one connection, of which each event loop has one to each node; one more is answered "
      "overloaded");
  options.duration(
      "backend-probe", client.probe, milliseconds(10), minutes(1),
      "Between two looks whether a node is ready; one that is silent for two is left out until it answers");
  options.duration("backend-refresh", client.refresh, milliseconds(10), hours(1),
                   "Between two resolutions of the nodes' names");
  options.duration("backend-wait", client.wait, milliseconds(0), minutes(10),
                   "How old an outage of all nodes may be for requests to wait for its end");
  options.duration("backend-timeout", config.backend_timeout, milliseconds(100), hours(1),
                   "At the start, for every node to be tried and one to be ready");
}

void declare_limits(OptionSet& options, Config& config) {
  options.section("Limits");
  options.size("max-text", config.limits.max_text, 1, 16 * kMiB, "Bytes of a message's text");
  options.size("max-page-bytes", config.limits.max_page_bytes, 1, 64 * kMiB,
               "Bytes of text in a page; one message is served whatever its size");
  config.http_options.max_body = 0;  // until load_config() knows --max-text
  options.size("max-body", config.http_options.max_body, 0, 256 * kMiB, "Bytes of a request's body; 0 is the default")
      .default_value = "6 x max-text + 16KiB";
  options.size("max-header", config.http_options.max_header, kKiB, kMiB, "Bytes of a request's line and header fields");
  options.size("max-memory", config.max_memory, kMiB, 1024 * kGiB,
               "All bodies and pages in memory together; past it the answer is overloaded");
  options.count("max-connections", config.http_options.max_connections, 1, 1'000'000, "Connections of one listener");
  config.rpc_options.max_request = 0;  // as above
  options
      .size("rpc-max-request", config.rpc_options.max_request, 0, kMaxRpcMessage,
            "Bytes of a message to the Thrift service, past which the connection is closed; 0 is the default")
      .default_value = "1MiB, or max-text + 16KiB where that is more";
  options.count("rpc-max-in-flight", config.rpc_options.max_in_flight, 1, 1'000'000,
                "Requests of an RPC connection that may be unanswered; then it is not read");
}

void declare_times(OptionSet& options, Config& config) {
  options.section("Times");
  const auto time = [&](std::string name, milliseconds& target, std::string help) {
    options.duration(std::move(name), target, milliseconds(10), hours(24), std::move(help));
  };
  http::HttpOptions& http = config.http_options;
  time("header-timeout", http.header_timeout, "For a request's header to arrive");
  time("body-timeout", http.body_timeout, "For a request's body to arrive");
  time("idle-timeout", http.idle_timeout, "Between two requests of a connection");
  time("write-timeout", http.write_timeout, "For a client to take an answer");
  time("request-timeout", http.request_timeout, "For a request to be answered; what has not begun by then is dropped");
  options.duration("drain-delay", config.drain_delay, seconds(0), hours(1),
                   "Between /readyz turning 503 and the listeners closing, on SIGTERM or SIGINT");
  options.duration("drain-timeout", config.drain_timeout, seconds(0), hours(1),
                   "For requests in flight to be answered before the end");
}

void declare_process(OptionSet& options, Config& config) {
  options.section("Process");
  options.file("config", config.file, "A TOML file with these options as its keys");
  options.count("threads", config.threads, 0, 256, "Event loops; 0 is one for each usable processor");
  options.choice<LogFormat>("log-format", config.log_format, {{"text", LogFormat::kText}, {"json", LogFormat::kJson}},
                            "The form of the log on standard error");
  options.choice<LogLevel>(
      "log-level", config.log_level,
      {{"debug", LogLevel::kDebug}, {"info", LogLevel::kInfo}, {"warn", LogLevel::kWarn}, {"error", LogLevel::kError}},
      "The least level that is logged");
}

void fill_in(Config& config) {
  if (!config.backend.empty()) config.store.clear();
  if (config.http.empty() && config.rpc.empty() && config.admin.empty()) {
    config.http = kDefaultHttp;
    config.rpc = kDefaultRpc;
    config.admin = kDefaultAdmin;
  }
  // A text may be all six-byte escapes; the rest is for the other fields.
  std::size_t& max_body = config.http_options.max_body;
  if (max_body == 0) max_body = 6 * config.limits.max_text + 16 * kKiB;
  const http::HttpOptions& http = config.http_options;
  std::size_t& max_request = config.rpc_options.max_request;
  if (max_request == 0) max_request = std::max(kMiB, config.limits.max_text + kAroundText);
  config.store_options.max_text = config.limits.max_text;
  config.rpc_options.max_connections = http.max_connections;
  config.rpc_options.message_timeout = http.body_timeout;
  config.rpc_options.idle_timeout = http.idle_timeout;
  config.rpc_options.write_timeout = http.write_timeout;
  config.rpc_options.request_timeout = http.request_timeout;
}

OptionResult check_rpc_tls(const Config& config) {
  const net::TlsFiles& files = config.rpc_options.tls;
  if (files.certificate.empty() != files.key.empty()) {
    return std::unexpected("--rpc-tls-cert and --rpc-tls-key need each other");
  }
  const bool to_nodes = !config.backend.empty() && parse_backend_url(config.backend)->tls;
  const bool any_file = !files.authority.empty() || !files.certificate.empty() || !files.key.empty();
  if (any_file && config.rpc.empty() && !to_nodes) {
    return std::unexpected("--rpc-tls-... would do nothing: give --rpc, or write --backend thrifts://");
  }
  if (to_nodes && files.authority.empty()) {
    return std::unexpected("--backend thrifts:// needs --rpc-tls-ca, to know the nodes by");
  }
  if (files.certificate.empty() && !files.authority.empty() && (!to_nodes || !config.rpc.empty())) {
    return std::unexpected("--rpc-tls-ca needs --rpc-tls-cert");
  }
  return {};
}

/// A frame must hold whatever the Thrift service, ours or a node's, takes and answers.
OptionResult check_frames(const Config& config) {
  if (config.rpc.empty() && config.backend.empty()) return {};
  struct Limit {
    std::string_view name;
    std::size_t size;
    std::size_t most;
  };
  for (const auto& [name, size, most] : {Limit{"max-text", config.limits.max_text, kMaxRpcMessage - kAroundText},
                                         Limit{"rpc-max-request", config.rpc_options.max_request, kMaxRpcMessage},
                                         Limit{"max-page-bytes", config.limits.max_page_bytes, kMaxRpcMessage}}) {
    if (size <= most) continue;
    return std::unexpected(fmt::format("--{} {} does not fit a Thrift frame: with --rpc or --backend at most {}", name,
                                       format_size(size), format_size(most)));
  }
  return {};
}

OptionResult check_redis(const Config& config) {
  const auto url = config.store.empty() ? StoreUrl(MemoryStoreUrl{}) : *parse_store_url(config.store);
  const auto* const redis = std::get_if<RedisStoreUrl>(&url);
  const net::TlsFiles& files = config.redis_tls;
  const bool any_file = !files.authority.empty() || !files.certificate.empty() || !files.key.empty();
  if (redis != nullptr && redis->tls && files.authority.empty()) {
    return std::unexpected("--store rediss:// needs --redis-tls-ca, to know the servers by");
  }
  if (any_file && (redis == nullptr || !redis->tls)) return std::unexpected("--redis-tls-... needs --store rediss://");
  if (files.certificate.empty() != files.key.empty()) {
    return std::unexpected("--redis-tls-cert and --redis-tls-key need each other");
  }
  if (redis != nullptr && !redis->password.empty() && !config.redis_password_file.empty()) {
    return std::unexpected("--redis-password-file and a password in --store exclude each other");
  }
  return {};
}

OptionResult check(const Config& config) {
  for (const auto& [name, address] :
       {std::pair{"http", &config.http}, std::pair{"rpc", &config.rpc}, std::pair{"admin", &config.admin}}) {
    if (address->empty() || config.allow_anonymous || net::Endpoint::parse(*address)->is_loopback()) continue;
    if (address == &config.rpc && !config.rpc_options.tls.authority.empty()) continue;  // by certificates
    return std::unexpected(
        fmt::format("--{} {} can be reached from other machines, and nobody would be authenticated: "
                    "listen on loopback or give --allow-anonymous",
                    name, *address));
  }
  const std::size_t least = config.http_options.max_body + config.limits.max_page_bytes;
  if (config.max_memory < least) {
    return std::unexpected(fmt::format("--max-memory {} is less than one body and one page together ({})",
                                       format_size(config.max_memory), format_size(least)));
  }
  if (auto redis = check_redis(config); !redis) return redis;
  if (auto tls = check_rpc_tls(config); !tls) return tls;
  return check_frames(config);
}

}  // namespace

std::string reference_page(const OptionSet& options) {
  return "# Configuration\n\n"
         "Printed by `parley config --markdown`. Every option of `parley serve` is also an environment variable and, "
         "but\n"
         "for `--config`, a key of the TOML file that `--config` names. The command line goes over the environment, "
         "which\n"
         "goes over the file; an empty variable counts as none. An unknown option or key is an error; an unknown "
         "variable\n"
         "is ignored. Lists are repeated options, comma separated values, or arrays in the file.\n" +
         options.to_markdown();
}

OptionSet declare_options(Config& config) {
  OptionSet options;
  declare_listeners(options, config);
  declare_store(options, config);
  declare_redis(options, config);
  declare_backend(options, config);
  declare_limits(options, config);
  declare_times(options, config);
  declare_process(options, config);
  return options;
}

OptionResult load_config(Config& config, OptionSet& options, const CLI::App& app,
                         const OptionSet::Environment& environment) {
  if (auto loaded = options.load(app, environment); !loaded) return loaded;
  if (options.is_set("store") && options.is_set("backend")) {
    return std::unexpected("--store and --backend exclude each other");
  }
  fill_in(config);
  return check(config);
}

}  // namespace parley::app
