#include "store/rocksdb_keys.h"

#include <gtest/gtest.h>

namespace parley::store {
namespace {

Draft draft() { return {*ChatId::parse("a:b"), "a", std::string("x\0y", 3), "k"}; }

TEST(RocksdbKeys, SortByChatAndThenByTime) {
  EXPECT_LT(message_key("a:b", 255), message_key("a:b", 256));
  EXPECT_LT(message_key("a:b", kMaxSendTime), message_key("a:bc", kMinSendTime));
  EXPECT_EQ(decode_time(encode_time(kMaxSendTime)), kMaxSendTime);
  EXPECT_FALSE(decode_time("short"));
}

TEST(RocksdbKeys, OnlyMessageKeysHaveAPrefix) {
  EXPECT_EQ(prefix_of(message_key("a:b", 5)), message_prefix("a:b"));
  EXPECT_EQ(prefix_of(kLastTimeKey), "");
  EXPECT_EQ(prefix_of(kStoreIdKey), "");
  EXPECT_EQ(prefix_of(""), "");
}

TEST(RocksdbKeys, RecordsReadBack) {
  const std::string bytes = encode_record(draft());
  const auto record = decode_record(bytes);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->sender, "a");
  EXPECT_EQ(record->text, draft().text);
}

TEST(RocksdbKeys, UnknownAndDamagedRecordsAreSkipped) {
  std::string bytes = encode_record(draft());
  EXPECT_FALSE(decode_record(""));
  EXPECT_FALSE(decode_record(bytes.substr(0, 3)));
  bytes[1] = 9;
  EXPECT_FALSE(decode_record(bytes)) << "a kind to come";
  bytes = encode_record(draft());
  bytes[0] = 9;
  EXPECT_FALSE(decode_record(bytes)) << "a version to come";
}

TEST(RocksdbKeys, KeyRecordsReadBack) {
  const KeyRecord record{7'000'000, digest_of("x")};
  const auto read = decode_key_record(encode_key_record(record));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->send_time, record.send_time);
  EXPECT_EQ(read->text, record.text);
  EXPECT_NE(digest_of("x"), digest_of("y"));
  EXPECT_FALSE(decode_key_record("x"));
}

}  // namespace
}  // namespace parley::store
