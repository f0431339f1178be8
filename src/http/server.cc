#include "http/server.h"

#include <utility>

namespace parley::http {
namespace {

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
  if (!draining()) drain(std::chrono::steady_clock::now());
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

void HttpServer::drain(Deadline deadline) {
  state_.draining = true;
  listener_.close();
  workers_.drain(deadline);
}

}  // namespace parley::http
