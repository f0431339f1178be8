#include "http/server/worker.h"

#include "http/server/session.h"

namespace parley::http {
namespace {

/// How many may be told at once that there are too many; further ones are just closed.
std::size_t max_refusals(const HttpOptions& options) { return options.max_connections / 16 + 16; }

}  // namespace

Worker::Worker(ServerState& state, net::Loop& loop, LoopMetrics& metrics)
    : state_(state),
      loop_(loop),
      metrics_(metrics),
      sessions_group_(loop.executor()),
      scratch_(std::make_unique_for_overwrite<char[]>(kScratch)),
      outbox_(std::make_shared<Outbox>(loop.executor())) {}

Worker::~Worker() = default;

void Worker::accept(net::Socket socket) {
  metrics_.accepted.add();
  const bool full = state_.connections.load(std::memory_order_relaxed) >= state_.options.max_connections;
  if (full) {
    metrics_.refused.add();
    if (state_.refusals.load(std::memory_order_relaxed) >= max_refusals(state_.options)) return;
  }
  auto session = std::make_unique<Session>(*this, std::move(socket), full);
  sessions_.insert(session.get());
  sessions_group_.spawn(Session::run(std::move(session)));
}

void Worker::drain() {
  for (Session* session : sessions_) session->drain();
}

void Worker::cut() {
  for (Session* session : sessions_) session->cut();
}

}  // namespace parley::http
