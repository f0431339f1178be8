// What the contract suites share: a store, made anew for each test. An engine takes part by STORES_KEEP_THE_CONTRACT of
// message_store_contract.h with a StoreFactory of its own.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include <gmock/gmock.h>

#include "store/store_fixture.h"

namespace parley::store {

struct StoreFactory {
  std::string name;
  /// An empty store; `folder` is empty and the store's own.
  std::function<std::unique_ptr<MessageStore>(const std::filesystem::path& folder, const StoreOptions& options,
                                              net::LoopPool& loops, MetricsRegistry& metrics)>
      make;

  friend std::ostream& operator<<(std::ostream& out, const StoreFactory& factory) { return out << factory.name; }
};

class StoreContract : public StoreFixture, public testing::WithParamInterface<StoreFactory> {
 protected:
  void SetUp() override { open(options()); }
  void open(const StoreOptions& options) {
    store_.reset();
    store_ = GetParam().make(folder_.path() / std::to_string(++opened_), options, loops_, metrics_);
    ASSERT_NE(store_, nullptr);
  }

 private:
  int opened_ = 0;
};

inline std::string contract_name(const testing::TestParamInfo<StoreFactory>& test) { return test.param.name; }

using testing::ElementsAre;
using testing::IsEmpty;

}  // namespace parley::store
