#include "redis/loop_client.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace parley::redis {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Outcome = CallResult::Outcome;

constexpr milliseconds kFirstPause{20};
constexpr milliseconds kLongestPause{200};
constexpr int kQuickRedirects = 5;  // without a pause: nodes that disagree may send us in a circle
constexpr int kMaxRedirects = 50;
constexpr seconds kAskedAnyway{10};  // a node that slots are moved to is in no layout before it has one

bool is_error(const CallResult& result) { return result.outcome == Outcome::kAnswered && result.reply.is_error(); }

CallResult refused(std::string why) { return {.outcome = Outcome::kRefused, .why = std::move(why)}; }

Async<CallResult> call_over(std::shared_ptr<Link> link, std::string command, milliseconds patience) {
  if (!link->up()) co_return refused(link->reason());
  const auto connection = link->connection();
  CallResult result = co_await connection->call(command, {.deadline = net::Loop::current().now() + patience});
  co_return result;
}

}  // namespace

/// A call until it has an end. Lives in the frame of call().
struct LoopClient::Attempt {
  const Command& command;
  const CallOptions options;
  CallResult result{};
  std::shared_ptr<Master> master{};  // that is called
  std::shared_ptr<Master> asked{};   // where an ASK led, for one call
  bool late = false;                 // the command is one of an earlier moment
  int redirects = 0;
  milliseconds pause{0};  // before it goes on
  milliseconds next_pause = kFirstPause;

  void be_patient() { pause = std::exchange(next_pause, std::min(2 * next_pause, kLongestPause)); }
};

LoopClient::LoopClient(net::Loop& loop, const ClientOptions& options, ClientMetrics& metrics,
                       std::function<void()> look)
    : loop_(loop),
      options_(options),
      metrics_(metrics),
      look_(std::move(look)),
      tasks_(loop.executor()),
      context_{{loop, tasks_, metrics, [this] { on_change(); }}, options, look_, [this] { ++changes_; }},
      none_since_(loop_.now()) {}

void LoopClient::set_layout(const Layout& layout) {
  why_none_ = layout.why;
  ++changes_;
  const auto before = std::exchange(masters_, {});
  for (const net::Endpoint& server : layout.masters) {
    const auto known = std::ranges::find(before, server, [](const auto& master) { return master->server(); });
    masters_.push_back(known != before.end() ? *known : std::make_shared<Master>(context_, server, kind()));
    masters_.back()->listed = true;
  }
  owners_.clear();
  for (const std::uint16_t index : layout.owners) {
    owners_.push_back(index == Layout::kNobody ? nullptr : masters_[index]);
  }
  const Deadline now = loop_.now();
  for (const auto& master : before) {
    if (std::ranges::find(masters_, master) != masters_.end()) continue;
    master->listed = false;
    if (master->asked_at && now - *master->asked_at < kAskedAnyway) {
      masters_.push_back(master);
    } else {
      master->retire();
    }
  }
  on_change();
}

void LoopClient::stop() {
  stopped_ = true;
  owners_.clear();
  for (const auto& master : std::exchange(masters_, {})) master->retire();
  waiters_.wake_all();
}

Async<CallResult> LoopClient::call(Command command, CallOptions options) {
  Attempt attempt{.command = command, .options = options};
  while (true) {
    Link* link = choose(attempt);
    if (link == nullptr || !link->up()) link = co_await acquire(attempt);
    if (link == nullptr) break;
    if (std::exchange(attempt.late, false) && command.remake) command.bytes = command.remake();
    const auto connection = link->connection();
    const bool asking = std::exchange(attempt.asked, nullptr) == attempt.master;
    link->metrics().in_flight.add(1);
    if (options.begun != nullptr) *options.begun = true;
    PendingCall sent(*connection, command.bytes, options, asking, attempt.result);
    co_await sent.ended();
    link->metrics().in_flight.add(-1);
    const CallResult& result = attempt.result;
    link->metrics().observe(result.outcome);
    if (is_error(result)) {
      const auto refusal = refusal_of(result.reply.text, command.script);
      metrics_.observe(refusal);
      if (!refusal || *refusal == Refusal::kNoScript || !goes_on(attempt, *refusal, *link)) break;
    } else if (result.outcome != Outcome::kLost || result.sent) {
      if (result.outcome == Outcome::kAnswered) attempt.master->refusing_since.reset();
      break;
    }
    metrics_.retries.add();
    attempt.late = true;
    if (options.begun != nullptr) *options.begun = false;
    if (const auto pause = std::exchange(attempt.pause, {}); pause.count() > 0) {
      net::TimedWakeup paused;
      co_await paused.wait(loop_, loop_.now() + pause);
    }
  }
  if (attempt.result.outcome == Outcome::kRefused) metrics_.refused.add();
  co_return std::move(attempt.result);
}

