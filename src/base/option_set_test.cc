#include "base/option_set.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace parley {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

enum class Colour { kRed, kBlue };

struct Settings {
  std::string config;
  std::string store = "memory:";
  std::string url = "redis://user:secret@host";
  std::size_t max_text = 1024;
  std::size_t threads = 2;
  std::chrono::milliseconds timeout{2000};
  Colour colour = Colour::kRed;
  bool loud = false;
  std::vector<std::string> origins;
};

/// The options of Settings, loaded from three places.
class OptionSetTest : public testing::Test {
 protected:
  OptionSetTest() {
    const auto any = [](std::string_view text) { return !text.empty(); };
    options.section("First");
    options.file("config", settings.config, "The file");
    options.text("store", settings.store, "URL", "a store", any, "Where messages are kept");
    options.text("url", settings.url, "URL", "an URL", any, "Has a secret").redact = [](const std::string& text) {
      return text.substr(0, text.find(":secret")) + text.substr(text.find('@'));
    };
    options.section("Second");
    options.size("max-text", settings.max_text, 1, 65536, "Bytes of a text");
    options.count("threads", settings.threads, 0, 64, "How many");
    options.duration("timeout", settings.timeout, std::chrono::milliseconds(1), std::chrono::hours(1), "How long");
    options.choice("colour", settings.colour, {{"red", Colour::kRed}, {"blue", Colour::kBlue}}, "Which");
    options.flag("loud", settings.loud, "Whether");
    options.texts("origin", settings.origins, "ORIGIN", "origins", any, "Who");
    options.add_to(app);
  }
  ~OptionSetTest() override { std::filesystem::remove(path); }

  /// The error, or nothing.
  std::string load(std::vector<std::string> arguments, const std::string& toml = "") {
    if (!toml.empty()) {
      std::ofstream(path) << toml;
      arguments.insert(arguments.end(), {"--config", path.string()});
    }
    std::ranges::reverse(arguments);  // as CLI11 wants them
    app.parse(arguments);
    const auto loaded = options.load(app, [this](const char* name) -> const char* {
      const auto found = environment.find(name);
      return found == environment.end() ? nullptr : found->second.c_str();
    });
    return loaded ? "" : loaded.error();
  }

  Settings settings;
  OptionSet options;
  CLI::App app;
  std::map<std::string, std::string> environment;
  std::filesystem::path path = std::filesystem::temp_directory_path() /
                               ("option_set_test_" + std::to_string(::getpid()) + "_" +
                                testing::UnitTest::GetInstance()->current_test_info()->name() + ".toml");
};

TEST_F(OptionSetTest, DefaultsStandWhereNothingIsGiven) {
  EXPECT_EQ(load({}), "");
  EXPECT_EQ(settings.max_text, 1024U);
  EXPECT_EQ(settings.store, "memory:");
}

TEST_F(OptionSetTest, FileSetsEveryKind) {
  EXPECT_EQ(load({}, R"(
    store = "rocksdb:x"
    max-text = "2KiB"
    threads = 5
    timeout = "1500ms"
    colour = "blue"
    loud = true
    origin = ["http://a", "http://b"])"),
            "");
  EXPECT_EQ(settings.store, "rocksdb:x");
  EXPECT_EQ(settings.max_text, 2048U);
  EXPECT_EQ(settings.threads, 5U);
  EXPECT_EQ(settings.timeout.count(), 1500);
  EXPECT_EQ(settings.colour, Colour::kBlue);
  EXPECT_TRUE(settings.loud);
  EXPECT_THAT(settings.origins, ElementsAre("http://a", "http://b"));
}

TEST_F(OptionSetTest, EnvironmentGoesOverFile) {
  environment["PARLEY_MAX_TEXT"] = "3000";
  EXPECT_EQ(load({}, "max-text = 2000\nthreads = 7"), "");
  EXPECT_EQ(settings.max_text, 3000U);
  EXPECT_EQ(settings.threads, 7U);
}

TEST_F(OptionSetTest, CommandLineGoesOverEnvironmentAndFile) {
  environment["PARLEY_MAX_TEXT"] = "3000";
  environment["PARLEY_LOUD"] = "true";
  EXPECT_EQ(load({"--max-text", "4000", "--loud=false"}, "max-text = 2000"), "");
  EXPECT_EQ(settings.max_text, 4000U);
  EXPECT_FALSE(settings.loud);
}

TEST_F(OptionSetTest, VariableNamesTheFile) {
  std::ofstream(path) << "threads = 9";
  environment["PARLEY_CONFIG"] = path.string();
  EXPECT_EQ(load({}), "");
  EXPECT_EQ(settings.threads, 9U);
}

TEST_F(OptionSetTest, EmptyAndUnknownVariablesAreNone) {
  environment["PARLEY_MAX_TEXT"] = "";
  environment["PARLEY_NO_SUCH_THING"] = "1";
  EXPECT_EQ(load({}), "");
  EXPECT_EQ(settings.max_text, 1024U);
}

