#include "store/message_store.h"

namespace parley::store {

std::string follower_of(std::size_t lane) { return "lane:" + std::to_string(lane); }

}  // namespace parley::store
