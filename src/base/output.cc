#include "base/output.h"

#include <cerrno>
#include <cstdlib>
#include <poll.h>
#include <string>
#include <unistd.h>

#include <fmt/format.h>

namespace parley {

bool write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {  // another process that shares the descriptor may have asked for that
      pollfd waiting{descriptor, POLLOUT, 0};
      ::poll(&waiting, 1, -1);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

bool write_output(std::string_view text) { return write_all(STDOUT_FILENO, text); }

void print_error(std::string_view message) {
  // Where standard error is gone too, nobody is left to tell.
  static_cast<void>(write_all(STDERR_FILENO, fmt::format("parley: {}\n", message)));
}

bool output_is_terminal() { return ::isatty(STDOUT_FILENO) == 1; }
bool error_is_terminal() { return ::isatty(STDERR_FILENO) == 1; }

bool output_has_colour() {
  const char* const no_colour = std::getenv("NO_COLOR");
  return output_is_terminal() && (no_colour == nullptr || *no_colour == '\0');
}

}  // namespace parley
