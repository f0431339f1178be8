// What the stores cost, without a server around them. Not a test.
//
//   store_benchmark [--benchmark_filter=append]     PARLEY_BENCH_CHATS=1000000 for a big store to open
//                                                   PARLEY_BENCH_REDIS=HOST:PORT for what is over Redis
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_future.hpp>
#include <sys/resource.h>

#include "base/metrics.h"
#include "net/loop.h"
#include "service/events.h"
#include "store/embedded/store.h"
#include "store/message_change.h"
#include "store/redis/store.h"

namespace parley::store {
namespace {

namespace fs = std::filesystem;

class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "parley-bench-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) std::abort();
    path = name;
  }
  ~Folder() { fs::remove_all(path); }
  fs::path path;
};

std::atomic<std::int64_t> clock_ahead;  ///< microseconds that the stores' clock is ahead

StoreOptions store_options(Durability durability) {
  StoreOptions options{.durability = durability};
  options.clock = [real = options.clock] { return real() + clock_ahead; };
  return options;
}

std::unique_ptr<MessageStore> open(const fs::path& folder, Durability durability, net::LoopPool& loops) {
  static MetricsRegistry metrics;
  return open_rocksdb_store(folder, store_options(durability), loops, metrics).value();
}

ChatId chat(std::size_t i, const std::string& user = "alice") {
  return ChatId::parse(user + ":bob" + std::to_string(i)).value();
}

/// Of all threads, in seconds.
double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

struct Load {
  std::size_t sends = 0;
  std::size_t chats = 1;
  bool keyed = false;
  std::string user = "alice";  // whose chats they are
};

/// One sender: sends again as soon as it is answered.
Async<> send_in_turn(MessageStore& store, Load load, std::size_t sender) {
  static std::size_t key = 0;
  static const std::string run = std::to_string(std::chrono::steady_clock::now().time_since_epoch().count());
  for (std::size_t i = 0; i < load.sends; ++i) {
    Draft draft{chat((sender * load.sends + i) % load.chats, load.user), load.user, std::string(100, 'x'), ""};
    if (load.keyed) draft.idempotency_key = run + "-" + std::to_string(++key);
    const auto appended =
        co_await store.append(change_of(std::move(draft)), std::chrono::steady_clock::now() + std::chrono::seconds(60));
    if (!appended) std::abort();
  }
}

void send_all(MessageStore& store, net::LoopPool& loops, std::size_t senders, Load load) {
  std::vector<std::future<void>> done;
  for (std::size_t i = 0; i < senders; ++i) {
    done.push_back(boost::asio::co_spawn(loops[0].executor(), send_in_turn(store, load, i), boost::asio::use_future));
  }
  for (auto& one : done) one.get();
}

void measure_appends(benchmark::State& state, MessageStore& store, net::LoopPool& loops, std::size_t senders,
                     Load load) {
  const double cpu = cpu_seconds();
  std::size_t sent = 0;
  for (auto _ : state) {
    send_all(store, loops, senders, load);
    sent += senders * load.sends;
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(sent));
  state.counters["cpu_us"] = (cpu_seconds() - cpu) * 1e6 / static_cast<double>(sent);
}

