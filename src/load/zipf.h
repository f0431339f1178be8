// Which chat is next: some are busier than others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <vector>

namespace parley::load {

/// The cumulated weights of Zipf's law over `count` chats: number n (from 0) has the weight 1 / (n + 1)^exponent. May
/// be shared by threads.
class ZipfTable {
 public:
  ZipfTable(std::size_t count, double exponent);

  /// The number for a uniform `share` from [0, 1).
  [[nodiscard]] std::size_t at(double share) const noexcept;

 private:
  std::vector<double> cumulated_;
};

/// Chooses chats: by Zipf's law, or with the exponent 0 each in turn. One thread.
class ChatPicker {
 public:
  /// `first` is where its turns begin and `step` how far each goes, so that several pickers share one round.
  ChatPicker(std::size_t count, std::shared_ptr<const ZipfTable> zipf, std::size_t first, std::size_t step)
      : count_(count), zipf_(std::move(zipf)), next_(first), step_(step) {}

  template <class Random>
  [[nodiscard]] std::size_t next(Random& random) {
    if (zipf_) return zipf_->at(std::uniform_real_distribution<double>()(random));
    const std::size_t turn = next_ % count_;
    next_ += step_;
    return turn;
  }

 private:
  std::size_t count_;
  std::shared_ptr<const ZipfTable> zipf_;
  std::size_t next_;
  std::size_t step_;
};

}  // namespace parley::load
