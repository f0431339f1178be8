#include "http/server/worker.h"

#include "http/server/session.h"

namespace parley::http {
namespace {

/// How many may be told at once that there are too many; further ones are just closed.
std::size_t max_refusals(const HttpOptions& options) { return options.max_connections / 16 + 16; }

}  // namespace

void Worker::accept(net::Socket socket) {
  metrics().accepted.add();
  const bool full = state().connections.load(std::memory_order_relaxed) >= state().options.max_connections;
  if (full) {
    metrics().refused.add();
    if (state().refusals.load(std::memory_order_relaxed) >= max_refusals(state().options)) return;
  }
  const auto tls = state().options.tls ? state().options.tls->current() : nullptr;
  serve(std::make_unique<Session>(*this, std::move(socket), tls.get(), full));
}

}  // namespace parley::http
