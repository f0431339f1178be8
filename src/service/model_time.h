// How long the tests of the model run.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <random>
#include <string>

#include <gtest/gtest.h>

namespace parley::service {

/// Calls `run` with one seed after the other, at least once and until a failure, for `share` of PARLEY_MODEL_SECONDS,
/// which is 60 unless set. The first seed is random, and printed. PARLEY_MODEL_SEED: with this seed alone.
template <class Run>
void for_seeds(double share, Run run) {
  if (const char* const seed = std::getenv("PARLEY_MODEL_SEED")) {
    run(std::stoull(seed));
    return;
  }
  const char* const set = std::getenv("PARLEY_MODEL_SECONDS");
  const std::chrono::duration<double> time((set != nullptr ? std::stod(set) : 60) * share);
  const auto end = std::chrono::steady_clock::now() + time;
  std::uint64_t seed = std::random_device()();
  std::cout << "seeds from " << seed << " on\n";
  do {
    try {
      run(seed);
    } catch (const std::exception& error) {
      ADD_FAILURE() << "seed " << seed << ": " << error.what();
    }
    ++seed;
  } while (!testing::Test::HasFailure() && std::chrono::steady_clock::now() < end);
}

}  // namespace parley::service
