#include "store/embedded/write_ahead_log.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>

#include <boost/crc.hpp>
#include <boost/endian/conversion.hpp>

namespace parley::store {
namespace {

constexpr std::size_t kBlockBytes = std::size_t{32} << 10;
constexpr std::size_t kHeaderBytes = 7;  // checksum 4, length 2, type 1
constexpr std::size_t kBatchHeaderBytes = 12;

enum FragmentType : unsigned char { kZero = 0, kFull = 1, kFirst = 2, kMiddle = 3, kLast = 4 };

struct Fragment {
  unsigned char type;
  std::size_t size;  // with its header
};

std::uint32_t masked_crc32c(std::string_view bytes) {
  boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> crc;
  crc.process_bytes(bytes.data(), bytes.size());
  const std::uint32_t sum = crc.checksum();
  return ((sum >> 15) | (sum << 17)) + 0xa282ead8U;
}

bool is_zero(std::string_view bytes) { return bytes.find_first_not_of('\0') == std::string_view::npos; }

/// The fragment that `bytes` begin with, if it is whole and its checksum right.
std::optional<Fragment> fragment_at(std::string_view bytes) {
  if (bytes.size() < kHeaderBytes) return std::nullopt;
  const auto* const head = reinterpret_cast<const unsigned char*>(bytes.data());
  const std::size_t length = boost::endian::load_little_u16(head + 4);
  if (head[6] < kFull || head[6] > kLast || kHeaderBytes + length > bytes.size()) return std::nullopt;
  if (masked_crc32c(bytes.substr(6, 1 + length)) != boost::endian::load_little_u32(head)) return std::nullopt;
  return Fragment{head[6], kHeaderBytes + length};
}

/// Walks a log block by block.
class Walk {
 public:
  /// `offset` is the block's; the last block may be short.
  void block(std::string_view bytes, std::uint64_t offset) {
    std::size_t at = 0;
    while (at + kHeaderBytes <= bytes.size() && check_.state != WalCheck::State::kDamaged) {
      if (is_zero(bytes.substr(at))) {
        if (!zeros_at_) zeros_at_ = offset + at;
        return;
      }
      if (zeros_at_) break_at(*zeros_at_);  // something comes after them, so they are not what was allocated ahead
      if (const auto fragment = fragment_at(bytes.substr(at))) {
        take(*fragment, bytes.substr(at + kHeaderBytes, fragment->size - kHeaderBytes), offset + at);
        at += fragment->size;
      } else {
        // Its length cannot be believed, so the next whole fragment is searched for byte by byte.
        break_at(offset + at);
        ++at;
      }
    }
    if (bytes.size() < kBlockBytes && at < bytes.size()) break_at(offset + at);
  }

  [[nodiscard]] WalCheck result(std::uint64_t size) const {
    WalCheck out = check_;
    if (out.state == WalCheck::State::kSound && batch_begun_) {
      out.state = WalCheck::State::kTornTail;
      out.offset = size;
    }
    return out;
  }

 private:
  void take(const Fragment& fragment, std::string_view payload, std::uint64_t offset) {
    const bool begins = fragment.type == kFull || fragment.type == kFirst;
    if (begins == batch_begun_) break_at(offset);  // the batch before lacks its end, or this one its beginning
    if (begins && check_.state == WalCheck::State::kTornTail) check_.state = WalCheck::State::kDamaged;
    batch_begun_ = fragment.type == kFirst || fragment.type == kMiddle;
    if (begins) batch_header_.clear();
    batch_header_.append(payload.substr(0, kBatchHeaderBytes - batch_header_.size()));
    if (!batch_begun_ && check_.state == WalCheck::State::kSound) count_batch();
  }
  void count_batch() {
    if (batch_header_.size() < kBatchHeaderBytes) return;
    const auto* const head = reinterpret_cast<const unsigned char*>(batch_header_.data());
    const std::uint64_t sequence = boost::endian::load_little_u64(head);
    if (!check_.first) check_.first = sequence;
    check_.next = sequence + boost::endian::load_little_u32(head + 8);
  }
  void break_at(std::uint64_t offset) {
    if (check_.state != WalCheck::State::kSound) return;
    check_.state = WalCheck::State::kTornTail;
    check_.offset = offset;
  }

  WalCheck check_;
  std::string batch_header_;
  std::optional<std::uint64_t> zeros_at_;
  bool batch_begun_ = false;
};

}  // namespace

WalCheck check_write_ahead_log(const std::filesystem::path& log) {
  std::ifstream file(log, std::ios::binary);
  std::array<char, kBlockBytes> buffer;
  Walk walk;
  std::uint64_t offset = 0;
  while (file.read(buffer.data(), buffer.size()) || file.gcount() > 0) {
    const std::string_view bytes(buffer.data(), static_cast<std::size_t>(file.gcount()));
    walk.block(bytes, offset);
    offset += bytes.size();
  }
  return walk.result(offset);
}

}  // namespace parley::store
