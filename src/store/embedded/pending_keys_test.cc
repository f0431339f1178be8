#include "store/embedded/pending_keys.h"

#include <memory>
#include <optional>

#include <gtest/gtest.h>

namespace parley::store {
namespace {

TEST(PendingKeysTest, AClaimThatIsLeftBehindKeepsTheTable) {
  auto keys = std::make_shared<PendingKeys>(1);
  auto claimed = keys->claim("key");
  ASSERT_TRUE(claimed);
  std::optional<KeyClaim> claim = std::get<KeyClaim>(*std::move(claimed));
  const std::weak_ptr<PendingKeys> left = keys;
  claimed.reset();
  keys.reset();
  EXPECT_FALSE(left.expired());
  claim.reset();  // settles it
  EXPECT_TRUE(left.expired());
}

TEST(PendingKeysTest, AKeyIsFreeOnceItsClaimIsSettledOrGone) {
  const auto keys = std::make_shared<PendingKeys>(1);
  {
    const auto claimed = keys->claim("key");
  }
  auto claimed = keys->claim("key");
  ASSERT_TRUE(claimed);
  KeyClaim claim = std::get<KeyClaim>(*std::move(claimed));
  claim.settle(IdempotencyRecord{});
  const auto next = keys->claim("key");
  ASSERT_TRUE(next);
  EXPECT_TRUE(std::holds_alternative<KeyClaim>(*next));
}

}  // namespace
}  // namespace parley::store
