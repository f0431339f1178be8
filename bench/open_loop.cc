// Sends at a fixed rate, whatever the server does, and times each answer from when its request was due.
//
// A closed loop (wrk) sends less while the server stalls, and so does not see its own waiting; here a request that
// could not be sent in time, because every connection still waited, has that wait counted.
//
//     open_loop ADDRESS PORT RATE REQUESTS CONNECTIONS FIRST CHATS [keyed]
//
// RATE 0 is as fast as the connections allow, to fill a store. The messages, of 100 bytes, go to CHATS chats in turn,
// numbered from FIRST on as in requests.lua; keyed, each under an idempotency key of its own. Prints
// {"requests":…,"errors":…,"p50_us":…,"p99_us":…,…,"gap_us":…}, the last the longest time without an answer.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio.hpp>
#include <fmt/format.h>
#include <sys/prctl.h>

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Clock = std::chrono::steady_clock;

struct Plan {
  tcp::endpoint server;
  std::chrono::nanoseconds interval;
  std::uint64_t requests;
  std::uint64_t first_chat;
  std::uint64_t chats;
  bool keyed;
};

struct Figures {
  std::vector<std::uint64_t> latencies_us;
  std::uint64_t errors = 0;
  std::uint64_t gap_us = 0;
};

class Generator {
 public:
  Generator(asio::io_context& io, const Plan& plan) : io_(io), plan_(plan) {
    figures_.latencies_us.reserve(plan.requests);
  }

  Figures run(std::size_t connections) {
    std::vector<std::unique_ptr<tcp::socket>> sockets;
    for (std::size_t i = 0; i < connections; ++i) {
      sockets.push_back(std::make_unique<tcp::socket>(io_));
      sockets.back()->connect(plan_.server);
      sockets.back()->set_option(tcp::no_delay(true));
    }
    begin_ = Clock::now() + std::chrono::milliseconds(100);
    last_answer_ = begin_;
    for (auto& socket : sockets) asio::co_spawn(io_, drive(*socket), rethrow);
    io_.run();
    return std::move(figures_);
  }

 private:
  static void rethrow(std::exception_ptr thrown) {
    if (thrown) std::rethrow_exception(thrown);
  }

  /// One connection: takes the next request that is due, until there are none.
  asio::awaitable<void> drive(tcp::socket& socket) {
    asio::steady_timer timer(io_);
    std::string buffer;
    while (next_ < plan_.requests) {
      const std::uint64_t number = next_++;
      const Clock::time_point due = due_time(number);
      if (due > Clock::now()) {
        timer.expires_at(due);
        co_await timer.async_wait(asio::use_awaitable);
      }
      const std::string request = make_request(number);
      co_await asio::async_write(socket, asio::buffer(request), asio::use_awaitable);
      const bool good = co_await read_answer(socket, buffer);
      if (!good) ++figures_.errors;
      const Clock::time_point now = Clock::now();
      figures_.latencies_us.push_back(microseconds(now - due));
      figures_.gap_us = std::max(figures_.gap_us, microseconds(now - last_answer_));
      last_answer_ = now;
    }
  }

  [[nodiscard]] static std::uint64_t microseconds(Clock::duration time) {
    return static_cast<std::uint64_t>(std::max(std::chrono::duration_cast<std::chrono::microseconds>(time).count(), 0L));
  }

  [[nodiscard]] Clock::time_point due_time(std::uint64_t number) const {
    if (plan_.interval.count() == 0) return Clock::now();
    return begin_ + number * plan_.interval;
  }

  [[nodiscard]] std::string make_request(std::uint64_t number) const {
    const std::uint64_t chat = plan_.first_chat + number % plan_.chats;
    const std::string key = plan_.keyed ? fmt::format(R"(,"idempotency_key":"{}")", number) : "";
    const std::string body =
        fmt::format(R"({{"chat":"u{0:06}:v{0:06}","sender":"u{0:06}","text":"{1:x>100}"{2}}})", chat, "", key);
    return fmt::format(
        "POST /api/send HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
        body.size(), body);
  }

  /// Reads one answer that has a Content-Length, and says whether it was a 200.
  static asio::awaitable<bool> read_answer(tcp::socket& socket, std::string& buffer) {
    constexpr std::size_t kLongest = 65536;
    const std::size_t head = co_await asio::async_read_until(socket, asio::dynamic_buffer(buffer, kLongest), "\r\n\r\n",
                                                             asio::use_awaitable);
    constexpr std::string_view kName = "Content-Length: ";
    const std::size_t at = buffer.find(kName);
    if (at > head) throw std::runtime_error("an answer without Content-Length");
    const std::size_t whole = head + std::strtoull(buffer.c_str() + at + kName.size(), nullptr, 10);
    if (buffer.size() < whole) {
      co_await asio::async_read(socket, asio::dynamic_buffer(buffer, kLongest),
                                asio::transfer_exactly(whole - buffer.size()), asio::use_awaitable);
    }
    const bool good = buffer.starts_with("HTTP/1.1 200");
    buffer.erase(0, whole);
    co_return good;
  }

  asio::io_context& io_;
  Plan plan_;
  Clock::time_point begin_;
  Clock::time_point last_answer_;
  std::uint64_t next_ = 0;
  Figures figures_;
};

void print(Figures figures) {
  std::vector<std::uint64_t>& sorted = figures.latencies_us;
  std::ranges::sort(sorted);
  const auto at = [&sorted](double share) { return sorted[static_cast<std::size_t>(share * (sorted.size() - 1.0))]; };
  fmt::print(R"({{"requests":{},"errors":{},"p50_us":{},"p99_us":{},"p999_us":{},"max_us":{},"gap_us":{}}})"
             "\n",
             sorted.size(), figures.errors, at(0.5), at(0.99), at(0.999), sorted.back(),
             figures.gap_us);
}

}  // namespace

int main(int argc, char** argv) try {
  const bool keyed = argc == 9 && std::string_view(argv[8]) == "keyed";
  if (argc != 8 && !keyed) {
    fmt::print(stderr, "usage: open_loop ADDRESS PORT RATE REQUESTS CONNECTIONS FIRST CHATS [keyed]\n");
    return 2;
  }
  prctl(PR_SET_TIMERSLACK, 1UL);  // or every wait would end 50 µs late
  const auto number = [argv](int at) { return std::strtoull(argv[at], nullptr, 10); };
  const std::uint64_t rate = number(3);
  const Plan plan{.server = {asio::ip::make_address(argv[1]), static_cast<std::uint16_t>(number(2))},
                  .interval = std::chrono::nanoseconds(rate == 0 ? 0 : 1'000'000'000 / rate),
                  .requests = number(4),
                  .first_chat = number(6),
                  .chats = number(7),
                  .keyed = keyed};
  if (plan.requests == 0 || plan.chats == 0) throw std::runtime_error("there is nothing to send");
  asio::io_context io(1);
  print(Generator(io, plan).run(number(5)));
  return 0;
} catch (const std::exception& error) {
  fmt::print(stderr, "open_loop: {}\n", error.what());
  return 1;
}
