// The messages of a chat as a reader sees them: what was said, and what was done to it later.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "chat/message.h"
#include "chat/record.h"

namespace parley {

// What a message shows of its reactions, whatever its records say.
inline constexpr std::size_t kMaxReactionsOfUser = 10;
inline constexpr std::size_t kMaxReactionTexts = 100;
inline constexpr std::size_t kShownReactionUsers = 10;

/// Folds records of one chat into messages. The result depends only on which records were taken: not on their order,
/// nor on how often each came. A record's time is its name.
class MessageFold {
 public:
  /// Takes messages, and edits, recalls and reactions, which may come before what they are about. Other kinds, also
  /// unknown ones, are skipped. False: the body is corrupt, and nothing was taken.
  [[nodiscard]] bool add(const Record& record);

  /// The messages that were taken, by time. Each says what its last edit said. One that was recalled has lost all but
  /// its sender and times, whatever else was taken. `reader` is who is told which reactions and keys are the reader's
  /// own; empty: nobody.
  [[nodiscard]] std::vector<Message> messages(std::string_view reader = {}) const;

 private:
  struct Edit {
    std::int64_t time = 0;  // 0: none
    std::string text{};
    std::vector<std::string> mentions{};
    std::string data{};
  };
  struct Reacted {
    std::int64_t time = 0;
    bool removed = false;
  };
  struct Folded {
    std::optional<Message> message{};  // as its sender sees it
    Edit edit{};                       // the last one
    bool recalled = false;
    std::map<std::pair<std::string, std::string>, Reacted> reactions{};  // the last ones, by user and text
  };

  [[nodiscard]] bool add_message(const Record& record);
  [[nodiscard]] bool add_edit(const Record& record);
  [[nodiscard]] bool add_reaction(const Record& record);
  [[nodiscard]] static Message seen(const Folded& folded, std::string_view reader);
  [[nodiscard]] static std::vector<Reaction> reactions(const Folded& folded, std::string_view reader);

  std::map<std::int64_t, Folded> messages_;  // by time, also those of which only changes were taken
};

}  // namespace parley
