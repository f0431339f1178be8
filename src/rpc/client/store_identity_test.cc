#include "rpc/client/store_identity.h"

#include <thread>

#include <gtest/gtest.h>

namespace parley::rpc {
namespace {

TEST(StoreIdentity, TheFirstStoreIsTheOne) {
  StoreIdentity identity;
  StoreIdentity::Voice a(identity);
  StoreIdentity::Voice b(identity);
  EXPECT_EQ(identity.id(), "");
  EXPECT_TRUE(a.says("one"));
  EXPECT_TRUE(b.says("one"));
  EXPECT_EQ(identity.id(), "one");
  EXPECT_EQ(identity.conflict(), "");
}

TEST(StoreIdentity, OfTwoStoresAtOnceOneIsRefused) {
  StoreIdentity identity;
  StoreIdentity::Voice a(identity);
  StoreIdentity::Voice b(identity);
  EXPECT_TRUE(a.says("one"));
  EXPECT_FALSE(b.says("two"));
  EXPECT_TRUE(a.says("one"));
  EXPECT_FALSE(b.says("two"));
  EXPECT_EQ(identity.id(), "one");
  EXPECT_NE(identity.conflict(), "");
}

TEST(StoreIdentity, AStoreThatAllNodesAgreeOnTakesThePlaceOfTheOther) {
  StoreIdentity identity;
  StoreIdentity::Voice a(identity);
  StoreIdentity::Voice b(identity);
  EXPECT_TRUE(a.says("one"));
  EXPECT_TRUE(b.says("one"));
  identity.note("memory", {});
  EXPECT_FALSE(a.says("two"));
  EXPECT_TRUE(b.says("two"));
  EXPECT_TRUE(a.says("two"));
  EXPECT_EQ(identity.id(), "two");
  EXPECT_EQ(identity.conflict(), "");
  EXPECT_EQ(identity.durability(), "") << "what the other store promised is of no consequence";
}

TEST(StoreIdentity, ANodeThatIsAwayForAMomentStillHasItsStore) {
  StoreIdentity identity;
  StoreIdentity::Voice a(identity);
  StoreIdentity::Voice b(identity);
  EXPECT_TRUE(a.says("one"));
  EXPECT_FALSE(b.says("two"));
  const auto ended = std::chrono::steady_clock::now();
  a.ends();
  while (!b.says("two")) std::this_thread::yield();
  EXPECT_GE(std::chrono::steady_clock::now() - ended, StoreIdentity::kRemembered);
  EXPECT_FALSE(a.says("one")) << "it comes back, but the other store is in use by now";
  EXPECT_TRUE(b.says("two"));
}

TEST(StoreIdentity, ANodeThatIsNoLongerOneHasNoSay) {
  StoreIdentity identity;
  StoreIdentity::Voice b(identity);
  {
    StoreIdentity::Voice a(identity);
    EXPECT_TRUE(a.says("one"));
    EXPECT_FALSE(b.says("two"));
  }
  EXPECT_TRUE(b.says("two"));
}

TEST(StoreIdentity, AForeignServerTakesNobodysPlaceNorOursIts) {
  StoreIdentity ours;
  StoreIdentity::Voice a(ours);
  EXPECT_FALSE(ours.is_foreign());
  EXPECT_TRUE(a.says("one"));
  EXPECT_FALSE(a.says(""));
  EXPECT_FALSE(ours.is_foreign());
  StoreIdentity foreign;
  StoreIdentity::Voice b(foreign);
  EXPECT_TRUE(b.says(""));
  EXPECT_TRUE(foreign.is_foreign());
  EXPECT_FALSE(b.says("one"));
  EXPECT_TRUE(b.says(""));
}

}  // namespace
}  // namespace parley::rpc
