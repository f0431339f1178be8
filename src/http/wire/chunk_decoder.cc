#include "http/wire/chunk_decoder.h"

#include <algorithm>
#include <charconv>

#include "http/wire/framing.h"

namespace parley::http {
namespace {

std::unexpected<Error> malformed(std::string detail) { return fail(ErrorCode::kMalformedRequest, std::move(detail)); }

}  // namespace

Result<std::size_t> ChunkDecoder::feed(std::string_view bytes, std::string& body) {
  const std::size_t given = bytes.size();
  while (!bytes.empty() && state_ != State::kDone) {
    if (state_ == State::kData) {
      take_data(bytes, body);
      continue;
    }
    const auto whole = take_line(bytes);
    if (!whole) return std::unexpected(whole.error());
    if (!*whole) break;
    if (auto checked = on_line(body.size()); !checked) return std::unexpected(std::move(checked).error());
    line_.clear();
  }
  return given - bytes.size();
}

void ChunkDecoder::take_data(std::string_view& bytes, std::string& body) {
  const std::size_t n = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
  body.append(bytes.substr(0, n));
  bytes.remove_prefix(n);
  left_ -= n;
  if (left_ == 0) state_ = State::kDataEnd;
}

Result<bool> ChunkDecoder::take_line(std::string_view& bytes) {
  const std::size_t newline = bytes.find('\n');
  const std::size_t n = newline == std::string_view::npos ? bytes.size() : newline + 1;
  if (state_ == State::kTrailer) {
    trailers_ += n;
    if (trailers_ > max_trailers_) return fail(ErrorCode::kHeadersTooLarge, "the trailers are too large");
  } else if (line_.size() + n > kMaxExtensions) {
    return malformed("a chunk's size line is too long");
  }
  line_.append(bytes.substr(0, n));
  bytes.remove_prefix(n);
  if (newline == std::string_view::npos) {
    // Chunk data with no CRLF behind it would otherwise be collected as a line that never ends.
    if (state_ == State::kDataEnd && line_ != "\r") return malformed("a chunk is longer than its size");
    return false;
  }
  if (!line_.ends_with("\r\n")) return malformed("a line of the chunked body does not end in CRLF");
  line_.resize(line_.size() - 2);
  return true;
}

Result<void> ChunkDecoder::on_line(std::size_t body_size) {
  switch (state_) {
    case State::kSize: return on_size(body_size);
    case State::kDataEnd:
      if (!line_.empty()) return malformed("a chunk is longer than its size");
      state_ = State::kSize;
      return {};
    case State::kTrailer: return on_trailer();
    case State::kData:
    case State::kDone: break;
  }
  return {};
}

Result<void> ChunkDecoder::on_size(std::size_t body_size) {
  const char* const end = line_.data() + line_.size();
  const auto [after, error] = std::from_chars(line_.data(), end, left_, 16);
  if (error != std::errc()) return malformed("a chunk's size is not a hexadecimal number");
  const std::string_view rest(after, static_cast<std::size_t>(end - after));
  if (!rest.empty()) {
    // RFC 9112, 7.1.1: white space before the semicolon must be put up with, but for no other reason.
    const std::size_t semicolon = rest.find_first_not_of(" \t");
    if (semicolon == std::string_view::npos || rest[semicolon] != ';' || !is_field_text(rest)) {
      return malformed("a chunk's size is followed by something other than an extension");
    }
    extensions_ += rest.size();
    if (extensions_ > kMaxExtensions) return malformed("the chunk extensions are too large");
  }
  if (left_ > max_body_ - std::min(body_size, max_body_)) {
    return fail(ErrorCode::kBodyTooLarge, "the body is larger than " + std::to_string(max_body_) + " bytes");
  }
  state_ = left_ == 0 ? State::kTrailer : State::kData;
  return {};
}

Result<void> ChunkDecoder::on_trailer() {
  if (line_.empty()) {
    state_ = State::kDone;
    return {};
  }
  return check_field_line(line_);
}

}  // namespace parley::http
