// Cursors of events: whatever is read is written in one way only. The checksum is put right first, since no fuzzer
// finds it.
#include <boost/crc.hpp>

#include "base/base64url.h"
#include "chat/events_cursor.h"
#include "chat/message.h"
#include "fuzz.h"

namespace {

using namespace parley;
using fuzz::require;

void check(std::string_view text) {
  for (const std::size_t lanes : {1U, 2U, 64U}) {
    const auto cursor = read_events_cursor(text, "store", "a", lanes);
    if (!cursor) {
      const ErrorCode code = cursor.error().code;
      require(code == ErrorCode::kInvalidCursor || code == ErrorCode::kCursorGone,
              "a refused cursor is invalid or gone");
      continue;
    }
    require(cursor->numbers.size() == lanes, "there is a number for each lane");
    for (const std::int64_t number : cursor->numbers)
      require(number >= 0 && number <= kMaxSendTime, "numbers are times");
    require(cursor->backlog >= 0, "a backlog is not negative");
    require(write_events_cursor(*cursor, "store", "a") == text, "a cursor has one spelling");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = fuzz::as_text(data, size);
  check(bytes);
  std::string sealed(bytes);
  boost::crc_32_type crc;
  crc.process_bytes(bytes.data(), bytes.size());
  for (int i = 0; i < 4; ++i) sealed.push_back(static_cast<char>(crc.checksum() >> (8 * i)));
  check(base64url(sealed));
  return 0;
}
