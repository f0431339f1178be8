#include "rpc/wire/ttheader.h"

#include "rpc/wire/big_endian.h"

namespace parley::rpc {
namespace {

constexpr std::string_view kMagic{"\x10\x00", 2};
constexpr std::size_t kLengthSize = 4;
constexpr std::size_t kFixedSize = 14;  // up to and with HEADER SIZE
constexpr std::size_t kMaxHeader = std::size_t{64} << 10;

enum InfoKind : unsigned char { kPadding = 0x00, kStrings = 0x01, kInts = 0x10, kToken = 0x11 };

/// Takes values off the front of what there is. Once there is too little, everything it takes is empty.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  [[nodiscard]] bool failed() const noexcept { return failed_; }
  [[nodiscard]] bool done() const noexcept { return failed_ || bytes_.empty(); }

  std::string_view take(std::size_t size) noexcept {
    failed_ = failed_ || size > bytes_.size();
    if (failed_) return {};
    const std::string_view taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }
  unsigned char take_u8() noexcept {
    const std::string_view byte = take(1);
    return failed_ ? 0 : static_cast<unsigned char>(byte[0]);
  }
  std::uint16_t take_u16() noexcept {
    const std::string_view bytes = take(2);
    return failed_ ? 0 : load_u16(bytes);
  }
  std::string_view take_string() noexcept { return take(take_u16()); }

 private:
  std::string_view bytes_;
  bool failed_ = false;
};

/// Calls `on_int(key, value)` and `on_string(key, value)` for each pair in `infos`. Whether they are well-formed.
template <class OnInt, class OnString>
bool walk(std::string_view infos, OnInt on_int, OnString on_string) {
  Reader reader(infos);
  while (!reader.done()) {
    switch (reader.take_u8()) {
      case kPadding: break;
      case kStrings:
        for (std::uint16_t left = reader.take_u16(); left > 0 && !reader.failed(); --left) {
          const std::string_view key = reader.take_string();
          on_string(key, reader.take_string());
        }
        break;
      case kInts:
        for (std::uint16_t left = reader.take_u16(); left > 0 && !reader.failed(); --left) {
          const std::uint16_t key = reader.take_u16();
          on_int(key, reader.take_string());
        }
        break;
      case kToken: (void)reader.take_string(); break;
      default: return false;
    }
  }
  return !reader.failed();
}

constexpr auto kNothing = [](const auto&, std::string_view) {};

std::unexpected<Error> malformed(std::string why) { return fail(ErrorCode::kMalformedRequest, std::move(why)); }

void append_string(std::string& out, std::string_view text) {
  append_u16(out, static_cast<std::uint16_t>(text.size()));
  out += text;
}

void append_infos(std::string& out, const TTHeaderFields& fields) {
  if (!fields.strings.empty()) {
    out += static_cast<char>(kStrings);
    append_u16(out, static_cast<std::uint16_t>(fields.strings.size()));
    for (const auto& [key, value] : fields.strings) {
      append_string(out, key);
      append_string(out, value);
    }
  }
  if (fields.ints.empty()) return;
  out += static_cast<char>(kInts);
  append_u16(out, static_cast<std::uint16_t>(fields.ints.size()));
  for (const auto& [key, value] : fields.ints) {
    append_u16(out, key);
    append_string(out, value);
  }
}

}  // namespace

std::optional<std::string_view> TTHeader::find(std::uint16_t key) const noexcept {
  std::optional<std::string_view> found;
  walk(
      infos,
      [&](std::uint16_t at, std::string_view value) {
        if (at == key) found = value;
      },
      kNothing);
  return found;
}

std::optional<std::string_view> TTHeader::find(std::string_view key) const noexcept {
  std::optional<std::string_view> found;
  walk(infos, kNothing, [&](std::string_view at, std::string_view value) {
    if (at == key) found = value;
  });
  return found;
}

bool is_ttheader(std::string_view bytes) noexcept {
  return bytes.size() >= kLengthSize + kMagic.size() && bytes.substr(kLengthSize).starts_with(kMagic);
}

Result<TTHeader> decode_ttheader(std::string_view frame) {
  if (frame.size() < kFixedSize || !is_ttheader(frame)) return malformed("this is no TTHeader frame");
  if (load_u32(frame) != frame.size() - kLengthSize) return malformed("the frame is not as long as it says");
  const std::size_t header_size = std::size_t{load_u16(frame.substr(12))} * 4;
  if (header_size > kMaxHeader) return malformed("the header is over 64 KiB");
  if (header_size < 2 || header_size > frame.size() - kFixedSize) return malformed("the header does not fit the frame");
  const std::string_view header = frame.substr(kFixedSize, header_size);
  if (header[1] != 0) return malformed("transforms are not supported");

  TTHeader out{.flags = load_u16(frame.substr(6)),
               .sequence_id = static_cast<std::int32_t>(load_u32(frame.substr(8))),
               .protocol_id = static_cast<std::uint8_t>(header[0]),
               .infos = header.substr(2),
               .payload = frame.substr(kFixedSize + header_size)};
  if (!walk(out.infos, kNothing, kNothing)) return malformed("the headers cannot be read");
  return out;
}

void append_ttheader(std::string& out, const TTHeaderFields& fields, std::string_view payload) {
  std::string header;
  header += static_cast<char>(fields.protocol_id);
  header += '\0';  // no transforms
  append_infos(header, fields);
  header.resize((header.size() + 3) / 4 * 4);
  append_u32(out, static_cast<std::uint32_t>(kFixedSize - kLengthSize + header.size() + payload.size()));
  out += kMagic;
  append_u16(out, fields.flags);
  append_u32(out, static_cast<std::uint32_t>(fields.sequence_id));
  append_u16(out, static_cast<std::uint16_t>(header.size() / 4));
  out += header;
  out += payload;
}

}  // namespace parley::rpc
