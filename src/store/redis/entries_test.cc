#include "store/redis/entries.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "chat/message.h"
#include "redis/client.h"

namespace parley::store {
namespace {

using redis::Reply;

ChatId chat(std::string_view name) { return ChatId::parse(name).value(); }

Reply text(std::string value) { return {.type = Reply::Type::kString, .text = std::move(value)}; }
Reply list(std::vector<Reply> elements) { return {.type = Reply::Type::kArray, .elements = std::move(elements)}; }
Reply entry(std::string id, std::string value) {
  return list({text(std::move(id)), list({text("r"), text(std::move(value))})});
}
std::string value_of(const RecordDraft& record) {
  std::string out;
  encode_record(chat("a:b"), record, out);
  return out;
}

TEST(RedisEntries, TheNumberOfLanesIsLostWithTheId) {
  EXPECT_EQ(redis::hash_slot(kRedisLanesKey), redis::hash_slot(kRedisIdKey));
}

TEST(RedisEntries, AreReadAsTheyWereWritten) {
  const RecordDraft edit{.kind = RecordKind::kEdit, .sender = "b", .about = 7, .body = "body"};
  const Reply of_edit = entry("1700000000000000-0", value_of(edit));
  const ChatId ab = chat("a:b");
  const auto found = read_entry(ab, of_edit);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->record.at(found->time), (Record{RecordKind::kEdit, 1'700'000'000'000'000, "b", 7, "body"}));
  const Reply first =
      entry("1000000-0", value_of({.kind = RecordKind::kMessage, .sender = "a", .about = 0, .body = ""}));
  EXPECT_EQ(read_entry(chat("a:b"), first)->time, kMinSendTime);
}

TEST(RedisEntries, WhatIsNoneOfOursIsNoRecord) {
  const std::string value = value_of({.kind = RecordKind::kMessage, .sender = "a", .about = 0, .body = "body"});
  const std::vector<Reply> others = {
      entry("1700000000000000-1", value),
      entry("9007199254740992-0", value),
      entry("999999-0", value),
      entry("x-0", value),
      entry("1700000000000000", value),
      entry("1700000000000000-0", ""),
      entry("1700000000000000-0", value.substr(0, 2)),
      list({text("1700000000000000-0"), list({text("s"), text(value)})}),
      list({text("1700000000000000-0"), list({text("r"), text(value), text("u"), text("y")})}),
      list({text("1700000000000000-0"), list({})}),
      list({text("1700000000000000-0")}),
      list({}),
      text("text"),
      {},
  };
  for (const Reply& other : others) EXPECT_FALSE(read_entry(chat("a:b"), other));
}

}  // namespace
}  // namespace parley::store
