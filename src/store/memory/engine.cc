#include "store/memory/engine.h"

#include "store/memory/store.h"

namespace parley::store {
namespace {

constexpr std::string_view kUrl = "memory:";

}  // namespace

Engine memory_engine() {
  return {.urls = kUrl,
          .promise = "memory",
          .takes = [](std::string_view url) { return url == kUrl; },
          .read = [](std::string_view) { return OptionResult{}; },
          .open = [](std::string_view, const Opening& with) -> Result<std::unique_ptr<MessageStore>> {
            return make_memory_store(with.options, with.loops, with.metrics);
          },
          .look = [](std::string_view, const Looking&) -> Findings {
            return {{"--store memory:", "it is for tests", "the end of the server loses all messages",
                     "choose a store that keeps them, such as --store rocksdb:PATH"}};
          }};
}

}  // namespace parley::store
