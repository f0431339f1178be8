#include "app/commands.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <limits>
#include <string>
#include <system_error>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/bench_options.h"
#include "app/config.h"
#include "app/doctor.h"
#include "app/serve.h"
#include "base/quote.h"
#include "base/version.h"
#include "chat/text.h"
#include "cli/health.h"
#include "cli/output.h"
#include "cli/pull.h"
#include "cli/send.h"
#include "net/endpoint.h"

namespace parley::app {
namespace {

constexpr int kUsage = 2;

/// What is wrong with `text` as a number from 0 to the type's greatest, which CLI11 would take for any greater one.
template <class Number>
std::string whole_number(const std::string& text) {
  Number value = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc{} && rest == text.data() + text.size() && value >= 0) return {};
  return fmt::format("expected a whole number from 0 to {}", std::numeric_limits<Number>::max());
}

constexpr const char* kServeExamples =
    "Examples:\n"
    "  parley serve                                      RocksDB in ./parley-data, http://127.0.0.1:8080, Thrift on "
    ":8888\n"
    "  parley serve --store rocksdb:/var/lib/parley --http 0.0.0.0:80 --admin 127.0.0.1:8081 --allow-anonymous\n"
    "  parley serve --http 127.0.0.1:0 --store memory:   any free port, nothing kept: for tests\n\n"
    "Every option is also an environment variable (--max-text is PARLEY_MAX_TEXT) and a key of the file that --config\n"
    "names (max-text = \"64KiB\"). The command line goes over the environment, which goes over the file.\n"
    "Durations are written 500ms, 2s, 24h; sizes as bytes or 64KiB.\n"
    "When all listeners accept, one line goes to standard output:\n"
    "ready http=127.0.0.1:8080 rpc=127.0.0.1:8888 admin=127.0.0.1:8081";
constexpr const char* kConfigExamples =
    "Examples:\n"
    "  parley config > parley.toml        the defaults, as a file to change\n"
    "  parley config --config parley.toml what a server with this file and this environment would run with";
constexpr const char* kDoctorExamples =
    "Examples:\n"
    "  parley doctor --config /etc/parley/parley.toml   before a start: would the promises hold here?\n"
    "  parley doctor --backend thrift://n1:8888,n2:8888 --json\n\n"
    "It takes what serve takes, starts nothing and changes nothing. Beside a running server it finds the listeners\n"
    "taken. Exit 1: something is to be looked after.";
constexpr const char* kSendExamples =
    "Examples:\n"
    "  parley send alice:bob --as alice \"hi\"\n"
    "  git log -1 | parley send alice:bob --as alice -\n"
    "  parley send alice:bob --as alice -- \"--not an option\"";
constexpr const char* kHealthExamples =
    "Examples:\n"
    "  parley health                       whether the server on this machine is ready, as its /readyz says\n"
    "  parley health --admin 10.0.0.2:8081 --live";
constexpr const char* kPullExamples =
    "Examples:\n"
    "  parley pull alice:bob                     the oldest 10\n"
    "  parley pull alice:bob --reverse --limit 1 the newest\n"
    "  parley pull alice:bob --follow --json     all, and what comes later, for a program to read";
constexpr const char* kBenchExamples =
    "Examples:\n"
    "  parley bench --rate 5000                              the latencies of 5,000 sends a second\n"
    "  parley bench --rate max --connections 512 --mix 1:1:0 how much it takes of both\n"
    "  parley bench --search --p99 20ms --duration 5s        the highest rate that holds\n"
    "  parley bench --mix 1:8:4 --zipf 0.99 --plot run.svg   a few chats much busier than others\n\n"
    "A latency counts from when its request was due, so that a server that stalls does not hide the wait; failures\n"
    "count too. Afterwards every acknowledged message is read back: each must be there once, unaltered, in the order "
    "of\n"
    "the acknowledgements. Exit 1: it is not so, or nothing succeeded, or no rate held. It writes into the store.";

int usage_error(std::string_view message) {
  cli::print_error(message);
  return kUsage;
}

int print(std::string_view text) { return cli::write_output(text) ? 0 : 1; }

/// What `send` and `pull` have in common.
struct Client {
  Client() {
    options.section("Server");
    options.text(
        "url", url, "URL", "http://HOST[:PORT][/PATH]",
        [](std::string_view text) { return cli::ServerUrl::parse(text).has_value(); }, "The server to talk to");
    options.duration("timeout", timeout, std::chrono::milliseconds(10), std::chrono::hours(1),
                     "How long one attempt may take");
  }
  [[nodiscard]] cli::ServerUrl server() const { return *cli::ServerUrl::parse(url); }

