// The random identity of a store, made once: two nodes with the same id share one store.
#pragma once

#include <string>

namespace parley::store {

/// A new id: 128 random bits as 32 lower-case hexadecimal digits.
[[nodiscard]] std::string make_store_id();

}  // namespace parley::store
