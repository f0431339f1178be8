#include "service/protobuf.h"

#include <string>

#include <api.pb.h>
#include <gtest/gtest.h>

namespace parley::service {
namespace {

TEST(Protobuf, OfARequestUnknownFieldsAreForgotten) {
  ::api::PullRequest request;
  ASSERT_TRUE(
      read_protobuf_request("\x0a\x03"
                            "a:b\xc2\x3e\x02hi\x0b\x0c",
                            request));
  EXPECT_EQ(request.SerializeAsString(),
            "\x0a\x03"
            "a:b");
}

TEST(Protobuf, WhatCannotBeReadSaysWhatItIs) {
  ::api::PullRequest flat;
  EXPECT_NE(read_protobuf_request("\x0a\x01\xff", flat).error().detail.find("not UTF-8"), std::string::npos);
  EXPECT_EQ(read_protobuf_request("\x0a\x05", flat).error().detail.find("not UTF-8"), std::string::npos);
  ::api::PullResponse nested;  // whose message in it ends too soon: that it is not UTF-8 would not be true
  EXPECT_NE(read_protobuf_request("\x0a\x02\x0a\x05", nested).error().detail.find("not a protobuf message"),
            std::string::npos);
}

}  // namespace
}  // namespace parley::service
