#include "net/loop.h"

#include <algorithm>
#include <pthread.h>
#include <sched.h>
#include <string>

namespace parley::net {
namespace {

thread_local Loop* t_loop = nullptr;

}  // namespace

Loop& Loop::current() noexcept { return *t_loop; }

void Loop::run() {
  t_loop = this;
  pthread_setname_np(pthread_self(), ("loop-" + std::to_string(index_)).c_str());
  io_.run();
}

LoopPool::LoopPool(std::size_t count) {
  for (std::size_t i = 0; i < std::max<std::size_t>(count, 1); ++i) {
    loops_.push_back(std::make_unique<Loop>(i, clock_));
    work_.emplace_back(loops_.back()->executor());
  }
  for (auto& loop : loops_) threads_.emplace_back([&loop] { loop->run(); });
}

LoopPool::~LoopPool() {
  for (auto& loop : loops_) loop->io_.stop();
  for (std::thread& thread : threads_) thread.join();
}

void LoopPool::turn(std::chrono::steady_clock::duration time) {
  clock_.turn(time);
  for (auto& loop : loops_) run_on(*loop, [&loop] { loop->deadlines().advance(); });
}

std::size_t LoopPool::usable_processors() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
  return static_cast<std::size_t>(std::max(CPU_COUNT(&set), 1));
}

}  // namespace parley::net
