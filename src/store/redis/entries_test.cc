#include "store/redis/entries.h"

#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "redis/client.h"

namespace parley::store {
namespace {

using redis::Reply;

ChatId chat(std::string_view name) { return ChatId::parse(name).value(); }

Reply text(std::string value) { return {.type = Reply::Type::kString, .text = std::move(value)}; }
Reply list(std::vector<Reply> elements) { return {.type = Reply::Type::kArray, .elements = std::move(elements)}; }
Reply entry(std::string id, std::string sender, std::string of) {
  return list({text(std::move(id)), list({text("s"), text(std::move(sender)), text("t"), text(std::move(of))})});
}

TEST(RedisEntries, AllKeysOfAChatShareASlot) {
  for (const char* name : {"a:b", "}x:y", "{a}:b", "a{:}b", "{}:{}", "}:}", "a}b:c", "{:{"}) {
    const std::string stream = redis_stream_key(chat(name));
    const std::uint16_t slot = redis::hash_slot(stream);
    for (const auto& keys : {redis_idempotency_keys(stream), redis_refused_keys(stream)}) {
      EXPECT_EQ(redis::hash_slot(keys.young), slot) << name;
      EXPECT_EQ(redis::hash_slot(keys.old), slot) << name;
    }
  }
}

TEST(RedisEntries, ChatsSpreadOverTheSlotsWhateverBracesTheyHave) {
  std::set<std::uint16_t> slots;
  for (int i = 0; i < 100; ++i) {
    const std::string number = std::to_string(i);
    slots.insert(redis::hash_slot(redis_stream_key(chat("}" + number + ":y"))));
    slots.insert(redis::hash_slot(redis_stream_key(chat("x" + number + ":{}"))));
  }
  EXPECT_GT(slots.size(), 90U);
}

TEST(RedisEntries, NoKeyIsAnothersWhateverTheChats) {
  const std::vector<std::string> names = {"a:b", "a:b}", "a:b}k", "a:b}p", "a:b}r", "a:b}q", "a:b}k}", "a:}", "a:}k"};
  std::set<std::string> keys{std::string(kRedisFormatKey), std::string(kRedisIdKey)};
  for (const std::string& name : names) {
    const std::string stream = redis_stream_key(chat(name));
    const auto once = redis_idempotency_keys(stream);
    const auto refused = redis_refused_keys(stream);
    for (const std::string& key : {stream, once.young, once.old, refused.young, refused.old}) {
      EXPECT_TRUE(keys.insert(key).second) << key;
    }
  }
}

TEST(RedisEntries, AreReadAsTheyWereWritten) {
  const ChatId ab = chat("b:a");
  EXPECT_EQ(redis_sender(ab, "a"), '0');
  EXPECT_EQ(redis_sender(ab, "b"), '1');
  EXPECT_EQ(redis_entry_id(1'700'000'000'000'000), "1700000000000000-0");
  Reply plain = entry("1700000000000000-0", "1nonce", "text");
  EXPECT_EQ(redis_message(ab, plain), (Message{"b", "text", 1'700'000'000'000'000}));
  Reply keyed = entry("1000000-0", "0", "text");
  EXPECT_EQ(redis_message(ab, keyed), (Message{"a", "text", kMinSendTime}));
}

TEST(RedisEntries, WhatIsOfAnotherKindIsNoMessage) {
  const std::vector<Reply> others = {
      entry("1700000000000000-1", "0", "text"),
      entry("9007199254740992-0", "0", "text"),
      entry("999999-0", "0", "text"),
      entry("x-0", "0", "text"),
      entry("1700000000000000", "0", "text"),
      entry("1700000000000000-0", "2", "text"),
      entry("1700000000000000-0", "", "text"),
      list({text("1700000000000000-0"), list({text("s"), text("0")})}),
      list({text("1700000000000000-0"), list({text("t"), text("0"), text("s"), text("text")})}),
      list({text("1700000000000000-0"), list({text("s"), text("0"), text("t"), text("x"), text("u"), text("y")})}),
      list({text("1700000000000000-0")}),
      list({}),
      text("text"),
      {},
  };
  for (Reply other : others) EXPECT_FALSE(redis_message(chat("a:b"), other));
}

}  // namespace
}  // namespace parley::store
