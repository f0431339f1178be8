#include "cli/health.h"

#include "base/output.h"
#include "cli/api_client.h"
#include "net/loop.h"

namespace parley::cli {

int run(const HealthCommand& command) {
  net::Loop loop;
  http::HttpClient client(loop, command.url, command.timeout);
  const Outcome<std::string> answer = loop.finish(status(client, command.live ? "/healthz" : "/readyz"));
  if (answer) return write_output(*answer + "\n") ? 0 : 1;
  print_error(answer.error().message);
  return 1;
}

}  // namespace parley::cli
