// What the machinery around the server asks: is it alive, is it ready, how is it doing.
#pragma once

#include <atomic>

#include "base/metrics.h"
#include "http/server/router.h"
#include "service/message_service.h"

namespace parley::api {

/// GET /healthz: 200 while the process lives.
/// GET /readyz: 200 while the service can answer, else 503 with the reason: it is `draining`, or service.health()
/// failed. GET /metrics: `metrics` in Prometheus' text format. What is given must outlive the routes' handlers.
[[nodiscard]] http::Routes admin_routes(service::MessageService& service, const std::atomic<bool>& draining,
                                        const MetricsRegistry& metrics);

}  // namespace parley::api
