// Accept and Content-Type: the answer is always one of ours, and what stands first and in full cannot be overruled.
#include <string>

#include "api/media_type.h"
#include "fuzz.h"

namespace {

using namespace parley;
using namespace parley::api;
using parley::fuzz::require;

std::string_view preferred(std::string_view accept) {
  const http::Header header{"Accept", accept};
  return preferred_type({&header, 1});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string input(parley::fuzz::as_text(data, size));
  const std::string_view type = preferred(input);
  require(type == kJsonType || type == kProtobufType || type == kProtobufAlias, "the answer is in a type of ours");
  require(preferred("application/json, " + input) == kJsonType, "of equal preferences JSON wins");
  require(preferred("application/json;q=0, application/x-protobuf, " + input) == kProtobufType,
          "a type with the highest weight wins over one without");
  (void)body_type(input);
  require(body_type("application/json;" + input) == BodyType::kJson, "parameters do not change a type");
  return 0;
}
