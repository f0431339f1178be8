#include "http/server.h"

#include <algorithm>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>

namespace parley::http {
namespace {

std::vector<std::string> paths_of(const Router& router) {
  std::vector<std::string> paths;
  for (std::size_t i = 0; i < router.size(); ++i) paths.emplace_back(router[i].path);
  return paths;
}

}  // namespace

HttpServer::HttpServer(net::LoopPool& loops, net::Endpoint endpoint, Routes routes, HttpOptions options,
                       MemoryBudget& budget, MetricsRegistry& metrics, std::string name)
    : loops_(loops),
      endpoint_(std::move(endpoint)),
      state_(std::move(options), std::move(routes), endpoint_.is_loopback(), budget),
      metrics_(std::make_shared<ServerMetrics>(name, paths_of(state_.router), loops.size())),
      listener_(loops, std::move(name)) {
  for (std::size_t i = 0; i < loops_.size(); ++i) {
    workers_.push_back(std::make_unique<Worker>(state_, loops_[i], metrics_->loop(i)));
  }
  ServerMetrics::publish(metrics_, metrics);
}

HttpServer::~HttpServer() {
  if (!draining()) drain(std::chrono::steady_clock::now());
  (void)wait_for_connections(kNoDeadline);
}

Result<void> HttpServer::listen() {
  auto listening = listener_.listen(endpoint_);
  if (listening) endpoint_ = listener_.endpoint();
  return listening;
}

void HttpServer::start() {
  listener_.start([this](net::Socket socket, net::Loop& loop) { workers_[loop.index()]->accept(std::move(socket)); });
}

void HttpServer::drain(Deadline deadline) {
  state_.draining = true;
  listener_.close();
  on_each_loop(&Worker::drain);
  for (const auto& worker : workers_) {
    ended_.push_back(boost::asio::co_spawn(worker->loop().executor(), worker->ended(), boost::asio::use_future));
  }
  if (!wait_for_connections(deadline)) on_each_loop(&Worker::cut);
}

void HttpServer::on_each_loop(void (Worker::*call)()) {
  for (const auto& worker : workers_) {
    const auto run = [&worker, call] { ((*worker).*call)(); };
    boost::asio::post(worker->loop().executor(), boost::asio::use_future(run)).get();
  }
}

bool HttpServer::wait_for_connections(Deadline deadline) {
  return std::ranges::all_of(ended_, [deadline](std::future<void>& ended) {
    if (deadline == kNoDeadline) ended.wait();  // wait_until() would overflow
    return ended.wait_until(std::min(deadline, std::chrono::steady_clock::now() + std::chrono::hours(24))) ==
           std::future_status::ready;
  });
}

}  // namespace parley::http
