#include "store/embedded/options.h"

#include <algorithm>
#include <utility>

#include <rocksdb/convenience.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <rocksdb/write_buffer_manager.h>

#include "store/embedded/idempotency_expiry_filter.h"
#include "store/embedded/keys.h"
#include "store/embedded/left_places_filter.h"

namespace parley::store {
namespace {

/// A flush or compaction that failed loses nothing that was acknowledged, since the log still has it; but from then on
/// RocksDB takes no writes, and neither must we.
class BackgroundErrors final : public rocksdb::EventListener {
 public:
  explicit BackgroundErrors(OnFailure on_failure) : on_failure_(std::move(on_failure)) {}

  void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* error) override { on_failure_(*error); }
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status, bool* auto_recovery) override {
    *auto_recovery = false;
  }

 private:
  OnFailure on_failure_;
};

rocksdb::CompressionType compression() {
  const auto supported = rocksdb::GetSupportedCompressions();
  return std::ranges::find(supported, rocksdb::kLZ4Compression) != supported.end() ? rocksdb::kLZ4Compression
                                                                                   : rocksdb::kNoCompression;
}

rocksdb::BlockBasedTableOptions table_options(std::shared_ptr<rocksdb::Cache> cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = std::move(cache);
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.format_version = 5;
  table.block_size = std::size_t{8} << 10;
  return table;
}

rocksdb::ColumnFamilyOptions common(std::size_t write_buffer) {
  rocksdb::ColumnFamilyOptions family;
  family.write_buffer_size = write_buffer;
  family.max_write_buffer_number = 4;
  family.compression = compression();
  family.level_compaction_dynamic_level_bytes = true;
  return family;
}

}  // namespace

rocksdb::DBOptions database_options(const StoreOptions& options, std::shared_ptr<rocksdb::Cache> cache,
                                    OnFailure on_failure, rocksdb::Env& env) {
  rocksdb::DBOptions db;
  db.env = &env;
  db.create_if_missing = true;
  db.create_missing_column_families = true;
  db.listeners = {std::make_shared<BackgroundErrors>(std::move(on_failure))};
  db.max_bgerror_resume_count = 0;
  db.write_buffer_manager = std::make_shared<rocksdb::WriteBufferManager>(options.memory / 3, std::move(cache));
  // What bounds the time that replaying the log takes after a kill.
  db.max_total_wal_size = std::size_t{48} << 20;
  db.skip_stats_update_on_db_open = true;
  db.max_open_files = 512;
  db.max_background_jobs = 2;
  // One thread writes, so nothing needs to be concurrent.
  db.allow_concurrent_memtable_write = false;
  db.enable_write_thread_adaptive_yield = false;
  db.bytes_per_sync = std::size_t{1} << 20;
  db.stats_dump_period_sec = 0;
  db.stats_persist_period_sec = 0;
  db.max_manifest_file_size = std::size_t{4} << 20;
  db.info_log_level = rocksdb::WARN_LEVEL;
  db.max_log_file_size = std::size_t{1} << 20;
  db.keep_log_file_num = 10;  // a store that is started again and again keeps the log of its first failure
  return db;
}

std::vector<rocksdb::ColumnFamilyDescriptor> column_families(const StoreOptions& options,
                                                             std::shared_ptr<rocksdb::Cache> cache,
                                                             std::shared_ptr<const BusyChats> busy,
                                                             std::atomic<std::uint64_t>& left_places) {
  const std::size_t write_buffer =
      std::clamp<std::size_t>(options.memory / 8, std::size_t{1} << 20, std::size_t{32} << 20);

  rocksdb::ColumnFamilyOptions messages = common(write_buffer);
  messages.prefix_extractor = std::make_shared<ChatPrefix>();
  messages.memtable_insert_with_hint_prefix_extractor = std::move(busy);
  rocksdb::BlockBasedTableOptions message_table = table_options(cache);
  message_table.whole_key_filtering = false;
  messages.table_factory.reset(rocksdb::NewBlockBasedTableFactory(message_table));

  rocksdb::ColumnFamilyOptions idempotency = common(write_buffer / 2);
  // Only ever looked up by the whole key, and nearly always in vain: a bloom filter of the write buffer spares the
  // search.
  idempotency.memtable_whole_key_filtering = true;
  idempotency.memtable_prefix_bloom_size_ratio = 0.02;
  idempotency.memtable_insert_with_hint_prefix_extractor = std::make_shared<SenderPrefix>();
  idempotency.compaction_filter_factory =
      std::make_shared<IdempotencyExpiryFilterFactory>(options.idempotency_window, options.clock);
  // Files that nothing else would touch are compacted once a window, so that what has expired goes.
  const auto window = std::chrono::duration_cast<std::chrono::seconds>(options.idempotency_window).count();
  idempotency.periodic_compaction_seconds =
      static_cast<std::uint64_t>(std::clamp<std::int64_t>(window, 60, std::int64_t{86400} * 30));
  rocksdb::BlockBasedTableOptions key_table = table_options(cache);
  key_table.data_block_index_type = rocksdb::BlockBasedTableOptions::kDataBlockBinaryAndHash;
  idempotency.table_factory.reset(rocksdb::NewBlockBasedTableFactory(key_table));

  rocksdb::ColumnFamilyOptions rows = common(write_buffer / 2);
  rows.prefix_extractor = std::make_shared<WholeRow>();
  rows.memtable_insert_with_hint_prefix_extractor = std::make_shared<IndexPlaces>();
  rows.compaction_filter_factory = std::make_shared<LeftPlacesFilterFactory>(left_places);
  rocksdb::BlockBasedTableOptions row_table = table_options(std::move(cache));
  row_table.whole_key_filtering = false;
  rows.table_factory.reset(rocksdb::NewBlockBasedTableFactory(row_table));

  return {{rocksdb::kDefaultColumnFamilyName, messages}, {kIdempotencyFamily, idempotency}, {kRowsFamily, rows}};
}

}  // namespace parley::store
