#include "base/log.h"

#include <chrono>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace parley {
namespace {

using testing::MatchesRegex;

class Log : public testing::Test {
 protected:
  void TearDown() override { configure_log(LogFormat::kText, LogLevel::kInfo); }

  /// What one call wrote to standard error.
  template <class Call>
  std::string written(Call call) {
    testing::internal::CaptureStderr();
    call();
    flush_log(std::chrono::minutes(1));
    return testing::internal::GetCapturedStderr();
  }
};

TEST_F(Log, TextIsTimeLevelMessageAndFields) {
  const std::string line = written([] { log_info("store opened", {{"path", "/data"}, {"engine", "rocksdb"}}); });
  EXPECT_THAT(line, MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z "
                                 "INFO store opened path=/data engine=rocksdb\n"));
}

TEST_F(Log, TextQuotesWhatWouldBeReadWrongly) {
  const auto value = [&](std::string_view text) {
    const std::string line = written([&] { log_warn("m", {{"k", text}}); });
    return line.substr(line.find("k=") + 2);
  };
  EXPECT_EQ(value("plain"), "plain\n");
  EXPECT_EQ(value(""), "\"\"\n");
  EXPECT_EQ(value("two words"), "\"two words\"\n");
  EXPECT_EQ(value("a=b"), "\"a=b\"\n");
  EXPECT_EQ(value("say \"hi\""), "\"say \\\"hi\\\"\"\n");
  EXPECT_EQ(value("x\nERROR forged"), "\"x\\nERROR forged\"\n");
  EXPECT_EQ(value("\x1b[31m"), "\"\\u001b[31m\"\n");
  EXPECT_EQ(value("\xff"), "\"\xef\xbf\xbd\"\n");
  EXPECT_EQ(value("\xe2\x80\xae"), "\"\\u202e\"\n");  // right-to-left override
  EXPECT_EQ(value("\xc2\x9b"), "\"\\u009b\"\n");      // a terminal's eight-bit CSI
  EXPECT_EQ(value("grüß"), "grüß\n");
}

TEST_F(Log, AMessageIsOneLine) {
  EXPECT_THAT(written([] { log_error("one\ntwo"); }), MatchesRegex(".* ERROR one\\\\ntwo\n"));
}

TEST_F(Log, JsonIsOneObjectALine) {
  configure_log(LogFormat::kJson, LogLevel::kInfo);
  const std::string line = written([] { log_info("a \"b\"\n", {{"k", "\xff\\"}}); });
  EXPECT_THAT(line, MatchesRegex("\\{\"time\":\"[-0-9T:.]+Z\",\"level\":\"info\",.*\\}\n"));
  EXPECT_THAT(line, testing::HasSubstr(R"("message":"a \"b\"\n","k":")"
                                       "\xef\xbf\xbd"
                                       R"(\\"})"));
}

TEST_F(Log, DropsWhatIsBelowTheLevel) {
  configure_log(LogFormat::kText, LogLevel::kWarn);
  EXPECT_FALSE(log_enabled(LogLevel::kInfo));
  EXPECT_TRUE(log_enabled(LogLevel::kWarn));
  EXPECT_EQ(written([] { log_info("quiet"); }), "");
  EXPECT_NE(written([] { log_error("loud"); }), "");
}

}  // namespace
}  // namespace parley
