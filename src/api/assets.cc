#include "api/assets.h"

#include <cstddef>

// Takes a file in as the bytes between NAME and NAME_end. The build names the files, and compiles this again when one
// of them changes. A literal of this size would cost the compiler minutes.
// NOLINTBEGIN(bugprone-macro-parentheses): a name that is declared takes none
#define PARLEY_EMBED(NAME, FILE)                                      \
  asm(".pushsection .rodata\n"                                        \
      ".global " #NAME "\n" #NAME                                     \
      ":\n"                                                           \
      ".incbin \"" FILE                                               \
      "\"\n"                                                          \
      ".global " #NAME "_end\n" #NAME                                 \
      "_end:\n"                                                       \
      ".byte 0\n"                                                     \
      ".popsection\n");                                               \
  extern "C" __attribute__((visibility("hidden"))) const char NAME[]; \
  extern "C" __attribute__((visibility("hidden"))) const char NAME##_end[]
// NOLINTEND(bugprone-macro-parentheses)

PARLEY_EMBED(parley_openapi, PARLEY_OPENAPI);
PARLEY_EMBED(parley_api_descriptors, PARLEY_API_DESCRIPTORS);
PARLEY_EMBED(parley_docs_page, PARLEY_DOCS_PAGE);
PARLEY_EMBED(parley_docs_start, PARLEY_DOCS_START);
PARLEY_EMBED(parley_swagger_style, PARLEY_SWAGGER_STYLE);
PARLEY_EMBED(parley_swagger_script, PARLEY_SWAGGER_SCRIPT);

namespace parley::api {
namespace {

std::string_view between(const char* begin, const char* end) noexcept {
  return {begin, static_cast<std::size_t>(end - begin)};
}

}  // namespace

std::string_view openapi_frame() noexcept { return between(parley_openapi, parley_openapi_end); }
std::string_view api_descriptors() noexcept { return between(parley_api_descriptors, parley_api_descriptors_end); }

Asset docs_page_asset() noexcept {
  return {"/docs", "text/html; charset=utf-8", "", between(parley_docs_page, parley_docs_page_end)};
}
Asset docs_start_asset() noexcept {
  return {"/docs/start.js", "text/javascript; charset=utf-8", "", between(parley_docs_start, parley_docs_start_end)};
}
Asset swagger_style_asset() noexcept {
  return {"/docs/swagger-ui.css", "text/css; charset=utf-8", "gzip",
          between(parley_swagger_style, parley_swagger_style_end)};
}
Asset swagger_script_asset() noexcept {
  return {"/docs/swagger-ui-bundle.js", "text/javascript; charset=utf-8", "gzip",
          between(parley_swagger_script, parley_swagger_script_end)};
}

}  // namespace parley::api
