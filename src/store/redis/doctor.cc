#include "store/redis/doctor.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <optional>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <fmt/format.h>

#include "base/metrics.h"
#include "net/loop.h"
#include "redis/client.h"
#include "store/redis/calls.h"
#include "store/redis/entries.h"

namespace parley::store {
namespace {

constexpr std::uint64_t kLeastVersion = 7;

using Info = std::map<std::string, std::string, std::less<>>;

Info parse_info(std::string_view text) {
  Info out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find("\r\n"), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 2, text.size()));
    if (const std::size_t colon = line.find(':'); colon != std::string_view::npos) {
      out.emplace(line.substr(0, colon), line.substr(colon + 1));
    }
  }
  return out;
}

std::string value(const Info& info, std::string_view name) {
  const auto found = info.find(name);
  return found == info.end() ? std::string() : found->second;
}

/// The number that the value begins with.
std::optional<std::uint64_t> number(const Info& info, std::string_view name) {
  const std::string text = value(info, name);
  std::uint64_t out = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), out).ec != std::errc{}) return std::nullopt;
  return out;
}

/// Of a cluster, one master has the key, and the others say so.
Async<> ask_for(std::string_view key, std::string& value, redis::Ask ask) {
  auto found = co_await ask_for_value(key, std::move(ask));
  if (found && !found->empty()) value = *std::move(found);
}

Async<> ask_one(RedisFacts& master, RedisStoreFacts& store, redis::Ask ask) {
  co_await ask_for(kRedisFormatKey, store.format, ask);
  co_await ask_for(kRedisIdKey, store.id, ask);
  co_await ask_for(kRedisLanesKey, store.lanes, ask);
  master.settings = co_await ask_redis_settings(ask);
  std::string command = redis::format_command({"INFO"});
  const redis::CallResult result = co_await ask(std::move(command));
  master.info = parse_info(result.reply.text);
}

Async<RedisServers> ask(redis::Client& client, std::chrono::milliseconds patience) {
  RedisServers out;
  if (const auto started = co_await client.start(net::Loop::current().now() + patience); !started) {
    out.failure = started.error().detail;
    co_return out;
  }
  co_await client.visit_masters(patience, [&out](const std::string& address, redis::Ask ask) {
    return ask_one(out.masters[address], out.store, std::move(ask));
  });
  co_return out;
}

bool runs_here(const redis::ClientOptions& options) {
  return std::ranges::any_of(options.servers, [](const net::Endpoint& server) { return server.is_loopback(); });
}

Findings judge_settings(const RedisSettings& settings, Durability durability, const std::string& subject) {
  if (!settings.known) {
    return {{subject, "it does not answer", "nobody can send to the chats that it keeps, or read them",
             "start it, or look into its log"}};
  }
  Findings out;
  for (auto& [what, fix] : unfit_redis_settings(settings, durability)) {
    out.push_back({subject, std::move(what), "acknowledged messages could be lost, so the server does not start",
                   std::move(fix)});
  }
  if (!out.empty()) return out;
  out.push_back({subject, "its settings fit --durability"});
  for (auto& [what, fix] : redis_setting_remarks(settings, durability)) {
    out.push_back({subject, std::move(what),
                   "Redis keeps messages less safely, or takes more memory, than you may expect", std::move(fix)});
  }
  return out;
}

Finding judge_version(const Info& info, const std::string& subject) {
  const std::string version = value(info, "redis_version");
  if (number(info, "redis_version").value_or(0) >= kLeastVersion) return {subject, "its version is " + version};
  return {subject, "its version is " + (version.empty() ? "not known" : version), "Parley was never tested with it",
          "use Redis 7.0 or later"};
}

Finding judge_replicas(const Info& info, std::size_t replicas, const std::string& subject) {
  const std::uint64_t connected = number(info, "connected_slaves").value_or(0);
  const std::string found = fmt::format("{} replicas are connected, and --redis-replicas is {}", connected, replicas);
  if (connected >= replicas) return {subject, found};
  return {subject, found, "no send is acknowledged, since each needs that many replicas",
          "start the replicas, or lower --redis-replicas"};
}

