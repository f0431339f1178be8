#include "base/varint.h"

#include <array>
#include <limits>

#include <gtest/gtest.h>

namespace parley {
namespace {

std::string encoded(std::uint64_t value) {
  std::string out;
  append_varint(out, value);
  return out;
}

TEST(VarintTest, EveryLengthComesBack) {
  for (unsigned bits = 0; bits <= 64; ++bits) {
    const std::uint64_t least = bits == 0 ? 0 : std::uint64_t{1} << (bits - 1);
    const std::uint64_t most = bits == 0 ? 0 : least + (least - 1);
    for (const std::uint64_t value : {least, most}) {
      std::string bytes = encoded(value);
      EXPECT_EQ(bytes.size(), varint_size(value)) << value;
      std::array<char, kMaxVarintBytes> written{};
      EXPECT_EQ(std::string_view(written.data(), write_varint(value, written.data())), bytes) << value;
      bytes += "rest";
      std::string_view left = bytes;
      EXPECT_EQ(take_varint(left), value);
      EXPECT_EQ(left, "rest");
    }
  }
  EXPECT_EQ(encoded(std::numeric_limits<std::uint64_t>::max()).size(), kMaxVarintBytes);
}

TEST(VarintTest, IsAsProtobufWritesIt) {
  EXPECT_EQ(encoded(0), std::string("\0", 1));
  EXPECT_EQ(encoded(127), "\x7f");
  EXPECT_EQ(encoded(128), "\x80\x01");
  EXPECT_EQ(encoded(300), "\xac\x02");
}

TEST(VarintTest, WhatIsNoneTakesNothing) {
  for (const std::string_view bytes :
       {std::string_view(""), std::string_view("\x80"), std::string_view("\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
        std::string_view("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"),             // over 64 bits
        std::string_view("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\x00"),         // eleven bytes
        std::string_view("\x80\x00", 2), std::string_view("\xac\x80\x00", 3)}) {  // longer than need be
    std::string_view left = bytes;
    EXPECT_EQ(take_varint(left), std::nullopt);
    EXPECT_EQ(left, bytes);
  }
}

}  // namespace
}  // namespace parley
