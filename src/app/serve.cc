#include "app/serve.h"

#include <csignal>
#include <cstdlib>

#include <sys/resource.h>

#include "app/server.h"
#include "app/service_manager.h"
#include "app/stop_signals.h"
#include "app/store_url.h"
#include "base/log.h"
#include "base/version.h"
#include "cli/output.h"

namespace parley::app {
namespace {

/// A connection is a descriptor, so take as many as the system lets us have.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) log_warn("cannot raise the limit of open files");
}

}  // namespace

int serve(const Config& config) {
  configure_log(config.log_format, config.log_level);
  raise_descriptor_limit();
  StopSignals signals;
  const auto server = Server::start(config);
  if (!server) {
    cli::print_error(server.error().detail);
    return 1;
  }
  signals.hold();
  const std::string listeners = (*server)->listeners();
  const std::string store = config.backend.empty() ? without_password(config.store) : config.backend;
  log_info("ready", {{"version", kVersion}, {"store", store}, {"listeners", listeners}});
  // Whoever started us may have closed standard output; that is no reason not to serve.
  static_cast<void>(cli::write_output("ready " + listeners + "\n"));
  const ServiceManager manager(std::getenv);
  const Watchdog watchdog(manager, (*server)->loops());
  manager.notify("READY=1");
  const int number = signals.wait();
  manager.notify("STOPPING=1");
  log_info("draining", {{"signal", number == SIGTERM ? "SIGTERM" : "SIGINT"}});
  (*server)->drain();
  log_info("stopped");
  return 0;
}

}  // namespace parley::app
