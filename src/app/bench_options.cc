#include "app/bench_options.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "chat/message.h"
#include "load/ledger.h"
#include "load/search.h"
#include "net/loop.h"

namespace parley::app {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kMaxRequests = 1'000'000'000;
constexpr std::size_t kMaxChats = 10'000'000;
constexpr std::size_t kMaxText = std::size_t{16} << 20;
constexpr double kMaxZipf = 3;
constexpr unsigned kMaxWeight = 1000;

template <class Number>
std::optional<Number> number(std::string_view text) {
  Number value = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || rest != text.data() + text.size()) return std::nullopt;
  return value;
}

/// A rate; 0 is as fast as can be.
std::optional<double> parse_rate(std::string_view text) {
  if (text == "max") return 0;
  const auto rate = number<std::uint32_t>(text);
  if (!rate || *rate < load::RateSearch::kLeast || *rate > load::RateSearch::kMost) return std::nullopt;
  return *rate;
}

std::optional<std::array<unsigned, 3>> parse_mix(std::string_view text) {
  std::array<unsigned, 3> out{};
  for (unsigned& weight : out) {
    const std::size_t end = std::min(text.find(':'), text.size());
    const auto value = number<unsigned>(text.substr(0, end));
    if (!value || *value > kMaxWeight) return std::nullopt;
    weight = *value;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (!text.empty() || std::ranges::count(out, 0U) == 3) return std::nullopt;
  return out;
}

std::optional<double> parse_zipf(std::string_view text) {
  const auto exponent = number<double>(text);
  const bool usable = exponent && *exponent >= 0 && *exponent <= kMaxZipf;  // not a NaN either
  return usable ? exponent : std::nullopt;
}

bool is_path(std::string_view text) { return !text.empty(); }

}  // namespace

BenchOptions::BenchOptions() {
  declare_load();
  declare_requests();
  declare_output();
}

void BenchOptions::declare_load() {
  load::Plan& plan = command_.plan;
  options_.section("Load");
  options_.text(
      "url", url_, "URL", "http://HOST[:PORT][/PATH]",
      [](std::string_view text) { return cli::ServerUrl::parse(text).has_value(); }, "The server to load");
  options_.text(
      "rate", rate_, "N|max", "a whole number from 1 to 10000000, or max",
      [](std::string_view text) { return parse_rate(text).has_value(); },
      "Requests a second at random times, whatever the server does; max: each connection as fast as it can");
  options_.flag("search", command_.search, "Look for the highest rate that holds --p99, beginning with --rate");
  options_.duration("p99", command_.p99, std::chrono::microseconds(100), hours(1),
                    "With --search: the 99th percentile that a rate must hold, without an error");
  options_.duration("duration", plan.duration, milliseconds(100), hours(24),
                    "How long requests are begun; with --search, at each rate");
  options_.count("requests", requests_, 0, kMaxRequests, "How many requests at most; 0 sets no bound");
  options_.duration("warmup", plan.warmup, seconds(0), hours(1),
                    "How much of the beginning of --duration is not measured");
  options_.count("connections", plan.connections, 1, 100'000, "Connections, each with one request at a time");
  options_.count("threads", plan.threads, 0, 256,
                 "Threads that share the connections; 0 is one for each usable processor");
  options_.duration("timeout", plan.timeout, milliseconds(10), hours(1), "How long one request may take");
}

void BenchOptions::declare_requests() {
  load::Plan& plan = command_.plan;
  options_.section("Requests");
  options_.text(
      "mix", mix_, "SEND:PULL:FOLLOW", "three weights from 0 to 1000, not all 0",
      [](std::string_view text) { return parse_mix(text).has_value(); },
      "How often each: a message, a chat's first page, what is new in a chat since this connection's last look");
  options_.count("chats", plan.chats, 1, kMaxChats, "How many chats; they are u000000:v000000 and so on");
  options_.count("first-chat", plan.first_chat, 0, kMaxChats, "The number of the first one");
  options_.text(
      "zipf", zipf_, "S", "a number from 0 to 3", [](std::string_view text) { return parse_zipf(text).has_value(); },
      "How much busier some chats are than others: the exponent of Zipf's law; 0 takes them in turn");
  options_.size("text", plan.text_bytes, load::Texts::kLeast, kMaxText, "Bytes of a message's text");
  options_.flag("keyed", plan.keyed, "Give each send an idempotency key of its own");
  options_.count("limit", plan.limit, 1, kMaxPullLimit, "Messages of a page");
}

void BenchOptions::declare_output() {
  options_.section("Output");
  options_.flag("no-verify", no_verify_, "Do not read back afterwards what was acknowledged");
  options_.flag("json", command_.json, "Print the report as one line of JSON");
  options_.text("csv", command_.csv, "FILE", "a path", is_path, "Write what each second was like, as CSV");
  options_.text("plot", command_.plot, "FILE", "a path", is_path, "Draw the latencies, as SVG");
}

std::expected<load::BenchCommand, std::string> BenchOptions::command() const {
  load::BenchCommand out = command_;
  load::Plan& plan = out.plan;
  plan.url = *cli::ServerUrl::parse(url_);
  plan.rate = *parse_rate(rate_);
  plan.mix = *parse_mix(mix_);
  plan.zipf = *parse_zipf(zipf_);
  plan.requests = requests_;
  plan.verify = !no_verify_;
  if (plan.threads == 0) plan.threads = net::LoopPool::usable_processors();
  plan.threads = std::min(plan.threads, plan.connections);
  // A number of requests takes the time that it takes, unless a time is given too.
  if (requests_ > 0 && !options_.is_set("duration")) plan.duration = hours(24);
  if (out.search && plan.rate == 0) return std::unexpected("--search needs a --rate to begin with, not max");
  if (plan.warmup >= plan.duration) return std::unexpected("--warmup leaves nothing of --duration to measure");
  return out;
}

}  // namespace parley::app
