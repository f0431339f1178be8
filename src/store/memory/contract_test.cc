// The contract, over the memory store.
#include "store/memory/store_factory.h"
#include "store/message_store_contract.h"

namespace parley::store {
namespace {

STORES_KEEP_THE_CONTRACT(memory_factory());

}  // namespace
}  // namespace parley::store
