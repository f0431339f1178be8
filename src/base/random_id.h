// Ids that nothing else has.
#pragma once

#include <cstddef>
#include <string>

namespace parley {

/// So many random bytes of the system's, as lower-case hexadecimal digits. Any thread.
[[nodiscard]] std::string random_id(std::size_t bytes = 16);

}  // namespace parley
