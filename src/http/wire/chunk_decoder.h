// Takes a chunked body (RFC 9112, 7.1) out of its chunks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace parley::http {

/// Decodes one body, fed in pieces of any size. Strict, since whoever is in front of us may see other boundaries in
/// what is not: CRLF only, no white space around a size, nothing after data but CRLF. Extensions and trailers are
/// checked, counted and dropped.
class ChunkDecoder {
 public:
  /// Extensions of a whole body; nobody uses them, so this is for whoever tries.
  static constexpr std::size_t kMaxExtensions = 4096;

  ChunkDecoder(std::size_t max_body, std::size_t max_trailers) : max_body_(max_body), max_trailers_(max_trailers) {}

  /// Appends to `body` what is in `bytes`, and returns how many of them it used: all, unless done() now. The errors are
  /// kMalformedRequest, kBodyTooLarge (before a byte of the chunk that passes the limit is taken), kHeadersTooLarge
  /// (the trailers). After an error, or when done(), it must not be called again.
  [[nodiscard]] Result<std::size_t> feed(std::string_view bytes, std::string& body);

  [[nodiscard]] bool done() const noexcept { return state_ == State::kDone; }

 private:
  enum class State : std::uint8_t { kSize, kData, kDataEnd, kTrailer, kDone };

  /// Moves a line from the front of `bytes` to line_. False where its end is still to come.
  [[nodiscard]] Result<bool> take_line(std::string_view& bytes);
  [[nodiscard]] Result<void> on_line(std::size_t body_size);
  [[nodiscard]] Result<void> on_size(std::size_t body_size);
  [[nodiscard]] Result<void> on_trailer();
  void take_data(std::string_view& bytes, std::string& body);

  std::size_t max_body_;
  std::size_t max_trailers_;
  std::size_t extensions_ = 0;  // bytes so far
  std::size_t trailers_ = 0;    // bytes so far
  std::uint64_t left_ = 0;      // of the chunk's data
  std::string line_;
  State state_ = State::kSize;
};

}  // namespace parley::http
