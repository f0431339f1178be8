#include "base/task_group.h"

#include <cstdlib>
#include <exception>

#include <boost/asio/co_spawn.hpp>

#include "base/log.h"

namespace parley {

void TaskGroup::spawn(Async<> task) {
  ++running_;
  boost::asio::co_spawn(executor_, std::move(task), [this](const std::exception_ptr& thrown) {
    if (thrown) {
      try {
        std::rethrow_exception(thrown);
      } catch (const std::exception& bug) {
        log_error("an exception escaped a background task", {{"what", bug.what()}});
      }
      std::abort();
    }
    if (--running_ == 0 && waiting_) empty_.wake();
  });
}

Async<> TaskGroup::wait() {
  if (running_ == 0) co_return;
  waiting_ = true;
  co_await empty_.wait();
  waiting_ = false;
}

}  // namespace parley
