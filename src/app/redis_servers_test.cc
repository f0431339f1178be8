#include "app/redis_servers.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace parley::app {
namespace {

using testing::HasSubstr;

Result<redis::ClientOptions> servers(std::string_view url, const Config& config = {}) {
  return redis_servers(std::get<RedisStoreUrl>(parse_store_url(url).value()), config);
}

class File {
 public:
  explicit File(std::string_view text) : path_(name()) { std::ofstream(path_, std::ios::binary) << text; }
  ~File() { std::filesystem::remove(path_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  static std::string name() {
    static int number = 0;
    return std::filesystem::temp_directory_path() /
           ("redis_servers_test_" + std::to_string(::getpid()) + "_" + std::to_string(++number));
  }
  std::string path_;
};

TEST(RedisServers, AreWhatTheUrlSays) {
  const auto single = servers("redis://me:secret@h:1/3");
  ASSERT_TRUE(single);
  EXPECT_EQ(single->topology, redis::Topology::kSingle);
  EXPECT_EQ(single->servers, (std::vector<net::Endpoint>{{"h", 1}}));
  EXPECT_EQ(single->user, "me");
  EXPECT_EQ(single->password, "secret");
  EXPECT_EQ(single->database, 3);
  EXPECT_EQ(single->tls, nullptr);
  EXPECT_EQ(servers("redis://h:1")->database, 0);
  EXPECT_EQ(servers("redis+sentinel://h:1,i:2/7")->master, "7");
  EXPECT_EQ(servers("redis+sentinel://h:1,i:2/7")->database, 0);
  EXPECT_EQ(servers("redis+cluster://h:1,i:2")->servers.size(), 2U);
}

TEST(RedisServers, KeepWhatTheOptionsSay) {
  Config config;
  config.redis.replicas = 2;
  config.redis.max_in_flight = 7;
  const auto options = servers("redis://h:1", config);
  ASSERT_TRUE(options);
  EXPECT_EQ(options->replicas, 2U);
  EXPECT_EQ(options->max_in_flight, 7U);
}

TEST(RedisServers, ThePasswordMayStandInAFile) {
  Config config;
  const File file("p@ss:word \n");
  config.redis_password_file = file.path();
  EXPECT_EQ(servers("redis://me@h:1", config)->password, "p@ss:word ");
}

TEST(RedisServers, AFileThatSaysNothingIsNamed) {
  const File empty("\n");
  for (const std::string& path : {empty.path(), std::string("/does/not/exist")}) {
    Config config;
    config.redis_password_file = path;
    const auto options = servers("redis://h:1", config);
    ASSERT_FALSE(options);
    EXPECT_THAT(options.error().detail, HasSubstr(path));
  }
}

TEST(RedisServers, AFileOfTlsThatCannotBeReadIsNamed) {
  Config config;
  config.redis_tls.authority = "/does/not/exist.pem";
  const auto options = servers("rediss://h:1", config);
  ASSERT_FALSE(options);
  EXPECT_THAT(options.error().detail, HasSubstr("/does/not/exist.pem"));
}

}  // namespace
}  // namespace parley::app
