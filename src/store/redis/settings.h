// Whether a Redis server is set up to keep what we acknowledge.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/task.h"
#include "redis/client.h"
#include "store/store_options.h"

namespace parley::store {

/// What one master says of itself.
struct RedisSettings {
  std::map<std::string, std::string, std::less<>> values;  ///< by the names of CONFIG GET; none where it has no such
  bool config_permitted = true;                            ///< else INFO has told what there is
  bool known = true;                                       ///< false: it did not answer, and the rest means nothing
};

/// By the address of the server.
using RedisSettingsOfMasters = std::map<std::string, RedisSettings>;

/// Asks a server by CONFIG GET, and by INFO where that is not permitted. On a loop.
[[nodiscard]] Async<RedisSettings> ask_redis_settings(redis::Ask ask);
/// Asks every master; each has `patience` for each answer. On a loop.
[[nodiscard]] Async<RedisSettingsOfMasters> ask_redis_settings(redis::Client& client,
                                                               std::chrono::milliseconds patience);

/// What one line says of a setting, which it names, and what another says to do about it.
struct RedisSettingFault {
  std::string what;
  std::string fix;
};

/// What is wrong with `settings` for this durability; empty: nothing.
[[nodiscard]] std::vector<RedisSettingFault> unfit_redis_settings(const RedisSettings& settings, Durability durability);

/// What an operator may want to know although it fits.
[[nodiscard]] std::vector<RedisSettingFault> redis_setting_remarks(const RedisSettings& settings,
                                                                   Durability durability);

/// Takes the settings out of INFO's text; what it does not say stays out.
[[nodiscard]] RedisSettings redis_settings_of_info(std::string_view info);

}  // namespace parley::store
