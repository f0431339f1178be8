#include "api/docs_routes.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "api/assets.h"
#include "api/media_type.h"
#include "api/openapi.h"
#include "http/wire/problem.h"

namespace parley::api {
namespace {

// Swagger UI draws with inline styles and with images in data: URLs; scripts come from here and nowhere else.
constexpr std::string_view kContentSecurityPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What the routes share; a coroutine keeps its own copy.
struct Docs {
  Asset asset;
  std::shared_ptr<const std::string> made;  // the asset's body, if it is not of static storage
  std::string etag;
  MemoryBudget* memory;
  http::ErrorFormat errors;
};

/// Whether the client has this already (RFC 9110, 13.1.2). A tag is quoted, so that it is no part of another.
bool is_known(const http::Request& request, std::string_view etag) {
  const std::string_view* const tags = request.header("If-None-Match");
  return tags != nullptr && (*tags == "*" || tags->find(etag) != std::string_view::npos);
}

Async<http::Response> serve(Docs docs, const http::Request& request) {
  http::Response response;
  response.cache_control = "no-cache";
  response.headers = {{"ETag", docs.etag},
                      {"Content-Security-Policy", std::string(kContentSecurityPolicy)},
                      {"Referrer-Policy", "no-referrer"},
                      {"X-Content-Type-Options", "nosniff"}};
  if (is_known(request, docs.etag)) {
    response.status = 304;
    co_return response;
  }
  MemoryReservation memory(*docs.memory);
  if (!memory.grow(docs.asset.body.size())) {
    co_return http::error_response({ErrorCode::kOverloaded, "no memory is left for the page"}, docs.errors,
                                   request.request_id);
  }
  response.content_type = docs.asset.content_type;
  if (!docs.asset.encoding.empty()) response.headers.emplace_back("Content-Encoding", docs.asset.encoding);
  response.body = docs.asset.body;
  response.memory.emplace(std::move(memory));
  co_return response;
}

http::Route route_of(const Asset& asset, std::shared_ptr<const std::string> made, MemoryBudget& memory,
                     http::ErrorFormat errors) {
  // The same in every process of one build, so that it does not matter which of several answers.
  std::string etag = fmt::format("\"{:016x}\"", std::hash<std::string_view>{}(asset.body));
  Docs docs{asset, std::move(made), std::move(etag), &memory, errors};
  return {asset.path, {"GET"}, [docs = std::move(docs)](const http::Request& request) { return serve(docs, request); }};
}

/// A file that was made of the calls.
http::Route route_of(std::string_view path, std::string json, MemoryBudget& memory, http::ErrorFormat errors) {
  const auto made = std::make_shared<const std::string>(std::move(json));
  return route_of({path, kJsonType, "", *made}, made, memory, errors);
}

}  // namespace

http::Routes docs_routes(const service::CallTable& calls, MemoryBudget& memory, http::ErrorFormat errors) {
  const std::string openapi = openapi_document(openapi_frame(), calls, read_comments(api_descriptors()));
  http::Routes routes = {route_of("/docs/postman.json", postman_collection(openapi), memory, errors),
                         route_of("/openapi.json", openapi, memory, errors)};
  for (const Asset& asset : {docs_page_asset(), docs_start_asset(), swagger_style_asset(), swagger_script_asset()}) {
    routes.push_back(route_of(asset, nullptr, memory, errors));
  }
  return routes;
}

}  // namespace parley::api
