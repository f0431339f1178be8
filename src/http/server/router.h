// Which route answers which path.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/task.h"
#include "http/wire/message.h"

namespace parley::http {

/// A coroutine that answers one request. It never throws and never fails, since an error is a response like any other.
using Handler = std::function<Async<Response>(const Request&)>;

struct Route {
  std::string_view path;                  ///< whole and exact
  std::vector<std::string_view> methods;  ///< HEAD is served wherever GET is
  Handler handler;
  bool probe = false;  ///< asked again and again: why it fails is told by its handler, and not for each request
};

/// A listener's routes. The order does not matter.
using Routes = std::vector<Route>;

/// Looks routes up. Paths are compared as they came: `/%70ing` is not `/ping`. Immutable, for any thread.
class Router {
 public:
  explicit Router(Routes routes);

  /// How many routes there are. As an index it stands for no route.
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  /// The index of the route of `path`, or size().
  [[nodiscard]] std::size_t find(std::string_view path) const noexcept;
  /// The index of the route whose path is `path` without its one trailing slash, or size().
  [[nodiscard]] std::size_t find_without_slash(std::string_view path) const noexcept;

  [[nodiscard]] const Route& operator[](std::size_t index) const noexcept { return entries_[index].route; }
  /// Whether the route takes `method`. OPTIONS is answered for every route, but not by the route.
  [[nodiscard]] bool takes(std::size_t index, std::string_view method) const noexcept;
  /// What Allow says: the route's methods, HEAD beside GET, and OPTIONS. For size(), the methods of all routes.
  [[nodiscard]] const std::string& allow(std::size_t index) const noexcept;

 private:
  struct Entry {
    Route route;
    std::string allow;
  };
  std::vector<Entry> entries_;
  std::string allow_all_;
};

}  // namespace parley::http
