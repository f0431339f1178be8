#include "doctor/listeners.h"

#include <fmt/format.h>

#include "net/listener.h"
#include "net/loop.h"

namespace parley::doctor {
namespace {

Finding judge_binding(const ListenerFacts& facts, const std::string& subject) {
  net::LoopPool loops(1);
  net::Listener listener(loops, facts.name);
  if (const auto bound = listener.listen(facts.endpoint); !bound) {
    return {subject, bound.error().detail, "that the server starts",
            fmt::format("end what listens there (a running server does), or give another --{}", facts.name)};
  }
  return {subject, "it is free"};
}

Finding judge_reach(const ListenerFacts& facts, const std::string& subject) {
  if (facts.endpoint.is_loopback()) return {subject, "only this machine can reach it"};
  if (facts.authenticated) return {subject, "other machines can reach it, with a certificate"};
  return {subject, "other machines can reach it, and nobody is authenticated",
          facts.name == "admin" ? "that metrics are for the operator" : "that messages are for those who may read them",
          fmt::format("listen on loopback behind a proxy that authenticates{}, or see to it that a firewall does",
                      facts.name == "rpc" ? ", or give --rpc-tls-ca" : "")};
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
