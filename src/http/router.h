// Which route answers which path.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "base/task.h"
#include "http/message.h"

namespace parley::http {

/// A coroutine that answers one request; it never throws and never fails: an error is a response like any other.
using Handler = std::function<Async<Response>(const Request&)>;

struct Route {
  std::string_view path;                  ///< whole and exact: a trailing slash is another path
  std::vector<std::string_view> methods;  ///< HEAD is served wherever GET is
  Handler handler;
};

/// A listener's routes; the order does not matter.
using Routes = std::vector<Route>;

}  // namespace parley::http
