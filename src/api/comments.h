// The comments of an IDL, out of the descriptors that protoc wrote of it.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace parley::api {

/// Of messages, fields and rpcs, by full name, as in "api.PullRequest.cursor". A paragraph is one line, and an empty
/// line parts two.
using Comments = std::map<std::string, std::string, std::less<>>;

/// The comments before each of them in `descriptors`, a FileDescriptorSet with source info, such as idl/api.desc.
[[nodiscard]] Comments read_comments(std::string_view descriptors);

}  // namespace parley::api
