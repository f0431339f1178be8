// Every engine that --store may name.
#pragma once

#include <string_view>
#include <vector>

#include "store/engine.h"

namespace parley::app {

using Engines = std::vector<store::Engine>;

/// In the order in which the help names them.
[[nodiscard]] Engines make_engines();

/// Says what is wrong if `url` names no store.
[[nodiscard]] OptionResult check_store_url(const Engines& engines, std::string_view url);

/// The one that takes `url`, or null.
[[nodiscard]] const store::Engine* find_engine(const Engines& engines, std::string_view url);

}  // namespace parley::app
