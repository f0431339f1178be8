// The contract, over the embedded store.
#include "store/embedded/store_factory.h"

namespace parley::store {
namespace {

INSTANTIATE_TEST_SUITE_P(Stores, MessageStoreContract, testing::Values(rocksdb_factory()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace parley::store