TEST_F(OptionSetTest, ListsAreRepeatedOrSeparatedByCommas) {
  environment["PARLEY_ORIGIN"] = "http://a, http://b,";
  EXPECT_EQ(load({}), "");
  EXPECT_THAT(settings.origins, ElementsAre("http://a", "http://b"));
  app.clear();
  EXPECT_EQ(load({"--origin", "x", "--origin", "y,z"}), "");
  EXPECT_THAT(settings.origins, ElementsAre("x", "y", "z"));
}

TEST_F(OptionSetTest, UnknownKeyIsNamedWithItsPlaceAndTheNearest) {
  const std::string error = load({}, "threads = 1\nmax_txt = 5");
  EXPECT_THAT(error, HasSubstr(":2: unknown key \"max_txt\" (did you mean max-text?)"));
  app.clear();
  EXPECT_THAT(load({}, "qqqqqqqqqqqq = 5"), testing::EndsWith("unknown key \"qqqqqqqqqqqq\""));
  app.clear();
  EXPECT_THAT(load({}, "config = 'x'"), HasSubstr("unknown key \"config\""));
}

TEST_F(OptionSetTest, BadValueNamesOptionValueAndWhatIsExpected) {
  EXPECT_EQ(
      load({"--max-text", "64KB"}),
      "--max-text: \"64KB\" (on the command line) is not valid: write a number of bytes, or a whole number with KiB, "
      "MiB or GiB, from 1 to 64KiB");
  app.clear();
  environment["PARLEY_COLOUR"] = "green\n";
  EXPECT_EQ(load({}), "--colour: \"green\\n\" (PARLEY_COLOUR in the environment) is not valid: write red or blue");
}

TEST_F(OptionSetTest, RefusesWhatIsOutOfBoundsOrOfAnotherType) {
  for (const char* toml : {"threads = 65", "threads = -1", "threads = 1.5", "threads = [1]", "threads = {a = 1}",
                           "max-text = 0", "max-text = '65KiB'", "timeout = 5", "timeout = '2h'", "timeout = '1us'",
                           "loud = 'yes'", "colour = 'Red'", "store = ''"}) {
    EXPECT_NE(load({}, toml), "") << toml;
    app.clear();
  }
}

TEST_F(OptionSetTest, UnreadableAndBrokenFilesSayWhichAndWhere) {
  EXPECT_THAT(load({"--config", "/nonexistent/x.toml"}),
              HasSubstr("cannot read \"/nonexistent/x.toml\": No such file or directory"));
  app.clear();
  EXPECT_THAT(load({"--config", "/"}), HasSubstr("cannot read \"/\": Is a directory"));
  app.clear();
  EXPECT_THAT(load({}, "threads = 1\nthreads"), HasSubstr(path.string() + ":2: "));
}

TEST_F(OptionSetTest, AValueGivenTwiceIsAnError) {
  EXPECT_EQ(load({"--threads", "1", "--threads", "2"}), "--threads is given more than once: write it once");
}

TEST_F(OptionSetTest, PrintedConfigurationLoadsAgainWithoutSecrets) {
  EXPECT_EQ(load({"--store", "rocksdb:a \"b\"\n\\", "--origin", "x,y", "--loud", "--timeout", "90s"}), "");
  const std::string printed = options.to_toml();
  EXPECT_THAT(printed, testing::Not(HasSubstr("secret")));
  settings = {};
  app.clear();
  EXPECT_EQ(load({}, printed), "") << printed;
  EXPECT_EQ(settings.store, "rocksdb:a \"b\"\n\\");
  EXPECT_EQ(settings.url, "redis://user@host");
  EXPECT_THAT(settings.origins, ElementsAre("x", "y"));
  EXPECT_TRUE(settings.loud);
  EXPECT_EQ(settings.timeout.count(), 90000);
}

TEST_F(OptionSetTest, AnEmptyValueIsCalledEmpty) {
  EXPECT_THAT(load({"--store", ""}), HasSubstr("--store: an empty value (on the command line)"));
}

TEST_F(OptionSetTest, ARequiredOptionMustBeGiven) {
  options.text("who", settings.store, "NAME", "a name", [](std::string_view) { return true; }, "Who.").required = true;
  app.add_option("--who");
  EXPECT_EQ(load({}), "--who is missing: write --who and a name");
  app.clear();
  environment["PARLEY_WHO"] = "me";
  EXPECT_EQ(load({}), "");
}

TEST_F(OptionSetTest, OnlyWhatIsAlikeIsNear) {
  EXPECT_EQ(options.nearest("max_txt"), "max-text");
  EXPECT_EQ(options.nearest("laud"), "loud");
  EXPECT_EQ(options.nearest("n"), "");
  EXPECT_EQ(options.nearest("something"), "");
}

TEST_F(OptionSetTest, HelpAndMarkdownShowEveryOption) {
  const std::string help = options.to_help();
  EXPECT_THAT(help, HasSubstr("Second:\n  --max-text SIZE               Bytes of a text Default: 1KiB.\n"));
  EXPECT_THAT(
      options.to_markdown(),
      HasSubstr("- `--colour red|blue`, `PARLEY_COLOUR`; default `red`\n\n  Which The value is red or blue.\n"));
}

}  // namespace
}  // namespace parley
