#include "app/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace parley::app {
namespace {

using testing::AllOf;
using testing::HasSubstr;

/// `parley talk CHAT --as NAME TEXT` and `parley rest`.
class CommandLineTest : public testing::Test {
 protected:
  CommandLineTest() {
    options.section("Options");
    options.text("as", as, "NAME", "a name", [](std::string_view) { return true; }, "Who.");
    talk = {.name = "talk",
            .usage = "CHAT --as NAME TEXT",
            .summary = "Talk.",
            .example = "parley talk",
            .about = "",
            .examples = {{"parley talk", "Talks."}},
            .positionals = {{.name = "CHAT", .help = "Where.", .expected = "a chat", .target = &chat},
                            {.name = "TEXT", .help = "What.", .expected = "a text", .target = &text}},
            .options = {&options}};
    rest = {.name = "rest", .usage = "", .summary = "Rest.", .example = "", .about = "", .examples = {}};
  }

  std::string as, chat, text;
  OptionSet options;
  Command talk;
  Command rest;
};

TEST_F(CommandLineTest, NothingLeftIsNoMisuse) {
  EXPECT_EQ(misuse(talk, {}), "");
  EXPECT_EQ(misuse(talk, {"--"}), "");
}

TEST_F(CommandLineTest, AnOptionBehindDashesIsNotCalledUnknown) {
  EXPECT_THAT(misuse(talk, {"--", "--as", "x"}), AllOf(HasSubstr("\"--as\""), HasSubstr("before the --")));
}

TEST_F(CommandLineTest, ATextLikeAnOptionIsToldWhereItBelongs) {
  EXPECT_THAT(misuse(talk, {"-n"}), HasSubstr("parley talk CHAT --as NAME -- \"-n\""));
  text = "there already";
  EXPECT_THAT(misuse(talk, {"-n"}), HasSubstr("parley talk --help"));
}

TEST_F(CommandLineTest, ANearMissIsNamed) {
  EXPECT_THAT(misuse(talk, {"-as=x"}), HasSubstr("did you mean --as?"));
  EXPECT_THAT(misuse(talk, {"--qqqqqq"}), testing::Not(HasSubstr("did you mean")));
}

TEST_F(CommandLineTest, TooManyArgumentsAreOfTheirCommand) {
  EXPECT_THAT(misuse(talk, {"there"}), HasSubstr("quotes"));
  EXPECT_THAT(misuse(rest, {"there"}), HasSubstr("only options"));
}

TEST_F(CommandLineTest, HelpShowsWhatIsRequired) {
  options.text("to", as, "NAME", "a name", [](std::string_view) { return true; }, "Whom.").required = true;
  EXPECT_THAT(CommandLine::help(talk), AllOf(HasSubstr("Usage: parley talk CHAT --as NAME TEXT"),
                                             HasSubstr("Required."), HasSubstr("--as NAME"), HasSubstr("TEXT")));
}

}  // namespace
}  // namespace parley::app
