#include "app/commands.h"

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <limits>
#include <string>

#include <fmt/format.h>

#include "app/bench_options.h"
#include "app/command_line.h"
#include "app/config.h"
#include "app/doctor.h"
#include "app/serve.h"
#include "base/output.h"
#include "chat/text.h"
#include "cli/health.h"
#include "cli/pull.h"
#include "cli/send.h"
#include "http/client/server_url.h"
#include "net/endpoint.h"

namespace parley::app {
namespace {

int usage_error(std::string_view message) {
  print_error(message);
  return CommandLine::kUsage;
}

int print(std::string_view text) { return write_output(text) ? 0 : 1; }

bool is_given(std::string_view text) { return !text.empty(); }

/// The server that `send` and `pull` talk to.
struct Client {
  Client() {
    options.section("Server");
    options.text(
        "url", url, "URL", "http://HOST[:PORT][/PATH], or https://...",
        [](std::string_view text) { return http::ServerUrl::parse(text).has_value(); },
        "The address of the server's HTTP API.");
    declare_authorities(options, authorities);
    options.duration("timeout", timeout, std::chrono::milliseconds(10), std::chrono::hours(1),
                     "How long one request may take.");
  }
  [[nodiscard]] http::ServerUrl server() const {
    http::ServerUrl out = *http::ServerUrl::parse(url);
    out.authorities = authorities;
    return out;
  }

  std::string url = "http://127.0.0.1:8080";
  std::string authorities;
  std::chrono::milliseconds timeout{5'000};
  OptionSet options;
};

/// What `health` takes; PARLEY_ADMIN means the same listener as it does to `serve`.
struct Probe {
  Probe() {
    options.section("Server");
    options.text(
        "admin", admin, "ADDR",
        "HOST:PORT, such as 127.0.0.1:8081, with a port of at most 65535, or https://HOST[:PORT]",
        [](std::string_view text) {
          return (text.starts_with(kHttps) || net::Endpoint::parse(text)) && http::ServerUrl::parse(url_of(text));
        },
        "The address of the server's admin listener. If a proxy speaks TLS for it, write `https://HOST:PORT`.");
    declare_authorities(options, authorities);
    options.duration("timeout", timeout, std::chrono::milliseconds(10), std::chrono::hours(1),
                     "How long the server may take to answer.");
    options.flag("live", live, "Ask only whether the server runs, as `/healthz` says.");
  }
  static constexpr std::string_view kHttps = "https://";
  static std::string url_of(std::string_view address) {
    return address.starts_with(kHttps) ? std::string(address) : fmt::format("http://{}", address);
  }
  [[nodiscard]] http::ServerUrl server() const {
    http::ServerUrl url = *http::ServerUrl::parse(url_of(admin));
    url.authorities = authorities;
    url.option = "--admin";
    return url;
  }

  std::string admin = "127.0.0.1:8081";
  std::string authorities;
  std::chrono::milliseconds timeout{5'000};
  bool live = false;
  OptionSet options;
};

/// What `send` takes beside the server.
struct Send {
  Send() {
    options.section("Message");
    options
        .text("as", call.sender, "SENDER", "the name of the sender, such as --as alice", is_given,
              "The sender, who is one of the two members.")
        .required = true;
    options.text("idempotency-key", call.idempotency_key, "KEY", "a text of your choice of up to 128 bytes", is_given,
                 "Repeat an earlier send that had this key, if it is not known to have succeeded. The server then "
                 "stores the message only once. Without this option the command makes a new key.");
    options.flag("json", json, "Print the answer as one line of JSON.");
  }

