// Where a strict binary Thrift message ends, told without a frame.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace parley::rpc {

/// Walks over the fields of one message as its bytes come in; each is looked at once, however they are cut. Costs no
/// memory beyond itself.
class BinaryScanner {
 public:
  enum class State : std::uint8_t {
    kMore,        ///< the message goes on
    kDone,        ///< it ends at size()
    kUnreadable,  ///< it is no message, or nests over kMaxDepth
  };
  static constexpr std::size_t kMaxDepth = 32;

  /// `bytes` are all that have come since the message began: those of the call before, and maybe more.
  [[nodiscard]] State scan(std::string_view bytes) noexcept;

  /// How many bytes the message has: all of them once it is done, until then at least so many.
  [[nodiscard]] std::size_t size() const noexcept { return position_; }

 private:
  /// A struct, or what is left of a container.
  struct Level {
    std::uint8_t types[2] = {0, 0};  // of elements, taken in turn: a map has two, a list twice the same
    bool is_struct = true;
    std::uint64_t left = 0;  // elements
  };

  [[nodiscard]] bool has(std::size_t count) const noexcept { return position_ + count <= bytes_.size(); }
  [[nodiscard]] std::uint8_t byte(std::size_t at) const noexcept {
    return static_cast<std::uint8_t>(bytes_[position_ + at]);
  }
  // Each goes on by one step, or returns kMore or kUnreadable and stays where it is.
  [[nodiscard]] State head() noexcept;
  [[nodiscard]] State step() noexcept;
  [[nodiscard]] State begin_value() noexcept;
  [[nodiscard]] State begin_string() noexcept;
  [[nodiscard]] State begin_container() noexcept;
  [[nodiscard]] State push(Level level) noexcept;

  std::string_view bytes_;
  std::size_t position_ = 0;
  std::uint8_t pending_ = 0;  // the type of a value that comes next; 0: none
  bool head_done_ = false;
  std::size_t depth_ = 0;
  std::array<Level, kMaxDepth> levels_{};
};

}  // namespace parley::rpc
