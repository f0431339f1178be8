#include "rpc/server/worker.h"

#include "rpc/server/session.h"

namespace parley::rpc {

Worker::Worker(ServerState& state, net::Loop& loop, LoopMetrics& metrics)
    : state_(state),
      loop_(loop),
      metrics_(metrics),
      sessions_group_(loop.executor()),
      scratch_(std::make_unique_for_overwrite<char[]>(kScratch)) {}

Worker::~Worker() = default;

void Worker::accept(net::Socket socket) {
  metrics_.accepted.add();
  if (state_.connections.load(std::memory_order_relaxed) >= state_.options.max_connections) {
    metrics_.refused.add();
    return;
  }
  auto session = std::make_unique<Session>(*this, std::move(socket));
  sessions_.insert(session.get());
  sessions_group_.spawn(Session::run(std::move(session)));
}

void Worker::give_back(std::string buffer) {
  constexpr std::size_t kMost = std::size_t{1} << 20;
  if (buffer.capacity() > kMost) return;
  buffer.clear();
  spare_ = std::move(buffer);
}

void Worker::drain() {
  for (Session* session : sessions_) session->drain();
}

void Worker::cut() {
  for (Session* session : sessions_) session->cut();
}

}  // namespace parley::rpc
