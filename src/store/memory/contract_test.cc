// The contract, over the memory store.
#include "store/memory/store_factory.h"

namespace parley::store {
namespace {

INSTANTIATE_TEST_SUITE_P(Stores, MessageStoreContract, testing::Values(memory_factory()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace parley::store