Link* LoopClient::choose(Attempt& attempt) const {
  const bool redirected = attempt.asked && !attempt.asked->retired();
  attempt.master = redirected ? attempt.asked : owner(attempt.command.slot);
  return attempt.master ? attempt.master->link(attempt.options.replicate).get() : nullptr;
}

Async<Link*> LoopClient::acquire(Attempt& attempt) {
  while (true) {
    Link* const link = choose(attempt);
    if (link != nullptr && link->up()) co_return link;
    if (stopped_) {
      attempt.result = refused("the client stops");
      co_return nullptr;
    }
    look_();
    const Deadline since = link != nullptr ? link->down_since() : none_since_;
    const Deadline until = std::min(attempt.options.deadline, since + options_.patience);
    if (until <= loop_.now()) {
      attempt.result = refused(link != nullptr ? link->reason() : why_none_);
      co_return nullptr;
    }
    if (waiters_.size() >= options_.max_in_flight) {
      attempt.result = {.outcome = Outcome::kFull};
      co_return nullptr;
    }
    attempt.late = true;
    co_await waiters_.wait(loop_, until);
  }
}

bool LoopClient::goes_on(Attempt& attempt, Refusal refusal, Link& link) {
  attempt.result = refused(link.server().to_string() + ": " + attempt.result.reply.text);
  if (!passes_by_itself(refusal)) return false;
  if (refusal == Refusal::kMoved || refusal == Refusal::kAsk) {
    if (owners_.empty() || ++attempt.redirects > kMaxRedirects) return false;  // a node of a cluster that is none
    follow(attempt, refusal, link);
  } else {
    if (refusal != Refusal::kTryAgain && refusal != Refusal::kBusy) look_();
    if (refusal == Refusal::kReadOnly) link.renew();
    auto& since = attempt.master->refusing_since;
    if (!since) since = loop_.now();
    if (loop_.now() - *since > options_.patience) return false;
    attempt.be_patient();
  }
  return loop_.now() + attempt.pause < attempt.options.deadline;
}

void LoopClient::follow(Attempt& attempt, Refusal refusal, const Link& link) {
  if (attempt.redirects % kQuickRedirects == 0) attempt.be_patient();
  if (refusal == Refusal::kMoved) look_();
  auto target = target_of(attempt.result.why);
  if (!target) return attempt.be_patient();
  if (target->host.empty()) target->host = link.server().host;
  auto master = master_at(*target);
  if (refusal == Refusal::kAsk) {
    master->asked_at = loop_.now();
    attempt.asked = std::move(master);
  } else {
    master->listed = true;
    // It may have been promoted, and lack what the one before had.
    if (owners_[attempt.command.slot] != master) ++changes_;
    owners_[attempt.command.slot] = std::move(master);
  }
}

Async<> LoopClient::visit_masters(milliseconds patience, std::function<Async<>(std::string, Ask)> visit) {
  TaskGroup visits(loop_.executor());
  for (const auto& master : masters_) {
    if (!master->listed) continue;
    Ask ask = [link = master->link(false), patience](std::string command) {
      return call_over(link, std::move(command), patience);
    };
    visits.spawn(visit(master->server().to_string(), std::move(ask)));
  }
  co_await visits.wait();
}

Result<void> LoopClient::ready() const {
  if (masters_.empty()) return fail(ErrorCode::kUnavailable, why_none_);
  for (const auto& master : masters_) {
    const Link* const broken = master->broken();
    if (broken != nullptr && master->listed) return fail(ErrorCode::kUnavailable, broken->reason());
  }
  const auto lacking = std::ranges::count(owners_, nullptr);
  if (lacking == 0) return {};
  return fail(ErrorCode::kUnavailable, fmt::format("{} of the cluster's slots have no master", lacking));
}

Task<void> LoopClient::started(Deadline deadline) {
  while (!ready() && !turned_away() && loop_.now() < deadline) co_await waiters_.wait(loop_, deadline);
  co_return ready();
}

std::shared_ptr<Master> LoopClient::owner(std::uint16_t slot) const {
  if (!owners_.empty()) return owners_[slot];
  return masters_.empty() ? nullptr : masters_.front();
}

std::shared_ptr<Master> LoopClient::master_at(const net::Endpoint& server) {
  const auto known = std::ranges::find(masters_, server, [](const auto& master) { return master->server(); });
  if (known != masters_.end()) return *known;
  return masters_.emplace_back(std::make_shared<Master>(context_, server, kind()));
}

bool LoopClient::turned_away() const {
  return std::ranges::any_of(masters_, [](const auto& master) { return master->link(false)->turned_away(); });
}

Kind LoopClient::kind() const noexcept { return options_.topology == Topology::kCluster ? Kind::kNode : Kind::kMaster; }

void LoopClient::on_change() {
  if (!ready()) look_();
  waiters_.wake_all();
}

}  // namespace parley::redis