  cli::SendCall call;
  bool json = false;
  OptionSet options;
};

/// What `pull` takes beside the server.
struct Pull {
  Pull() {
    options.section("Messages");
    options
        .count("cursor", cursor, 0, std::numeric_limits<std::int64_t>::max(),
               "Begin at this time, and go on to newer messages. The time is a `send_time` in microseconds. 0 is the "
               "oldest message. With `--reverse`, go on to older messages, and 0 is the newest.")
        .default_value.clear();
    options
        .count("limit", limit, 0, std::numeric_limits<std::int32_t>::max(),
               "How many messages are printed. With `--follow`: how many of the newest come first.")
        .default_value = "10";
    options.flag("reverse", reverse, "Print the newest message first.");
    options.flag("follow", follow, "Go on with the messages that come later, until Ctrl-C.");
    options.flag("json", json,
                 "Print each message as one line of JSON, for programs. It begins at the oldest message, unless "
                 "`--cursor` or `--reverse` is there. With `--follow` and without `--limit`, every message comes.");
  }

  std::string chat;
  std::size_t cursor = 0;
  std::size_t limit = 0;
  bool reverse = false;
  bool follow = false;
  bool json = false;
  OptionSet options;
};

/// What the program can do, and what each command takes.
class Commands {
 public:
  Commands() {
    add_serve();
    add_send();
    add_pull();
    add_config();
    add_doctor();
    add_health();
    add_bench();
  }

  int run(int argc, char** argv) { return command_line_.run(argc, argv); }

 private:
  void add_serve() {
    command_line_.add(
        {.name = "serve",
         .usage = "[OPTIONS]",
         .summary = "Run the server until Ctrl-C or SIGTERM.",
         .example = "parley serve",
         .about = "Without options the server keeps the messages in the folder parley-data, and only this machine can "
                  "reach it. When it accepts connections, it prints one line to standard output: `ready "
                  "http=127.0.0.1:8080 rpc=127.0.0.1:8888 admin=127.0.0.1:8081`. The log goes to standard error.\n"
                  "Each option is also an environment variable: `--max-text` is `PARLEY_MAX_TEXT`. It is also a key of "
                  "the file that `--config` names: `max-text = \"64KiB\"`. The command line wins over the environment, "
                  "and the environment wins over the file.",
         .examples = {{"parley serve", "Starts the server with the defaults."},
                      {"parley serve --http 127.0.0.1:0 --store memory:",
                       "Takes any free port and keeps nothing: for tests."},
                      {"parley serve --http 0.0.0.0:8080 --allow-anonymous --store rocksdb:/var/lib/parley",
                       "Lets other machines in. Do so only in a network that you trust."}},
         .options = {&options_},
         .run = [this](const CLI::App& app) {
           return with_configuration(app, [this] { return serve(configuration_); });
         }});
  }

  void add_send() {
    command_line_.add(
        {.name = "send",
         .usage = "CHAT --as SENDER TEXT",
         .summary = "Send a message to a chat.",
         .example = "parley send alice:bob --as alice \"hi\"",
         .about = "The command prints the chat and the time of the message in microseconds. If the server is away, the "
                  "command tries again for some seconds. A repeated try never stores the message twice.",
         .examples = {{"parley send alice:bob --as alice \"hi\"", "Sends hi from Alice to Bob."},
                      {"git log -1 | parley send alice:bob --as alice -", "Sends what another program prints."},
                      {"parley send alice:bob --as alice -- \"--text\"", "Sends a text that looks like an option."}},
         .positionals = {{.name = "CHAT",
                          .help = "The two members of the chat, such as alice:bob.",
                          .expected = "the two members of the chat, such as alice:bob",
                          .target = &send_.call.chat},
                         {.name = "TEXT",
                          .help = "The text of the message. Write `-` to read it from standard input, without the last "
                                  "line break. Write "
                                  "`--` before a text that begins with a dash.",
                          .expected = "the text of the message",
                          .target = &send_.call.text}},
         .options = {&send_.options, &client_.options},
         .run = [this](const CLI::App& app) { return run_send(app); }});
  }

