// The command line of `parley bench`.
#pragma once

#include <string>

#include "base/option_set.h"
#include "load/bench.h"

namespace parley::app {

/// Declares `--ca`, for every command that talks to an `https://` server.
void declare_authorities(OptionSet& options, std::string& target);

class BenchOptions {
 public:
  BenchOptions();
  BenchOptions(const BenchOptions&) = delete;
  BenchOptions& operator=(const BenchOptions&) = delete;

  [[nodiscard]] OptionSet& options() noexcept { return options_; }

  /// What the loaded options ask for, or one line that says what does not fit together.
  [[nodiscard]] std::expected<load::BenchCommand, std::string> command() const;

 private:
  void declare_load();
  void declare_requests();
  void declare_output();

  load::BenchCommand command_;
  std::string authorities_;
  std::string url_ = "http://127.0.0.1:8080";
  std::string rate_ = "1000";
  std::string mix_ = "1:0:0";
  std::string zipf_ = "0";
  std::size_t requests_ = 0;
  bool no_verify_ = false;
  OptionSet options_;
};

}  // namespace parley::app
