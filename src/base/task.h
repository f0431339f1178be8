// The one coroutine type.
#pragma once

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

/// Completion token for Asio operations inside an Async: throws boost::system::system_error.
inline constexpr boost::asio::use_awaitable_t<Executor> kAwait;

}  // namespace parley