  void add_pull() {
    command_line_.add(
        {.name = "pull",
         .usage = "CHAT [OPTIONS]",
         .summary = "Print the newest messages of a chat.",
         .example = "parley pull alice:bob",
         .about = "The newest message comes last, as in a chat window. If there are more messages, a line on standard "
                  "error says so.",
         .examples = {{"parley pull alice:bob", "Prints the newest 10 messages."},
                      {"parley pull alice:bob --limit 100", "Prints the newest 100 messages."},
                      {"parley pull alice:bob --cursor 0", "Prints the oldest 10 messages."},
                      {"parley pull alice:bob --follow", "Prints the newest 10 messages, and then each new one."},
                      {"parley pull alice:bob --follow --json", "Gives a program every message, old and new."}},
         .positionals = {{.name = "CHAT",
                          .help = "The two members of the chat, such as alice:bob.",
                          .expected = "the two members of the chat, such as alice:bob",
                          .target = &pull_.chat}},
         .options = {&pull_.options, &client_.options},
         .run = [this](const CLI::App& app) { return run_pull(app); }});
  }

  void add_config() {
    config_options_.section("Output");
    config_options_.flag("markdown", markdown_,
                         "Print the page docs/configuration.md instead, which explains every option.");
    command_line_.add(
        {.name = "config",
         .usage = "[OPTIONS]",
         .summary = "Print the configuration that a server would run with.",
         .example = "parley config > parley.toml",
         .about = "The output is a TOML file without secrets. A server reads such a file with `--config`. The command "
                  "takes the options of `parley serve`, and says of each value where it was set.",
         .examples = {{"parley config > parley.toml", "Writes the defaults to a file that you can change."},
                      {"parley config --config parley.toml --max-text 1MiB",
                       "Prints what this file and this option give together."}},
         .options = {&config_options_, &options_},
         .run = [this](const CLI::App& app) { return run_config(app); }});
  }

  void add_doctor() {
    doctor_options_.section("Output");
    doctor_options_.flag("json", json_, "Print the findings as one line of JSON.");
    command_line_.add(
        {.name = "doctor",
         .usage = "[OPTIONS]",
         .summary = "Check a configuration, and this machine, before a server starts.",
         .example = "parley doctor --config /etc/parley/parley.toml",
         .about = "The command looks at the listeners, the disk, Redis or the nodes, and the limits of the system. It "
                  "takes the options of `parley serve`. It starts no server and changes nothing. The exit code is 1 if "
                  "there is a problem.",
         .examples = {{"parley doctor", "Checks the defaults."},
                      {"parley doctor --config /etc/parley/parley.toml",
                       "Checks the configuration of an installed server."},
                      {"parley doctor --backend thrift://n1:8888,n2:8888 --json",
                       "Checks the nodes of a gateway, for a program."}},
         .options = {&doctor_options_, &options_},
         .run = [this](const CLI::App& app) { return run_doctor(app); }});
  }

  void add_health() {
    command_line_.add(
        {.name = "health",
         .usage = "[OPTIONS]",
         .summary = "Ask a server whether it is ready, for health checks.",
         .example = "parley health",
         .about = "The exit code is 0 if the server is ready, as its page `/readyz` says. Otherwise it is 1.",
         .examples = {{"parley health", "Asks the server on this machine."},
                      {"parley health --admin 10.0.0.2:8081 --live", "Asks another server whether it runs at all."}},
         .options = {&probe_.options},
         .run = [this](const CLI::App& app) { return run_health(app); }});
  }

  void add_bench() {
    command_line_.add(
        {.name = "bench",
         .usage = "[OPTIONS]",
         .summary = "Measure how fast a server is, and check that it loses nothing.",
         .example = "parley bench --rate 5000 --duration 10s",
         .about =
             "The bench writes messages into the server's store. At the end it reads back every acknowledged "
             "message. Each must be there once, unchanged, and in the order of the acknowledgements. The exit code "
             "is 1 if that is not so, if no request succeeded, or if no rate held.\n"
             "A latency counts from the time at which its request should have begun. So the wait behind a stalled "
             "server counts too. Failed requests count as well.",
         .examples = {{"parley bench --rate 5000", "Shows the latencies at 5,000 sends a second."},
                      {"parley bench --rate max --connections 512 --mix 1:1:0",
                       "Shows how many sends and pulls the server takes."},
                      {"parley bench --search --p99 20ms --duration 5s",
                       "Finds the highest rate at which 99 of 100 requests take at most 20 ms."},
                      {"parley bench --mix 1:8:4 --zipf 0.99 --plot run.svg",
                       "Makes a few chats much busier than others, and draws the result."}},
         .options = {&bench_options_.options()},
         .run = [this](const CLI::App& app) { return run_bench(app); }});
  }

