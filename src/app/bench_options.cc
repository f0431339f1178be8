#include "app/bench_options.h"

#include <algorithm>
#include <optional>

#include "base/parse_number.h"
#include "chat/message.h"
#include "http/client/server_url.h"
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

/// A rate; 0 is as fast as can be.
std::optional<double> parse_rate(std::string_view text) {
  if (text == "max") return 0;
  const auto rate = parse_number<std::uint32_t>(text);
  if (!rate || *rate < load::RateSearch::kLeast || *rate > load::RateSearch::kMost) return std::nullopt;
  return *rate;
}

std::optional<std::array<unsigned, 3>> parse_mix(std::string_view text) {
  std::array<unsigned, 3> out{};
  for (unsigned& weight : out) {
    const std::size_t end = std::min(text.find(':'), text.size());
    const auto value = parse_number<unsigned>(text.substr(0, end));
    if (!value || *value > kMaxWeight) return std::nullopt;
    weight = *value;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (!text.empty() || std::ranges::count(out, 0U) == 3) return std::nullopt;
  return out;
}

std::optional<double> parse_zipf(std::string_view text) {
  const auto exponent = parse_number<double>(text);
  const bool usable = exponent && *exponent >= 0 && *exponent <= kMaxZipf;  // not a NaN either
  return usable ? exponent : std::nullopt;
}

bool is_path(std::string_view text) { return !text.empty(); }

}  // namespace

void declare_authorities(OptionSet& options, std::string& target) {
  declare_file(options, "ca", target, "a PEM file",
               "The authorities that the certificate of an `https://` server must come from. Without this option they "
               "are those of the system.");
}

BenchOptions::BenchOptions() {
  declare_load();
  declare_requests();
  declare_output();
}

void BenchOptions::declare_load() {
  load::Plan& plan = command_.plan;
  options_.section("Load");
  options_.text(
      "url", url_, "URL", "http://HOST[:PORT][/PATH], or https://...",
      [](std::string_view text) { return http::ServerUrl::parse(text).has_value(); }, "The server to load.");
  declare_authorities(options_, authorities_);
  options_.text(
      "rate", rate_, "N|max", "a whole number from 1 to 10000000, or max",
      [](std::string_view text) { return parse_rate(text).has_value(); },
      "How many requests begin each second, at random times, even if the server falls behind. With `max`, each "
      "connection begins a request as soon as the one before is answered.");
  options_.flag("search", command_.search,
                "Look for the highest rate at which the server holds `--p99`. The first rate is `--rate`.");
  options_.duration(
      "p99", command_.p99, std::chrono::microseconds(100), hours(1),
      "With `--search`: the latency that 99 of 100 requests must not exceed. A rate with an error does not "
      "hold.");
  options_.duration("duration", plan.duration, milliseconds(100), hours(24),
                    "How long requests begin. With `--search`, this is the time for each rate.");
  options_.count("requests", requests_, 0, kMaxRequests, "How many requests are made at most. 0 sets no limit.");
  options_.duration("warmup", plan.warmup, seconds(0), hours(1),
                    "How much of the beginning of `--duration` is left out of the measurement.");
  options_.count("connections", plan.connections, 1, 100'000,
                 "The number of connections. Each has one request at a time.");
  options_.count("threads", plan.threads, 0, 256,
                 "The number of threads that share the connections. 0 means one for each usable processor.");
  options_.duration("timeout", plan.timeout, milliseconds(10), hours(1), "How long one request may take.");
}

void BenchOptions::declare_requests() {
  load::Plan& plan = command_.plan;
  options_.section("Requests");
  options_.text(
      "mix", mix_, "SEND:PULL:FOLLOW", "three weights from 0 to 1000, not all 0",
      [](std::string_view text) { return parse_mix(text).has_value(); },
      "How often each kind of request comes. SEND sends a message. PULL reads the first page of a chat. FOLLOW reads "
      "what is new in a chat since the connection last read it.");
  options_.count("chats", plan.chats, 1, kMaxChats,
                 "The number of chats. They are u000000:v000000, u000001:v000001 and so on.");
  options_.count("first-chat", plan.first_chat, 0, kMaxChats, "The number in the name of the first chat.");
  options_.text(
      "zipf", zipf_, "S", "a number from 0 to 3", [](std::string_view text) { return parse_zipf(text).has_value(); },
      "How much busier some chats are than others: the exponent of Zipf's law. With 0 the chats take turns.");
  options_.size("text", plan.text_bytes, load::Texts::kLeast, kMaxText, "The size of each message's text.");
  options_.flag("keyed", plan.keyed, "Give each send an idempotency key of its own.");
  options_.count("limit", plan.limit, 1, kMaxPullLimit, "The number of messages in a page.");
}

void BenchOptions::declare_output() {
  options_.section("Output");
  options_.flag("no-verify", no_verify_, "Do not read the acknowledged messages back at the end.");
  options_.flag("json", command_.json, "Print the report as one line of JSON.");
  options_.text("csv", command_.csv, "FILE", "the path of a file", is_path,
                "Write the figures of each second to this file, as CSV.");
  options_.text("plot", command_.plot, "FILE", "the path of a file", is_path,
                "Draw the latencies into this file, as SVG.");
}

std::expected<load::BenchCommand, std::string> BenchOptions::command() const {
  load::BenchCommand out = command_;
  load::Plan& plan = out.plan;
  plan.url = *http::ServerUrl::parse(url_);
  plan.url.authorities = authorities_;
  plan.rate = *parse_rate(rate_);
  plan.mix = *parse_mix(mix_);
  plan.zipf = *parse_zipf(zipf_);
  plan.requests = requests_;
  plan.verify = !no_verify_;
  if (plan.threads == 0) plan.threads = net::LoopPool::usable_processors();
  plan.threads = std::min(plan.threads, plan.connections);
  // A number of requests takes the time that it takes, unless a time is given too.
  if (requests_ > 0 && !options_.is_set("duration")) plan.duration = hours(24);
  if (out.search && plan.rate == 0) return std::unexpected("--search cannot begin at --rate max: write a number");
  if (plan.warmup >= plan.duration)
    return std::unexpected("--warmup leaves nothing of --duration to measure: write a shorter one");
  return out;
}

}  // namespace parley::app
