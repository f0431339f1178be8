#include "rpc/wire/wire_form.h"

#include <array>
#include <utility>

#include "rpc/wire/big_endian.h"

namespace parley::rpc {
namespace {

constexpr std::size_t kLengthSize = 4;
constexpr std::array<std::pair<std::string_view, std::string_view>, 1> kReadyToReset{{{kReadyToResetKey, "1"}}};

void append_framed(std::string& out, std::string_view message) {
  append_u32(out, static_cast<std::uint32_t>(message.size()));
  out += message;
}

void append_ttheader_answer(std::string& out, const WireForm& form, std::string_view message, bool ready_to_reset) {
  TTHeaderFields fields{.sequence_id = form.sequence_id, .protocol_id = form.protocol_id};
  if (ready_to_reset) fields.strings = kReadyToReset;
  if (!form.inner_frame) return append_ttheader(out, fields, message);
  std::string framed;
  append_framed(framed, message);
  append_ttheader(out, fields, framed);
}

std::unexpected<Error> no_message() {
  return fail(ErrorCode::kMalformedRequest, "the frame holds no Thrift message of a known protocol");
}

Result<Incoming> open_ttheader(std::string_view frame) {
  auto header = decode_ttheader(frame);
  if (!header) return std::unexpected(std::move(header).error());
  const auto payload = parse_payload(header->payload);
  if (!payload) return no_message();
  const WireForm form{.kind = WireForm::Kind::kTTHeader,
                      .protocol_id = header->protocol_id,
                      .sequence_id = header->sequence_id,
                      .inner_frame = payload->framed};
  return Incoming{form, *payload, *header};
}

}  // namespace

Result<Incoming> open_message(std::string_view message, WireForm::Kind kind) {
  if (kind == WireForm::Kind::kTTHeader) return open_ttheader(message);
  if (kind == WireForm::Kind::kFramed) message.remove_prefix(kLengthSize);
  const auto protocol = protocol_of(message);
  if (!protocol) return no_message();
  return Incoming{{.kind = kind}, {*protocol, false, message}, {}};
}

void append_answer(std::string& out, const WireForm& form, std::string_view message, bool ready_to_reset) {
  switch (form.kind) {
    case WireForm::Kind::kUnframed: out += message; return;
    case WireForm::Kind::kFramed: return append_framed(out, message);
    case WireForm::Kind::kTTHeader: return append_ttheader_answer(out, form, message, ready_to_reset);
  }
}

void append_ready_to_reset(std::string& out) {
  // A reply of the method "none", with an empty struct: Kitex reads it like any other.
  constexpr std::string_view kNothing{"\x80\x01\x00\x02\x00\x00\x00\x04none\x00\x00\x00\x00\x00", 17};
  append_ttheader(out, {.strings = kReadyToReset}, kNothing);
}

MessageFinder::State MessageFinder::find(std::string_view bytes) noexcept {
  if (bytes.empty()) return State::kMore;
  if (bytes[0] == '\0') return find_framed(bytes);
  if (bytes[0] != '\x80') return State::kUnknown;
  if (bytes.size() == 1) return State::kMore;
  return bytes[1] == '\x01' ? find_unframed(bytes) : State::kUnknown;
}

MessageFinder::State MessageFinder::find_unframed(std::string_view bytes) noexcept {
  kind_ = WireForm::Kind::kUnframed;
  const auto scanned = scanner_.scan(bytes);
  size_ = scanner_.size();
  if (size_ > max_message_) return State::kTooLarge;
  switch (scanned) {
    case BinaryScanner::State::kMore: return State::kMore;
    case BinaryScanner::State::kDone: return State::kFound;
    case BinaryScanner::State::kUnreadable: return State::kUnreadable;
  }
  return State::kUnreadable;
}

MessageFinder::State MessageFinder::find_framed(std::string_view bytes) noexcept {
  constexpr std::size_t kTold = kLengthSize + 2;
  if (bytes.size() < kTold) return State::kMore;
  if (is_ttheader(bytes)) {
    kind_ = WireForm::Kind::kTTHeader;
  } else if (protocol_of(bytes.substr(kLengthSize))) {
    kind_ = WireForm::Kind::kFramed;
  } else {
    return State::kUnknown;
  }
  size_ = kLengthSize + load_u32(bytes);
  if (size_ < kTold) return State::kUnknown;
  if (size_ > max_message_) return State::kTooLarge;
  return bytes.size() < size_ ? State::kMore : State::kFound;
}

}  // namespace parley::rpc
