// What a Redis held of every format since the first release, kept as it was made. It lies in testdata/; a file there is
// never changed once a release could have made it.
//
//   PARLEY_KEEP_STORE=FILE store_redis_test --gtest_filter='RedisKeptStoreTest.*'
//
// leaves FILE as this version makes it, with the installed Redis: Redis takes the payloads of DUMP from its own and
// older versions. Each line holds what RESTORE is given:
//
//   <key> <milliseconds> <what DUMP answered, in hex>
//
// DUMP leaves out how long the key had to live. So that stands in the line, and 0 for a key that stays. The test gives
// the key this time anew, so the file does not age.
#include "store/kept_store.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <boost/algorithm/hex.hpp>

#include "store/redis/entries.h"
#include "store/redis/lanes.h"
#include "store/redis/store_fixture.h"

namespace parley::store {
namespace {

namespace fs = std::filesystem;

class RedisKeptStoreTest : public KeptStoreFixture {
 protected:
  void open() {
    auto store =
        open_redis_store(client_of(server_.endpoint()), options(), loops_, metrics_, in(std::chrono::seconds(20)));
    ASSERT_TRUE(store) << store.error().detail;
    store_ = *std::move(store);
  }
  void TearDown() override { store_.reset(); }

  /// The lanes' ids: if one goes, so have the lane's data.
  std::vector<std::string> lane_ids() {
    std::vector<std::string> out;
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      out.push_back(server_.ask({"HGET", redis_key(lane, RedisKey::kClock), "i"}).text);
    }
    return out;
  }

  void make(const fs::path& out);
  void restore(const fs::path& kept);
  void check(const fs::path& kept);

  static constexpr std::size_t kLanes = 16;  // of a store that is made with this format
  redis::RedisServer server_{durable_redis()};
};

/// Makes the file `out`.
void RedisKeptStoreTest::make(const fs::path& out) {
  ASSERT_NO_FATAL_FAILURE(open());
  ASSERT_NO_FATAL_FAILURE(fill());
  store_.reset();
  std::vector<std::string> lines;
  for (const redis::Reply& key : server_.ask({"KEYS", "*"}).elements) {
    const auto left = std::max<std::int64_t>(server_.ask({"PTTL", key.text}).integer, 0);
    lines.push_back(key.text + " " + std::to_string(left) + " ");
    boost::algorithm::hex_lower(server_.ask({"DUMP", key.text}).text, std::back_inserter(lines.back()));
  }
  std::ranges::sort(lines);
  std::ofstream file(out);
  for (const std::string& line : lines) file << line << "\n";
  ASSERT_TRUE(file.flush()) << out;
}

/// Redis holds what is in `kept`, and nothing else.
void RedisKeptStoreTest::restore(const fs::path& kept) {
  (void)server_.ask({"FLUSHALL"});
  std::ifstream file(kept);
  ASSERT_TRUE(file) << kept;
  for (std::string key, lives, hex; file >> key >> lives >> hex;) {
    const std::string payload = boost::algorithm::unhex(hex);
    EXPECT_EQ(server_.ask({"RESTORE", key, lives, payload}).text, "OK") << key;
  }
}

/// Opens what is in `kept`, and looks for what make() put there.
void RedisKeptStoreTest::check(const fs::path& kept) {
  store_.reset();
  ASSERT_NO_FATAL_FAILURE(restore(kept));
  const std::string id = server_.ask({"GET", kRedisIdKey}).text;
  const auto lanes = lane_ids();
  EXPECT_THAT(lanes, testing::Each(testing::SizeIs(32)));
  now_ = kOpened;
  ASSERT_NO_FATAL_FAILURE(open());
  EXPECT_EQ(store_->id(), id);
  EXPECT_EQ(store_->lanes(), kLanes);
  EXPECT_EQ(lane_ids(), lanes);
  look();
}

TEST_F(RedisKeptStoreTest, AStoreOfThisVersionHoldsTheSame) {
  const char* const keep = std::getenv("PARLEY_KEEP_STORE");
  const fs::path out = keep != nullptr ? fs::path(keep) : folder_.path() / "made";
  ASSERT_NO_FATAL_FAILURE(make(out));
  check(out);
}

TEST_F(RedisKeptStoreTest, OpensAndHoldsWhatItHeld) {
  check(fs::path(PARLEY_SOURCE_DIR) / "src/store/redis/testdata/format_2/redis_7.0");
}

}  // namespace
}  // namespace parley::store
