#include "http/worker.h"

#include <charconv>
#include <random>

#include <fmt/format.h>

#include "http/session.h"

namespace parley::http {
namespace {

constexpr int kLogLinesASecond = 10;

/// How many may be told at once that there are too many; further ones are just closed.
std::size_t max_refusals(const HttpOptions& options) { return options.max_connections / 16 + 16; }

std::string random_prefix() {
  std::random_device random;
  return fmt::format("{:08x}{:04x}-", random(), random() & 0xffff);
}

}  // namespace

Worker::Worker(ServerState& state, net::Loop& loop, LoopMetrics& metrics)
    : state_(state),
      loop_(loop),
      metrics_(metrics),
      sessions_group_(loop.executor()),
      scratch_(std::make_unique_for_overwrite<char[]>(kScratch)),
      outbox_(std::make_shared<Outbox>(loop.executor())),
      id_prefix_(random_prefix()) {}

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

std::string_view Worker::make_request_id(RequestId& place) noexcept {
  char* const end = std::ranges::copy(id_prefix_, place.data()).out;
  const auto written = std::to_chars(end, place.data() + place.size(), ++ids_, 16);
  return {place.data(), static_cast<std::size_t>(written.ptr - place.data())};
}

bool Worker::may_log() noexcept {
  const auto second = std::chrono::steady_clock::now().time_since_epoch() / std::chrono::seconds(1);
  if (second != log_second_) logged_ = 0;
  log_second_ = second;
  return logged_++ < kLogLinesASecond;
}

}  // namespace parley::http
