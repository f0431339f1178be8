// What every MessageStore must do, said in tests.
#pragma once

#include "store/bell_contract.h"
#include "store/index_contract.h"
#include "store/log_contract.h"
#include "store/record_contract.h"
#include "store/table_contract.h"

/// Runs all suites over stores of these factories. In namespace parley::store.
#define STORES_KEEP_THE_CONTRACT(...)                                                            \
  INSTANTIATE_TEST_SUITE_P(Stores, LogContract, testing::Values(__VA_ARGS__), contract_name);    \
  INSTANTIATE_TEST_SUITE_P(Stores, RecordContract, testing::Values(__VA_ARGS__), contract_name); \
  INSTANTIATE_TEST_SUITE_P(Stores, TableContract, testing::Values(__VA_ARGS__), contract_name);  \
  INSTANTIATE_TEST_SUITE_P(Stores, IndexContract, testing::Values(__VA_ARGS__), contract_name);  \
  INSTANTIATE_TEST_SUITE_P(Stores, BellContract, testing::Values(__VA_ARGS__), contract_name)
