#include "rpc/wire/wire_form.h"

#include <string>

#include <gtest/gtest.h>

#include "rpc/wire/messages.h"
#include "rpc/wire/payload.h"
#include "rpc/wire/ttheader.h"

namespace parley::rpc {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;
using Kind = WireForm::Kind;
using State = MessageFinder::State;

constexpr std::size_t kLimit = 4096;

std::string a_call(Protocol protocol = Protocol::kBinary) {
  return encode_call(service::SendRequest{"a:b", "some text", "a", "key"}, 1, protocol);
}

std::string framed(std::string_view message) {
  std::string out;
  append_answer(out, {.kind = Kind::kFramed}, message, false);
  return out;
}

std::string in_ttheader(std::string_view payload) {
  std::string out;
  append_ttheader(out, {.sequence_id = 5}, payload);
  return out;
}

TEST(MessageFinder, FindsEveryFormByteByByte) {
  const std::pair<std::string, Kind> messages[] = {{a_call(), Kind::kUnframed},
                                                   {framed(a_call()), Kind::kFramed},
                                                   {framed(a_call(Protocol::kCompact)), Kind::kFramed},
                                                   {in_ttheader(a_call()), Kind::kTTHeader},
                                                   {in_ttheader(framed(a_call())), Kind::kTTHeader}};
  for (const auto& [message, kind] : messages) {
    MessageFinder finder(kLimit);
    const std::string stream = message + "\x80\x01 what follows";
    for (std::size_t size = 0; size < message.size(); ++size) {
      ASSERT_EQ(finder.find(std::string_view(stream).substr(0, size)), State::kMore) << size;
    }
    ASSERT_EQ(finder.find(stream), State::kFound);
    EXPECT_EQ(finder.kind(), kind);
    EXPECT_EQ(finder.size(), message.size());
  }
}

TEST(MessageFinder, FindsOneMessageAfterAnother) {
  const std::string stream = a_call() + framed(a_call()) + a_call();
  MessageFinder finder(kLimit);
  std::string_view rest = stream;
  int found = 0;
  while (finder.find(rest) == State::kFound) {
    ++found;
    rest.remove_prefix(finder.size());
    finder.next();
  }
  EXPECT_EQ(found, 3);
  EXPECT_EQ(rest, "");
}

TEST(MessageFinder, RefusesOtherProtocols) {
  for (const std::string_view bytes : {"PRI * HTTP/2.0\r\n"sv, "GET / HTTP/1.1\r\n"sv, "\x16\x03\x01"sv, "\x80\x02"sv,
                                       "\0\0\0\x04Send\x01"sv,        // the old unversioned protocol
                                       "\0\0\0\x01\x80\x01"sv,        // a frame of one byte
                                       "\x7f\xff\xff\xff\x80\x01"sv,  // of 2 GiB
                                       "\x82\x21\x01"sv}) {           // unframed compact
    EXPECT_EQ(MessageFinder(kLimit).find(bytes), State::kUnknown) << bytes;
  }
}

TEST(MessageFinder, RefusesWhatIsTooLargeAsSoonAsItIsKnown) {
  EXPECT_EQ(MessageFinder(kLimit).find("\0\0\x10\x00\x80\x01"sv), State::kTooLarge);
  EXPECT_EQ(MessageFinder(kLimit).find("\0\0\x0f\xfc\x80\x01"sv), State::kMore);
  EXPECT_EQ(MessageFinder(kLimit).find("\0\xff\xff\xff\x10\x00"sv), State::kTooLarge);
  EXPECT_EQ(MessageFinder(kLimit).find("\x80\x01\x00\x01\x7f\xff\xff\xff"sv), State::kTooLarge);  // the method's name
}

/// An unframed call of Send with these bytes for its arguments.
State unframed(std::string_view arguments) {
  return MessageFinder(kLimit).find("\x80\x01\x00\x01\x00\x00\x00\x04Send\x00\x00\x00\x01"s.append(arguments));
}

TEST(MessageFinder, WalksOverEveryType) {
  EXPECT_EQ(unframed("\x02\0\x01\x01\x03\0\x02\x07\x04\0\x03\0\0\0\0\0\0\0\0\x06\0\x04\0\0\x08\0\x05\0\0\0\0"
                     "\x0a\0\x06\0\0\0\0\0\0\0\0\x0b\0\x07\0\0\0\x02hi\x0c\0\x08\0"
                     "\x0d\0\x09\x0b\x08\0\0\0\x01\0\0\0\x01k\0\0\0\x05"  // {"k": 5}
                     "\x0e\0\x0a\x06\0\0\0\x02\0\x01\0\x02"               // set<i16>
                     "\x0f\0\x0b\x0c\0\0\0\x02\0\0"                       // list of two empty structs
                     "\0"sv),
            State::kFound);
}

TEST(MessageFinder, CannotTellTheEndOfNonsense) {
  EXPECT_EQ(unframed("\x01\0\x01"sv), State::kUnreadable);                  // no such type
  EXPECT_EQ(unframed("\x0b\0\x01\xff\xff\xff\xff"sv), State::kUnreadable);  // a negative length
  EXPECT_EQ(unframed("\x0f\0\x01\x0c\xff\xff\xff\xff"sv), State::kUnreadable);
  EXPECT_EQ(unframed("\x0f\0\x01\0\x7f\xff\xff\xff"sv), State::kUnreadable);  // elements of no type, and so no bytes
  EXPECT_EQ(unframed("\x0d\0\x01\x02\0\x7f\xff\xff\xff"sv), State::kUnreadable);
  std::string nested;
  for (int i = 0; i < 40; ++i) nested += "\x0c\0\x01"sv;
  EXPECT_EQ(unframed(nested), State::kUnreadable);
}

TEST(MessageFinder, WaitsForWhatIsAnnounced) {
  EXPECT_EQ(unframed("\x0f\0\x01\x0c\x7f\xff\xff\xff"sv), State::kMore);  // structs, a byte each
  EXPECT_EQ(unframed("\x0b\0\x01\x7f\xff\xff\xff"sv), State::kTooLarge);  // a string
}

TEST(Answer, IsInKind) {
  const std::string message = a_call();
  std::string out;
  append_answer(out, {}, message, true);
  EXPECT_EQ(out, message);

  out.clear();
  append_answer(out, {.kind = Kind::kTTHeader, .protocol_id = 2, .sequence_id = 9, .inner_frame = true}, message, true);
  const auto header = decode_ttheader(out);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->sequence_id, 9);
  EXPECT_EQ(header->protocol_id, 2);
  EXPECT_EQ(header->find(kReadyToResetKey), "1");
  EXPECT_EQ(parse_payload(header->payload), (Payload{Protocol::kBinary, true, message}));

  out.clear();
  append_answer(out, {.kind = Kind::kTTHeader}, message, false);
  EXPECT_EQ(decode_ttheader(out)->find(kReadyToResetKey), std::nullopt);
}

TEST(Answer, MayBeNoneButAWarning) {
  std::string out;
  append_ready_to_reset(out);
  const auto header = decode_ttheader(out);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->sequence_id, 0);
  EXPECT_EQ(header->find(kReadyToResetKey), "1");
  EXPECT_EQ(MessageFinder(kLimit).find(header->payload), State::kFound);
}

}  // namespace
}  // namespace parley::rpc
