#include "app/config.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <unistd.h>
#include <vector>

#include <CLI/CLI.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace parley::app {
namespace {

using testing::HasSubstr;

/// A configuration as it comes of a command line and an environment.
struct Loaded {
  explicit Loaded(std::vector<std::string> arguments, const std::map<std::string, std::string>& environment = {}) {
    options.add_to(app);
    std::ranges::reverse(arguments);  // as CLI11 wants them
    app.parse(arguments);
    const auto loaded = load_config(config, options, app, [&](const char* name) -> const char* {
      const auto found = environment.find(name);
      return found == environment.end() ? nullptr : found->second.c_str();
    });
    if (!loaded) error = loaded.error();
  }

  Config config;
  OptionSet options = declare_options(config);
  CLI::App app;
  std::string error;
};

TEST(Config, NoListenerNamedStartsTheDefaultOnes) {
  const Loaded loaded({});
  EXPECT_EQ(loaded.error, "");
  EXPECT_EQ(loaded.config.http, "127.0.0.1:8080");
  EXPECT_EQ(loaded.config.rpc, "127.0.0.1:8888");
  EXPECT_EQ(loaded.config.admin, "127.0.0.1:8081");
}

TEST(Config, AnyListenerNamedStartsJustThose) {
  const Loaded loaded({"--admin", "localhost:0"});
  EXPECT_EQ(loaded.error, "");
  EXPECT_EQ(loaded.config.http, "");
  EXPECT_EQ(loaded.config.admin, "localhost:0");
  EXPECT_EQ(Loaded({}, {{"PARLEY_HTTP", "[::1]:1"}}).config.admin, "");
}

TEST(Config, AnRpcRequestMayHoldTheLongestText) {
  EXPECT_EQ(Loaded({}).config.rpc_options.max_request, std::size_t{1} << 20);
  EXPECT_EQ(Loaded({"--max-text", "2MiB"}).config.rpc_options.max_request, (std::size_t{2} << 20) + (16 << 10));
  EXPECT_EQ(Loaded({"--rpc-max-request", "1KiB"}).config.rpc_options.max_request, 1U << 10);
}

TEST(Config, WhatFitsNoThriftFrameIsRefusedWithRpcOnly) {
  EXPECT_THAT(Loaded({"--max-text", "15MiB"}).error, HasSubstr("--max-text"));
  EXPECT_EQ(Loaded({"--max-text", "15344KiB"}).error, "");
  EXPECT_THAT(Loaded({"--max-page-bytes", "16MiB"}).error, HasSubstr("--max-page-bytes"));
  EXPECT_EQ(Loaded({"--http", "localhost:0", "--max-text", "16MiB"}).error, "");
}

TEST(Config, TheFilesOfRpcTlsNeedEachOther) {
  EXPECT_THAT(Loaded({"--rpc-tls-cert", "c"}).error, HasSubstr("--rpc-tls-key"));
  EXPECT_THAT(Loaded({"--rpc-tls-key", "k"}).error, HasSubstr("--rpc-tls-cert"));
  EXPECT_THAT(Loaded({"--rpc-tls-ca", "a"}).error, HasSubstr("--rpc-tls-cert"));
}

TEST(Config, NodesOverTlsNeedAnAuthorityAndNoCertificateOfOurs) {
  EXPECT_THAT(Loaded({"--http", "localhost:0", "--backend", "thrifts://n:1"}).error, HasSubstr("--rpc-tls-ca"));
  EXPECT_EQ(Loaded({"--http", "localhost:0", "--backend", "thrifts://n:1", "--rpc-tls-ca", "a"}).error, "");
  EXPECT_THAT(Loaded({"--rpc", "localhost:0", "--backend", "thrifts://n:1", "--rpc-tls-ca", "a"}).error,
              HasSubstr("--rpc-tls-cert"));
}

TEST(Config, TheFilesOfRpcTlsAreNotIgnored) {
  const std::vector<std::string> tls{"--http",        "localhost:0", "--rpc-tls-cert", "c",
                                     "--rpc-tls-key", "k",           "--rpc-tls-ca",   "a"};
  EXPECT_THAT(Loaded(tls).error, HasSubstr("--rpc,"));
  std::vector<std::string> in_the_clear = tls;
  in_the_clear.insert(in_the_clear.end(), {"--backend", "thrift://n:1"});
  EXPECT_THAT(Loaded(in_the_clear).error, HasSubstr("thrifts://"));
  in_the_clear.insert(in_the_clear.end(), {"--rpc", "localhost:0"});
  EXPECT_EQ(Loaded(in_the_clear).error, "");
}

TEST(Config, ClientCertificatesAreAuthentication) {
  const std::vector<std::string> tls{"--rpc", "0.0.0.0:0", "--rpc-tls-cert", "c", "--rpc-tls-key", "k"};
  EXPECT_THAT(Loaded(tls).error, HasSubstr("--allow-anonymous"));
  std::vector<std::string> mutual = tls;
  mutual.insert(mutual.end(), {"--rpc-tls-ca", "a"});
  EXPECT_EQ(Loaded(mutual).error, "");
  mutual.insert(mutual.end(), {"--http", "0.0.0.0:0"});
  EXPECT_THAT(Loaded(mutual).error, HasSubstr("--http"));
}

TEST(Config, RpcSharesTheTimesOfHttp) {
  const Loaded loaded({"--body-timeout", "1s", "--idle-timeout", "2s", "--write-timeout", "3s", "--request-timeout",
                       "4s", "--max-connections", "5"});
  const rpc::RpcOptions& options = loaded.config.rpc_options;
  EXPECT_EQ(options.message_timeout, std::chrono::seconds(1));
  EXPECT_EQ(options.idle_timeout, std::chrono::seconds(2));
  EXPECT_EQ(options.write_timeout, std::chrono::seconds(3));
  EXPECT_EQ(options.request_timeout, std::chrono::seconds(4));
  EXPECT_EQ(options.max_connections, 5U);
}

TEST(Config, AListenerBeyondThisMachineNeedsAllowAnonymous) {
  for (const char* flag : {"--http", "--rpc", "--admin"}) {
    EXPECT_THAT(Loaded({flag, "0.0.0.0:0"}).error, HasSubstr("--allow-anonymous")) << flag;
    EXPECT_THAT(Loaded({flag, "chat.example:80"}).error, HasSubstr("--allow-anonymous")) << flag;
    EXPECT_EQ(Loaded({flag, "0.0.0.0:0", "--allow-anonymous"}).error, "") << flag;
    EXPECT_EQ(Loaded({flag, "[::1]:0"}).error, "") << flag;
  }
}

TEST(Config, MaxBodyFollowsMaxTextUnlessSet) {
  EXPECT_EQ(Loaded({}).config.http_options.max_body, 6U * 65536 + 16384);
  EXPECT_EQ(Loaded({"--max-text", "1000"}).config.http_options.max_body, 6000U + 16384);
  EXPECT_EQ(Loaded({"--max-text", "1000", "--max-body", "5KiB"}).config.http_options.max_body, 5120U);
}

TEST(Config, MemoryMustHoldABodyAndAPage) {
  EXPECT_THAT(Loaded({"--max-memory", "1MiB"}).error, HasSubstr("--max-memory"));
  EXPECT_EQ(Loaded({"--max-memory", "2MiB"}).error, "");
}

TEST(Config, StoreAndBackendExcludeEachOther) {
  EXPECT_THAT(Loaded({"--store", "memory:", "--backend", "thrift://a:1"}).error, HasSubstr("exclude"));
  EXPECT_EQ(Loaded({"--backend", "thrift://a:1"}).config.store, "");
}

TEST(Config, TheFilesOfRedisTlsBelongToRediss) {
  EXPECT_THAT(Loaded({"--store", "rediss://h:1"}).error, HasSubstr("--redis-tls-ca"));
  EXPECT_THAT(Loaded({"--store", "rediss+cluster://h:1"}).error, HasSubstr("--redis-tls-ca"));
  EXPECT_EQ(Loaded({"--store", "rediss://h:1", "--redis-tls-ca", "a"}).error, "");
  EXPECT_THAT(Loaded({"--store", "redis://h:1", "--redis-tls-ca", "a"}).error, HasSubstr("rediss://"));
  EXPECT_THAT(Loaded({"--store", "rediss://h:1", "--redis-tls-ca", "a", "--redis-tls-cert", "c"}).error,
              HasSubstr("--redis-tls-key"));
}

TEST(Config, APasswordStandsInOnePlace) {
  EXPECT_THAT(Loaded({"--store", "redis://:p@h:1", "--redis-password-file", "f"}).error,
              HasSubstr("--redis-password-file"));
  EXPECT_EQ(Loaded({"--store", "redis://me@h:1", "--redis-password-file", "f"}).error, "");
}

TEST(Config, TheStoreKnowsTheLargestText) {
  EXPECT_EQ(Loaded({"--max-text", "1MiB"}).config.store_options.max_text, std::size_t{1} << 20);
}

TEST(Config, AGatewaysTextsMustFitAFrame) {
  EXPECT_THAT(Loaded({"--backend", "thrift://a:1", "--max-text", "16MiB"}).error, HasSubstr("--max-text"));
  EXPECT_EQ(Loaded({"--backend", "thrift://a:1", "--max-text", "1MiB"}).error, "");
}

TEST(Config, RefusesValuesThatMakeNoSense) {
  const std::vector<std::vector<std::string>> cases = {
      {"--http", "8080"},
      {"--http", "127.0.0.1"},
      {"--http", "127.0.0.1:65536"},
      {"--http", ""},
      {"--store", "mongodb://x"},
      {"--backend", "x"},
      {"--allow-origin", "example"},
      {"--allow-origin", "http://a/"},
      {"--allow-host", "http://a"},
      {"--durability", "none"},
      {"--threads", "257"},
      {"--max-connections", "0"},
      {"--drain-delay", "2"},
      {"--request-timeout", "1ms"},
      {"--max-text", "0"},
      {"--idempotency-window", "0s"},
  };
  for (const auto& arguments : cases) EXPECT_NE(Loaded(arguments).error, "") << arguments[0] << " " << arguments[1];
}

/// What `parley config` prints gives the same configuration again.
void expect_round_trip(const std::vector<std::string>& arguments) {
  const Loaded first(arguments);
  ASSERT_EQ(first.error, "");
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("config_test_" + std::to_string(::getpid()) + ".toml");
  std::ofstream(path) << first.options.to_toml();
  const Loaded second({"--config", path.string()});
  std::filesystem::remove(path);
  EXPECT_EQ(second.error, "") << first.options.to_toml();
  const auto values = [](std::string toml) {  // without the comments on where each value came from
    std::string out;
    for (std::size_t at = 0; at < toml.size();) {
      const std::size_t end = toml.find('\n', at);
      const std::string line = toml.substr(at, end - at);
      out += line.substr(0, line.find("  # ")) + "\n";
      at = end + 1;
    }
    return out;
  };
  EXPECT_EQ(values(second.options.to_toml()), values(first.options.to_toml()));
}

TEST(Config, PrintedConfigurationGivesTheSameAgain) {
  expect_round_trip({});
  expect_round_trip(
      {"--http", "[::1]:0", "--allow-origin", "https://a,https://b", "--durability", "os", "--max-text", "1KiB"});
  expect_round_trip({"--backend", "thrift://a:1"});
}

TEST(Config, TheReferencePageIsCurrent) {
  std::ifstream in(PARLEY_SOURCE_DIR "/docs/configuration.md");
  const std::string page{std::istreambuf_iterator<char>(in), {}};
  EXPECT_EQ(page, reference_page(Loaded({}).options))
      << "docs/configuration.md is not what the program prints: parley config --markdown > docs/configuration.md";
}

TEST(Config, PrintsNoPassword) {
  const Loaded loaded({"--store", "redis://me:hunter2@h:1"});
  EXPECT_EQ(loaded.error, "");
  EXPECT_THAT(loaded.options.to_toml(), HasSubstr("redis://me@h:1"));
  EXPECT_THAT(loaded.options.to_toml(), testing::Not(HasSubstr("hunter2")));
  for (const char* option : {"--store", "--backend"}) {
    const std::string error = Loaded({option, "redis://me:hunter2@h"}).error;
    EXPECT_THAT(error, HasSubstr(option));
    EXPECT_THAT(error, testing::Not(HasSubstr("hunter2")));
  }
}

}  // namespace
}  // namespace parley::app
