// The seam between the service and the engine: a log for each chat, tables, an index, and a bell.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/container/small_vector.hpp>

#include "base/clock.h"
#include "base/health.h"
#include "base/task.h"
#include "chat/chat_id.h"
#include "chat/events_cursor.h"
#include "chat/message.h"
#include "chat/record.h"
#include "store/bell.h"
#include "store/records.h"

namespace parley::store {

/// How far below a record the index rows of its chat may lie, in microseconds.
inline constexpr std::int64_t kIndexGrain = 600'000'000;

inline constexpr std::size_t kMaxRowNameBytes = 256;
inline constexpr std::size_t kMaxRowValueBytes = std::size_t{64} << 10;
inline constexpr std::size_t kMaxRowsOfWrite = 4096;  ///< rows of one write() or Change
/// The names, values and operands of those rows, and the bodies of a change's records but for the first, in bytes.
inline constexpr std::size_t kMaxBytesOfWrite = std::size_t{1} << 20;

// The log ------------------------------------------------------------------------------------------------------------

/// Sets a row, or takes it away, if its condition holds.
struct RowWrite {
  enum class If : std::uint8_t {
    kAlways,
    kAbsent,  ///< there is no such row
    kEquals,  ///< the row is there, and is `operand`
    kBelow,   ///< the row is not there, or below `operand` by bytes
  };

  std::string name;                  ///< 1 to kMaxRowNameBytes bytes
  std::optional<std::string> value;  ///< at most kMaxRowValueBytes; none: the row is taken away
  If condition = If::kAlways;
  std::string operand{};
};

/// What happens to a chat in one step: all of it, or nothing.
struct Change {
  ChatId chat;
  boost::container::small_vector<RecordDraft, 1> records;  ///< at least one; their times rise in this order
  /// Of the first record, by which a repeat is told. Its body has the key as field 2, as every MessageBody does. Or
  /// empty.
  std::string idempotency_key{};
  std::vector<RowWrite> rows{};  ///< of the chat's table; a condition fails: nothing is done
  /// Whose index rows tell of it. A chat of two tells both of its members whatever stands here. Each is in the index
  /// before the change can be seen, as MessageStore::index() promises.
  std::vector<std::string> audience{};
};

/// What became of a change.
struct Appended {
  std::int64_t send_time = 0;  ///< the first record's; the others' are the next ones
  bool duplicate = false;      ///< nothing was stored now: an earlier change with this key was
  bool refused = false;        ///< nothing was stored: a row is not as its condition says, and that is durable
};

/// Which records of a chat, and how many.
struct RecordRange {
  PageRange page;
  bool all_kinds = false;  ///< else messages alone
  std::int64_t end = 0;    ///< only records before this one, as the page goes: below it, in reverse above it; 0: all
};

/// The next ones of a chat.
struct RecordPage {
  Records records;
  bool has_more = false;  ///< whether records of the range beyond the last one were left out
};

// Tables -------------------------------------------------------------------------------------------------------------

/// Whose table.
struct TableId {
  enum class Of : std::uint8_t { kChat, kUser };
  Of of = Of::kChat;
  std::string name;  ///< the chat's or user's
};

struct Row {
  std::string name;
  std::string value;

  friend bool operator==(const Row&, const Row&) = default;
};

/// Rows by name, in the order of their bytes.
struct RowRange {
  std::string from{};                            ///< inclusive
  std::string to{};                              ///< exclusive; empty: to the end
  std::size_t limit = 100;                       ///< 1 to 1000
  std::size_t max_bytes = std::size_t{1} << 20;  ///< of names and values; the first row is served whatever its size
};

struct RowPage {
  std::vector<Row> rows;
  bool has_more = false;
};

struct Written {
  bool refused = false;  ///< nothing was done: a row is not as its condition says, and that is durable
};

// The index ----------------------------------------------------------------------------------------------------------

/// That a user's chat moved.
struct IndexRow {
  std::string chat;
  std::int64_t time = 0;

