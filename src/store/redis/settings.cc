#include "store/redis/settings.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>

#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>

#include "base/quote.h"
#include "base/task_group.h"
#include "redis/refusal.h"
#include "store/redis/calls.h"

namespace parley::store {
namespace {

constexpr std::string_view kAppendOnly = "appendonly";
constexpr std::string_view kAppendFsync = "appendfsync";
constexpr std::string_view kNoFsync = "no-appendfsync-on-rewrite";
constexpr std::string_view kPolicy = "maxmemory-policy";
constexpr std::string_view kNodeBytes = "stream-node-max-bytes";
constexpr std::array kAsked{kAppendOnly, kAppendFsync, kNoFsync, kPolicy, kNodeBytes};

/// With this much a chat of a few messages begins to take noticeably more than with the 1520 of deploy/redis.
constexpr std::int64_t kWastefulNodeBytes = 2048;

const std::string* find(const RedisSettings& settings, std::string_view name) {
  const auto found = settings.values.find(name);
  return found == settings.values.end() ? nullptr : &found->second;
}

constexpr const char* kPermit = "let the user that --store names run it: ACL SETUSER NAME +config|get";

std::string set_it(std::string_view name, std::string_view value) {
  return fmt::format("run CONFIG SET {0} {1}, and write the line `{0} {1}` into redis.conf", name, value);
}

/// What is wrong with a setting that must be `wanted`; a server that takes CONFIG but knows no such setting has nothing
/// of the kind that could be wrong, unless it is `needed`.
std::optional<RedisSettingFault> other_than(const RedisSettings& settings, std::string_view name,
                                            std::string_view wanted, bool needed, std::string_view why) {
  const auto must_be = [&](std::string_view value) {
    return fmt::format("{} is {}, and must be {}: {}", name, value, wanted, why);
  };
  if (const std::string* const value = find(settings, name); value != nullptr) {
    if (*value == wanted) return std::nullopt;
    return RedisSettingFault{must_be(quote(*value)), set_it(name, wanted)};
  }
  if (!settings.config_permitted) {
    return RedisSettingFault{must_be("unknown, because the user may not run CONFIG GET"), kPermit};
  }
  if (!needed) return std::nullopt;
  return RedisSettingFault{must_be("unknown to the server"), "use a server that has it, or --durability os"};
}

/// Whether the server has had its say: one that is busy says later what it permits.
bool told(const redis::CallResult& result) {
  using Outcome = redis::CallResult::Outcome;
  if (result.outcome != Outcome::kAnswered && result.outcome != Outcome::kShort) return false;
  if (!result.reply.is_error()) return true;
  const auto refusal = redis::refusal_of(result.reply.text, false);
  return !refusal || !redis::passes_by_itself(*refusal);
}

Async<> ask_for(RedisSettings& settings, std::string_view name, redis::Ask ask) {
  std::string command = redis::format_command({"CONFIG", "GET", name});
  const redis::CallResult result = co_await ask(std::move(command));
  settings.known &= told(result);
  settings.config_permitted &= !result.reply.is_error();
  if (result.reply.elements.size() == 2) settings.values.emplace(name, result.reply.elements[1].text);
}

Async<> ask_into(RedisSettings& settings, redis::Ask ask) { settings = co_await ask_redis_settings(std::move(ask)); }

}  // namespace

Async<RedisSettings> ask_redis_settings(redis::Ask ask) {
  RedisSettings settings;
  TaskGroup questions(co_await boost::asio::this_coro::executor);
  for (const std::string_view name : kAsked) questions.spawn(ask_for(settings, name, ask));  // in one write
  co_await questions.wait();
  if (!settings.known || settings.config_permitted) co_return settings;
  std::string command = redis::format_command({"INFO"});
  const redis::CallResult result = co_await ask(std::move(command));
  settings = redis_settings_of_info(result.reply.text);
  settings.known = told(result);
  co_return settings;
}

Async<RedisSettingsOfMasters> ask_redis_settings(redis::Client& client, std::chrono::milliseconds patience) {
  RedisSettingsOfMasters masters;
  co_await client.visit_masters(patience, [&masters](const std::string& address, redis::Ask ask) {
    return ask_into(masters[address], std::move(ask));
  });
  co_return masters;
}

RedisSettings redis_settings_of_info(std::string_view info) {
  RedisSettings out{.values = {}, .config_permitted = false, .known = true};
  while (!info.empty()) {
    const std::size_t end = std::min(info.find("\r\n"), info.size());
    const std::string_view line = info.substr(0, end);
    info.remove_prefix(std::min(end + 2, info.size()));
    const std::size_t colon = std::min(line.find(':'), line.size());
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = line.substr(std::min(colon + 1, line.size()));
    if (name == "aof_enabled") out.values.emplace(kAppendOnly, value == "1" ? "yes" : "no");
    if (name == "maxmemory_policy") out.values.emplace(kPolicy, value);
  }
  return out;
}

std::vector<RedisSettingFault> unfit_redis_settings(const RedisSettings& settings, Durability durability) {
  constexpr std::string_view kOnDisk = "with --durability fsync an acknowledged message is on disk";
  std::vector<RedisSettingFault> out;
  const auto take = [&out](std::optional<RedisSettingFault> fault) {
    if (fault) out.push_back(*std::move(fault));
  };
  take(other_than(settings, kPolicy, "noeviction", false, "with any other policy a full Redis forgets chats"));
  if (durability == Durability::kOs) return out;
  take(other_than(settings, kAppendOnly, "yes", true, kOnDisk));
  take(other_than(settings, kAppendFsync, "always", true, kOnDisk));
  take(other_than(settings, kNoFsync, "no", false,
                  "with --durability fsync an acknowledged message is on disk, during a rewrite too"));
  return out;
}

std::vector<RedisSettingFault> redis_setting_remarks(const RedisSettings& settings, Durability durability) {
  std::vector<RedisSettingFault> out;
  if (!settings.config_permitted) {
    out.emplace_back("the user may not run CONFIG GET, so we can only check the settings that INFO shows", kPermit);
  }
  const std::string* const append_only = find(settings, kAppendOnly);
  if (durability == Durability::kOs && append_only != nullptr && *append_only != "yes") {
    out.emplace_back("appendonly is not yes: a restart of the server loses what came after its last snapshot",
                     set_it(kAppendOnly, "yes"));
  }
  const std::string* const node = find(settings, kNodeBytes);
  std::int64_t bytes = -1;
  if (node != nullptr) std::from_chars(node->data(), node->data() + node->size(), bytes);
  if (bytes == 0 || bytes > kWastefulNodeBytes) {
    out.emplace_back(fmt::format("{} is {}, which wastes memory if chats are short. 1520 suits chats of ten messages",
                                 kNodeBytes, bytes),
                     set_it(kNodeBytes, "1520"));
  }
  return out;
}

}  // namespace parley::store
