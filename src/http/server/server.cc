#include "http/server/server.h"

#include <chrono>
#include <utility>

namespace parley::http {
namespace {

/// From a drain's begin: a client that is busy sends its next request on each of its connections, and is told to close.
constexpr std::chrono::seconds kIdleGrace{1};

std::vector<std::string> paths_of(const Router& router) {
  std::vector<std::string> paths;
  paths.reserve(router.size());
  for (std::size_t i = 0; i < router.size(); ++i) paths.emplace_back(router[i].path);
  return paths;
}

}  // namespace

HttpServer::HttpServer(net::LoopPool& loops, net::Endpoint endpoint, Routes routes, HttpOptions options,
                       MemoryBudget& budget, MetricsRegistry& metrics, std::string name)
    : endpoint_(std::move(endpoint)),
      state_(std::move(options), std::move(routes), endpoint_.is_loopback(), budget),
      metrics_(std::make_shared<ServerMetrics>(name, paths_of(state_.router), loops.size())),
      workers_(loops.size(),
               [&](std::size_t i) { return std::make_unique<Worker>(state_, loops[i], metrics_->loop(i)); }),
      listener_(loops, std::move(name)) {
  ServerMetrics::publish(metrics_, metrics);
}

HttpServer::~HttpServer() {
  if (state_.stage != Stage::kEnding) drain(std::chrono::steady_clock::now());
  (void)workers_.wait(kNoDeadline);
}

Result<void> HttpServer::listen() {
  auto listening = listener_.listen(endpoint_);
  if (listening) endpoint_ = listener_.endpoint();
  return listening;
}

void HttpServer::start() {
  listener_.start([this](net::Socket socket, net::Loop& loop) { workers_[loop.index()].accept(std::move(socket)); });
}

void HttpServer::begin_drain() {
  state_.idle_end = std::chrono::steady_clock::now() + kIdleGrace;
  state_.stage = Stage::kDraining;
}

void HttpServer::drain(Deadline deadline) {
  if (!draining()) begin_drain();
  listener_.close();
  state_.stage = Stage::kEnding;
  workers_.drain(deadline);
}

}  // namespace parley::http
