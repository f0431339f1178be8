#include "doctor/listeners.h"

#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "net/listener.h"
#include "net/loop.h"

namespace parley::doctor {
namespace {

Finding judge_binding(const ListenerFacts& facts, const std::string& subject) {
  net::LoopPool loops(1);
  net::Listener listener(loops, facts.name);
  const auto bound = listener.listen(facts.endpoint);
  if (!bound) {
    // The listener says in a second sentence what to do.
    const std::string& detail = bound.error().detail;
    const std::size_t end = std::min(detail.find(". "), detail.size());
    const std::string fix =
        end == detail.size() ? fmt::format("choose another --{}", facts.name) : detail.substr(end + 2);
    return {subject, detail.substr(0, end), "the server does not start", fix};
  }
  return {subject, "the address is free"};
}

Finding judge_reach(const ListenerFacts& facts, const std::string& subject) {
  if (facts.endpoint.is_loopback()) return {subject, "only this machine can reach it"};
  if (facts.authenticated) return {subject, "other machines can reach it, with a certificate"};
  return {subject, "other machines can reach it, and it asks nobody for a login",
          facts.name == "admin" ? "anybody there can read the metrics" : "anybody there can read and send messages",
          fmt::format("listen on 127.0.0.1 behind a proxy that asks for a login{}, or let a firewall keep others out",
                      facts.name == "rpc" ? ", or set --rpc-tls-ca" : "")};
}

}  // namespace

bool is_free(const net::Endpoint& endpoint) {
  net::LoopPool loops(1);
  return net::Listener(loops, "doctor").listen(endpoint).has_value();
}

Findings look_at_listener(const ListenerFacts& facts) {
  const std::string subject = fmt::format("--{} {}", facts.name, facts.endpoint.to_string());
  if (facts.runs) return {judge_reach(facts, subject)};
  return {judge_binding(facts, subject), judge_reach(facts, subject)};
}

}  // namespace parley::doctor