  friend bool operator==(const IndexRow&, const IndexRow&) = default;
};

inline constexpr std::size_t kMaxIndexRows = 16384;  ///< of a page

/// Rows of an index by time, newest first; of one time, by the chats' names, the last first.
struct IndexRange {
  std::int64_t least = 0;           ///< rows of at least this time
  std::optional<IndexRow> after{};  ///< only what comes after this row, which need not be there any more
  std::size_t limit = 100;          ///< 1 to kMaxIndexRows
  /// The other way round. A row that rises between two pages is not missed then, but may come twice. So may one that
  /// rose long ago, first with a time that it had before.
  bool oldest_first = false;
};

/// What was so at one moment. Between two pages of the same age rows only rose.
struct IndexPage {
  std::vector<IndexRow> rows;
  bool has_more = false;
  /// Another one if a failover came between, which may have lowered rows whose rise was not confirmed. A scan by
  /// several pages has to begin again then, or it misses a row that fell behind it.
  std::uint64_t age = 0;
};

/// The name under which the index tells what moved in a lane, for those who follow all of it. No member has it.
[[nodiscard]] std::string follower_of(std::size_t lane);

/// Whether clocks() takes what is known, or has the newest one confirmed.
enum class Clocks : std::uint8_t { kKnown, kNewest };

/// Keeps the records of every chat in the order of their times, and what belongs to them.
///
/// A store has lanes, and a chat or user lies in one of them. A lane is one order: a record gets its time as it is
/// stored, max(the clock, the lane's last time + 1), and can be seen from then on. So nothing appears in a lane at or
/// below a time that was seen there.
///
/// One contract suite (message_store_contract.h) says in tests what is said here in words. Every call is made on a
/// loop's thread (net::Loop::current()), from any number of loops at once, and resumes there. Errors of every call:
/// kOverloaded (a queue is full, or the deadline passed before anything was begun), kUnavailable. Whatever changes
/// something was not done then. It may have been, or may still be done, after kOutcomeUnknown (the write failed, or
/// the deadline passed once it was begun).
/// kBodyTooLarge: a change is above kMaxRowsOfWrite or kMaxBytesOfWrite. Nothing was done.
class MessageStore {
 public:
  virtual ~MessageStore() = default;

  /// Stores `change`. Returns when it is as durable as the store promises. No reader sees it before.
  ///
  /// With an idempotency key, the first append of (chat, sender, key) stores. A repeat within the window stores nothing
  /// and answers the first one's time with `duplicate`, whatever its rows. If the first one is still under way, the
  /// repeat waits for it. kIdempotencyConflict: the key came with another record.
  [[nodiscard]] virtual Task<Appended> append(Change change, Deadline deadline) = 0;

  /// The records of `chat` from the cursor on, in order. Bytes are page_bytes() of each. kChatNotFound: the chat never
  /// had a record; a range with an end is only empty then.
  [[nodiscard]] virtual Task<RecordPage> read(ChatId chat, RecordRange range, Deadline deadline) = 0;

  /// The table's rows. It sees what was acknowledged before.
  [[nodiscard]] virtual Task<RowPage> rows(TableId table, RowRange range, Deadline deadline) = 0;

  /// Writes all of `rows`, or none; durable as a change is. Names differ.
  [[nodiscard]] virtual Task<Written> write(TableId table, std::vector<RowWrite> rows, Deadline deadline) = 0;

  /// A user's index, or that of follower_of() a lane. For every record of time t that anybody can see, it has a row of
  /// the record's chat of at least t − kIndexGrain, for each of its audience and for its lane. A row's time only rises,
  /// but for IndexPage::age.
  [[nodiscard]] virtual Task<IndexPage> index(std::string user, IndexRange range, Deadline deadline) = 0;

  [[nodiscard]] virtual std::size_t lanes() const noexcept = 0;  ///< 1 to kMaxLanes
  [[nodiscard]] virtual std::size_t lane_of(std::string_view chat) const noexcept = 0;

  /// How many reads one caller had better have under way at once: more would not be faster, and keep others waiting. At
  /// least 1.
  [[nodiscard]] virtual std::size_t reads_at_once() const noexcept = 0;

  /// For each lane, a time up to which all records are durable and nothing comes any more, also after a failover.
  /// kNewest: all that can be seen when the call begins is at or below it.
  [[nodiscard]] virtual Task<std::vector<std::int64_t>> clocks(Clocks which, Deadline deadline) = 0;

  /// Rings when a chat or a user's index has moved.
  [[nodiscard]] virtual Bell& bell() noexcept = 0;

  /// Whether reads and appends are possible, as far as this loop knows. It asks nobody.
  [[nodiscard]] virtual Health health() const = 0;

  /// The store's random id, made once when the store was. It becomes another one if somebody else replaces the store
  /// under a running process, as in Redis. Any thread.
  [[nodiscard]] virtual std::string id() const = 0;
};

}  // namespace parley::store