  std::string url = "http://127.0.0.1:8080";
  std::chrono::milliseconds timeout{5'000};
  OptionSet options;
};

/// What `health` takes; PARLEY_ADMIN means the same listener as it does to `serve`.
struct Probe {
  Probe() {
    options.section("Server");
    options.text(
        "admin", admin, "ADDR", "HOST:PORT",
        [](std::string_view text) { return net::Endpoint::parse(text) && cli::ServerUrl::parse(url_of(text)); },
        "The admin listener to ask");
    options.duration("timeout", timeout, std::chrono::milliseconds(10), std::chrono::hours(1),
                     "How long it may take to answer");
  }
  static std::string url_of(std::string_view address) { return fmt::format("http://{}", address); }
  [[nodiscard]] cli::ServerUrl server() const { return *cli::ServerUrl::parse(url_of(admin)); }

  std::string admin = "127.0.0.1:8081";
  std::chrono::milliseconds timeout{5'000};
  OptionSet options;
};

/// The whole command line: what each command takes, and what running it means.
class Commands {
 public:
  Commands() {
    app_.set_version_flag("--version", std::string("parley ") + kVersion, "Print the version");
    app_.name("parley");
    app_.get_formatter()->column_width(44);
    app_.require_subcommand(0, 1);
    app_.allow_extras();
    app_.footer("Each command has its own --help. Start with: parley serve");
    declare_serve();
    declare_config();
    declare_doctor();
    declare_send();
    declare_pull();
    declare_health();
    declare_bench();
    for (CLI::App* command : app_.get_subcommands({})) command->allow_extras();
  }

  int run(int argc, char** argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::Success& done) {  // --help, --version
      return app_.exit(done);
    } catch (const CLI::ParseError& error) {
      return usage_error(escape_controls(error.what()));
    }
    if (const auto extra = app_.remaining(); !extra.empty()) {
      return usage_error(fmt::format("unknown command {}; parley --help lists them", quote(extra.front())));
    }
    if (app_.get_subcommands().empty()) {
      std::cerr << app_.help();
      return kUsage;
    }
    const CLI::App& command = *app_.get_subcommands().front();
    OptionSet& options = options_of(command);
    for (const std::string& extra : command.remaining()) {
      if (extra != "--") return unexpected(command, extra, options);  // that one only ends the options
    }
    if (is_configured(command)) return run_configured(command);
    if (auto loaded = options.load(command, std::getenv); !loaded) return usage_error(loaded.error());
    if (&command == health_) return run_health();
    if (&command == bench_) return run_bench();
    return &command == send_ ? run_send() : run_pull();
  }

 private:
  void declare_serve() {
    serve_ = app_.add_subcommand("serve", "Run the server until SIGTERM or SIGINT");
    options_.add_to(*serve_);
    serve_->footer(kServeExamples);
  }

  void declare_config() {
    config_ = app_.add_subcommand("config", "Print the configuration that serve would run with, as TOML, no secrets");
    options_.add_to(*config_);
    config_->add_flag("--markdown", markdown_, "Print the reference of all options instead");
    config_->footer(kConfigExamples);
  }

  void declare_doctor() {
    doctor_ = app_.add_subcommand("doctor", "Look at a configuration and what it points at, for what would go wrong");
    options_.add_to(*doctor_);
    doctor_->add_flag("--json", json_, "Print the findings as one line of JSON");
    doctor_->footer(kDoctorExamples);
  }

  void declare_send() {
    send_ = app_.add_subcommand("send", "Send a message; repeats what may pass, never stores twice");
    send_->add_option("CHAT", send_call_.chat, "The two members, as in alice:bob")->required()->option_text(" ");
    send_->add_option("TEXT", send_call_.text, "The text; - reads standard input, less one last line break")
        ->required();
    send_->add_option("--as", send_call_.sender, "The sender, one of the members")->required()->option_text("SENDER");
    send_
        ->add_option("--idempotency-key", send_call_.idempotency_key,
                     "A send with the same key stores nothing again; one is made up unless given")
        ->option_text("KEY");
    send_->add_flag("--json", json_, "Print the answer as JSON");
    client_.options.add_to(*send_);
    send_->footer(kSendExamples);
  }

