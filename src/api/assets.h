// The files that the program carries within itself.
#pragma once

#include <string_view>

namespace parley::api {

/// A file as the build took it in.
struct Asset {
  std::string_view path;          ///< where it is served
  std::string_view content_type;  ///< static storage
  std::string_view encoding;      ///< its Content-Encoding; empty: none
  std::string_view body;          ///< static storage
};

/// The description of the HTTP API: src/api/openapi.json under the program's version.
[[nodiscard]] Asset openapi_asset() noexcept;

// The page by which a person reads it and tries calls: ours, and Swagger UI's style and script.
[[nodiscard]] Asset docs_page_asset() noexcept;
[[nodiscard]] Asset docs_start_asset() noexcept;
[[nodiscard]] Asset swagger_style_asset() noexcept;
[[nodiscard]] Asset swagger_script_asset() noexcept;

}  // namespace parley::api
