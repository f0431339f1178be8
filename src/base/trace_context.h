// W3C Trace Context: the traceparent that says which trace a request belongs to.
#pragma once

#include <string_view>

#include "base/log.h"

namespace parley {

/// Whether `text` is a traceparent that can be passed on (Trace Context, 2.2 and 4.3). It has version 00, or a later
/// one as far as that can be read, and at most 128 bytes.
[[nodiscard]] bool is_traceparent(std::string_view text) noexcept;

/// What lines of the log say of a traceparent that can go on: its trace as `trace_id`. Nothing if it is empty.
[[nodiscard]] LogField trace_field(std::string_view traceparent) noexcept;

}  // namespace parley