  void declare_pull() {
    pull_ = app_.add_subcommand("pull", "Print the messages of a chat");
    pull_->add_option("CHAT", pull_call_.chat, "The two members, as in alice:bob")->required()->option_text(" ");
    pull_
        ->add_option("--cursor", pull_call_.cursor,
                     "Where to begin: a send_time, or 0 for the oldest (with --reverse, the newest)")
        ->check(whole_number<std::int64_t>)
        ->option_text("N");
    pull_->add_option("--limit", pull_call_.limit, "How many messages; with --follow, how many at a time")
        ->check(whole_number<std::int32_t>)
        ->option_text("N [10]");
    pull_->add_flag("--reverse", pull_call_.reverse, "Newest first")->option_text(" ");
    pull_->add_flag("--follow", follow_, "Go on with what comes later, until interrupted")
        ->excludes("--reverse")
        ->option_text(" ");
    pull_->add_flag("--json", json_, "Print each message as one line of JSON");
    client_.options.add_to(*pull_);
    pull_->footer(kPullExamples);
  }

  void declare_health() {
    health_ = app_.add_subcommand("health", "Say whether a server is ready, as an exit code, for health checks");
    health_->add_flag("--live", live_, "Only whether it lives, as /healthz says");
    probe_.options.add_to(*health_);
    health_->footer(kHealthExamples);
  }

  void declare_bench() {
    bench_ = app_.add_subcommand("bench", "Load a server, and check that it keeps its promises meanwhile");
    bench_options_.options().add_to(*bench_);
    bench_->footer(kBenchExamples);
  }

  OptionSet& options_of(const CLI::App& command) {
    if (&command == bench_) return bench_options_.options();
    if (&command == health_) return probe_.options;
    return is_configured(command) ? options_ : client_.options;
  }

  /// Whether it takes the options of a server.
  bool is_configured(const CLI::App& command) const {
    return &command == serve_ || &command == config_ || &command == doctor_;
  }

  static int unexpected(const CLI::App& command, const std::string& argument, const OptionSet& options) {
    if (!argument.starts_with('-')) return usage_error("unexpected argument " + quote(argument));
    const std::string name = argument.substr(argument.find_first_not_of('-'));
    const std::string near = options.nearest(name.substr(0, name.find('=')));
    const std::string hint = near.empty() ? fmt::format("; parley {} --help lists them", command.get_name())
                                          : fmt::format(" (did you mean --{}?)", near);
    return usage_error(fmt::format("unknown option {}{}", quote(argument), hint));
  }

  int run_configured(const CLI::App& command) {
    if (markdown_) return print(reference_page(options_));
    if (auto loaded = load_config(configuration_, options_, command, std::getenv); !loaded) {
      return usage_error(loaded.error());
    }
    if (&command == doctor_) return doctor(configuration_, json_);
    return &command == serve_ ? serve(configuration_) : print(options_.to_toml());
  }

  int run_send() {
    if (send_call_.text == "-") {
      send_call_.text.assign(std::istreambuf_iterator<char>(std::cin), {});
      if (send_call_.text.ends_with('\n')) send_call_.text.pop_back();
    }
    if (!is_utf8(send_call_.text)) return usage_error("TEXT is not UTF-8");
    return cli::run({.url = client_.server(), .timeout = client_.timeout, .call = send_call_, .json = json_});
  }

  int run_pull() {
    const cli::PrintStyle style{
        .json = json_, .terminal = cli::output_is_terminal(), .colour = cli::output_has_colour()};
    return cli::run(
        {.url = client_.server(), .timeout = client_.timeout, .call = pull_call_, .follow = follow_, .style = style});
  }

  int run_health() { return cli::run({.url = probe_.server(), .timeout = probe_.timeout, .live = live_}); }

  int run_bench() {
    const auto command = bench_options_.command();
    return command ? load::run(*command) : usage_error(command.error());
  }

  CLI::App app_{"Parley: chat messages, kept in order and never lost, behind a small HTTP API"};
  CLI::App* serve_ = nullptr;
  CLI::App* config_ = nullptr;
  CLI::App* doctor_ = nullptr;
  CLI::App* send_ = nullptr;
  CLI::App* pull_ = nullptr;
  CLI::App* health_ = nullptr;
  CLI::App* bench_ = nullptr;

  Config configuration_;
  OptionSet options_ = declare_options(configuration_);
  bool markdown_ = false;
  Client client_;
  bool json_ = false;
  cli::SendCall send_call_;
  cli::PullCall pull_call_;
  bool follow_ = false;
  Probe probe_;
  bool live_ = false;
  BenchOptions bench_options_;
};

}  // namespace

int run(int argc, char** argv) { return Commands().run(argc, argv); }

}  // namespace parley::app
