#include "rpc/wire/ttheader.h"

#include <array>
#include <string>

#include <gtest/gtest.h>

namespace parley::rpc {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;
using IntHeader = std::pair<std::uint16_t, std::string_view>;
using StringHeader = std::pair<std::string_view, std::string_view>;

/// A frame with this header, made by hand; `words` is what HEADER SIZE says, in words of 4 bytes.
std::string frame_of(std::string_view header, std::string_view payload, int words) {
  const std::size_t length = 10 + header.size() + payload.size();
  std::string out = "\0\0\0"s;
  out += static_cast<char>(length);
  out += "\x10\x00\x00\x01\x00\x00\x00\x2a\x00"sv;
  out += static_cast<char>(words);
  out.append(header).append(payload);
  return out;
}

TEST(TTHeader, IsReadAsKitexWritesIt) {
  // String and integer keys, an access token and padding.
  const std::string header =
      "\x00\x00\x01\x00\x01\x00\x03rip\x00\x01x\x10\x00\x01\x00\x0c\x00\x03"
      "500\x11\x00\x02yz\0\0\0\0"s;
  ASSERT_EQ(header.size() % 4, 0U) << header.size();
  const std::string frame = frame_of(header, "payload", static_cast<int>(header.size() / 4));
  const auto read = decode_ttheader(frame);
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_EQ(read->flags, kOutOfOrderFlag);
  EXPECT_EQ(read->sequence_id, 42);
  EXPECT_EQ(read->protocol_id, kThriftBinaryId);
  EXPECT_EQ(read->find("rip"), "x");
  EXPECT_EQ(read->find("rap"), std::nullopt);
  EXPECT_EQ(read->find(kRpcTimeoutKey), "500");
  EXPECT_EQ(read->find(kLogIdKey), std::nullopt);
  EXPECT_EQ(read->payload, "payload");
}

TEST(TTHeader, IsReadBackAsItWasWritten) {
  const std::array<IntHeader, 2> ints{{{kRpcTimeoutKey, "2000"}, {kLogIdKey, "abc"}}};
  const std::array<StringHeader, 1> strings{{{kReadyToResetKey, "1"}}};
  std::string out = "before";
  append_ttheader(
      out, {.flags = 7, .sequence_id = -2, .protocol_id = kThriftCompactId, .ints = ints, .strings = strings}, "body");
  const auto read = decode_ttheader(std::string_view(out).substr(6));
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_EQ(read->flags, 7);
  EXPECT_EQ(read->sequence_id, -2);
  EXPECT_EQ(read->protocol_id, kThriftCompactId);
  EXPECT_EQ(read->find(kRpcTimeoutKey), "2000");
  EXPECT_EQ(read->find(kLogIdKey), "abc");
  EXPECT_EQ(read->find(kReadyToResetKey), "1");
  EXPECT_EQ(read->payload, "body");
}

TEST(TTHeader, MayBeBare) {
  std::string out;
  append_ttheader(out, {}, "");
  EXPECT_EQ(out, "\0\0\0\x0e\x10\0\0\0\0\0\0\0\0\x01\0\0\0\0"s);
  EXPECT_TRUE(decode_ttheader(out));
}

TEST(TTHeader, OfWrongSizesIsRefused) {
  EXPECT_FALSE(decode_ttheader(""));
  EXPECT_FALSE(decode_ttheader(frame_of("\0\0\0\0"sv, "", 2)));                // a header past the frame's end
  EXPECT_FALSE(decode_ttheader(frame_of("\0\0\0\0"sv, "", 0)));                // no header
  EXPECT_FALSE(decode_ttheader(frame_of("\0\0\x01\xff\xff\0\0\0"sv, "", 2)));  // more pairs than bytes
  EXPECT_FALSE(decode_ttheader(frame_of("\0\0\x11\xff\xff\0\0\0"sv, "", 2)));  // a token longer than the header
  EXPECT_FALSE(decode_ttheader(frame_of("\0\0\x10\0"sv, "", 1)));              // half a count
  std::string frame = frame_of("\0\0\0\0"sv, "payload", 1);
  EXPECT_TRUE(decode_ttheader(frame));
  frame += 'x';
  EXPECT_FALSE(decode_ttheader(frame));
}

TEST(TTHeader, OfUnknownMeaningIsRefused) {
  EXPECT_FALSE(decode_ttheader(frame_of("\0\x01\x01\0"sv, "", 1)));  // a transform
  EXPECT_FALSE(decode_ttheader(frame_of("\0\0\x77\0"sv, "", 1)));    // an info of kind 77
}

TEST(TTHeader, IsToldByItsMagic) {
  EXPECT_TRUE(is_ttheader("\0\0\0\x0e\x10\0"sv));
  EXPECT_FALSE(is_ttheader("\0\0\0\x0e\x10"sv));
  EXPECT_FALSE(is_ttheader("\0\0\0\x0e\x80\x01"sv));
}

}  // namespace
}  // namespace parley::rpc
