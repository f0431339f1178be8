#include "api/comments.h"

#include <stdexcept>

#include <google/protobuf/descriptor.pb.h>

namespace parley::api {
namespace {

using google::protobuf::FileDescriptorProto;
using google::protobuf::FileDescriptorSet;
using google::protobuf::ServiceDescriptorProto;
using google::protobuf::SourceCodeInfo;

std::string_view trim(std::string_view line) {
  const std::size_t begin = line.find_first_not_of(' ');
  if (begin == std::string_view::npos) return {};
  return line.substr(begin, line.find_last_not_of(' ') + 1 - begin);
}

/// Unwraps the lines.
std::string unwrap(std::string_view comment) {
  std::string out;
  while (!comment.empty()) {
    const std::size_t end = comment.find('\n');
    const std::string_view line = trim(comment.substr(0, end));
    comment.remove_prefix(end == std::string_view::npos ? comment.size() : end + 1);
    if (line.empty()) {
      if (!out.empty() && !out.ends_with('\n')) out += "\n\n";
      continue;
    }
    if (!out.empty() && !out.ends_with('\n')) out += ' ';
    out += line;
  }
  while (out.ends_with('\n')) out.pop_back();
  return out;
}

/// What a comment stands before, and only that of what a document shows; else empty.
std::string name_of(const FileDescriptorProto& file, const SourceCodeInfo::Location& location) {
  const auto& path = location.path();
  if (path.size() < 2) return {};
  std::string name = file.package() + '.';
  if (path[0] == FileDescriptorProto::kMessageTypeFieldNumber) {
    const auto& message = file.message_type(path[1]);
    name += message.name();
    if (path.size() == 2) return name;
    if (path.size() == 4 && path[2] == google::protobuf::DescriptorProto::kFieldFieldNumber) {
      return name + '.' + message.field(path[3]).name();
    }
  } else if (path[0] == FileDescriptorProto::kServiceFieldNumber && path.size() == 4 &&
             path[2] == ServiceDescriptorProto::kMethodFieldNumber) {
    const auto& service = file.service(path[1]);
    return name + service.name() + '.' + service.method(path[3]).name();
  }
  return {};
}

}  // namespace

Comments read_comments(std::string_view descriptors) {
  FileDescriptorSet set;
  if (!set.ParseFromArray(descriptors.data(), static_cast<int>(descriptors.size()))) {
    throw std::logic_error("the descriptors of the IDL cannot be read");
  }
  Comments comments;
  for (const FileDescriptorProto& file : set.file()) {
    for (const SourceCodeInfo::Location& location : file.source_code_info().location()) {
      std::string name = name_of(file, location);
      std::string comment = unwrap(location.leading_comments());
      if (!name.empty() && !comment.empty()) comments.emplace(std::move(name), std::move(comment));
    }
  }
  return comments;
}

}  // namespace parley::api
