#include "rpc/client/store_identity.h"

#include <gtest/gtest.h>

namespace parley::rpc {
namespace {

constexpr Deadline kNow{std::chrono::hours(1)};

TEST(StoreIdentity, TheFirstStoreIsTheOne) {
  StoreIdentity identity;
  StoreIdentity::Voice a(identity);
  StoreIdentity::Voice b(identity);
  EXPECT_EQ(identity.id(), "");
  EXPECT_TRUE(a.says("one", kNow));
  EXPECT_TRUE(b.says("one", kNow));
  EXPECT_EQ(identity.id(), "one");
  EXPECT_EQ(identity.conflict(kNow), "");
}

TEST(StoreIdentity, OfTwoStoresAtOnceOneIsRefused) {
  StoreIdentity identity;
  StoreIdentity::Voice a(identity);
  StoreIdentity::Voice b(identity);
  EXPECT_TRUE(a.says("one", kNow));
  EXPECT_FALSE(b.says("two", kNow));
  EXPECT_TRUE(a.says("one", kNow));
  EXPECT_FALSE(b.says("two", kNow));
  EXPECT_EQ(identity.id(), "one");
  EXPECT_NE(identity.conflict(kNow), "");
}

TEST(StoreIdentity, AStoreThatAllNodesAgreeOnTakesThePlaceOfTheOther) {
  StoreIdentity identity;
  StoreIdentity::Voice a(identity);
  StoreIdentity::Voice b(identity);
  EXPECT_TRUE(a.says("one", kNow));
  EXPECT_TRUE(b.says("one", kNow));
  identity.note("memory", {});
  EXPECT_FALSE(a.says("two", kNow));
  EXPECT_TRUE(b.says("two", kNow));
  EXPECT_TRUE(a.says("two", kNow));
  EXPECT_EQ(identity.id(), "two");
  EXPECT_EQ(identity.conflict(kNow), "");
  EXPECT_EQ(identity.durability(), "") << "what the other store promised is of no consequence";
}

TEST(StoreIdentity, ANodeThatIsAwayForAMomentStillHasItsStore) {
  StoreIdentity identity;
  StoreIdentity::Voice a(identity);
  StoreIdentity::Voice b(identity);
  EXPECT_TRUE(a.says("one", kNow));
  EXPECT_FALSE(b.says("two", kNow));
  a.ends(kNow);
  EXPECT_FALSE(b.says("two", kNow + StoreIdentity::kRemembered - std::chrono::milliseconds(1)));
  const Deadline later = kNow + StoreIdentity::kRemembered;
  EXPECT_TRUE(b.says("two", later));
  EXPECT_FALSE(a.says("one", later)) << "it comes back, but the other store is in use by now";
  EXPECT_TRUE(b.says("two", later));
}

TEST(StoreIdentity, ANodeThatIsNoLongerOneHasNoSay) {
  StoreIdentity identity;
  StoreIdentity::Voice b(identity);
  {
    StoreIdentity::Voice a(identity);
    EXPECT_TRUE(a.says("one", kNow));
    EXPECT_FALSE(b.says("two", kNow));
  }
  EXPECT_TRUE(b.says("two", kNow));
}

TEST(StoreIdentity, AForeignServerTakesNobodysPlaceNorOursIts) {
  StoreIdentity ours;
  StoreIdentity::Voice a(ours);
  EXPECT_FALSE(ours.is_foreign());
  EXPECT_TRUE(a.says("one", kNow));
  EXPECT_FALSE(a.says("", kNow));
  EXPECT_FALSE(ours.is_foreign());
  StoreIdentity foreign;
  StoreIdentity::Voice b(foreign);
  EXPECT_TRUE(b.says("", kNow));
  EXPECT_TRUE(foreign.is_foreign());
  EXPECT_FALSE(b.says("one", kNow));
  EXPECT_TRUE(b.says("", kNow));
}

}  // namespace
}  // namespace parley::rpc
