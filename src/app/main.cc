#include <csignal>
#include <exception>

#include "app/commands.h"
#include "base/quote.h"
#include "cli/output.h"

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe or socket is an error of the write that meets it
  try {
    return parley::app::run(argc, argv);
  } catch (const std::exception& error) {
    parley::cli::print_error(parley::escape_controls(error.what()));
    return 1;
  }
}
