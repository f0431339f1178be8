#include "base/trace_context.h"

#include <string>

#include <gtest/gtest.h>

namespace parley {
namespace {

const std::string kTrace = "4bf92f3577b34da6a3ce929d0e0e4736";
const std::string kParent = "00f067aa0ba902b7";
const std::string kUsual = "00-" + kTrace + "-" + kParent + "-01";

TEST(TraceContext, TakesAUsualOne) {
  EXPECT_TRUE(is_traceparent(kUsual));
  EXPECT_TRUE(is_traceparent("00-" + kTrace + "-" + kParent + "-ff"));
}

TEST(TraceContext, TakesWhatCanBeReadOfALaterVersion) {
  EXPECT_TRUE(is_traceparent("cc-" + kTrace + "-" + kParent + "-01"));
  EXPECT_TRUE(is_traceparent("cc-" + kTrace + "-" + kParent + "-01-what-is-to-come"));
  EXPECT_FALSE(is_traceparent("cc-" + kTrace + "-" + kParent + "-01.what"));
  EXPECT_FALSE(is_traceparent("cc-" + kTrace + "-" + kParent + "-01-" + std::string(128, 'x')));
  EXPECT_FALSE(is_traceparent("cc-" + kTrace + "-" + kParent + "-01-\x80"));
}

TEST(TraceContext, RefusesEverythingElse) {
  for (const std::string& wrong : {
           std::string(),
           "ff-" + kTrace + "-" + kParent + "-01",
           kUsual + "-more",
           kUsual + "1",
           kUsual.substr(0, 54),
           "00-" + std::string(32, '0') + "-" + kParent + "-01",
           "00-" + kTrace + "-" + std::string(16, '0') + "-01",
           "00-4BF92F3577B34DA6A3CE929D0E0E4736-" + kParent + "-01",
           "00-" + kTrace + "-" + kParent + "-0x",
           "0g-" + kTrace + "-" + kParent + "-01",
           "00_" + kTrace + "-" + kParent + "-01",
           "00-" + kTrace + "_" + kParent + "-01",
           "00-" + kTrace + "-" + kParent + "_01",
           "00-" + kTrace + "-" + kParent + "\n-1",
       }) {
    EXPECT_FALSE(is_traceparent(wrong)) << wrong;
  }
}

TEST(TraceContext, TheLogNamesTheTrace) {
  EXPECT_EQ(trace_field(kUsual).key, "trace_id");
  EXPECT_EQ(trace_field(kUsual).value, kTrace);
  EXPECT_EQ(trace_field({}).key, "");
}

}  // namespace
}  // namespace parley
