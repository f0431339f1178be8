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

/// What openapi_document() fills: src/api/openapi.json under the program's version.
[[nodiscard]] std::string_view openapi_frame() noexcept;
/// The descriptors of idl/api.proto with its comments, a FileDescriptorSet.
[[nodiscard]] std::string_view api_descriptors() noexcept;

// The page by which a person reads it and tries calls: ours, and Swagger UI's style and script.
[[nodiscard]] Asset docs_page_asset() noexcept;
[[nodiscard]] Asset docs_start_asset() noexcept;
[[nodiscard]] Asset swagger_style_asset() noexcept;
[[nodiscard]] Asset swagger_script_asset() noexcept;

}  // namespace parley::api
