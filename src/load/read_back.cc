#include "load/read_back.h"

#include <algorithm>
#include <exception>
#include <map>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/co_spawn.hpp>

#include "chat/message.h"
#include "cli/api_client.h"
#include "net/loop.h"

namespace parley::load {
namespace {

using Timer = boost::asio::basic_waitable_timer<Clock, boost::asio::wait_traits<Clock>, Executor>;

constexpr std::size_t kReaders = 16;
constexpr std::chrono::seconds kPatience{15};  // with a chat; with all of them together, as long after the last timeout
constexpr std::chrono::milliseconds kPause{100};
constexpr std::chrono::milliseconds kLook{20};  // between two looks at the clock and for an interrupt
/// Before the first acknowledged time: a second copy of it may be earlier, by another node's clock.
constexpr std::chrono::microseconds kBefore = std::chrono::seconds(10);

struct ChatWork {
  std::vector<NamedSend> sends;
  std::vector<FollowRecord> follows;
  bool judged = false;
};

class Reader {
 public:
  Reader(const Plan& plan, const Texts& texts, std::span<const Ledger* const> ledgers)
      : plan_(plan), texts_(texts), ledgers_(ledgers) {
    for (std::uint32_t worker = 0; worker < ledgers_.size(); ++worker) collect(worker, *ledgers_[worker]);
    first_ =
        first_ == std::numeric_limits<std::int64_t>::max() ? 0 : std::max<std::int64_t>(0, first_ - kBefore.count());
    next_ = work_.begin();
  }

  Verdict run(const Interrupt& interrupt) {
    const auto rethrow = [](const std::exception_ptr& bug) {
      if (bug) std::rethrow_exception(bug);
    };
    for (std::size_t i = 0; i < kReaders; ++i) boost::asio::co_spawn(loop_.io(), read_chats(), rethrow);
    const bool came_before = interrupt.came();
    while (Clock::now() < give_up_ && interrupt.came() == came_before && reading_ > 0) loop_.io().run_for(kLook);
    for (const auto& [chat, work] : work_) {
      if (!work.judged) verdict_.merge(unread_chat(work.sends));
    }
    return verdict_;
  }

 private:
  void collect(std::uint32_t worker, const Ledger& ledger) {
    for (std::uint32_t number = 0; number < ledger.sends.size(); ++number) {
      const SendRecord& send = ledger.sends[number];
      work_[send.chat].sends.push_back({{worker, number}, &send});
      if (send.send_time != 0) first_ = std::min(first_, send.send_time);
    }
    for (const FollowRecord& follow : ledger.follows) {
      if (const auto chat = work_.find(follow.chat); chat != work_.end()) chat->second.follows.push_back(follow);
    }
  }

  Async<> read_chats() {
    http::HttpClient client(loop_, plan_.url, std::chrono::ceil<std::chrono::milliseconds>(plan_.timeout));
    while (next_ != work_.end()) {
      auto& [chat, work] = *next_++;
      const auto stored = co_await read_chat(client, chat);
      if (!stored) continue;
      verdict_.merge(judge_chat(work.sends, work.follows, *stored));
      work.judged = true;
    }
    --reading_;
  }

  Async<std::optional<std::vector<StoredMessage>>> read_chat(http::HttpClient& client, std::uint32_t chat) {
    std::vector<StoredMessage> out;
    cli::PullCall call{.chat = chat_name(chat), .cursor = first_, .limit = kMaxPullLimit};
    for (;;) {
      const cli::Outcome<cli::Pulled> page = co_await pull_patiently(client, call);
      if (!page && page.error().code == "chat_not_found") co_return out;
      if (!page) co_return std::nullopt;
      for (const cli::PulledMessage& message : page->messages) out.push_back(stored(message));
      call.cursor = page->next_cursor;
      if (!page->has_more) co_return out;
    }
  }

  StoredMessage stored(const cli::PulledMessage& message) const {
    const auto owner = texts_.owner(message.text);
    return {.time = message.send_time, .owner = owner, .intact = !owner || message.text == texts_.text(*owner)};
  }

  Async<cli::Outcome<cli::Pulled>> pull_patiently(http::HttpClient& client, const cli::PullCall& call) {
    const Clock::time_point until = Clock::now() + kPatience;
    Timer timer(loop_.executor());
    for (;;) {
      cli::Outcome<cli::Pulled> page = co_await cli::pull(client, call);
      const bool answered = page || !page.error().passing;
      if (answered) give_up_ = give_up_after();
      if (answered || Clock::now() > until) co_return page;
      timer.expires_after(kPause);
      co_await timer.async_wait(kAwait);
    }
  }

  [[nodiscard]] Clock::time_point give_up_after() const { return Clock::now() + plan_.timeout + kPatience; }

  const Plan& plan_;
  const Texts& texts_;
  const std::span<const Ledger* const> ledgers_;
  std::map<std::uint32_t, ChatWork> work_;
  std::map<std::uint32_t, ChatWork>::iterator next_;
  std::int64_t first_ = std::numeric_limits<std::int64_t>::max();
  Verdict verdict_;
  Clock::time_point give_up_ = give_up_after();  // unless an answer comes
  std::size_t reading_ = kReaders;
  net::Loop loop_;  // last: what has not ended uses the rest
};

}  // namespace

Verdict read_back(const Plan& plan, const Texts& texts, std::span<const Ledger* const> ledgers,
                  const Interrupt& interrupt) {
  return Reader(plan, texts, ledgers).run(interrupt);
}

}  // namespace parley::load
