#include "base/random_id.h"

#include <set>

#include <gtest/gtest.h>

namespace parley {
namespace {

TEST(RandomId, IsNewEachTimeAndHasTwoDigitsAByte) {
  std::set<std::string> ids;
  for (int i = 0; i < 100; ++i) ids.insert(random_id());
  EXPECT_EQ(ids.size(), 100U);
  for (const std::string& id : ids) {
    EXPECT_EQ(id.size(), 32U);
    EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos) << id;
  }
  EXPECT_EQ(random_id(6).size(), 12U);
}

}  // namespace
}  // namespace parley
