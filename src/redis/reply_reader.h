// From the bytes of a connection to replies, by hiredis, within bounds.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "redis/reply.h"

struct redisReader;
struct redisReadTask;

namespace parley::redis {

struct ReplyLimits {
  std::size_t bytes = std::size_t{64} << 20;    ///< of one reply, as it is announced and as it comes
  std::size_t elements = std::size_t{1} << 20;  ///< of all arrays of one reply together; hiredis ends nesting at 7
  std::size_t line = std::size_t{64} << 10;     ///< of a status, an error or a number
};

/// Takes bytes and gives replies. What breaks a limit is refused when it is announced, before memory is taken for it.
class ReplyReader {
 public:
  explicit ReplyReader(ReplyLimits limits = {});
  ~ReplyReader();
  ReplyReader(const ReplyReader&) = delete;
  ReplyReader& operator=(const ReplyReader&) = delete;

  /// As much as it is wise to feed at once: each take() may move what is left.
  static constexpr std::size_t kPiece = std::size_t{4} << 10;

  void feed(std::string_view bytes);
  /// The next reply, or nothing while more bytes are needed. kBodyTooLarge: it breaks a limit; kBadUpstream: it is
  /// none, and the detail says why. After either there is nothing more to take.
  [[nodiscard]] Result<std::optional<Reply>> take();

 private:
  struct Functions;  // what hiredis calls
  struct Free {
    void operator()(redisReader* reader) const noexcept;
  };

  [[nodiscard]] Reply* place(const redisReadTask* task);
  [[nodiscard]] Reply* add_array(const redisReadTask* task, std::size_t size);
  /// Whether the item that has not come in full breaks a limit.
  [[nodiscard]] bool is_pending_too_large() const;

  const ReplyLimits limits_;
  std::unique_ptr<redisReader, Free> reader_;
  Reply root_;
  std::size_t elements_ = 0;  // announced so far in this reply
  std::size_t taken_ = 0;     // bytes of its texts
};

}  // namespace parley::redis
