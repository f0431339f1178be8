#include "rpc/wire/binary_scanner.h"

#include "rpc/wire/big_endian.h"

namespace parley::rpc {
namespace {

// The types of Thrift's binary protocol, by their numbers there.
enum Type : std::uint8_t {
  kStop = 0,
  kBool = 2,
  kByte = 3,
  kDouble = 4,
  kI16 = 6,
  kI32 = 8,
  kI64 = 10,
  kString = 11,
  kStruct = 12,
  kMap = 13,
  kSet = 14,
  kList = 15,
};

constexpr std::size_t kSizeBytes = 4;  // of a string or container

/// Bytes of a value of this type, 0 where that depends on the value.
std::size_t fixed_size(std::uint8_t type) noexcept {
  switch (type) {
    case kBool:
    case kByte: return 1;
    case kI16: return 2;
    case kI32: return 4;
    case kI64:
    case kDouble: return 8;
    default: return 0;
  }
}

bool is_negative(std::uint32_t size) noexcept { return (size >> 31) != 0; }

}  // namespace

BinaryScanner::State BinaryScanner::scan(std::string_view bytes) noexcept {
  bytes_ = bytes;
  State state = head_done_ ? State::kDone : head();
  while (state == State::kDone && (depth_ > 0 || pending_ != 0)) state = step();
  if (state == State::kDone && !has(0)) return State::kMore;  // the last value is not all there
  return state;
}

/// 80 01, a byte of no meaning, the message's type; the method; the sequence id. Then comes a struct.
BinaryScanner::State BinaryScanner::head() noexcept {
  constexpr std::size_t kVersion = 4;
  constexpr std::size_t kSequenceId = 4;
  if (!has(kVersion + kSizeBytes)) return State::kMore;
  const std::uint32_t method = load_u32(bytes_.substr(kVersion));
  if (!bytes_.starts_with("\x80\x01") || is_negative(method)) return State::kUnreadable;
  position_ = kVersion + kSizeBytes + method + kSequenceId;
  head_done_ = true;
  return push({});
}

BinaryScanner::State BinaryScanner::step() noexcept {
  if (!has(0)) return State::kMore;  // so that no step is made for what has only been announced
  if (pending_ != 0) return begin_value();
  Level& level = levels_[depth_ - 1];
  if (!level.is_struct) {
    if (level.left == 0) {
      --depth_;
      return State::kDone;
    }
    pending_ = level.types[level.left % 2];
    --level.left;
    return State::kDone;
  }
  constexpr std::size_t kFieldHead = 3;  // type and id
  if (!has(1)) return State::kMore;
  if (byte(0) == kStop) {
    ++position_;
    --depth_;
    return State::kDone;
  }
  if (!has(kFieldHead)) return State::kMore;
  pending_ = byte(0);
  position_ += kFieldHead;
  return State::kDone;
}

BinaryScanner::State BinaryScanner::begin_value() noexcept {
  if (const std::size_t size = fixed_size(pending_); size > 0) {
    position_ += size;
    pending_ = 0;
    return State::kDone;
  }
  switch (pending_) {
    case kStruct: pending_ = 0; return push({});
    case kString: return begin_string();
    case kMap:
    case kSet:
    case kList: return begin_container();
    default: return State::kUnreadable;
  }
}

BinaryScanner::State BinaryScanner::begin_string() noexcept {
  if (!has(kSizeBytes)) return State::kMore;
  const std::uint32_t size = load_u32(bytes_.substr(position_));
  if (is_negative(size)) return State::kUnreadable;
  position_ += kSizeBytes + size;
  pending_ = 0;
  return State::kDone;
}

BinaryScanner::State BinaryScanner::begin_container() noexcept {
  const std::size_t types = pending_ == kMap ? 2 : 1;
  if (!has(types + kSizeBytes)) return State::kMore;
  const std::uint32_t size = load_u32(bytes_.substr(position_ + types));
  if (is_negative(size)) return State::kUnreadable;
  // Elements without a type would take no bytes, and so any number of steps.
  if (size > 0 && (byte(0) == kStop || byte(types - 1) == kStop)) return State::kUnreadable;
  // Keys come when an even number is left, values when an odd one is.
  const Level level{.types = {byte(0), byte(types - 1)}, .is_struct = false, .left = std::uint64_t{size} * types};
  position_ += types + kSizeBytes;
  pending_ = 0;
  return push(level);
}

BinaryScanner::State BinaryScanner::push(Level level) noexcept {
  if (depth_ == kMaxDepth) return State::kUnreadable;
  levels_[depth_++] = level;
  return State::kDone;
}

}  // namespace parley::rpc
