// The description of the API, for programs and for people.
#pragma once

#include "base/memory_budget.h"
#include "http/server/router.h"
#include "http/wire/problem.h"
#include "service/calls.h"

namespace parley::api {

/// GET /openapi.json, an OpenAPI 3.1 document of `calls`; GET /docs/postman.json, the same for Postman; GET /docs, a
/// page that shows it and tries calls, with what it loads under /docs/. Everything comes out of the program, and the
/// page may load nothing from anywhere else.
///
/// Answers carry an ETag and may be kept, but are asked for each time: 304 where If-None-Match has it. What is large is
/// sent in gzip to everybody: nothing but a browser asks for it. kOverloaded where `memory`, which must outlive the
/// routes' answers, has no room for one.
[[nodiscard]] http::Routes docs_routes(const service::CallTable& calls, MemoryBudget& memory, http::ErrorFormat errors);

}  // namespace parley::api
