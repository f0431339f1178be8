// A record can be emptied so that its text is gone from Redis, from its dumps and from its logs once they are
// rewritten. No call does it yet. This is how one does it to a store of this format: see scripts.h.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "store/redis/lanes.h"
#include "store/redis/store_fixture.h"

namespace parley::store {
namespace {

namespace fs = std::filesystem;

/// KEYS[1]: a log. ARGV[1], ARGV[2]: the id of an entry, and what the entry is to be. For entries with few behind them.
constexpr std::string_view kInPlace = R"lua(
local log, id, emptied = KEYS[1], ARGV[1], ARGV[2]
local function nodes()
  local info = redis.call('XINFO', 'STREAM', log)
  for i = 1, #info, 2 do
    if info[i] == 'radix-tree-keys' then return info[i + 1] end
  end
end
local function put_back(entry) redis.call('XADD', log, entry[1], unpack(entry[2])) end

local behind = redis.call('XRANGE', log, '(' .. id, '+')
for _, entry in ipairs(behind) do redis.call('XDEL', log, entry[1]) end
local count, before = nodes(), {}
local at = id
redis.call('XDEL', log, at)
while nodes() == count do
  before[#before + 1] = redis.call('XREVRANGE', log, '(' .. at, '-', 'COUNT', 1)[1]
  at = before[#before][1]
  redis.call('XDEL', log, at)
end
local last = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1]
redis.call('XSETID', log, last and last[1] or '0-0')
for i = #before, 1, -1 do put_back(before[i]) end
put_back({id, {'r', emptied}})
for _, entry in ipairs(behind) do put_back(entry) end
)lua";

/// KEYS[1], KEYS[2]: a log, and its copy. ARGV[1], ARGV[2]: as above. ARGV[3]: from where to go on, as XRANGE takes it.
/// Answers where to go on the next time; empty: the copy has taken the log's place.
constexpr std::string_view kByCopy = R"lua(
local log, copy, id, emptied, from = KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[3]
local some = redis.call('XRANGE', log, from, '+', 'COUNT', 50)
for _, entry in ipairs(some) do
  redis.call('XADD', copy, entry[1], unpack(entry[1] == id and {'r', emptied} or entry[2]))
end
if #some == 50 then
  redis.call('PEXPIRE', copy, 600000)
  return '(' .. some[#some][1]
end
redis.call('UNLINK', log)
redis.call('PERSIST', copy)
redis.call('RENAME', copy, log)
return ''
)lua";

const std::string kSecret = "what nobody is to read any longer";
const std::string kEmptied("\1\0\0", 3);  // a message of the first member

class RedisEmptiedRecordTest : public RedisStoreFixture {
 protected:
  void SetUp() override {
    // So that a text can be found in what Redis writes.
    ASSERT_EQ(server_.ask({"CONFIG", "SET", "rdbcompression", "no"}).text, "OK");
    ASSERT_EQ(server_.ask({"CONFIG", "SET", "stream-node-max-bytes", "1536"}).text, "OK");
    store_ = RedisStoreFixture::open(options());
    log_ = redis_key(store_->lane_of("a:b"), RedisKey::kLog, "a:b");
  }

  /// A chat of `count` messages, of which one is the secret.
  void fill(int count, int secret) {
    for (int i = 0; i < count; ++i) {
      const std::int64_t time = stored("a:b", "a", i == secret ? kSecret : std::string(100, 'x') + std::to_string(i));
      if (i == secret) id_ = std::to_string(time) + "-0";
    }
    expected_ = records("a:b");
    expected_.at(static_cast<std::size_t>(secret)).body.clear();
    ASSERT_TRUE(is_in_dump());
    ASSERT_TRUE(is_in_files());
  }
  /// Readers see the same records at the same times, and the next one behind them.
  void expect_emptied() {
    EXPECT_FALSE(is_in_dump());
    EXPECT_FALSE(is_in_files());
    store_ = RedisStoreFixture::open(options());
    EXPECT_EQ(records("a:b"), expected_);
    EXPECT_EQ(server_.ask({"PTTL", log_}).integer, -1);
    EXPECT_GT(stored("a:b", "a", "the next"), expected_.back().time);
  }
  bool is_in_dump() { return server_.ask({"DUMP", log_}).text.contains(kSecret); }
  /// Of snapshots, and of logs that are rewritten.
  bool is_in_files() {
    (void)server_.ask({"SAVE"});
    (void)server_.ask({"BGREWRITEAOF"});
    redis::eventually("the log is rewritten", [this] {
      return server_.field({"INFO", "persistence"}, "aof_rewrite_in_progress") == "0" &&
             server_.field({"INFO", "persistence"}, "aof_rewrite_scheduled") == "0" && logs() == 3;
    });
    for (const auto& entry : fs::recursive_directory_iterator(server_.folder())) {
      if (!entry.is_regular_file()) continue;
      std::ifstream file(entry.path(), std::ios::binary);
      if (std::string(std::istreambuf_iterator<char>(file), {}).contains(kSecret)) return true;
    }
    return false;
  }

  /// A base, what came behind it, and a list of the two; and for a while the ones before.
  std::ptrdiff_t logs() {
    return std::distance(fs::directory_iterator(server_.folder() / "appendonlydir"), fs::directory_iterator());
  }

  std::string log_;
  std::string id_;  // of the entry that is emptied
  std::vector<Record> expected_;
};

TEST_F(RedisEmptiedRecordTest, AMarkAloneTakesNoTextAway) {
  fill(5, 2);
  (void)server_.ask({"XDEL", log_, id_});
  EXPECT_TRUE(is_in_dump());
  EXPECT_TRUE(is_in_files());
}

TEST_F(RedisEmptiedRecordTest, WithTheEntriesBehindItInOneStep) {
  for (const auto& [count, secret] : {std::pair(1, 0), {5, 0}, {5, 4}, {60, 30}, {60, 59}}) {
    (void)server_.ask({"FLUSHALL"});
    store_ = RedisStoreFixture::open(options());
    ASSERT_NO_FATAL_FAILURE(fill(count, secret));
    const auto reply = server_.ask({"EVAL", kInPlace, "1", log_, id_, kEmptied});
    EXPECT_FALSE(reply.is_error()) << reply.text;
    expect_emptied();
  }
}

TEST_F(RedisEmptiedRecordTest, ByACopyThatTakesThePlaceOfTheLog) {
  ASSERT_NO_FATAL_FAILURE(fill(170, 120));
  const std::string copy = redis_key(store_->lane_of("a:b"), RedisKey{'x'}, "a:b");
  int steps = 0;
  for (std::string from = "-"; !from.empty(); ++steps) {
    const auto reply = server_.ask({"EVAL", kByCopy, "2", log_, copy, id_, kEmptied, from});
    ASSERT_FALSE(reply.is_error()) << reply.text;
    from = reply.text;
    stored("a:b", "a", "meanwhile");  // the last one is behind the copy
    expected_.push_back(records("a:b").back());
  }
  EXPECT_EQ(steps, 4);
  expect_emptied();
}

}  // namespace
}  // namespace parley::store