/// Arguments: senders at once, 1 for fsync, 1 for keys.
void append(benchmark::State& state) {
  const Folder folder;
  net::LoopPool loops(1);
  const auto store = open(folder.path, state.range(1) == 1 ? Durability::kFsync : Durability::kOs, loops);
  const auto senders = static_cast<std::size_t>(state.range(0));
  const Load load{.sends = 20'000 / senders / (senders == 1 ? 10 : 1), .chats = 1000, .keyed = state.range(2) == 1};
  measure_appends(state, *store, loops, senders, load);
}
BENCHMARK(append)
    ->ArgNames({"senders", "fsync", "keyed"})
    ->ArgsProduct({{1, 64, 512}, {1, 0}, {0, 1}})
    ->UseRealTime()
    ->Iterations(3)
    ->Unit(benchmark::kMillisecond);

/// Each time from a cursor that is `step` later: with 0 the page may be one that was kept, else it is none.
Async<> read_again(MessageStore& store, ChatId of, PageRange range, std::int64_t step, std::size_t times) {
  for (std::size_t i = 0; i < times; ++i, range.cursor += step) {
    const auto page = co_await store.read(of, {range}, kNoDeadline);
    if (!page || page->records.size() != 10) std::abort();
  }
}

/// Arguments: messages in the chat, 1 for newest first, 1 for a restart before (so that they are in files).
void read_ten(benchmark::State& state) {
  const Folder folder;
  net::LoopPool loops(1);
  auto store = open(folder.path, Durability::kOs, loops);
  const auto messages = static_cast<std::size_t>(state.range(0));
  send_all(*store, loops, 500, {.sends = messages / 500});
  if (state.range(2) == 1) {
    store.reset();
    store = open(folder.path, Durability::kOs, loops);
  }
  constexpr std::size_t kReads = 1000;
  const double cpu = cpu_seconds();
  for (auto _ : state) {
    net::run_on(loops[0], read_again(*store, chat(0), {.reverse = state.range(1) == 1}, 0, kReads));
  }
  const auto reads = static_cast<std::int64_t>(kReads) * state.iterations();
  state.SetItemsProcessed(reads);
  state.counters["cpu_us"] = (cpu_seconds() - cpu) * 1e6 / static_cast<double>(reads);
}
BENCHMARK(read_ten)
    ->ArgNames({"messages", "newest", "files"})
    ->ArgsProduct({{1000, 1'000'000}, {0, 1}, {0, 1}})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

constexpr std::size_t kPages = 1000;  // read one after the other

/// Counts pages that were read one after the other.
void measure_pages(benchmark::State& state, net::LoopPool& loops, const std::function<Async<>()>& read_one) {
  const auto read_all = [&]() -> Async<> {
    for (std::size_t i = 0; i < kPages; ++i) co_await read_one();
  };
  for (auto _ : state) net::run_on(loops[0], read_all());
  state.SetItemsProcessed(static_cast<std::int64_t>(kPages) * state.iterations());
}

/// The 20 newest chats of a user who has 10,000.
void newest_chats(benchmark::State& state, MessageStore& store, net::LoopPool& loops) {
  send_all(store, loops, 500, {.sends = 20, .chats = 10'000});
  measure_pages(state, loops, [&]() -> Async<> {
    const auto page = co_await store.index("alice", {.limit = 20}, kNoDeadline);
    if (!page || page->rows.size() != 20) std::abort();
  });
}

/// A page of the events of a user who has 1,000 chats of which 5 moved. The others moved an hour ago, and others' chats
/// have moved since in every lane.
void events_page(benchmark::State& state, MessageStore& store, net::LoopPool& loops) {
  send_all(store, loops, 100, {.sends = 10, .chats = 1000, .user = "carol"});
  clock_ahead += std::int64_t{3600} * 1'000'000;
  send_all(store, loops, 100, {.sends = 10, .chats = 1000, .user = "dave"});
  const auto cursor = net::run_on(loops[0], service::begin_events(store, kNoDeadline)).value();
  send_all(store, loops, 1, {.sends = 5, .chats = 5, .user = "carol"});
  measure_pages(state, loops, [&]() -> Async<> {
    const auto page = co_await service::read_events(store, {.user = "carol", .cursor = cursor}, kNoDeadline);
    if (!page || page->events.size() != 5 || !page->caught_up) std::abort();
  });
}

using OverStore = void (*)(benchmark::State& state, MessageStore& store, net::LoopPool& loops);

void over_rocksdb(benchmark::State& state, OverStore measure) {
  const Folder folder;
  net::LoopPool loops(1);
  const auto store = open(folder.path, Durability::kOs, loops);
  measure(state, *store, loops);
}

/// How long opening takes after a clean end, with ten messages in each chat.
void open_store(benchmark::State& state) {
  const Folder folder;
  net::LoopPool loops(1);
  const auto chats = static_cast<std::size_t>(state.range(0));
  auto store = open(folder.path, Durability::kOs, loops);
  send_all(*store, loops, 500, {.sends = chats * 10 / 500, .chats = chats});
  for (auto _ : state) {
    state.PauseTiming();
    store.reset();
    state.ResumeTiming();
    store = open(folder.path, Durability::kOs, loops);
  }
}
std::unique_ptr<MessageStore> open_redis(net::LoopPool& loops) {
  static MetricsRegistry metrics;
  redis::ClientOptions servers;
  servers.servers = {net::Endpoint::parse(std::getenv("PARLEY_BENCH_REDIS")).value()};
  const Deadline deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  return open_redis_store(std::move(servers), store_options(Durability::kOs), loops, metrics, deadline).value();
}

void over_redis(benchmark::State& state, OverStore measure) {
  net::LoopPool loops(1);
  const auto store = open_redis(loops);
  measure(state, *store, loops);
}

/// Arguments: senders at once, 1 for keys.
void redis_append(benchmark::State& state) {
  net::LoopPool loops(1);
  const auto store = open_redis(loops);
  const auto senders = static_cast<std::size_t>(state.range(0));
  const Load load{.sends = 100'000 / senders / (senders == 1 ? 10 : 1), .chats = 1000, .keyed = state.range(1) == 1};
  measure_appends(state, *store, loops, senders, load);
}

/// Arguments: readers at once, each of a chat of its own; 1 for pages that were read before.
void redis_read_ten(benchmark::State& state) {
  net::LoopPool loops(1);
  const auto store = open_redis(loops);
  const auto readers = static_cast<std::size_t>(state.range(0));
  send_all(*store, loops, readers, {.sends = 20, .chats = readers});
  const std::size_t reads = 100'000 / readers / (readers == 1 ? 10 : 1);
  const double cpu = cpu_seconds();
  for (auto _ : state) {
    std::vector<std::future<void>> done;
    for (std::size_t i = 0; i < readers; ++i) {
      auto reading = read_again(*store, chat(i), {}, state.range(1) == 1 ? 0 : 1, reads);
      done.push_back(boost::asio::co_spawn(loops[0].executor(), std::move(reading), boost::asio::use_future));
    }
    for (auto& one : done) one.get();
  }
  const auto all = static_cast<std::int64_t>(readers * reads) * state.iterations();
  state.SetItemsProcessed(all);
  state.counters["cpu_us"] = (cpu_seconds() - cpu) * 1e6 / static_cast<double>(all);
}

BENCHMARK(open_store)->Arg(100)->Arg(100'000)->UseRealTime()->Iterations(5)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace parley::store

int main(int argc, char** argv) {
  using namespace parley::store;
  const auto add = [](const char* name, auto over, OverStore measure) {
    benchmark::RegisterBenchmark(name, over, measure)->UseRealTime()->Iterations(5)->Unit(benchmark::kMillisecond);
  };
  add("newest_chats/rocksdb", over_rocksdb, newest_chats);
  add("events_page/rocksdb", over_rocksdb, events_page);
  if (std::getenv("PARLEY_BENCH_REDIS") != nullptr) {
    add("newest_chats/redis", over_redis, newest_chats);
    add("events_page/redis", over_redis, events_page);
  }
  if (const char* chats = std::getenv("PARLEY_BENCH_CHATS")) {
    benchmark::RegisterBenchmark("open_store_big", parley::store::open_store)
        ->Arg(std::atoll(chats))
        ->UseRealTime()
        ->Iterations(3)
        ->Unit(benchmark::kMillisecond);
  }
  if (std::getenv("PARLEY_BENCH_REDIS") != nullptr) {
    benchmark::RegisterBenchmark("redis_append", parley::store::redis_append)
        ->ArgNames({"senders", "keyed"})
        ->ArgsProduct({{1, 64, 512}, {0, 1}})
        ->UseRealTime()
        ->Iterations(1)
        ->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark("redis_read_ten", parley::store::redis_read_ten)
        ->ArgNames({"readers", "again"})
        ->ArgsProduct({{1, 64, 512}, {0, 1}})
        ->UseRealTime()
        ->Iterations(1)
        ->Unit(benchmark::kMillisecond);
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
