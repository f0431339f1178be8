#include "rpc/server/worker.h"

#include "rpc/server/session.h"

namespace parley::rpc {

void Worker::accept(net::Socket socket) {
  metrics().accepted.add();
  if (state().connections.load(std::memory_order_relaxed) >= state().options.max_connections) {
    metrics().refused.add();
    return;
  }
  const auto tls = state().options.tls ? state().options.tls->current() : nullptr;
  serve(std::make_unique<Session>(*this, std::move(socket), tls.get()));
}

void Worker::give_back(std::string buffer) {
  constexpr std::size_t kMost = std::size_t{1} << 20;
  if (buffer.capacity() > kMost) return;
  buffer.clear();
  spare_ = std::move(buffer);
}

}  // namespace parley::rpc
