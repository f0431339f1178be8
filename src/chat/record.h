// A record: one thing that happened in a chat. All that a chat is follows from its records.
#pragma once

#include <cstdint>
#include <string>

namespace parley {

/// What a record says; of each kind, idl/records.proto has the body. The numbers are on disk and in Redis and are never
/// used again. Readers skip kinds that they do not know.
enum class RecordKind : std::uint8_t {
  kMessage = 1,
  kEdit = 2,      ///< about a message
  kRecall = 3,    ///< about a message
  kReaction = 4,  ///< about a message
  kMark = 5,      ///< the sender has read up to `about`
  kMember = 6,
  kGroup = 7,
};

/// A record that is not stored yet. The store keeps it as it is.
struct RecordDraft {
  RecordKind kind = RecordKind::kMessage;
  std::string sender;      ///< who did it: a member's name
  std::int64_t about = 0;  ///< the time of what it is about; 0: nothing
  std::string body;        ///< protobuf, of its kind
};

/// A record as it is stored; its chat is the page's.
struct Record {
  RecordKind kind = RecordKind::kMessage;
  std::int64_t time = 0;  ///< microseconds since 1970: unique in its lane, and rising in the order of appends
  std::string sender;
  std::int64_t about = 0;
  std::string body;

  friend bool operator==(const Record&, const Record&) = default;
};

}  // namespace parley
