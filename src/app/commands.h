// The program's commands and their command lines.
#pragma once

namespace parley::app {

/// Runs the command that the arguments name. Returns the process' exit code: 0; 1 where it failed or could not start;
/// 2 for a bad option, argument or configuration file, with one line on standard error.
[[nodiscard]] int run(int argc, char** argv);

}  // namespace parley::app
