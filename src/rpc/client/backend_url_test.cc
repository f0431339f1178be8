#include "rpc/client/backend_url.h"

#include <gtest/gtest.h>

namespace parley::rpc {
namespace {

TEST(BackendUrl, ReadsNodesAndRefusesTheRest) {
  const std::vector<net::Endpoint> two = {{"a", 1}, {"b", 2}};
  EXPECT_EQ(parse_backend_url("thrift://a:1,b:2"), (BackendUrl{two, false}));
  EXPECT_EQ(parse_backend_url("thrifts://a:1,b:2"), (BackendUrl{two, true}));
  for (const char* text : {"", "thrift://", "thrift://a", "thrift://u@a:1", "thrift://a:1/x", "a:1", "redis://a:1"}) {
    EXPECT_FALSE(parse_backend_url(text)) << text;
  }
}

}  // namespace
}  // namespace parley::rpc