Finding judge_log(const Info& info, const std::string& subject) {
  const std::string status = value(info, "aof_last_write_status");
  if (status.empty() || status == "ok") return {subject, "its last write to the log succeeded"};
  return {subject, "its last write to the log failed: " + status, "Redis refuses every send",
          "free space on its disk, or replace the disk"};
}

Finding judge_memory(const Info& info, const std::string& subject) {
  const std::optional<std::uint64_t> limit = number(info, "maxmemory");
  const std::uint64_t machine = number(info, "total_system_memory").value_or(0);
  const std::uint64_t used = number(info, "used_memory").value_or(0);
  if (!limit) return {subject, fmt::format("it uses {} MiB", used >> 20U)};
  if (*limit == 0) {
    return {subject, fmt::format("maxmemory is 0, so the {} MiB that it uses may grow without a limit", used >> 20U),
            "when memory is used up, the kernel kills Redis",
            "set maxmemory to three quarters of the memory that Redis may use"};
  }
  const std::uint64_t most = *limit;
  const std::string found = fmt::format("it uses {} MiB of {} MiB", used >> 20U, most >> 20U);
  if (machine > 0 && most > machine / 10 * 8) {
    return {subject, fmt::format("maxmemory is {} MiB of {} MiB", most >> 20U, machine >> 20U),
            "the kernel may kill Redis while it rewrites its log",
            "lower maxmemory to three quarters of the machine's memory"};
  }
  if (used > most / 10 * 9) {
    return {subject, found, "a full Redis refuses every send", "give Redis more memory, or use more servers"};
  }
  return {subject, found};
}

Finding judge_store(const RedisStoreFacts& store) {
  const std::string subject = "the store in Redis";
  if (store.format.empty() && store.id.empty()) return {subject, "there is none yet: a start makes one"};
  if (std::string fault = fault_of_redis_format(store.format); !fault.empty()) {
    return {subject, std::move(fault), "the server does not start",
            "use the program that knows this format, or another database"};
  }
  if (store.id.empty() || store.lanes.empty()) {
    return {subject, fmt::format("{} is gone", store.id.empty() ? kRedisIdKey : kRedisLanesKey),
            "the server does not start, or begins a new store", "restore the data of Redis from a backup"};
  }
  return {subject,
          fmt::format("its id is {}, its format is {}, and it has {} lanes", store.id, store.format, store.lanes)};
}

Finding judge_overcommit(int overcommit) {
  const std::string found = fmt::format("vm.overcommit_memory is {}", overcommit);
  if (overcommit == 1) return {"this machine, for Redis", found};
  return {"this machine, for Redis", found, "Redis may fail to rewrite its log, which then grows",
          "run sysctl vm.overcommit_memory=1, and write that line into a file in /etc/sysctl.d"};
}

/// What to do if no master can be asked. `failure` is what the client says of it.
std::string fix_of(std::string_view failure) {
  if (failure.contains("password")) {
    return "write the password into the file that --redis-password-file names, and the user into --store";
  }
  return "start Redis, or correct its address in --store";
}

}  // namespace

RedisServers ask_redis(const redis::ClientOptions& options, std::chrono::milliseconds patience) {
  net::LoopPool loops(1);
  MetricsRegistry metrics;
  redis::Client client(loops, options, metrics);
  RedisServers out = net::run_on(loops[0], ask(client, patience));
  if (runs_here(options)) std::ifstream("/proc/sys/vm/overcommit_memory") >> out.overcommit;
  return out;
}

Findings judge_redis(const RedisServers& servers, Durability durability, std::size_t replicas) {
  if (!servers.failure.empty()) {
    return {{"Redis", servers.failure, "the server does not start", fix_of(servers.failure)}};
  }
  Findings out;
  for (const auto& [address, facts] : servers.masters) {
    const std::string subject = "Redis " + address;
    for (Finding& finding : judge_settings(facts.settings, durability, subject)) out.push_back(std::move(finding));
    if (facts.info.empty()) continue;
    out.push_back(judge_version(facts.info, subject));
    out.push_back(judge_replicas(facts.info, replicas, subject));
    out.push_back(judge_log(facts.info, subject));
    out.push_back(judge_memory(facts.info, subject));
  }
  out.push_back(judge_store(servers.store));
  if (servers.overcommit >= 0) out.push_back(judge_overcommit(servers.overcommit));
  return out;
}

}  // namespace parley::store
