#include "store/redis/raised_rows.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace parley::store {
namespace {

using Names = std::vector<std::string>;

TEST(RaisedRowsTest, ValuesOnlyRise) {
  RaisedRows rows(std::size_t{1} << 20);
  EXPECT_EQ(rows.find("a:b", {}, 1).audience, 0);
  rows.raised("a:b", {}, 20, 1);
  rows.raised("a:b", {}, 10, 1);
  rows.raised_lane("a:b", 15, 1);
  rows.raised_lane("a:b", 5, 1);
  EXPECT_EQ(rows.find("a:b", {}, 1).audience, 20);
  EXPECT_EQ(rows.find("a:b", {}, 1).lane, 15);
  EXPECT_EQ(rows.find("a:c", {}, 1).audience, 0);
}

TEST(RaisedRowsTest, TheRowsOfAnotherAudienceAreNotKnown) {
  RaisedRows rows(std::size_t{1} << 20);
  rows.raised("group", {"a", "b"}, 20, 1);
  rows.raised_lane("group", 30, 1);
  EXPECT_EQ(rows.find("group", {"a", "b"}, 1).audience, 20);
  EXPECT_EQ(rows.find("group", {"a", "b", "c"}, 1).audience, 0);
  EXPECT_EQ(rows.find("group", {"a", "b", "c"}, 1).lane, 30);
  rows.raised("group", {"a", "b", "c"}, 10, 1);
  EXPECT_EQ(rows.find("group", {"a", "b", "c"}, 1).audience, 10);
  EXPECT_EQ(rows.find("group", {"a", "b"}, 1).audience, 0);
}

TEST(RaisedRowsTest, WhatWasLearntAtAnotherAgeCountsForNothing) {
  RaisedRows rows(std::size_t{1} << 20);
  rows.raised("a:b", {}, 20, 1);
  rows.raised_lane("a:b", 20, 1);
  EXPECT_EQ(rows.find("a:b", {}, 2).audience, 0);
  rows.raised("a:b", {}, 10, 2);
  EXPECT_EQ(rows.find("a:b", {}, 2).audience, 10);
  EXPECT_EQ(rows.find("a:b", {}, 2).lane, 0);
  rows.raised("a:b", {}, 30, 1);  // begun before, and ended after
  rows.raised_lane("a:b", 30, 1);
  EXPECT_EQ(rows.find("a:b", {}, 2).audience, 10);
  EXPECT_EQ(rows.find("a:b", {}, 2).lane, 0);
}

TEST(RaisedRowsTest, ItsMemoryIsBounded) {
  RaisedRows rows(std::size_t{1} << 20);
  for (int i = 0; i < 100'000; ++i) {
    rows.raised("chat" + std::to_string(i), {}, 1, 1);
    EXPECT_EQ(rows.find("chat" + std::to_string(i), {}, 1).audience, 1);
  }
  EXPECT_GT(rows.size(), 3'000U);
  EXPECT_LT(rows.size(), 6'000U);
  EXPECT_EQ(rows.find("chat0", {}, 1).audience, 0);
}

TEST(RaisedRowsTest, AnAudienceThatFitsNowhereIsForgotten) {
  RaisedRows rows(std::size_t{64} << 10);  // 1 KiB for each part
  const Names large(100, std::string(64, 'x'));
  for (int i = 0; i < 100; ++i) {
    rows.raised("group", large, 1, 1);
    EXPECT_EQ(rows.find("group", large, 1).audience, 0);
    rows.raised("group", {"a"}, 1, 1);
    EXPECT_EQ(rows.find("group", {"a"}, 1).audience, 1);
  }
}

TEST(RaisedRowsTest, WithoutMemoryNothingIsRemembered) {
  RaisedRows rows(0);
  rows.raised("a:b", {}, 1, 1);
  EXPECT_EQ(rows.find("a:b", {}, 1).audience, 0);
  EXPECT_EQ(rows.size(), 0U);
}

}  // namespace
}  // namespace parley::store
