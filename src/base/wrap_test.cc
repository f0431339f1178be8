#include "base/wrap.h"

#include <gtest/gtest.h>

namespace parley {
namespace {

TEST(Wrap, LinesHoldAsManyWordsAsFit) {
  EXPECT_EQ(wrapped("one two  three\nfour", 0, 9), "one two\nthree\nfour\n");
  EXPECT_EQ(wrapped("one two three", 2, 9), "  one two\n  three\n");
  EXPECT_EQ(wrapped("a verylongword b", 1, 5), " a\n verylongword\n b\n");
  EXPECT_EQ(wrapped(" \n", 2), "");
}

TEST(Wrap, AColumnIsALetterWhateverItsBytes) { EXPECT_EQ(wrapped("éé éé", 0, 5), "éé éé\n"); }

TEST(Wrap, ARowStandsBesideOrBelow) {
  EXPECT_EQ(in_columns("--a", "Means a."), "  --a                           Means a.\n");
  const std::string name(29, 'n');
  EXPECT_EQ(in_columns(name, "Means n."), "  " + name + "\n" + std::string(32, ' ') + "Means n.\n");
  EXPECT_EQ(in_columns("--a", ""), "  --a\n");
}

TEST(Wrap, ATerminalShowsNoBackticks) { EXPECT_EQ(without_backticks("`a` b"), "a b"); }

}  // namespace
}  // namespace parley
