#include <csignal>
#include <exception>
#include <fcntl.h>
#include <unistd.h>

#include "app/commands.h"
#include "base/output.h"
#include "base/quote.h"

/// jemalloc's options (its manual, TUNING): what was freed goes back to the system after a second, not after ten.
extern "C" const char* const malloc_conf;
const char* const malloc_conf = "dirty_decay_ms:1000";

namespace {

/// Whoever started us may have closed the standard descriptors: a socket or a file of the store must not get their
/// numbers, and then what we print.
void occupy_standard_descriptors() {
  int descriptor = ::open("/dev/null", O_RDWR);
  while (descriptor >= 0 && descriptor <= STDERR_FILENO) descriptor = ::dup(descriptor);
  if (descriptor >= 0) ::close(descriptor);
}

}  // namespace

int main(int argc, char** argv) {
  occupy_standard_descriptors();
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe or socket is an error of the write that meets it
  std::signal(SIGXFSZ, SIG_IGN);  // and so is a limit of the size of files
  try {
    return parley::app::run(argc, argv);
  } catch (const std::exception& error) {
    parley::print_error(parley::escape_controls(error.what()));
    return 1;
  }
}
