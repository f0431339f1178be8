#include "app/doctor.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "base/log.h"
#include "base/output.h"
#include "doctor/finding.h"
#include "doctor/listeners.h"
#include "doctor/machine.h"
#include "doctor/nodes.h"
#include "http/client/http_client.h"
#include "http/client/server_url.h"
#include "net/tls.h"
#include "rpc/client/backend_url.h"

namespace parley::app {
namespace {

void add(Findings& to, Findings more) { std::ranges::move(more, std::back_inserter(to)); }

std::vector<doctor::ListenerFacts> listeners(const Config& config) {
  std::vector<doctor::ListenerFacts> out;
  for (const auto& [name, address, tls] :
       {std::tuple{"http", &config.http, config.http_tls}, std::tuple{"rpc", &config.rpc, config.rpc_tls},
        std::tuple{"admin", &config.admin, net::TlsFiles()}}) {
    if (!address->empty()) {
      out.push_back({.name = name,
                     .endpoint = *net::Endpoint::parse(*address),
                     .authenticated = !tls.authority.empty(),
                     .tls = !tls.certificate.empty()});
    }
  }
  return out;
}

Findings look_at_machine(const Config& config, std::size_t listeners) {
  const std::size_t connections = config.http_options.max_connections;
  doctor::Needs needs{.listeners = listeners,
                      .connections = connections,
                      .asked_for = connections != http::HttpOptions{}.max_connections,
                      .memory = config.max_memory};
  const store::Engine* const engine = find_engine(config.engines, config.store);
  if (engine != nullptr) needs.memory += config.store_options.memory;
  return doctor::judge_machine(doctor::look_at_machine(), needs);
}

Findings look_at_certificates(const Config& config) {
  Findings findings;
  for (const auto& [option, listener, files] : {std::tuple{"--http-tls-cert", &config.http, &config.http_tls},
                                                std::tuple{"--rpc-tls-cert", &config.rpc, &config.rpc_tls}}) {
    if (listener->empty() || files->certificate.empty()) continue;
    const auto context = net::TlsContext::for_server(*files);
    if (!context) {
      findings.push_back(
          {option, context.error().detail, "the server does not start", "correct the file that is named"});
    } else if (context->expiry() < std::chrono::system_clock::now()) {
      findings.push_back({option, "the certificate has expired", "clients do not trust the server", "renew it"});
    } else {
      findings.push_back({option, "it fits its key"});
    }
  }
  return findings;
}

/// How long doctor waits for an answer. A server waits longer, but here a person is waiting.
constexpr std::chrono::seconds kPatience{3};

Findings look_at_store(const Config& config) {
  return find_engine(config.engines, config.store)
      ->look(config.store, {.options = config.store_options,
                            .request_timeout = config.http_options.request_timeout,
                            .patience = kPatience});
}

Findings look_at_nodes(const Config& config) {
  const auto url = rpc::parse_backend_url(config.backend);
  rpc::ClientOptions options = config.client_options;
  if (url->tls) {
    auto tls = net::TlsSource::for_client("--rpc-tls-ca", config.rpc_tls, url->nodes);
    if (!tls)
      return {{"--rpc-tls-ca", tls.error().detail, "the gateway does not start", "correct the file that is named"}};
    options.tls = *std::move(tls);
  }
  const auto patience = std::min<std::chrono::milliseconds>(config.backend_timeout, kPatience);
  return doctor::judge_nodes(doctor::ask_nodes(url->nodes, options, patience));
}

/// The body of the answer to a GET. Empty if no answer comes.
std::string get(const net::Endpoint& endpoint, const char* path) {
  const auto url = http::ServerUrl::parse("http://" + endpoint.to_string());
  if (!url) return {};
  net::Loop loop;
  http::HttpClient client(loop, *url, kPatience);
  const auto answer = loop.finish(client.call({.method = "GET", .target = path, .headers = {}, .body = {}}));
  return answer ? answer->body : std::string();
}

/// Whether a Parley server listens there. One that speaks TLS is not asked.
bool is_parley(const doctor::ListenerFacts& listener) {
  if (listener.tls) return true;
  if (listener.name == "http") return get(listener.endpoint, "/ping").find("pong") != std::string::npos;
  if (listener.name == "admin")
    return get(listener.endpoint, "/metrics").find("parley_build_info") != std::string::npos;
  const auto nodes = doctor::ask_nodes({listener.endpoint}, {}, kPatience);
  return nodes.size() == 1 && nodes.front().failure.empty() && !nodes.front().store_id.empty();
}

/// Marks the listeners of the server that runs with this configuration, and reports it. Nothing if none runs.
Findings find_running(const Config& config, std::vector<doctor::ListenerFacts>& listeners) {
  const store::Engine* const engine = find_engine(config.engines, config.store);
  const bool here = engine != nullptr && engine->holder;
  std::string found = here ? engine->holder(config.store) : std::string();
  if (here && found.empty()) return {};  // a server that listens there has another folder
  for (doctor::ListenerFacts& listener : listeners) {
    listener.runs = listener.endpoint.port != 0 && !doctor::is_free(listener.endpoint) && is_parley(listener);
    if (!listener.runs) continue;
    found +=
        fmt::format("{}it listens on --{} {}", found.empty() ? "" : ", ", listener.name, listener.endpoint.to_string());
  }
  if (found.empty()) return {};
  return {{"server", "a server runs with this configuration: " + found}};
}

}  // namespace

int doctor(const Config& config, bool json) {
  configure_log(config.log_format, LogLevel::kError);  // the findings say everything
  Findings findings;
  auto all = listeners(config);
  add(findings, find_running(config, all));
  for (const auto& listener : all) add(findings, doctor::look_at_listener(listener));
  add(findings, look_at_certificates(config));
  add(findings, look_at_machine(config, all.size()));
  add(findings, config.backend.empty() ? look_at_store(config) : look_at_nodes(config));
  const bool told = write_output(json ? doctor::to_json(findings) : doctor::to_text(findings));
  return told && doctor::all_good(findings) ? 0 : 1;
}

}  // namespace parley::app
