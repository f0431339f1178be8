#include "store/memory_store.h"

#include "store/message_store_contract.h"

namespace parley::store {
namespace {

class MemoryUnderTest final : public StoreUnderTest {
 public:
  explicit MemoryUnderTest(const StoreOptions& options) : store_(make_memory_store(options)) {}
  MessageStore& store() override { return *store_; }

 private:
  std::unique_ptr<MessageStore> store_;
};

std::unique_ptr<StoreUnderTest> make(const StoreOptions& options, net::LoopPool&) {
  return std::make_unique<MemoryUnderTest>(options);
}

INSTANTIATE_TEST_SUITE_P(Memory, MessageStoreContract, testing::Values(&make));

}  // namespace
}  // namespace parley::store
