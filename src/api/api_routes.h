// The API: /ping, and a route for each call.
#pragma once

#include <functional>
#include <string>

#include "base/memory_budget.h"
#include "http/server/router.h"
#include "http/wire/problem.h"
#include "service/calls.h"

namespace parley::api {

/// GET /ping, and the path of each of `calls`: POST, and GET too for those that read. `service`, `calls` and `memory`,
/// which bounds the pages that are being answered, must outlive the routes and every coroutine they started. The
/// handlers may run on any number of loops at once.
///
/// `durability` (fsync, os, memory; empty where it is not known) is what the header Parley-Durability of /ping says.
///
/// A page for which no memory is left is kOverloaded; what a send answered is never turned into anything else. An
/// exception out of the service is logged with the request's id and answered as kInternal.
[[nodiscard]] http::Routes api_routes(service::MessageService& service, const service::CallTable& calls,
                                      MemoryBudget& memory, http::ErrorFormat errors,
                                      std::function<std::string()> durability);

}  // namespace parley::api
