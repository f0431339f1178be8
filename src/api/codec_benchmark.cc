// What reading a send and writing a page cost, the two ends of the hot path.
#include <string>

#include <benchmark/benchmark.h>

#include "api/answer.h"
#include "api/binding.h"
#include "api/media_type.h"

namespace parley::api {
namespace {

void bind_json(benchmark::State& state) {
  const std::string text(static_cast<std::size_t>(state.range(0)), 'x');
  const std::string body = R"({"chat":"alice:bob","text":")" + text + R"(","sender":"alice"})";
  const http::Header headers[] = {{"Host", "127.0.0.1:8080"},
                                  {"User-Agent", "benchmark"},
                                  {"Accept", "*/*"},
                                  {"Content-Type", "application/json"},
                                  {"Content-Length", "150"}};
  http::Request request{};
  request.headers = headers;
  request.body = body;
  for (auto _ : state) benchmark::DoNotOptimize(bind_send(request));
}
BENCHMARK(bind_json)->Arg(10)->Arg(100)->Arg(10'000);

void bind_query(benchmark::State& state) {
  http::Request request{};
  request.query = "chat=alice%3Abob&cursor=1700000000000001&limit=10&reverse=true";
  for (auto _ : state) benchmark::DoNotOptimize(bind_pull(request));
}
BENCHMARK(bind_query);

service::PullResponse page_of(std::int64_t messages) {
  service::PullResponse pull{.chat = "alice:bob", .page = {}};
  for (std::int64_t i = 0; i < messages; ++i) {
    pull.page.messages.push_back({"alice", std::string(100, 'x'), 1'700'000'000'000'000 + i});
  }
  return pull;
}

void write_page(benchmark::State& state, std::string_view type) {
  const service::PullResponse pull = page_of(state.range(0));
  MemoryBudget budget(std::size_t{1} << 30);
  for (auto _ : state) benchmark::DoNotOptimize(answer_pull(pull, type, budget));
}
BENCHMARK_CAPTURE(write_page, json, kJsonType)->Arg(0)->Arg(10)->Arg(1000);
BENCHMARK_CAPTURE(write_page, protobuf, kProtobufType)->Arg(10);

void write_send(benchmark::State& state) {
  const service::SendResponse send{"alice:bob", 1'700'000'000'000'000, false};
  for (auto _ : state) benchmark::DoNotOptimize(answer_send(send, kJsonType));
}
BENCHMARK(write_send);

void negotiate(benchmark::State& state) {
  const http::Header header{"Accept", "text/html, application/json;q=0.9, */*;q=0.8"};
  for (auto _ : state) benchmark::DoNotOptimize(preferred_type({&header, 1}));
}
BENCHMARK(negotiate);

}  // namespace
}  // namespace parley::api

BENCHMARK_MAIN();
