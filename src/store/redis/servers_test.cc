#include "store/redis/servers.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace parley::store {
namespace {

using testing::HasSubstr;

Result<redis::ClientOptions> servers(std::string_view url, const RedisOptions& options = {}) {
  return redis_servers(parse_redis_store_url(url).value(), options);
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
  RedisOptions options;
  options.client.replicas = 2;
  options.client.max_in_flight = 7;
  const auto found = servers("redis://h:1", options);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->replicas, 2U);
  EXPECT_EQ(found->max_in_flight, 7U);
}

TEST(RedisServers, ThePasswordMayStandInAFile) {
  RedisOptions options;
  const File file("p@ss:word \n");
  options.password_file = file.path();
  EXPECT_EQ(servers("redis://me@h:1", options)->password, "p@ss:word ");
}

TEST(RedisServers, AFileThatSaysNothingIsNamed) {
  const File empty("\n");
  for (const std::string& path : {empty.path(), std::string("/does/not/exist")}) {
    RedisOptions options;
    options.password_file = path;
    const auto found = servers("redis://h:1", options);
    ASSERT_FALSE(found);
    EXPECT_THAT(found.error().detail, HasSubstr(path));
  }
}

TEST(RedisServers, AFileOfTlsThatCannotBeReadIsNamed) {
  RedisOptions options;
  options.tls.authority = "/does/not/exist.pem";
  const auto found = servers("rediss://h:1", options);
  ASSERT_FALSE(found);
  EXPECT_THAT(found.error().detail, HasSubstr("/does/not/exist.pem"));
}

}  // namespace
}  // namespace parley::store
