#include "load/read_back.h"

#include <algorithm>
#include <exception>
#include <map>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "chat/message.h"
#include "cli/api_client.h"

namespace parley::load {
namespace {

using Timer = boost::asio::basic_waitable_timer<Clock, boost::asio::wait_traits<Clock>, Executor>;

constexpr std::size_t kReaders = 16;
constexpr std::chrono::seconds kPatience{15};
constexpr std::chrono::milliseconds kPause{100};
/// Before the first acknowledged time: a second copy of it may be earlier, by another node's clock.
constexpr std::chrono::microseconds kBefore = std::chrono::seconds(10);

struct ChatWork {
  std::vector<NamedSend> sends;
  std::vector<FollowRecord> follows;
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

  Verdict run() {
    const auto rethrow = [](const std::exception_ptr& bug) {
      if (bug) std::rethrow_exception(bug);
    };
    for (std::size_t i = 0; i < kReaders; ++i) boost::asio::co_spawn(io_, read_chats(), rethrow);
    io_.run();
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
    cli::HttpClient client(io_.get_executor(), plan_.url, std::chrono::ceil<std::chrono::milliseconds>(plan_.timeout));
    while (next_ != work_.end()) {
      const auto& [chat, work] = *next_++;
      const auto stored = co_await read_chat(client, chat);
      if (stored) {
        verdict_.merge(judge_chat(work.sends, work.follows, *stored));
      } else {
        verdict_.merge({.chats = 1, .unread = 1});
      }
    }
  }

  Async<std::optional<std::vector<StoredMessage>>> read_chat(cli::HttpClient& client, std::uint32_t chat) {
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

  Async<cli::Outcome<cli::Pulled>> pull_patiently(cli::HttpClient& client, const cli::PullCall& call) {
    const Clock::time_point until = Clock::now() + kPatience;
    Timer timer(io_.get_executor());
    for (;;) {
      cli::Outcome<cli::Pulled> page = co_await cli::pull(client, call);
      if (page || !page.error().passing || Clock::now() > until) co_return page;
      timer.expires_after(kPause);
      co_await timer.async_wait(kAwait);
    }
  }

  const Plan& plan_;
  const Texts& texts_;
  const std::span<const Ledger* const> ledgers_;
  boost::asio::io_context io_{1};
  std::map<std::uint32_t, ChatWork> work_;
  std::map<std::uint32_t, ChatWork>::const_iterator next_;
  std::int64_t first_ = std::numeric_limits<std::int64_t>::max();
  Verdict verdict_;
};

}  // namespace

Verdict read_back(const Plan& plan, const Texts& texts, std::span<const Ledger* const> ledgers) {
  return Reader(plan, texts, ledgers).run();
}

}  // namespace parley::load
