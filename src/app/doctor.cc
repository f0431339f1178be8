#include "app/doctor.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <tuple>
#include <utility>
#include <variant>

#include "app/redis_servers.h"
#include "app/store_url.h"
#include "base/log.h"
#include "cli/output.h"
#include "doctor/disk.h"
#include "doctor/finding.h"
#include "doctor/listeners.h"
#include "doctor/machine.h"
#include "doctor/nodes.h"
#include "doctor/redis.h"
#include "net/tls.h"

namespace parley::app {
namespace {

using doctor::Findings;

void add(Findings& to, Findings more) { std::ranges::move(more, std::back_inserter(to)); }

std::vector<doctor::ListenerFacts> listeners(const Config& config) {
  const bool certificates = !config.rpc_options.tls.authority.empty();
  std::vector<doctor::ListenerFacts> out;
  for (const auto& [name, address, authenticated] :
       {std::tuple{"http", &config.http, false}, std::tuple{"rpc", &config.rpc, certificates},
        std::tuple{"admin", &config.admin, false}}) {
    if (!address->empty()) out.push_back({name, *net::Endpoint::parse(*address), authenticated});
  }
  return out;
}

Findings look_at_machine(const Config& config, std::size_t listeners) {
  const std::size_t connections = config.http_options.max_connections;
  doctor::Needs needs{.listeners = listeners,
                      .connections = connections,
                      .asked_for = connections != http::HttpOptions{}.max_connections,
                      .memory = config.max_memory};
  if (config.store.starts_with("rocksdb:")) needs.memory += config.store_options.memory;
  return doctor::judge_machine(doctor::look_at_machine(), needs);
}

Findings look_at_certificates(const Config& config) {
  if (config.rpc.empty() || config.rpc_options.tls.certificate.empty()) return {};
  const auto context = net::TlsContext::for_server(config.rpc_options.tls);
  if (context) return {{"--rpc-tls-cert", "it fits its key"}};
  return {{"--rpc-tls-cert", context.error().detail, "that the server starts", "mend the file that is named"}};
}

/// What is there answers at once; what is not must not keep a person waiting for as long as a server may wait.
constexpr std::chrono::seconds kPatience{3};

Findings look_at_redis(const RedisStoreUrl& url, const Config& config) {
  const auto servers = redis_servers(url, config);
  if (!servers) return {{"--store", servers.error().detail, "that the server starts", "mend the file that is named"}};
  return doctor::judge_redis(doctor::ask_redis(*servers, kPatience), config.store_options.durability,
                             servers->replicas);
}

Findings look_at_store(const Config& config) {
  const auto url = parse_store_url(config.store);
  if (const auto* redis = std::get_if<RedisStoreUrl>(&*url)) return look_at_redis(*redis, config);
  if (const auto* rocksdb = std::get_if<RocksdbStoreUrl>(&*url)) {
    return doctor::judge_disk(doctor::look_at_disk(rocksdb->path),
                              config.store_options.durability == store::Durability::kFsync,
                              config.http_options.request_timeout);
  }
  return {{"--store memory:", "it keeps nothing", "that an acknowledged message survives the process",
           "give a store that keeps what it is given, such as rocksdb:PATH"}};
}

Findings look_at_nodes(const Config& config) {
  const auto url = parse_backend_url(config.backend);
  rpc::ClientOptions options = config.client_options;
  if (url->tls) {
    std::vector<std::string> names;
    for (const net::Endpoint& node : url->nodes) names.push_back(node.host);
    auto tls = net::TlsContext::for_client(config.rpc_options.tls, std::move(names));
    if (!tls) return {{"--rpc-tls-ca", tls.error().detail, "that nodes can be reached", "mend the file that is named"}};
    options.tls = std::make_shared<const net::TlsContext>(*std::move(tls));
  }
  const auto patience = std::min<std::chrono::milliseconds>(config.backend_timeout, kPatience);
  return doctor::judge_nodes(doctor::ask_nodes(url->nodes, options, patience));
}

}  // namespace

int doctor(const Config& config, bool json) {
  configure_log(config.log_format, LogLevel::kError);  // what is found out is told below
  Findings findings;
  const auto all = listeners(config);
  for (const auto& listener : all) add(findings, doctor::look_at_listener(listener));
  add(findings, look_at_certificates(config));
  add(findings, look_at_machine(config, all.size()));
  add(findings, config.backend.empty() ? look_at_store(config) : look_at_nodes(config));
  const bool told = cli::write_output(json ? doctor::to_json(findings) : doctor::to_text(findings));
  return told && doctor::all_good(findings) ? 0 : 1;
}

}  // namespace parley::app
