// The service over remote nodes: choose one, ask it, and tell the truth about what became of the request.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <vector>

#include "net/client_metrics.h"
#include "net/endpoint.h"
#include "net/loop.h"
#include "rpc/client/client_options.h"
#include "rpc/client/node_pool.h"
#include "rpc/client/resolver.h"
#include "rpc/client/store_identity.h"
#include "rpc/wire/messages.h"
#include "service/calls.h"

namespace parley::rpc {

/// Each loop has connections of its own to every node. What nodes answer is passed on, but for this:
///
/// A request goes to another node, within its deadline, where the one that it was sent to surely never had all of it,
/// or where nothing is done twice by repeating it: what only reads, or a change with an idempotency key to nodes with a
/// store id. Otherwise a change whose node was lost, or did not answer in time, is kOutcomeUnknown. kBadUpstream: a
/// node threw, or answered what cannot be read, or a foreign one any code but 0; a change may have been made then.
/// kNotSupported: no node has such a call. A foreign server is not asked for one.
class RemoteService final : public service::MessageService {
 public:
  /// The nodes are all addresses of all `names`. The loops must outlive it, and no call be under way when it goes.
  RemoteService(net::LoopPool& loops, std::vector<net::Endpoint> names, service::ServiceLimits limits,
                const ClientOptions& options, MetricsRegistry& metrics, net::Resolve resolve = net::resolve_by_system);
  ~RemoteService() override;
  RemoteService(const RemoteService&) = delete;
  RemoteService& operator=(const RemoteService&) = delete;

  /// Waits until every name was looked up, every node tried, and one can be used on each loop. kUnavailable with why:
  /// none can when the deadline passes, or two have different stores, or one has a store id and another none. Blocks;
  /// not from a loop.
  [[nodiscard]] Result<void> wait_until_started(Deadline deadline);

  /// The id of the nodes' store; empty where they are foreign servers, which have none. Any thread.
  [[nodiscard]] std::string store_id() const { return identity_.id(); }

  /// The least that any of the nodes has promised by an acknowledgement: fsync, os or memory; empty: none said. Any
  /// thread.
  [[nodiscard]] std::string durability() const { return identity_.durability(); }

  /// By how much the wall clock of the node that answered last is ahead of ours; 0 where none has said. Any thread.
  [[nodiscard]] std::chrono::microseconds clock_offset() const { return identity_.clock_offset(); }

  Task<service::SendResponse> send(service::SendRequest request, service::CallContext context) override;
  Task<service::PullResponse> pull(service::PullRequest request, service::CallContext context) override;
  Health health() const override { return pool().health(); }

 private:
  Task<service::ProtobufPtr> do_call(const service::CallRow& row, service::ProtobufPtr request,
                                     service::CallContext context) override;

  /// Asks one node after the other until there is a last word. One coroutine for all of it: each further one would be a
  /// part of what a request costs. `Question`: what is asked, and what is made of an answer.
  template <class Question>
  Task<typename Question::Response> ask(Result<Question> question, service::CallContext context);
  [[nodiscard]] NodePool& pool() const noexcept { return *pools_[net::Loop::current().index()]; }
  void set_addresses(const net::Addresses& addresses);
  /// A loop has lost all nodes, or has one again.
  void on_lost(bool lost);

  net::LoopPool& loops_;
  const service::ServiceLimits limits_;
  const std::size_t max_request_;  // bytes of a message that nodes take
  const std::shared_ptr<net::ClientMetrics> metrics_;
  StoreIdentity identity_;
  std::vector<std::unique_ptr<NodePool>> pools_;  // by loop
  std::atomic<std::size_t> loops_without_;        // any node that can be used
  Resolver resolver_;
  TaskGroup resolving_;
};

}  // namespace parley::rpc
