#include "redis/command.h"

#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hiredis/hiredis.h>

#include "redis/reply_reader.h"

namespace parley::redis {
namespace {

using testing::ElementsAre;

std::string of_hiredis(const std::vector<std::string>& arguments) {
  std::vector<const char*> texts;
  std::vector<std::size_t> sizes;
  for (const std::string& argument : arguments) {
    texts.push_back(argument.data());
    sizes.push_back(argument.size());
  }
  char* formatted = nullptr;
  const auto size = redisFormatCommandArgv(&formatted, static_cast<int>(texts.size()), texts.data(), sizes.data());
  std::string out(formatted, static_cast<std::size_t>(size));
  redisFreeCommand(formatted);
  return out;
}

std::vector<std::string> words(std::string_view command) {
  ReplyReader reader;
  reader.feed(command);
  std::vector<std::string> out;
  for (const Reply& word : reader.take().value().value().elements) out.push_back(word.text);
  return out;
}

TEST(CommandTest, IsWhatHiredisMakes) {
  std::minstd_rand random(1);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::string> arguments(1 + random() % 20);
    for (std::string& argument : arguments) {
      argument.resize(random() % (round % 10 == 0 ? 2000 : 12));
      for (char& byte : argument) byte = static_cast<char>(random());
    }
    const std::vector<std::string_view> views(arguments.begin(), arguments.end());
    EXPECT_EQ(format_command(views), of_hiredis(arguments));
  }
  EXPECT_EQ(format_command({"PING"}), "*1\r\n$4\r\nPING\r\n");
}

TEST(ScriptCallTest, HasItsKeysBeforeItsArguments) {
  ScriptCall call;
  call.add_argument("first");
  call.add_key("key");
  const std::size_t place = call.add_argument_of(3);
  call.add_argument(-12);
  call.add_key(std::string(1000, 'k'));
  call.add_argument("");
  call.set_argument(place, std::string("a\0\n", 3));
  EXPECT_EQ(call.keys(), 2U);
  EXPECT_EQ(call.arguments(), 4U);
  EXPECT_THAT(words(call.format("EVALSHA", "sha")), ElementsAre("EVALSHA", "sha", "2", "key", std::string(1000, 'k'),
                                                                "first", std::string("a\0\n", 3), "-12", ""));
  call.clear();
  call.add_key("other");
  EXPECT_THAT(words(call.format("EVAL", "return 1")), ElementsAre("EVAL", "return 1", "1", "other"));
}

}  // namespace
}  // namespace parley::redis
