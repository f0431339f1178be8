#include "app/config.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/units.h"
#include "base/wrap.h"
#include "http/server/host_guard.h"
#include "net/endpoint.h"
#include "net/url.h"
#include "rpc/client/backend_url.h"

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
  options.section("Listeners",
                  "A listener is an address at which the server accepts connections. If you give none of `--http`, "
                  "`--rpc` and `--admin`, the server starts all three. If you give any of them, it starts only those.");
  const auto listener = [&](std::string name, std::string& target, std::string_view fallback, std::string help) {
    options
        .text(std::move(name), target, "ADDR",
              fmt::format("HOST:PORT, such as {}, with a port of at most 65535", fallback), is_address, std::move(help))
        .default_value = fallback;
  };
  listener("http", config.http, kDefaultHttp, "The address of the HTTP API. Port 0 takes any free port.");
  listener("rpc", config.rpc, kDefaultRpc, "The address of the Thrift service, for gateways and Thrift clients.");
  listener("admin", config.admin, kDefaultAdmin, "The address of `/healthz`, `/readyz` and `/metrics`.");
  declare_file(options, "http-tls-cert", config.http_tls.certificate, "a PEM file",
               "The certificate chain of the HTTP API, which then speaks HTTPS. The server reads its TLS files again "
               "when they change, and on SIGHUP.");
  declare_file(options, "http-tls-key", config.http_tls.key, "a PEM file", "The private key of `--http-tls-cert`.");
  declare_file(options, "http-tls-ca", config.http_tls.authority, "a PEM file",
               "The authorities that clients' certificates must come from. Each client must then show a certificate.");
  net::TlsFiles& tls = config.rpc_tls;
  declare_file(options, "rpc-tls-cert", tls.certificate, "a PEM file",
               "The certificate chain of the Thrift service, which then speaks TLS. A gateway shows it to its "
               "`thrifts://` nodes.");
  declare_file(options, "rpc-tls-key", tls.key, "a PEM file", "The private key of `--rpc-tls-cert`.");
  declare_file(options, "rpc-tls-ca", tls.authority, "a PEM file",
               "The authorities that the other side's certificate must come from. Each Thrift client must then show a "
               "certificate. A gateway needs this file to check its `thrifts://` nodes.");
  options.flag("allow-anonymous", config.allow_anonymous,
               "Allow listeners that other machines can reach, although the server asks nobody who they are.");
  options.texts("allow-origin", config.http_options.allow_origins, "ORIGIN",
                "an origin such as https://chat.example or https://*.chat.example, or *", http::is_origin_pattern,
                "The origin of web pages that may call the server. Write `*` for every origin.");
  options.texts("allow-host", config.http_options.allow_hosts, "HOST",
                "a host such as chat.example or *.chat.example, or *", http::is_host_pattern,
                "A name that requests to a loopback listener may give in `Host`, besides localhost. A reverse proxy "
                "needs this. Write `*` for every name.");
  options.choice<http::ErrorFormat>(
      "http-errors", config.http_options.errors,
      {{"problem", http::ErrorFormat::kProblem}, {"template", http::ErrorFormat::kTemplate}},
      "The form of errors. With `problem` it is JSON as in RFC 9457. With `template` it is plain text, as clients "
      "of the public IM assignment template expect.");
}

/// What --store may be, as its help says it.
std::string urls_of(const Engines& engines) {
  std::string out;
  for (const store::Engine& engine : engines) out.append(out.empty() ? "" : ", ").append(engine.urls);
  return out;
}

