#include "app/engines.h"

#include <algorithm>
#include <string>

#include <boost/beast/core/string.hpp>
#include <fmt/format.h>

#include "store/embedded/engine.h"
#include "store/memory/engine.h"
#include "store/redis/engine.h"

namespace parley::app {
namespace {

/// What to write in place of what is no URL of a store.
std::string hint_at_store(std::string_view text) {
  const std::string_view kind = text.substr(0, text.find(':'));
  const auto is_one_of = [kind](auto&&... names) { return (boost::beast::iequals(kind, names) || ...); };
  if (is_one_of("memory", "mem")) return "write memory:";
  if (is_one_of("rocksdb", "rocks", "file", "leveldb")) return "a folder is written rocksdb:PATH";
  if (is_one_of("redis", "rediss", "valkey", "valkeys", "keydb")) return "a Redis server is written redis://HOST:PORT";
  if (is_one_of("thrift", "thrifts")) return "other servers are no store: write --backend thrift://HOST:PORT";
  if (kind == text) return fmt::format("the kind of store is missing: write rocksdb:{} for a folder", text);
  return fmt::format("there is no kind of store \"{}\": write rocksdb:PATH, redis://HOST:PORT or memory:", kind);
}

}  // namespace

Engines make_engines() { return {store::embedded_engine(), store::memory_engine(), store::redis_engine()}; }

const store::Engine* find_engine(const Engines& engines, std::string_view url) {
  const auto found = std::ranges::find_if(engines, [url](const store::Engine& engine) { return engine.takes(url); });
  return found == engines.end() ? nullptr : &*found;
}

OptionResult check_store_url(const Engines& engines, std::string_view url) {
  const store::Engine* const engine = find_engine(engines, url);
  return engine == nullptr ? std::unexpected(hint_at_store(url)) : engine->read(url);
}

}  // namespace parley::app
