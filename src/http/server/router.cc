#include "http/server/router.h"

#include <algorithm>

namespace parley::http {
namespace {

std::string allow_line(std::vector<std::string_view> methods) {
  if (std::ranges::find(methods, "GET") != methods.end()) methods.emplace_back("HEAD");
  methods.emplace_back("OPTIONS");
  std::ranges::sort(methods);
  const auto repeated = std::ranges::unique(methods);
  methods.erase(repeated.begin(), repeated.end());
  std::string allow;
  for (const std::string_view method : methods) {
    if (!allow.empty()) allow += ", ";
    allow += method;
  }
  return allow;
}

}  // namespace

Router::Router(Routes routes) {
  std::vector<std::string_view> all;
  for (Route& route : routes) {
    all.insert(all.end(), route.methods.begin(), route.methods.end());
    std::string allow = allow_line(route.methods);
    entries_.push_back({std::move(route), std::move(allow)});
  }
  allow_all_ = allow_line(std::move(all));
}

std::size_t Router::find(std::string_view path) const noexcept {
  const auto found = std::ranges::find_if(entries_, [path](const Entry& entry) { return entry.route.path == path; });
  return static_cast<std::size_t>(found - entries_.begin());
}

std::size_t Router::find_without_slash(std::string_view path) const noexcept {
  return path.ends_with('/') ? find(path.substr(0, path.size() - 1)) : size();
}

bool Router::takes(std::size_t index, std::string_view method) const noexcept {
  if (method == "HEAD") method = "GET";
  return std::ranges::find(entries_[index].route.methods, method) != entries_[index].route.methods.end();
}

const std::string& Router::allow(std::size_t index) const noexcept {
  return index < entries_.size() ? entries_[index].allow : allow_all_;
}

}  // namespace parley::http
