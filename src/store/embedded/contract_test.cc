// The contract, over the embedded store.
#include "store/embedded/store_factory.h"
#include "store/message_store_contract.h"

namespace parley::store {
namespace {

STORES_KEEP_THE_CONTRACT(rocksdb_factory());

}  // namespace
}  // namespace parley::store
