#include "store/redis/batch.h"

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "chat/message.h"
#include "redis/reply_reader.h"
#include "store/redis/lanes.h"

namespace parley::store {
namespace {

using testing::ElementsAre;
using How = RedisDone::How;

RedisItem plain(std::string log, std::string record) {
  RedisItem item{.lane = 3, .limit = 1000, .chat = "a:b", .log = std::move(log)};
  item.records.push_back(std::move(record));
  return item;
}
RedisItem keyed(std::string log, std::string record, char print) {
  RedisItem item = plain(std::move(log), std::move(record));
  item.print = std::string(16, print);
  item.key_field = "field";
  return item;
}
RedisItem of_rows(std::string table) {
  return {.lane = 3, .limit = 500, .table = std::move(table), .rows = {"as", "row", "value", ""}};
}

RedisBatch batch_of(std::vector<RedisItem>& items) {
  RedisBatch out{.lane = 3, .lane_id = "id"};
  for (RedisItem& item : items) out.items.push_back(&item);
  return out;
}

/// What a server reads.
std::vector<std::string> words(const redis::ScriptCall& call) {
  redis::ReplyReader reader;
  reader.feed(call.format("EVALSHA", "sha"));
  std::vector<std::string> out;
  for (const redis::Reply& word : reader.take().value().value().elements) out.push_back(word.text);
  return out;
}
constexpr std::ptrdiff_t kHead = 3;  // before the keys
std::vector<std::string> keys(const redis::ScriptCall& call) {
  const auto all = words(call);
  return {all.begin() + kHead, all.begin() + kHead + std::stoi(all.at(2))};
}
std::vector<std::string> arguments(const redis::ScriptCall& call) {
  const auto all = words(call);
  return {all.begin() + kHead + std::stoi(all.at(2)), all.end()};
}

std::optional<RedisStep> read(std::string text, std::vector<RedisItem> items, bool confirm = false) {
  return read_step({.type = redis::Reply::Type::kString, .text = std::move(text)}, batch_of(items), confirm);
}

std::string number(std::uint64_t value, int bytes) {
  std::string out;
  for (int i = bytes - 1; i >= 0; --i) out.push_back(static_cast<char>(value >> (8 * i)));
  return out;
}
std::string numbers(const std::vector<std::uint64_t>& values) {
  constexpr std::array<int, 11> kBytes{4, 4, 2, 2, 2, 2, 1, 5, 7, 7, 7};
  std::string out;
  for (std::size_t i = 0; i < values.size(); ++i) out += number(values[i], kBytes.at(i));
  return out;
}

TEST(RedisBatch, SaysWhatEachItemIs) {
  std::vector<RedisItem> items = {plain("log1", "one"), keyed("log2", "two", 'p'), keyed("log3", "three", 'q'),
                                  of_rows("table")};
  items.push_back(plain("log4", "four"));
  items.back().records.emplace_back("five");
  items.back().raises = true;
  const auto generations =
      std::make_shared<const RedisKeyGenerations>(RedisKeyGenerations::parse("2:1024,1:64").value());
  RedisBatch batch = batch_of(items);
  batch.known = 66;
  batch.floor = 55;
  batch.generations = generations;
  redis::ScriptCall call;
  const RedisStepHead head{.now = 77, .sender = "fsender", .number = 9};
  put_steps(head, std::vector<const RedisBatch*>{&batch}, call);
  const auto& [newest, oldest] = std::pair(generations->all()[0], generations->all()[1]);
  const auto bucket = [](const auto& of, char print) {
    return RedisKeyGenerations::bucket(3, of, std::string(16, print));
  };
  EXPECT_THAT(keys(call), ElementsAre(redis_key(3, RedisKey::kClock), RedisKeyGenerations::key(3, newest),
                                      RedisKeyGenerations::key(3, oldest), redis_key(3, RedisKey::kIndex, "lane:3"),
                                      "log1", "log2", "log3", bucket(newest, 'p'), bucket(newest, 'q'),
                                      bucket(oldest, 'p'), bucket(oldest, 'q'), "table", "log4"));
  EXPECT_THAT(arguments(call),
              ElementsAre("77", "fsender", "9", numbers({13, 24, 1, 2, 2, 1, 2, generations->room(), 500, 66, 55}),
                          "id", "2:1024,1:64", "one", "two", "three", "pp", "field", "qq", "field", "5", "a:b", "0",
                          "1", "0", "as", "row", "value", "", "2", "0", "0", "four", "five"));
}

TEST(RedisBatch, HasOnlyTheKeysOfLanesThatItTouches) {
  std::vector<RedisItem> items = {plain("log1", "one")};
  std::vector<RedisItem> others = {keyed("log2", "two", 'p')};
  RedisBatch batch = batch_of(items);
  RedisBatch other = batch_of(others);
  other.lane = 4;
  other.generations = std::make_shared<const RedisKeyGenerations>(RedisKeyGenerations::parse("1:64").value());
  redis::ScriptCall call;
  put_steps({.now = 77, .sender = "f", .number = 9}, std::vector<const RedisBatch*>{&batch, &other}, call);
  const auto& generation = other.generations->all().front();
  EXPECT_THAT(keys(call), ElementsAre(redis_key(3, RedisKey::kClock), "log1", redis_key(4, RedisKey::kClock),
                                      RedisKeyGenerations::key(4, generation), "log2",
                                      RedisKeyGenerations::bucket(4, generation, std::string(16, 'p'))));
  EXPECT_THAT(arguments(call), ElementsAre("77", "f", "9", numbers({2, 4, 1, 0, 0, 0, 0, 0, 1000, 0, 0}), "id", "",
                                           "one", numbers({4, 6, 0, 1, 0, 0, 1, other.generations->room(), 1000, 0, 0}),
                                           "id", "1:64", "two", "pp", "field"));
}

TEST(RedisBatch, ReadsWhatBecameOfEachItem) {
  std::vector<RedisItem> items = {plain("1", ""), plain("2", ""), plain("3", ""), of_rows("t"),
                                  plain("4", ""), plain("5", ""), plain("6", "")};
  items[1].records.emplace_back();
  const auto step = read("1001 1007 SeDSCES 900\nWRONGTYPE why", items);
  ASSERT_TRUE(step);
  EXPECT_EQ(step->how, RedisStep::How::kDone);
  EXPECT_EQ(step->clock, 1007);
  EXPECT_FALSE(step->again);
  EXPECT_FALSE(step->full);
  EXPECT_TRUE(step->wrote);
  EXPECT_TRUE(step->kept);
  EXPECT_EQ(step->fault, "WRONGTYPE why");
  EXPECT_THAT(step->items,
              ElementsAre(RedisDone{How::kStored, 1001}, RedisDone{How::kFailed, 1002}, RedisDone{How::kRepeated, 900},
                          RedisDone{How::kStored, 1004}, RedisDone{How::kConflict, 0}, RedisDone{How::kFailed, 0},
                          RedisDone{How::kStored, 1005}));
  const auto others = read("=+0 5 DRUD 3 4", std::vector<RedisItem>(4));
  ASSERT_TRUE(others);
  EXPECT_TRUE(others->again);
  EXPECT_TRUE(others->full);
  EXPECT_FALSE(others->wrote);
  EXPECT_THAT(others->items, ElementsAre(RedisDone{How::kRepeated, 3}, RedisDone{How::kRefused, 0},
                                         RedisDone{How::kUsedUp, 0}, RedisDone{How::kRepeated, 4}));
  for (const char* const known : {"0 5 D 3", "0 5 C", "0 5 R"}) {
    EXPECT_TRUE(read(known, std::vector<RedisItem>(1), true)->wrote) << known << " is confirmed by a write behind it";
    EXPECT_FALSE(read(known, std::vector<RedisItem>(1))->wrote);
    EXPECT_FALSE(read(known, std::vector<RedisItem>(1))->kept);
  }
  EXPECT_THAT(read("7 8", std::vector<RedisItem>(2))->items,
              ElementsAre(RedisDone{How::kStored, 7}, RedisDone{How::kStored, 8}));
  EXPECT_TRUE(read("0 5 ", {})->items.empty());
}

TEST(RedisBatch, ReadsWhyNothingWasDone) {
  const std::vector<RedisItem> items(1);
  const auto limit = read("!limit 12", items);
  ASSERT_TRUE(limit);
  EXPECT_EQ(limit->how, RedisStep::How::kBeyondLimit);
  EXPECT_EQ(limit->clock, 12);
  EXPECT_EQ(read("!overtaken", items)->how, RedisStep::How::kOvertaken);
  EXPECT_EQ(read("!generations 2:256,1:64", items)->generations, "2:256,1:64");
  EXPECT_EQ(read("!generations ", items)->generations, "");
  EXPECT_EQ(read("!lost", items)->how, RedisStep::How::kLost);
  EXPECT_EQ(read("!fault WRONGTYPE why", items)->how, RedisStep::How::kFault);
  EXPECT_EQ(read("!fault WRONGTYPE why", items)->fault, "WRONGTYPE why");
}

TEST(RedisBatch, WhatMakesNoSenseIsNoAnswer) {
  const std::vector<RedisItem> items(2);
  for (const char* const text : {"", "x", "1", "1 2 S", "1 2 SSS", "1 2 SX", "1 2 SD", "1 2 SD x", "!", "!limit",
                                 "!limit x", "!other", "1x 2 SS"}) {
    EXPECT_FALSE(read(text, items)) << text;
  }
  EXPECT_FALSE(read_step({.type = redis::Reply::Type::kInteger, .integer = 1}, {}, false));
}

TEST(RedisBatch, AStepLooksForAllKeysBeforeItStoresAnything) {
  EXPECT_TRUE(plain("1", "").goes_with(plain("1", "")));
  EXPECT_TRUE(keyed("1", "", 'p').goes_with(keyed("1", "", 'q')));
  EXPECT_FALSE(keyed("1", "", 'p').goes_with(keyed("1", "", 'p')));
  EXPECT_TRUE(of_rows("t").goes_with(of_rows("t")));
  EXPECT_TRUE(of_rows("t").goes_with(plain("1", "")));
}

}  // namespace
}  // namespace parley::store
