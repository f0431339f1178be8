#include "store/embedded/store_facts.h"

#include <charconv>
#include <chrono>
#include <cstdarg>
#include <memory>
#include <system_error>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <rocksdb/iterator.h>

#include "store/embedded/keys.h"

namespace parley::store {
namespace {

/// RocksDB would write its own log into the folder.
class NoLog final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

}  // namespace

rocksdb::Status read_facts(rocksdb::DB& db, StoreFacts& facts) {
  auto status = db.Get({}, to_slice(kFormatKey), &facts.format);
  if (status.IsNotFound()) {
    const std::unique_ptr<rocksdb::Iterator> any(db.NewIterator({}));
    any->SeekToFirst();
    if (any->Valid()) facts.unreadable = "it holds a RocksDB database that Parley did not make";
    return any->status();  // else its making was cut short
  }
  if (!status.ok()) return status;
  facts.made = true;
  if (facts.format != std::to_string(kFormatVersion)) return status;
  if (status = db.Get({}, to_slice(kStoreIdKey), &facts.id); !status.ok()) return status;
  std::string last;
  status = db.Get({}, to_slice(kLastTimeKey), &last);
  if (status.IsNotFound()) return rocksdb::Status::OK();
  if (!status.ok()) return status;
  const auto time = decode_time(last);
  if (!time) facts.unreadable = "the record of its last time is corrupt: restore it from a backup";
  facts.last_time = time.value_or(0);
  return status;
}

StoreFacts look_at_store(const std::filesystem::path& folder, rocksdb::Env& env) {
  StoreFacts facts;
  std::error_code error;
  if (!std::filesystem::exists(folder / "CURRENT", error)) return facts;
  rocksdb::Options options;
  options.env = &env;
  options.info_log = std::make_shared<NoLog>();
  options.max_open_files = 64;
  options.skip_stats_update_on_db_open = true;
  rocksdb::DB* opened = nullptr;
  auto status = rocksdb::DB::OpenForReadOnly(options, folder.string(), &opened);
  const std::unique_ptr<rocksdb::DB> db(opened);
  if (status.ok()) status = read_facts(*db, facts);
  if (!status.ok()) facts.unreadable = status.ToString();
  return facts;
}

Finding judge_store(const std::filesystem::path& folder, const StoreFacts& facts) {
  const std::string subject = "store in " + folder.string();
  if (!facts.unreadable.empty()) {
    return {subject, "it cannot be read: " + facts.unreadable, "the server does not start, unless it runs already",
            "stop the server and look again. If it still cannot be read, restore it from a backup"};
  }
  if (!facts.made) return {subject, "there is none: the server makes one"};
  if (facts.format != std::to_string(kFormatVersion)) {
    return {subject, why_not_ours(facts.format), "the server does not start", "do as it says there"};
  }
  return {subject, facts.last_time == 0 ? fmt::format("it has format {} and no messages", facts.format)
                                        : fmt::format("it has format {}, and its last message is of {}", facts.format,
                                                      readable_time(facts.last_time))};
}

std::string why_not_ours(const std::string& format) {
  std::uint64_t version = 0;
  std::from_chars(format.data(), format.data() + format.size(), version);
  if (version > kFormatVersion) {
    return fmt::format(
        "its format is version {}, and this program reads version {}: start the newer version of Parley "
        "that made it",
        format, kFormatVersion);
  }
  return fmt::format(
      "its format is version {}, from before the first release, and this program reads version {}: "
      "choose another folder",
      format, kFormatVersion);
}

std::string readable_time(std::int64_t microseconds) {
  if (microseconds == 0) return "none";
  using Time = std::chrono::sys_time<std::chrono::microseconds>;
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}Z",
                     std::chrono::floor<std::chrono::seconds>(Time(std::chrono::microseconds(microseconds))));
}

}  // namespace parley::store
