// The contract of the stores, seen through both tiers: a gateway's client, a node's server, and a store behind that.
#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/memory_budget.h"
#include "chat/message_body.h"
#include "rpc/client/remote_service.h"
#include "rpc/server/server.h"
#include "service/local_service.h"
#include "store/embedded/store_factory.h"
#include "store/log_contract.h"
#include "store/memory/store_factory.h"

namespace parley::store {
namespace {

/// A page's bytes are the node's to choose and no part of a call, so the test that chooses them does so here. What no
/// call exposes goes to the store.
class PagesOf final : public MessageStore {
 public:
  PagesOf(std::unique_ptr<MessageStore> store, const std::atomic<std::size_t>& bytes)
      : store_(std::move(store)), bytes_(bytes) {}

  Task<Appended> append(Change change, Deadline deadline) override {
    return store_->append(std::move(change), deadline);
  }
  Task<RecordPage> read(ChatId chat, RecordRange range, Deadline deadline) override {
    range.page.max_bytes = bytes_;
    return store_->read(std::move(chat), range, deadline);
  }
  Task<RowPage> rows(TableId table, RowRange range, Deadline deadline) override {
    return store_->rows(std::move(table), std::move(range), deadline);
  }
  Task<Written> write(TableId table, std::vector<RowWrite> rows, Deadline deadline) override {
    return store_->write(std::move(table), std::move(rows), deadline);
  }
  Task<IndexPage> index(std::string user, IndexRange range, Deadline deadline) override {
    return store_->index(std::move(user), std::move(range), deadline);
  }
  std::size_t lanes() const noexcept override { return store_->lanes(); }
  std::size_t lane_of(std::string_view chat) const noexcept override { return store_->lane_of(chat); }
  std::size_t reads_at_once() const noexcept override { return store_->reads_at_once(); }
  Task<std::vector<std::int64_t>> clocks(Clocks which, Deadline deadline) override {
    return store_->clocks(which, deadline);
  }
  Bell& bell() noexcept override { return store_->bell(); }
  Health health() const override { return store_->health(); }
  std::string id() const override { return store_->id(); }

 private:
  const std::unique_ptr<MessageStore> store_;
  const std::atomic<std::size_t>& bytes_;
};

/// A node over a store, on loops of its own, and the gateway's side of it.
class TwoTiers final : public MessageStore {
 public:
  TwoTiers(const StoreFactory& factory, const std::filesystem::path& folder, const StoreOptions& options,
           net::LoopPool& loops, MetricsRegistry& metrics)
      : store_(factory.make(folder, options, node_loops_, metrics), page_bytes_),
        node_(store_, {}),
        server_(node_loops_, {"127.0.0.1", 0},
                rpc::CallHandler(
                    node_, calls_, [this] { return store_.id(); }, [] { return "fsync"; }, draining_),
                {}, draining_, memory_, node_metrics_) {
    const auto listening = server_.listen();
    EXPECT_TRUE(listening) << listening.error().detail;
    server_.start();
    gateway_ = std::make_unique<rpc::RemoteService>(loops, std::vector{server_.endpoint()}, service::ServiceLimits{},
                                                    rpc::ClientOptions{}, gateway_metrics_);
    const auto started = gateway_->wait_until_started(in(std::chrono::seconds(20)));
    EXPECT_TRUE(started) << started.error().detail;
    id_ = gateway_->store_id();
  }

  Task<Appended> append(Change change, Deadline deadline) override {
    const RecordDraft& record = change.records.front();
    const auto message = to_message({record.kind, 0, record.sender, record.about, record.body});
    const auto sent =
        co_await gateway_->send({change.chat.name(), message->text.str(), record.sender, change.idempotency_key},
                                {.deadline = deadline, .request_id = "test"});
    if (!sent) co_return std::unexpected(sent.error());
    co_return Appended{.send_time = sent->send_time, .duplicate = sent->duplicate};
  }
  Task<RecordPage> read(ChatId chat, RecordRange range, Deadline deadline) override {
    page_bytes_ = range.page.max_bytes;
    const auto pulled = co_await gateway_->pull({chat.name(), range.page.cursor, range.page.limit, range.page.reverse},
                                                {.deadline = deadline, .request_id = "test"});
    if (!pulled) co_return std::unexpected(pulled.error());
    RecordPage page{.records = {}, .has_more = pulled->page.has_more};
    for (const Message& message : pulled->page.messages) {
      RecordDraft record = draft_of_message(message.sender, message.text, "");
      page.records.push_back({record.kind, message.send_time, record.sender, record.about, std::move(record.body)});
    }
    EXPECT_EQ(pulled->page.next_cursor, next_cursor(pulled->page.messages, range.page));
    co_return page;
  }
  Task<RowPage> rows(TableId table, RowRange range, Deadline deadline) override {
    return store_.rows(std::move(table), std::move(range), deadline);
  }
  Task<Written> write(TableId table, std::vector<RowWrite> rows, Deadline deadline) override {
    return store_.write(std::move(table), std::move(rows), deadline);
  }
  Task<IndexPage> index(std::string user, IndexRange range, Deadline deadline) override {
    return store_.index(std::move(user), std::move(range), deadline);
  }
  std::size_t lanes() const noexcept override { return store_.lanes(); }
  std::size_t lane_of(std::string_view chat) const noexcept override { return store_.lane_of(chat); }
  std::size_t reads_at_once() const noexcept override { return store_.reads_at_once(); }
  Task<std::vector<std::int64_t>> clocks(Clocks which, Deadline deadline) override {
    return store_.clocks(which, deadline);
  }
  Bell& bell() noexcept override { return store_.bell(); }
  Health health() const override { return gateway_->health(); }
  std::string id() const override { return id_; }

 private:
  net::LoopPool node_loops_{2};
  std::atomic<std::size_t> page_bytes_{PageRange{}.max_bytes};
  PagesOf store_;
  service::LocalService node_;
  const service::CallTable calls_{service::program_calls()};
  std::atomic<bool> draining_{false};
  MemoryBudget memory_{std::size_t{64} << 20};
  MetricsRegistry node_metrics_;
  rpc::RpcServer server_;
  MetricsRegistry gateway_metrics_;
  std::unique_ptr<rpc::RemoteService> gateway_;
  std::string id_;
};

StoreFactory through_both(StoreFactory factory) {
  std::string name = "TiersOver" + factory.name;
  return {std::move(name),
          [factory = std::move(factory)](const std::filesystem::path& folder, const StoreOptions& options,
                                         net::LoopPool& loops, MetricsRegistry& metrics) {
            return std::make_unique<TwoTiers>(factory, folder, options, loops, metrics);
          }};
}

INSTANTIATE_TEST_SUITE_P(Tiers, LogContract,
                         testing::Values(through_both(memory_factory()), through_both(rocksdb_factory())),
                         contract_name);

}  // namespace
}  // namespace parley::store
