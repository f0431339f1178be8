// One run at one rate: the workers, the clock and the reading back.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "load/timeline.h"
#include "load/verdict.h"
#include "load/worker.h"
#include "net/tls_source.h"

namespace parley::load {

/// What a run came to.
struct Trial {
  double rate = 0;     ///< as asked for; 0: as fast as could be
  double seconds = 0;  ///< from the begin of what is measured to the last answer
  Measured measured{};
  std::vector<Second> timeline{};
  Verdict verdict{};

  [[nodiscard]] double reached() const;  ///< answers a second that were no errors
};

/// The server that `url` names: its address, and the durability that it says, which may be empty. Or one line of why
/// not.
struct Target {
  boost::asio::ip::tcp::endpoint server;
  std::string durability;
  std::shared_ptr<net::TlsSource> tls;  ///< none: in the clear
};
[[nodiscard]] std::expected<Target, std::string> find_target(const Plan& plan);

/// Runs the plan. An interrupt while it sends ends the sending early, not the reading back. On a terminal a line on
/// standard error shows how it goes. Blocks.
[[nodiscard]] Trial run_trial(const Plan& plan, const Target& target, const Interrupt& interrupt);

}  // namespace parley::load
