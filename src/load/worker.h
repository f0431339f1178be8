// One thread of the load generator, with its connections.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include <boost/asio/basic_waitable_timer.hpp>

#include "load/arrivals.h"
#include "load/connection.h"
#include "load/histogram.h"
#include "load/interrupt.h"
#include "load/ledger.h"
#include "load/timeline.h"
#include "load/zipf.h"
#include "net/loop.h"

namespace parley::load {

/// What a run has found out, of one worker or of all.
struct Measured {
  std::array<LatencyHistogram, kKindNames.size()> latencies{};  ///< by Kind, failures included
  std::map<std::string, std::uint64_t, std::less<>> errors{};   ///< by what went wrong
  std::uint64_t no_chat = 0;                                    ///< pulls of chats that have no message yet; no errors
  std::uint64_t bad_pages = 0;  ///< pages out of order, too long, or with what was not asked for

  void merge(const Measured& other);
  [[nodiscard]] LatencyHistogram all() const;
  [[nodiscard]] std::uint64_t error_count() const;
};

/// What the workers of a run have in common. Outlives them.
struct Shared {
  const Plan& plan;
  boost::asio::ip::tcp::endpoint server;
  const net::TlsSource* tls;
  const Texts& texts;
  std::shared_ptr<const ZipfTable> zipf;
  Timeline& timeline;
  const Interrupt& interrupt;
  Clock::time_point begin;
};

class Worker {
 public:
  Worker(const Shared& shared, std::uint32_t index);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Runs to the end of the plan, or of the requests that are under way when an interrupt comes. Blocks.
  void run();

  // After run().
  [[nodiscard]] const Measured& measured() const noexcept { return measured_; }
  [[nodiscard]] const Ledger& ledger() const noexcept { return ledger_; }

 private:
  using Timer = boost::asio::basic_waitable_timer<Clock, boost::asio::wait_traits<Clock>, Executor>;
  struct Lane;  // a connection and what belongs to it

  [[nodiscard]] Async<> drive(Lane& lane);
  [[nodiscard]] Async<> send(Lane& lane, std::size_t chat, Clock::time_point due);
  [[nodiscard]] Async<> pull(Lane& lane, std::size_t chat, Clock::time_point due);
  [[nodiscard]] Async<> follow(Lane& lane, std::size_t chat, Clock::time_point due);
  /// Expires what takes too long, and looks for an interrupt, until the last lane has ended.
  [[nodiscard]] Async<> watch();
  /// Begins no further request, and drops those that are overdue.
  void stop();

  /// The exchange, measured; false where it was no success. A chat that has no message yet is none, and no error.
  [[nodiscard]] Async<bool> ask(Lane& lane, Kind kind, Clock::time_point due);
  void record(Kind kind, Clock::time_point due, std::string_view error);
  [[nodiscard]] Kind pick_kind();
  [[nodiscard]] bool is_page(std::string_view body, std::int64_t cursor) const;

  const Shared& shared_;
  const std::uint32_t index_;
  net::Loop loop_;
  std::mt19937_64 random_;
  std::discrete_distribution<int> kinds_;
  ChatPicker chats_;
  Arrivals arrivals_;
  Clock::time_point give_up_;  // past it, what could not even be begun is not
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::size_t running_ = 0;
  Measured measured_;
  Ledger ledger_;
};

}  // namespace parley::load
