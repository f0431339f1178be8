#include "app/serve.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <string>
#include <unistd.h>

#include <sys/resource.h>

#include "app/server.h"
#include "app/service_manager.h"
#include "app/stop_signals.h"
#include "base/file_watch.h"
#include "base/line_writer.h"
#include "base/log.h"
#include "base/quote.h"
#include "base/version.h"
#include "doctor/machine.h"
#include "net/url.h"

namespace parley::app {
namespace {

/// A connection is a descriptor, so take as many as the system lets us have.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) log_warn("cannot raise the limit of open files");
}

/// Some of the descriptors are for the store's files, or a flood of connections would be the end of all writing.
Config fit_to_descriptors(Config config) {
  const auto listeners = static_cast<std::size_t>(
      std::ranges::count(std::array{&config.http, &config.rpc, &config.admin}, false, &std::string::empty));
  const std::uint64_t limit = doctor::look_at_machine().descriptors;
  const std::size_t most = doctor::connections_within(limit, listeners);
  const std::size_t wanted = config.http_options.max_connections;
  if (wanted <= most) return config;
  const bool asked_for = wanted != http::HttpOptions{}.max_connections;
  (asked_for ? log_warn : log_info)("the limit of open files allows fewer connections than --max-connections",
                                    {{"limit", std::to_string(limit)},
                                     {"max_connections", std::to_string(wanted)},
                                     {"connections_of_each_listener", std::to_string(most)}});
  config.http_options.max_connections = most;
  config.rpc_options.max_connections = most;
  return config;
}

/// Supervisors and tools for log files send these by habit. Each would end the process, without a drain.
void ignore_signals() {
  FileWatch::listen_for_hangups();
  for (const int number : {SIGUSR1, SIGUSR2, SIGALRM, SIGTTOU}) std::signal(number, SIG_IGN);
}

/// The lines before a failed assertion, or before a watchdog's signal, are those that explain it.
void flush_log_at_abort() {
  std::signal(SIGABRT, [](int) {
    std::signal(SIGABRT, SIG_DFL);
    flush_log_in_signal_handler();
    ::raise(SIGABRT);
  });
}

/// At the end, for a reader who is merely slow.
constexpr std::chrono::seconds kLastLines{1};

/// Nobody waits for the reader of standard output, as of the log.
LineWriter& standard_output() {
  static LineWriter& instance = *new LineWriter(STDOUT_FILENO);
  return instance;
}

int run(const Config& config) {
  StopSignals signals;
  const auto server = Server::start(fit_to_descriptors(config));
  if (!server) {
    log_verbatim("parley: " + server.error().detail);
    return 1;
  }
  signals.hold();
  const std::string listeners = (*server)->listeners();
  log_info("ready", {{"version", kVersion}, {"store", (*server)->store_name()}, {"listeners", listeners}});
  standard_output().write("ready " + listeners + "\n");
  const ServiceManager manager(std::getenv);
  const Watchdog watchdog(manager, (*server)->loops());
  manager.notify("READY=1");
  const int number = signals.wait();
  manager.notify("STOPPING=1");
  log_info("draining", {{"signal", number == SIGTERM ? "SIGTERM" : "SIGINT"}});
  (*server)->drain();
  if (const std::string why = (*server)->store_failure(); !why.empty()) {
    log_error("stopped after the store had failed", {{"error", why}});
    return 1;
  }
  log_info("stopped");
  return 0;
}

}  // namespace

int serve(const Config& config) {
  configure_log(config.log_format, config.log_level);
  ignore_signals();
  flush_log_at_abort();
  raise_descriptor_limit();
  int code = 1;
  try {
    code = run(config);
  } catch (const std::exception& error) {  // such as no descriptor for a loop; no reader holds this line up either
    log_verbatim("parley: " + escape_controls(error.what()));
  }
  flush_log(kLastLines);
  return code;
}

}  // namespace parley::app
