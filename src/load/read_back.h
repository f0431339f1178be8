// Reads back what a run has sent, and judges it.
#pragma once

#include <span>

#include "load/interrupt.h"
#include "load/ledger.h"
#include "load/verdict.h"

namespace parley::load {

/// Pulls every chat that `ledgers` (by worker) have sends in, from a little before their first acknowledged one. While
/// the server is away it is asked again. What is not read once nothing at all was answered for some seconds, or when an
/// interrupt comes that had not come before, counts as unread. Blocks.
[[nodiscard]] Verdict read_back(const Plan& plan, const Texts& texts, std::span<const Ledger* const> ledgers,
                                const Interrupt& interrupt);

}  // namespace parley::load
