#include "store/record_codec.h"

#include <limits>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace parley::store {
namespace {

using namespace std::string_literals;

const ChatId& chat() {
  static const ChatId id = ChatId::parse("alice:bob").value();
  return id;
}

std::string encoded(const RecordDraft& record) {
  std::string out = "what was there before";
  encode_record(chat(), record, out);
  return out;
}

TEST(RecordCodecTest, TheBytesAreTheFormat) {
  EXPECT_EQ(encoded({.sender = "alice", .body = "body"}), "\x01\x00\x00"s + "body");
  EXPECT_EQ(encoded({.sender = "bob", .body = "body"}), "\x01\x01\x00"s + "body");
  EXPECT_EQ(encoded({.kind = RecordKind::kMark, .sender = "carol", .about = 300, .body = "b"}),
            "\x05\x07"s + "carol" + "\xac\x02" + "b");
  EXPECT_EQ(encoded({.sender = "", .body = ""}), "\x01\x02\x00"s);
}

TEST(RecordCodecTest, EveryRecordComesBackAsItWas) {
  const std::vector<std::string> senders = {"alice", "bob", "carol", "", "al", std::string(kMaxSenderBytes, 's')};
  const std::vector<std::int64_t> abouts = {0,
                                            1,
                                            127,
                                            128,
                                            1'700'000'000'000'000,
                                            std::numeric_limits<std::int64_t>::max(),
                                            -1,
                                            std::numeric_limits<std::int64_t>::min()};
  const std::vector<std::string> bodies = {"", "\0"s, "body", std::string(std::size_t{70} << 10, '\xff')};
  for (const std::string& sender : senders) {
    for (const std::int64_t about : abouts) {
      for (const std::string& body : bodies) {
        const std::string bytes = encoded({.kind = RecordKind::kEdit, .sender = sender, .about = about, .body = body});
        const auto view = decode_record(chat(), bytes);
        ASSERT_TRUE(view);
        EXPECT_EQ(view->at(7), (Record{RecordKind::kEdit, 7, sender, about, body}));
      }
    }
  }
}

TEST(RecordCodecTest, AKindOfALaterVersionIsRead) {
  const std::string bytes = "\xc8\x01\x00later"s;  // which the view looks into
  const auto view = decode_record(chat(), bytes);
  ASSERT_TRUE(view);
  EXPECT_EQ(static_cast<int>(view->kind), 200);
  EXPECT_EQ(view->sender, "bob");
  EXPECT_EQ(view->body, "later");
}

TEST(RecordCodecTest, WhatIsCutOffOrOtherwiseWrittenIsCorrupt) {
  for (const std::string& bytes : {
           ""s, "\x01"s, "\x01\x00"s,                      // no head
           "\x01\x05"s + "ab", "\x01\x05"s + "abc",        // the name, and what is after it
           "\x01\x00\x80"s,                                // an unfinished number
           "\x01\x00\x80\x00"s,                            // one that is longer than need be
           "\x01\x00"s + std::string(10, '\xff'),          // one that never ends
           "\x01\x00"s + std::string(9, '\xff') + "\x02",  // one that is too large
       }) {
    EXPECT_FALSE(decode_record(chat(), bytes)) << testing::PrintToString(bytes);
  }
}

TEST(RecordCodecTest, WhatDecodesIsWhatWasEncoded) {
  std::mt19937 random(1);  // NOLINT(bugprone-random-generator-seed): the same bytes each time
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes(random() % 24, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random() % 4 == 0 ? random() : random() % 6);
    const auto view = decode_record(chat(), bytes);
    if (!view) continue;
    const Record record = view->at(0);
    const std::string again = encoded({record.kind, record.sender, record.about, record.body});
    const auto second = decode_record(chat(), again);
    ASSERT_TRUE(second);
    EXPECT_EQ(second->at(0), record);
  }
}

}  // namespace
}  // namespace parley::store
