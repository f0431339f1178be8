#include "chat/events_cursor.h"

#include <algorithm>
#include <optional>

#include <boost/crc.hpp>

#include "base/base64url.h"
#include "base/varint.h"
#include "chat/chat_id.h"
#include "chat/message.h"

namespace parley {
namespace {

// The version, the store's id and the user, each after its length, the backlog, the number of lanes, the least number,
// and what each number has above it. Then a checksum, so that what was mangled on the way is noticed. All numbers are
// varints, each in its only form, so a cursor has only one.
constexpr char kVersion = 1;
constexpr std::size_t kMaxStoreIdBytes = 64;
constexpr std::size_t kMaxTimeBytes = 8;  // of a varint up to kMaxSendTime
constexpr std::size_t kChecksumBytes = 4;

static_assert(kMaxSendTime < std::int64_t{1} << (7 * kMaxTimeBytes));
static_assert((1 + 1 + kMaxStoreIdBytes + 1 + kMaxMemberBytes + 5 + 1 + kMaxTimeBytes + kMaxLanes * kMaxTimeBytes +
               kChecksumBytes + 2) /
                  3 * 4 <=
              kMaxEventsCursorBytes);

void append_name(std::string& out, std::string_view name) {
  append_varint(out, name.size());
  out.append(name);
}

std::string checksum(std::string_view bytes) {
  boost::crc_32_type crc;
  crc.process_bytes(bytes.data(), bytes.size());
  std::string out;
  for (std::size_t i = 0; i < kChecksumBytes; ++i) out.push_back(static_cast<char>(crc.checksum() >> (8 * i)));
  return out;
}

/// What is left to read.
class Bytes {
 public:
  explicit Bytes(std::string_view bytes) : left_(bytes) {}

  std::optional<std::uint64_t> varint(std::uint64_t max) {
    const auto value = take_varint(left_);
    return value && *value <= max ? value : std::nullopt;
  }
  std::optional<std::string_view> name(std::size_t max) {
    const auto size = varint(max);
    if (!size || *size > left_.size()) return std::nullopt;
    const std::string_view name = left_.substr(0, *size);
    left_.remove_prefix(*size);
    return name;
  }
  [[nodiscard]] bool empty() const noexcept { return left_.empty(); }

 private:
  std::string_view left_;
};

/// All that a cursor says.
struct Said {
  std::string_view store_id;
  std::string_view user;
  EventsCursor cursor;
};

std::optional<Said> read(std::string_view bytes) {
  if (bytes.size() <= kChecksumBytes || bytes[0] != kVersion) return std::nullopt;
  const std::string_view body = bytes.substr(0, bytes.size() - kChecksumBytes);
  if (bytes.substr(body.size()) != checksum(body)) return std::nullopt;
  Bytes in(body.substr(1));
  const auto store_id = in.name(kMaxStoreIdBytes);
  const auto user = store_id ? in.name(kMaxMemberBytes) : std::nullopt;
  const auto backlog = user ? in.varint(kMaxBacklog) : std::nullopt;
  const auto lanes = backlog ? in.varint(kMaxLanes) : std::nullopt;
  const auto least = lanes ? in.varint(kMaxSendTime) : std::nullopt;
  if (!least || *lanes == 0) return std::nullopt;
  Said said{*store_id, *user, {.numbers = {}, .backlog = static_cast<std::int32_t>(*backlog)}};
  bool has_least = false;
  for (std::uint64_t lane = 0; lane < *lanes; ++lane) {
    const auto above = in.varint(kMaxSendTime - *least);
    if (!above) return std::nullopt;
    has_least = has_least || *above == 0;
    said.cursor.numbers.push_back(static_cast<std::int64_t>(*least + *above));
  }
  if (!in.empty() || !has_least) return std::nullopt;
  return said;
}

}  // namespace

std::string write_events_cursor(const EventsCursor& cursor, std::string_view store_id, std::string_view user) {
  std::string bytes(1, kVersion);
  append_name(bytes, store_id);
  append_name(bytes, user);
  append_varint(bytes, static_cast<std::uint64_t>(cursor.backlog));
  append_varint(bytes, cursor.numbers.size());
  const std::int64_t least = std::ranges::min(cursor.numbers);
  append_varint(bytes, static_cast<std::uint64_t>(least));
  for (const std::int64_t number : cursor.numbers) append_varint(bytes, static_cast<std::uint64_t>(number - least));
  bytes += checksum(bytes);
  return base64url(bytes);
}

Result<EventsCursor> read_events_cursor(std::string_view text, std::string_view store_id, std::string_view user,
                                        std::size_t lanes) {
  const auto bytes = text.size() <= kMaxEventsCursorBytes ? from_base64url(text) : std::nullopt;
  auto said = bytes ? read(*bytes) : std::nullopt;
  if (!said) return fail(ErrorCode::kInvalidCursor, "the cursor is none of the events");
  if (said->store_id != store_id) return fail(ErrorCode::kCursorGone, "the cursor is of another store");
  if (said->user != user) return fail(ErrorCode::kCursorGone, "the cursor is of another user");
  if (said->cursor.numbers.size() != lanes) {
    return fail(ErrorCode::kCursorGone, "the cursor is of a store with another number of lanes");
  }
  return std::move(said->cursor);
}

}  // namespace parley
