#include "base/units.h"

#include <gtest/gtest.h>

namespace parley {
namespace {

using namespace std::chrono_literals;

TEST(Units, ReadsDurations) {
  EXPECT_EQ(parse_duration("7us"), 7us);
  EXPECT_EQ(parse_duration("500ms"), 500ms);
  EXPECT_EQ(parse_duration("2s"), 2s);
  EXPECT_EQ(parse_duration("3m"), 3min);
  EXPECT_EQ(parse_duration("24h"), 24h);
  EXPECT_EQ(parse_duration("2d"), 48h);
  EXPECT_EQ(parse_duration("0"), 0s);
  EXPECT_EQ(parse_duration("0s"), 0s);
}

TEST(Units, RefusesWhatIsNoDuration) {
  for (const char* text : {"", "s", "5", "-1s", "-0s", "+1s", "1.5s", "1 s", " 1s", "1s ", "1S", "1min", "1h30m",
                           "0x1s", "9223372036854775807s", "106751992d", "99999999999999999999s"}) {
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
  }
}

TEST(Units, ReadsSizes) {
  EXPECT_EQ(parse_size("0"), 0U);
  EXPECT_EQ(parse_size("4096"), 4096U);
  EXPECT_EQ(parse_size("64KiB"), 65536U);
  EXPECT_EQ(parse_size("3MiB"), 3145728U);
  EXPECT_EQ(parse_size("8589934591GiB"), 9223372035781033984U);
}

TEST(Units, RefusesWhatIsNoSize) {
  for (const char* text : {"", "KiB", "-1", "+1", "1.5MiB", "64 KiB", "64kb", "64KB", "64kib", "1TiB", "8589934592GiB",
                           "9223372036854775808"}) {
    EXPECT_EQ(parse_size(text), std::nullopt) << text;
  }
}

TEST(Units, WritesWhatItReads) {
  for (const auto duration : {0us, 1us, 1500us, 2'000'000us, 90'000'000us, 86'400'000'000us, 86'400'000'001us}) {
    EXPECT_EQ(parse_duration(format_duration(duration)), duration) << format_duration(duration);
  }
  for (const std::size_t size : {0UL, 1UL, 1023UL, 1024UL, 1025UL, 409600UL, 1UL << 30, 1UL << 40}) {
    EXPECT_EQ(parse_size(format_size(size)), size) << format_size(size);
  }
  EXPECT_EQ(format_duration(24h), "24h");
  EXPECT_EQ(format_duration(1500ms), "1500ms");
  EXPECT_EQ(format_duration(0s), "0s");
  EXPECT_EQ(format_size(65536), "64KiB");
  EXPECT_EQ(format_size(409600), "400KiB");
}

}  // namespace
}  // namespace parley
