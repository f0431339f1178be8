#include "store/redis/engine.h"

#include <optional>
#include <string>
#include <utility>

#include "store/redis/doctor.h"
#include "store/redis/servers.h"
#include "store/redis/store.h"
#include "store/redis/url.h"

namespace parley::store {
namespace {

void declare(OptionSet& set, RedisOptions& options) {
  using std::chrono::milliseconds;
  using std::chrono::minutes;
  set.section("Redis", "These options matter only if `--store` names Redis.");
  declare_file(set, "redis-password-file", options.password_file, "a file",
               "A file that holds the password of Redis. Other users of the machine can see a password in `--store`.");
  declare_file(set, "redis-tls-ca", options.tls.authority, "a PEM file",
               "The authorities that the certificates of `rediss://` servers must come from.");
  declare_file(set, "redis-tls-cert", options.tls.certificate, "a PEM file",
               "The certificate that the server shows to `rediss://` servers, which may ask for it.");
  declare_file(set, "redis-tls-key", options.tls.key, "a PEM file", "The private key of `--redis-tls-cert`.");
  set.count("redis-replicas", options.client.replicas, 0, 100,
            "How many replicas of the Redis server must confirm a message before the send is acknowledged.");
  set.count("redis-pipeline", options.client.max_in_flight, 1, 1'000'000,
            "How many calls may be under way on one connection to Redis. Each event loop has one connection to each "
            "Redis server. The server answers `overloaded` to any further call.");
  set.duration("redis-patience", options.client.patience, milliseconds(0), minutes(10),
               "How long requests wait for Redis to come back. If Redis has been away for longer, the server "
               "answers `unavailable` at once.");
}

/// `url` is nothing if the store is another one's.
OptionResult check(const std::optional<RedisStoreUrl>& url, const RedisOptions& options) {
  const net::TlsFiles& files = options.tls;
  const bool any_file = !files.authority.empty() || !files.certificate.empty() || !files.key.empty();
  if (url && url->tls && files.authority.empty()) {
    return std::unexpected(
        "--store rediss://... needs --redis-tls-ca: give the authorities of the servers' certificates");
  }
  if (any_file && (!url || !url->tls))
    return std::unexpected("the --redis-tls-... options would do nothing: write --store rediss://...");
  if (files.certificate.empty() != files.key.empty()) {
    return std::unexpected("--redis-tls-cert and --redis-tls-key need each other: give both or none");
  }
  if (url && !url->password.empty() && !options.password_file.empty()) {
    return std::unexpected("--redis-password-file and a password in --store exclude each other: leave one out");
  }
  return {};
}

/// The servers of an URL that the engine takes.
Result<redis::ClientOptions> servers_of(std::string_view url, const RedisOptions& options) {
  return redis_servers(parse_redis_store_url(url).value(), options);
}

Result<std::unique_ptr<MessageStore>> open(std::string_view url, const RedisOptions& options, const Opening& with) {
  auto servers = servers_of(url, options);
  if (!servers) return fail(servers.error().code, "--store: " + servers.error().detail);
  if (servers->tls) net::TlsSource::follow(servers->tls, "redis", with.files, with.metrics);
  auto opened = open_redis_store(*std::move(servers), with.options, with.loops, with.metrics, with.deadline);
  if (!opened) return fail(opened.error().code, "--store: " + opened.error().detail);
  return opened;
}

Findings look(std::string_view url, const RedisOptions& options, const Looking& at) {
  const auto servers = servers_of(url, options);
  if (!servers)
    return {{"--store", servers.error().detail, "the server does not start", "correct the file that is named"}};
  return judge_redis(ask_redis(*servers, at.patience), at.options.durability, servers->replicas);
}

}  // namespace

Engine redis_engine() {
  const auto options = std::make_shared<RedisOptions>();
  return {.urls =
              "redis://[USER:PASSWORD@]HOST:PORT[/DB], redis+cluster://HOST:PORT,..., "
              "redis+sentinel://HOST:PORT,.../MASTER, or rediss... for TLS",
          .takes = is_redis_store_url,
          .read = [](std::string_view url) -> OptionResult {
            const auto parsed = parse_redis_store_url(url);
            return parsed ? OptionResult{} : std::unexpected(parsed.error());
          },
          .declare = [options](OptionSet& set) { declare(set, *options); },
          .check =
              [options](std::string_view url) {
                const auto parsed = parse_redis_store_url(url);
                return check(parsed ? std::optional(*parsed) : std::nullopt, *options);
              },
          .open = [options](std::string_view url, const Opening& with) { return open(url, *options, with); },
          .look = [options](std::string_view url, const Looking& at) { return look(url, *options, at); }};
}

}  // namespace parley::store
