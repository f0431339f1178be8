#include "rpc/wire/payload.h"

#include <string>

#include <gtest/gtest.h>

namespace parley::rpc {
namespace {

using namespace std::string_view_literals;

TEST(Payload, IsToldByItsFirstBytes) {
  EXPECT_EQ(protocol_of("\x80\x01"sv), Protocol::kBinary);
  EXPECT_EQ(protocol_of("\x82\x21"sv), Protocol::kCompact);
  EXPECT_EQ(protocol_of("\x80\x02"sv), std::nullopt);
  EXPECT_EQ(protocol_of("\x82"sv), std::nullopt);
  EXPECT_EQ(protocol_of(""sv), std::nullopt);
  EXPECT_EQ(protocol_of("PRI * HTTP/2.0"sv), std::nullopt);
}

TEST(Payload, MayHaveAFrameOfItsOwn) {
  EXPECT_EQ(parse_payload("\x80\x01xy"sv), (Payload{Protocol::kBinary, false, "\x80\x01xy"sv}));
  EXPECT_EQ(parse_payload("\0\0\0\x04\x80\x01xy"sv), (Payload{Protocol::kBinary, true, "\x80\x01xy"sv}));
  EXPECT_EQ(parse_payload("\0\0\0\x03\x82\x21x"sv), (Payload{Protocol::kCompact, true, "\x82\x21x"sv}));
}

TEST(Payload, WhoseFrameIsNotAllOfItIsNone) {
  EXPECT_EQ(parse_payload("\0\0\0\x03\x80\x01xy"sv), std::nullopt);
  EXPECT_EQ(parse_payload("\0\0\0\x05\x80\x01xy"sv), std::nullopt);
  EXPECT_EQ(parse_payload("\0\0\0\0"sv), std::nullopt);
  EXPECT_EQ(parse_payload("\0\0\0"sv), std::nullopt);
}

}  // namespace
}  // namespace parley::rpc
