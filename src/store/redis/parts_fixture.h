// What tests of parts of the Redis store share: a client and an identity, called from the test's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "redis/client_fixture.h"
#include "redis/redis_server_fixture.h"
#include "store/redis/identity.h"

namespace parley::store {

class RedisPartsTest : public redis::ClientTest {
 protected:
  static constexpr std::int64_t kNow = 1'700'000'000'000'000;

  explicit RedisPartsTest(std::size_t loops = 2) : ClientTest(loops) {
    identity_.begin("a store");
    identity_.set_lanes(8);
  }
  ~RedisPartsTest() override { stop(); }  // before the server

  [[nodiscard]] static redis::ClientOptions options_of(const net::Endpoint& server, std::size_t replicas = 0) {
    redis::ClientOptions out;
    out.servers = {server};
    out.replicas = replicas;
    return out;
  }
  void connect(redis::ClientOptions options) {
    const auto started = start(std::move(options));
    ASSERT_TRUE(started) << started.error().detail;
    // A connection that comes up later makes what is remembered count for nothing.
    for (std::size_t loop = 1; loop < loops_.size(); ++loop) {
      ASSERT_TRUE(spawn(client_->start(in(std::chrono::seconds(20))), loop).get());
    }
  }

  template <class T>
  T done(Async<T> task, std::size_t loop = 0) {
    return spawn(std::move(task), loop).get();
  }

  redis::RedisServer server_;
  RedisIdentity identity_;
};

}  // namespace parley::store
