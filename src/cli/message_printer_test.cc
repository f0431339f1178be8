#include "cli/message_printer.h"

#include <gtest/gtest.h>

namespace parley::cli {
namespace {

const PulledMessage kMessage{
    .chat = "a:b", .text = "one\ntwo\x1b[2J\xe2\x80\xae", .sender = "a", .send_time = 1'767'323'045'678'901};

TEST(MessagePrinter, WritesTimesInUtc) {
  EXPECT_EQ(render_time(1'767'323'045'678'901), "2026-01-02T03:04:05.678901Z");
  EXPECT_EQ(render_time(1'000'000), "1970-01-01T00:00:01.000000Z");
}

TEST(MessagePrinter, KeepsTheTextWhereNoTerminalReads) {
  EXPECT_EQ(render(kMessage, {}), "2026-01-02T03:04:05.678901Z a: one\ntwo\x1b[2J\xe2\x80\xae\n");
}

TEST(MessagePrinter, EscapesWhatCouldActOnATerminal) {
  EXPECT_EQ(render(kMessage, {.json = false, .terminal = true, .colour = false}),
            "2026-01-02T03:04:05.678901Z a: one\\ntwo\\u001b[2J\\u202e\n");
}

TEST(MessagePrinter, ColoursOnlyOurOwnParts) {
  EXPECT_EQ(render(kMessage, {.json = false, .terminal = true, .colour = true}),
            "\x1b[2m2026-01-02T03:04:05.678901Z\x1b[0m \x1b[1ma\x1b[0m: one\\ntwo\\u001b[2J\\u202e\n");
}

TEST(MessagePrinter, JsonIsOneLineWithFourFields) {
  EXPECT_EQ(render({.chat = "a:b", .text = "x\n\"y\"", .sender = "a", .send_time = 7},
                   {.json = true, .terminal = true, .colour = true}),
            R"({"chat":"a:b","text":"x\n\"y\"","sender":"a","send_time":7})"
            "\n");
}

}  // namespace
}  // namespace parley::cli