void declare_store(OptionSet& options, Config& config) {
  options.section("Store", "The store keeps the messages. A gateway has none: it passes requests on to `--backend`.");
  options
      .text(
          "store", config.store, "URL", urls_of(config.engines), [](std::string_view text) { return !text.empty(); },
          "Where the messages are kept. A folder is `rocksdb:PATH`. A Redis server is `redis://HOST:PORT`. "
          "A Redis cluster is `redis+cluster://HOST:PORT,...`. A server that Redis Sentinel watches is "
          "`redis+sentinel://HOST:PORT,.../MASTER`. Write `rediss` in place of `redis` for TLS. With `memory:`, "
          "nothing is kept after the end.")
      .redact = net::without_password;
  options
      .text(
          "backend", config.backend, "URL", "thrift://HOST:PORT[,HOST:PORT...], or thrifts://... for TLS",
          [](std::string_view text) { return !text.empty(); },
          "The nodes that answer in place of a store. The server is then a gateway. A name with several addresses is "
          "several nodes.")
      .redact = net::without_password;  // an URL of a store has one
  options.choice<store::Durability>(
      "durability", config.store_options.durability,
      {{"fsync", store::Durability::kFsync}, {"os", store::Durability::kOs}},
      "When a send is acknowledged. With `fsync`, the message is on the disk by then, and survives a power "
      "failure. With `os`, the operating system has it, and it survives the end of the process.");
  options.duration(
      "idempotency-window", config.store_options.idempotency_window, seconds(1), hours(24 * 366),
      "How long the store remembers idempotency keys, at least. Meanwhile a repeated send stores nothing.");
  options.size("store-memory", config.store_options.memory, 8 * kMiB, 1024 * kGiB,
               "The memory for the store's caches and write buffers. Over Redis, it holds pages and what "
               "is known of the index.");
  options.count(
      "store-queue", config.store_options.max_queue, 1, 1'000'000,
      "How many sends may wait for the disk or for Redis. The server answers `overloaded` to any further one.");
}

void declare_backend(OptionSet& options, Config& config) {
  options.section("Backend", "These options matter only to a gateway, which has `--backend`.");
  rpc::ClientOptions& client = config.client_options;
  options.count("backend-pipeline", client.max_in_flight, 1, 1'000'000,
                "How many calls may be under way on one connection to a node. Each event loop has one connection to "
                "each node. The gateway answers `overloaded` to any further call.");
  options.duration("backend-probe", client.probe, milliseconds(10), minutes(1),
                   "How often the gateway asks each node whether it is ready. A node that misses two answers gets no "
                   "requests until it answers again.");
  options.duration("backend-refresh", client.refresh, milliseconds(10), hours(1),
                   "How often the gateway looks up the addresses of its nodes' names.");
  options.duration(
      "backend-wait", client.wait, milliseconds(0), minutes(10),
      "How long requests wait for a node to come back when all are away. If all have been away for longer, "
      "the gateway answers `unavailable` at once.");
  options.duration("backend-timeout", config.backend_timeout, milliseconds(100), hours(1),
                   "How long a starting gateway tries its nodes. It ends with an error if none is ready by then.");
}

void declare_limits(OptionSet& options, Config& config) {
  options.section("Limits", "A size is a number of bytes, or has a unit: `64KiB`, `1MiB`, `1GiB`.");
  options.size("max-text", config.limits.max_text, 1, 16 * kMiB, "The greatest size of a message's text.");
  options.size("max-page-bytes", config.limits.max_page_bytes, 1, 64 * kMiB,
               "The greatest size of all texts in one page of a pull. A page has at least one message, whatever its "
               "size.");
  config.http_options.max_body = 0;  // until load_config() knows --max-text
  options
      .size("max-body", config.http_options.max_body, 0, 256 * kMiB,
            "The greatest size of a request's body. 0 means the default.")
      .default_value = "6 x max-text + 16KiB";
  options.size("max-header", config.http_options.max_header, kKiB, kMiB,
               "The greatest size of a request's first line and header fields together.");
  options.size("max-memory", config.max_memory, kMiB, 1024 * kGiB,
               "The memory for all request bodies and pages together. The server answers `overloaded` when it is used "
               "up.");
  options.count("max-connections", config.http_options.max_connections, 1, 1'000'000,
                "How many connections each listener accepts at a time.");
  config.rpc_options.max_request = 0;  // as above
  options
      .size("rpc-max-request", config.rpc_options.max_request, 0, kMaxRpcMessage,
            "The greatest size of a message to the Thrift service. A larger one closes its connection. 0 means the "
            "default.")
      .default_value = "1MiB, or max-text + 16KiB if that is more";
  options.count("rpc-max-in-flight", config.rpc_options.max_in_flight, 1, 1'000'000,
                "How many requests of a Thrift connection may wait for an answer. The server reads no further ones "
                "meanwhile.");
}

