// The one coroutine type.
#pragma once

#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/error.h"

namespace parley {

/// The concrete executor of an event loop: the erased any_io_executor costs on the hot path.
using Executor = boost::asio::io_context::executor_type;

/// A coroutine that cannot fail.
template <class T = void>
using Async = boost::asio::awaitable<T, Executor>;

/// A coroutine that yields a value or an expected failure. It runs on the loop that it was spawned on.
template <class T>
using Task = Async<Result<T>>;

/// A coroutine that fails at once: for a function that is none itself, so that what it is given need not be kept.
template <class T>
[[nodiscard]] Task<T> failed(Error error) {
  co_return std::unexpected(std::move(error));
}

/// Completion token for Asio operations inside an Async: throws boost::system::system_error.
inline constexpr boost::asio::use_awaitable_t<Executor> kAwait;

}  // namespace parley
