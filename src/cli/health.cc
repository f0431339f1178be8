#include "cli/health.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>

#include "base/output.h"
#include "cli/api_client.h"

namespace parley::cli {

int run(const HealthCommand& command) {
  boost::asio::io_context io(1);
  http::HttpClient client(io.get_executor(), command.url, command.timeout);
  auto done = boost::asio::co_spawn(io, status(client, command.live ? "/healthz" : "/readyz"), boost::asio::use_future);
  io.run();
  const Outcome<std::string> answer = done.get();
  if (answer) return write_output(*answer + "\n") ? 0 : 1;
  print_error(answer.error().message);
  return 1;
}

}  // namespace parley::cli