void declare_times(OptionSet& options, Config& config) {
  options.section("Times", "A duration has a unit: `500ms`, `2s`, `10m`, `24h`.");
  const auto time = [&](std::string name, milliseconds& target, std::string help) {
    options.duration(std::move(name), target, milliseconds(10), hours(24), std::move(help));
  };
  http::HttpOptions& http = config.http_options;
  time("header-timeout", http.header_timeout, "How long a client may take to send the header of a request.");
  time("body-timeout", http.body_timeout, "How long a client may take to send the body of a request.");
  time("idle-timeout", http.idle_timeout, "How long a connection may be idle between two requests.");
  time("write-timeout", http.write_timeout, "How long a client may take to receive an answer.");
  time("request-timeout", http.request_timeout,
       "How long the server may take to answer a request. It does not begin to store a message after that time.");
  options.duration(
      "drain-delay", config.drain_delay, seconds(0), hours(1),
      "How long a server that was told to stop accepts connections as before. Meanwhile `/readyz` answers 503, "
      "so that a load balancer sends its requests elsewhere.");
  options.duration("drain-timeout", config.drain_timeout, seconds(0), hours(1),
                   "How long a server that was told to stop waits for its last answers.");
}

void declare_process(OptionSet& options, Config& config) {
  options.section("Process");
  options.file("config", config.file, "A TOML file that sets options, such as `max-text = \"64KiB\"`.");
  options.count("threads", config.threads, 0, 256,
                "How many event loops serve the connections, each in a thread. 0 means one for each usable processor.");
  options.choice<LogFormat>("log-format", config.log_format, {{"text", LogFormat::kText}, {"json", LogFormat::kJson}},
                            "The form of the log, which goes to standard error.");
  options.choice<LogLevel>(
      "log-level", config.log_level,
      {{"debug", LogLevel::kDebug}, {"info", LogLevel::kInfo}, {"warn", LogLevel::kWarn}, {"error", LogLevel::kError}},
      "The least important lines that are logged.");
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
  config.client_options.max_request = max_request;
  config.store_options.max_text = config.limits.max_text;
  config.rpc_options.max_connections = http.max_connections;
  config.rpc_options.message_timeout = http.body_timeout;
  config.rpc_options.idle_timeout = http.idle_timeout;
  config.rpc_options.write_timeout = http.write_timeout;
  config.rpc_options.request_timeout = http.request_timeout;
}

/// `name` is the listener's.
OptionResult check_key_pair(std::string_view name, const net::TlsFiles& files) {
  if (files.certificate.empty() == files.key.empty()) return {};
  return std::unexpected(fmt::format("--{0}-tls-cert and --{0}-tls-key need each other: give both or none", name));
}

OptionResult check_http_tls(const Config& config) {
  const net::TlsFiles& files = config.http_tls;
  if (auto pair = check_key_pair("http", files); !pair) return pair;
  if (files.certificate.empty() && !files.authority.empty()) {
    return std::unexpected(
        "--http-tls-ca needs --http-tls-cert: the HTTP API can ask for certificates only if it has one");
  }
  if (!files.certificate.empty() && config.http.empty()) {
    return std::unexpected("the --http-tls-... options would do nothing: give --http");
  }
  return {};
}

OptionResult check_rpc_tls(const Config& config) {
  const net::TlsFiles& files = config.rpc_tls;
  if (auto pair = check_key_pair("rpc", files); !pair) return pair;
  const bool to_nodes = !config.backend.empty() && rpc::parse_backend_url(config.backend)->tls;
  const bool any_file = !files.authority.empty() || !files.certificate.empty() || !files.key.empty();
  if (any_file && config.rpc.empty() && !to_nodes) {
    return std::unexpected("the --rpc-tls-... options would do nothing: give --rpc, or write --backend thrifts://...");
  }
  if (to_nodes && files.authority.empty()) {
    return std::unexpected(
        "--backend thrifts://... needs --rpc-tls-ca: give the authorities of the nodes' certificates");
  }
  if (files.certificate.empty() && !files.authority.empty() && (!to_nodes || !config.rpc.empty())) {
    return std::unexpected(
        "--rpc-tls-ca needs --rpc-tls-cert: the Thrift service can ask for certificates only if it has one");
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
    return std::unexpected(
        fmt::format("--{} {} does not fit in a Thrift frame: with --rpc or --backend, write at most {}", name,
                    format_size(size), format_size(most)));
  }
  return {};
}

