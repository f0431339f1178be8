// Servers of a test's own that work together: a master with replicas and sentinels, or a cluster.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "redis/client_options.h"
#include "redis/redis_server_fixture.h"

namespace parley::redis {

using RedisServers = std::vector<std::unique_ptr<RedisServer>>;

/// A master that the sentinels know as "mymaster", and its replicas.
class RedisSentinels {
 public:
  /// In step, and with sentinels that know each other and all replicas, when it is made.
  RedisSentinels(int replicas, int sentinels, const std::vector<std::string>& configuration = {}) {
    servers_.push_back(std::make_unique<RedisServer>(configuration));
    const RedisServer& first = *servers_.front();
    for (int i = 0; i < replicas; ++i) {
      auto lines = configuration;
      lines.push_back("replicaof 127.0.0.1 " + std::to_string(first.port()));
      servers_.push_back(std::make_unique<RedisServer>(lines));
    }
    for (int i = 1; i <= replicas; ++i) {
      eventually("a replica is in step", [&] {
        return servers_[static_cast<std::size_t>(i)]->field({"INFO", "replication"}, "master_link_status") == "up";
      });
    }
    for (int i = 0; i < sentinels; ++i) {
      sentinels_.emplace_back(new RedisServer(RedisServer::sentinel(first, sentinels / 2 + 1)));
    }
    for (const auto& sentinel : sentinels_) {
      eventually("a sentinel knows the others", [&] {
        const Reply master = sentinel->ask({"SENTINEL", "MASTER", "mymaster"});
        return field(master, "num-slaves") == std::to_string(replicas) &&
               field(master, "num-other-sentinels") == std::to_string(sentinels - 1);
      });
    }
  }

  [[nodiscard]] const RedisServers& servers() const noexcept { return servers_; }
  [[nodiscard]] const RedisServers& sentinels() const noexcept { return sentinels_; }

  /// The server that the last sentinel says is the master.
  [[nodiscard]] RedisServer& master() const {
    const Reply reply = sentinels_.back()->ask({"SENTINEL", "get-master-addr-by-name", "mymaster"});
    for (const auto& server : servers_) {
      if (std::to_string(server->port()) == reply.elements.at(1).text) return *server;
    }
    throw std::runtime_error("the master is none of ours");
  }

 private:
  /// The value of `name` in a flat list of names and values.
  static std::string field(const Reply& pairs, std::string_view name) {
    for (std::size_t i = 0; i + 1 < pairs.elements.size(); i += 2) {
      if (pairs.elements[i].text == name) return pairs.elements[i + 1].text;
    }
    return "";
  }

  RedisServers servers_;
  RedisServers sentinels_;
};

/// A cluster, its slots in equal parts at the masters.
class RedisCluster {
 public:
  /// Up, and known to all nodes, when it is made. Node i + masters is a replica of node i.
  RedisCluster(int masters, int replicas, const std::vector<std::string>& configuration = {}) {
    for (int i = 0; i < masters + replicas; ++i) {
      auto lines = configuration;
      lines.insert(lines.end(), {"cluster-enabled yes", "cluster-node-timeout 1000",
                                 "cluster-replica-validity-factor 0", "cluster-port " + std::to_string(free_port())});
      nodes_.push_back(std::make_unique<RedisServer>(lines));
    }
    for (int i = 0; i < masters; ++i) {
      const int first = 16384 * i / masters;
      const int last = 16384 * (i + 1) / masters - 1;
      expect_ok(node(i).ask({"CLUSTER", "ADDSLOTSRANGE", std::to_string(first), std::to_string(last)}));
      expect_ok(node(i).ask({"CLUSTER", "SET-CONFIG-EPOCH", std::to_string(i + 1)}));
    }
    for (int i = 1; i < masters + replicas; ++i) meet(node(i));
    eventually("all nodes know each other", [&] {
      return all([&](RedisServer& one) {
        return one.field({"CLUSTER", "INFO"}, "cluster_known_nodes") == std::to_string(nodes_.size());
      });
    });
    for (int i = masters; i < masters + replicas; ++i) {
      expect_ok(node(i).ask({"CLUSTER", "REPLICATE", id(node(i - masters))}));
    }
    wait_until_up();
    for (int i = masters; i < masters + replicas; ++i) {
      eventually("a replica is in step",
                 [&] { return node(i).field({"INFO", "replication"}, "master_link_status") == "up"; });
    }
  }

  [[nodiscard]] RedisServer& node(int index) const { return *nodes_.at(static_cast<std::size_t>(index)); }
  [[nodiscard]] std::size_t size() const noexcept { return nodes_.size(); }
  [[nodiscard]] std::vector<net::Endpoint> endpoints() const {
    std::vector<net::Endpoint> all;
    for (const auto& one : nodes_) all.push_back(one->endpoint());
    return all;
  }

  /// Whether every slot is served, as every node sees it that is alive.
  void wait_until_up() const {
    eventually("the cluster is up", [this] {
      return all([](RedisServer& one) { return one.field({"CLUSTER", "INFO"}, "cluster_state") == "ok"; });
    });
  }

  [[nodiscard]] static std::string id(const RedisServer& node) { return node.ask({"CLUSTER", "MYID"}).text; }

  /// Says that keys of `slot` move from one to the other; move_keys() moves them, and end_move() ends it.
  static void begin_move(int slot, const RedisServer& from, const RedisServer& to) {
    expect_ok(to.ask({"CLUSTER", "SETSLOT", std::to_string(slot), "IMPORTING", id(from)}));
    expect_ok(from.ask({"CLUSTER", "SETSLOT", std::to_string(slot), "MIGRATING", id(to)}));
  }
  static void move_keys(int slot, const RedisServer& from, const RedisServer& to) {
    while (true) {
      const Reply keys = from.ask({"CLUSTER", "GETKEYSINSLOT", std::to_string(slot), "100"});
      if (keys.elements.empty()) return;
      for (const Reply& key : keys.elements) {
        (void)from.ask({"MIGRATE", "127.0.0.1", std::to_string(to.port()), key.text, "0", "5000"});
      }
    }
  }
  void end_move(int slot, const RedisServer& to) const {
    expect_ok(to.ask({"CLUSTER", "SETSLOT", std::to_string(slot), "NODE", id(to)}));
    for (const auto& one : nodes_) {  // replicas learn it from their masters
      (void)one->ask({"CLUSTER", "SETSLOT", std::to_string(slot), "NODE", id(to)});
    }
  }

 private:
  static void expect_ok(const Reply& reply) {
    if (reply.text != "OK") throw std::runtime_error("a node says " + reply.text);
  }
  void meet(const RedisServer& other) const {
    const std::string bus = other.ask({"CONFIG", "GET", "cluster-port"}).elements.at(1).text;
    expect_ok(node(0).ask({"CLUSTER", "MEET", "127.0.0.1", std::to_string(other.port()), bus}));
  }
  [[nodiscard]] bool all(const std::function<bool(RedisServer&)>& holds) const {
    for (const auto& one : nodes_) {
      if (one->running() && !holds(*one)) return false;
    }
    return true;
  }

  RedisServers nodes_;
};

}  // namespace parley::redis
