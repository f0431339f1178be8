// The command line: which command it names, what that command takes, and what is wrong with it.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/option_set.h"

namespace parley::app {

/// An argument that is no option. Every one is required.
struct Positional {
  std::string name;
  std::string help;      ///< whole sentences
  std::string expected;  ///< completes "write …"
  std::string* target = nullptr;
};

/// A line to type, and what it does.
struct Example {
  std::string line;
  std::string meaning;
};

/// A command, such as `parley send`. What it points at must outlive it.
struct Command {
  std::string name;
  std::string usage;    ///< what stands behind `parley NAME`
  std::string summary;  ///< one sentence
  std::string example;  ///< one line, for the overview
  std::string about;    ///< what else its help says: paragraphs of whole sentences
  std::vector<Example> examples;
  std::vector<Positional> positionals{};  ///< in their order
  std::vector<OptionSet*> options{};

  /// Does what the command does, and returns the exit code. The options have not been loaded yet.
  std::function<int(const CLI::App&)> run{};
};

/// The commands of a program. One thread.
class CommandLine {
 public:
  static constexpr int kUsage = 2;  ///< the exit code after bad arguments

  CommandLine();

  void add(Command command);

  /// Runs the command that the arguments name, or prints help or one line that says what is wrong. Returns the exit
  /// code.
  int run(int argc, const char* const* argv);

  [[nodiscard]] std::string overview() const;
  [[nodiscard]] static std::string help(const Command& command);

 private:
  struct Entry {
    Command command;
    CLI::App* app;
  };

  [[nodiscard]] const Entry* parsed() const;
  [[nodiscard]] std::string outside_of_commands() const;
  [[nodiscard]] std::string needs_value(const std::string& name) const;

  CLI::App app_;
  std::deque<Entry> entries_;
};

/// What is wrong with the arguments that a command could not place, `extras`, or with those that it lacks; else
/// nothing.
[[nodiscard]] std::string misuse(const Command& command, const std::vector<std::string>& extras);

}  // namespace parley::app