/// Here rather than with the option, so that it says what to write in its place.
OptionResult check_urls(const Config& config) {
  if (!config.backend.empty()) {
    if (const auto url = rpc::parse_backend_url(config.backend); !url)
      return std::unexpected("--backend: " + url.error());
    return {};
  }
  if (const auto url = check_store_url(config.engines, config.store); !url)
    return std::unexpected("--store: " + url.error());
  return {};
}

OptionResult check_engines(const Config& config) {
  for (const store::Engine& engine : config.engines) {
    if (!engine.check) continue;
    if (auto fits = engine.check(engine.takes(config.store) ? config.store : ""); !fits) return fits;
  }
  return {};
}

OptionResult check(const Config& config) {
  for (const auto& [name, address] :
       {std::pair{"http", &config.http}, std::pair{"rpc", &config.rpc}, std::pair{"admin", &config.admin}}) {
    if (address->empty() || config.allow_anonymous || net::Endpoint::parse(*address)->is_loopback()) continue;
    // By certificates.
    if (address == &config.http && !config.http_tls.authority.empty()) continue;
    if (address == &config.rpc && !config.rpc_tls.authority.empty()) continue;
    return std::unexpected(
        fmt::format("other machines can reach --{} {}, and the server asks nobody who they are: "
                    "write 127.0.0.1 in place of the host, or add --allow-anonymous",
                    name, *address));
  }
  const std::size_t least = config.http_options.max_body + config.limits.max_page_bytes;
  if (config.max_memory < least) {
    return std::unexpected(
        fmt::format("--max-memory {} cannot hold one request body and one page together: write at least {}",
                    format_size(config.max_memory), format_size(least)));
  }
  if (auto engines = check_engines(config); !engines) return engines;
  if (auto tls = check_http_tls(config); !tls) return tls;
  if (auto tls = check_rpc_tls(config); !tls) return tls;
  return check_frames(config);
}

}  // namespace

std::string reference_page(const OptionSet& options) {
  const auto paragraph = [](std::string_view text) { return "\n" + wrapped(text, 0, kPageWidth); };
  const auto item = [](std::string_view text) { return wrapped(text, 2, kPageWidth).replace(0, 2, "- "); };
  return "# Configuration\n" +
         paragraph(
             "This page lists every option of `parley serve`. The commands `parley config` and `parley doctor` take "
             "the same options. `parley config` prints the configuration that a server would run with.") +
         paragraph(
             "Each option can be set in three places. The command line wins over the environment, and the "
             "environment wins over the file.") +
         "\n" + item("On the command line: `--max-text 64KiB`. An unknown option is an error.") +
         item(
             "In the environment: `PARLEY_MAX_TEXT=64KiB`. An empty variable does not count. The program ignores a "
             "`PARLEY_` variable that is no option.") +
         item(
             "In the TOML file that `--config` names: `max-text = \"64KiB\"`. An unknown key is an error, and so is "
             "the "
             "key `config`.") +
         paragraph(
             "Some options take several values. Repeat the option, put commas between the values, or write an array "
             "in the file.") +
         paragraph("`parley config --markdown` prints this page, so do not edit it by hand.") + options.to_markdown();
}

OptionSet declare_options(Config& config) {
  OptionSet options;
  declare_listeners(options, config);
  declare_store(options, config);
  for (const store::Engine& engine : config.engines) {
    if (engine.declare) engine.declare(options);
  }
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
    return std::unexpected("--store and --backend exclude each other: a gateway has no store, so leave one out");
  }
  fill_in(config);
  if (auto urls = check_urls(config); !urls) return urls;
  return check(config);
}

}  // namespace parley::app
