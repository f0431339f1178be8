// The forms that messages come in on the RPC port, told apart by their first bytes, and answers in kind.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "rpc/wire/binary_scanner.h"
#include "rpc/wire/payload.h"
#include "rpc/wire/ttheader.h"

namespace parley::rpc {

/// How a message came, as far as its answer must be like it.
struct WireForm {
  enum class Kind : std::uint8_t { kUnframed, kFramed, kTTHeader };
  Kind kind = Kind::kUnframed;
  // Of TTHeader only.
  std::uint8_t protocol_id = 0;
  std::int32_t sequence_id = 0;
  bool inner_frame = false;
};

/// A message taken out of its form. The views are into it.
struct Incoming {
  WireForm form;
  Payload payload;
  TTHeader header;  ///< of TTHeader only, else without anything
};

/// Takes apart a whole message of this kind. The error says why that cannot be.
[[nodiscard]] Result<Incoming> open_message(std::string_view message, WireForm::Kind kind);

/// Appends an answer's message in this form. `ready_to_reset`: says, where the form can, that the connection will
/// close.
void append_answer(std::string& out, const WireForm& form, std::string_view message, bool ready_to_reset);

/// Appends the frame that tells a client, between answers, that the connection will close: the one that a Kitex server
/// sends its multiplexed connections at shutdown.
void append_ready_to_reset(std::string& out);

/// Finds where the first message of a stream ends. A frame's claimed length is never more than compared.
class MessageFinder {
 public:
  enum class State : std::uint8_t {
    kMore,        ///< the message goes on
    kFound,       ///< kind() and size() say what there is
    kTooLarge,    ///< over the limit
    kUnknown,     ///< none of the forms
    kUnreadable,  ///< an unframed message whose end nobody can tell
  };

  explicit MessageFinder(std::size_t max_message) : max_message_(max_message) {}

  /// `bytes` are all that have come since the message began.
  [[nodiscard]] State find(std::string_view bytes) noexcept;
  [[nodiscard]] WireForm::Kind kind() const noexcept { return kind_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  /// Begins anew, with the message that follows.
  void next() noexcept { scanner_ = {}; }

 private:
  [[nodiscard]] State find_unframed(std::string_view bytes) noexcept;
  [[nodiscard]] State find_framed(std::string_view bytes) noexcept;

  std::size_t max_message_;
  WireForm::Kind kind_ = WireForm::Kind::kUnframed;
  std::size_t size_ = 0;
  BinaryScanner scanner_;
};

}  // namespace parley::rpc