  /// Loads the configuration of a server, and then does `what`.
  int with_configuration(const CLI::App& app, const std::function<int()>& what) {
    if (auto loaded = load_config(configuration_, options_, app, std::getenv); !loaded) {
      return usage_error(loaded.error());
    }
    return what();
  }

  int run_config(const CLI::App& app) {
    if (auto loaded = config_options_.load(app, std::getenv); !loaded) return usage_error(loaded.error());
    if (markdown_) return print(reference_page(options_));
    return with_configuration(app, [this] { return print(options_.to_toml()); });
  }

  int run_doctor(const CLI::App& app) {
    if (auto loaded = doctor_options_.load(app, std::getenv); !loaded) return usage_error(loaded.error());
    return with_configuration(app, [this] { return doctor(configuration_, json_); });
  }

  int run_send(const CLI::App& app) {
    for (OptionSet* options : {&send_.options, &client_.options}) {
      if (auto loaded = options->load(app, std::getenv); !loaded) return usage_error(loaded.error());
    }
    std::string& text = send_.call.text;
    if (text == "-") {
      text.assign(std::istreambuf_iterator<char>(std::cin), {});
      if (text.ends_with('\n')) text.pop_back();
    }
    if (!is_utf8(text)) return usage_error("TEXT is not UTF-8: convert it first, for example with iconv");
    return cli::run({.url = client_.server(), .timeout = client_.timeout, .call = send_.call, .json = send_.json});
  }

  int run_pull(const CLI::App& app) {
    for (OptionSet* options : {&pull_.options, &client_.options}) {
      if (auto loaded = options->load(app, std::getenv); !loaded) return usage_error(loaded.error());
    }
    if (pull_.follow && pull_.reverse) {
      return usage_error("--follow and --reverse exclude each other: leave one out");
    }
    const cli::PrintStyle style{.json = pull_.json, .terminal = output_is_terminal(), .colour = output_has_colour()};
    // A program reads from the oldest message on, a person wants the newest.
    const bool newest = !pull_.json || (pull_.follow && pull_.options.is_set("limit"));
    return cli::run({.url = client_.server(),
                     .timeout = client_.timeout,
                     .call = {.chat = pull_.chat,
                              .cursor = static_cast<std::int64_t>(pull_.cursor),
                              .limit = static_cast<std::int32_t>(pull_.limit),
                              .reverse = pull_.reverse},
                     .newest = newest && !pull_.reverse && !pull_.options.is_set("cursor"),
                     .follow = pull_.follow,
                     .style = style});
  }

  int run_health(const CLI::App& app) {
    if (auto loaded = probe_.options.load(app, std::getenv); !loaded) return usage_error(loaded.error());
    return cli::run({.url = probe_.server(), .timeout = probe_.timeout, .live = probe_.live});
  }

  int run_bench(const CLI::App& app) {
    if (auto loaded = bench_options_.options().load(app, std::getenv); !loaded) return usage_error(loaded.error());
    const auto command = bench_options_.command();
    return command ? load::run(*command) : usage_error(command.error());
  }

  Config configuration_;
  OptionSet options_ = declare_options(configuration_);
  OptionSet config_options_;
  bool markdown_ = false;
  OptionSet doctor_options_;
  bool json_ = false;
  Client client_;
  Send send_;
  Pull pull_;
  Probe probe_;
  BenchOptions bench_options_;
  CommandLine command_line_;
};

}  // namespace

int run(int argc, char** argv) { return Commands().run(argc, argv); }

}  // namespace parley::app
