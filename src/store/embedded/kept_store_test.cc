// Stores of every format since the first release, kept as they were made. They lie in testdata/; a folder there is
// never changed once a release could have made it.
//
//   PARLEY_KEEP_STORE=FOLDER store_embedded_test --gtest_filter='KeptStoreTest.*'
//
// leaves FOLDER/closed and FOLDER/killed as this version makes them. What opening does not read was left out: LOG,
// LOCK, OPTIONS, empty logs, and but for a few the zeros that a log is extended by ahead.
#include "store/kept_store.h"

#include <cstdlib>
#include <filesystem>
#include <string>

#include "store/embedded/store.h"

namespace parley::store {
namespace {

namespace fs = std::filesystem;

class KeptStoreTest : public KeptStoreFixture, public testing::WithParamInterface<const char*> {
 protected:
  void open(const fs::path& folder) {
    store_.reset();
    auto store = open_rocksdb_store(folder, options(), loops_, metrics_);
    ASSERT_TRUE(store) << store.error().detail;
    store_ = *std::move(store);
  }
  void TearDown() override { store_.reset(); }

  void make(const fs::path& out);
  void check(const fs::path& kept);
};

/// Makes `out`/closed and `out`/killed.
void KeptStoreTest::make(const fs::path& out) {
  const fs::path closed = out / "closed";
  ASSERT_NO_FATAL_FAILURE(open(closed));
  ASSERT_NO_FATAL_FAILURE(fill());
  ASSERT_NO_FATAL_FAILURE(open(closed));  // all of that lies in tables now, and nothing is remembered
  ASSERT_NO_FATAL_FAILURE(raise_again());
  // As it lies on the disk if the process ends now: the write-ahead log holds the last ones.
  const fs::path killed = out / "killed";
  fs::copy(closed, killed, fs::copy_options::recursive);
  store_.reset();
}

/// Opens a copy of `kept`, and looks for what make() put there.
void KeptStoreTest::check(const fs::path& kept) {
  store_.reset();
  const fs::path folder = folder_.path() / "copy";
  fs::remove_all(folder);
  fs::copy(kept, folder, fs::copy_options::recursive);
  now_ = kOpened;
  ASSERT_NO_FATAL_FAILURE(open(folder));
  look(true);
}

TEST_F(KeptStoreTest, AStoreOfThisVersionHoldsTheSame) {
  const char* const keep = std::getenv("PARLEY_KEEP_STORE");
  const fs::path out = keep != nullptr ? fs::path(keep) : folder_.path() / "made";
  ASSERT_NO_FATAL_FAILURE(make(out));
  check(out / "closed");
  check(out / "killed");
}

/// How a folder came to its end.
INSTANTIATE_TEST_SUITE_P(Format3, KeptStoreTest, testing::Values("format_3/closed", "format_3/killed"),
                         [](const auto& test) { return std::string(fs::path(test.param).filename()); });

TEST_P(KeptStoreTest, OpensAndHoldsWhatItHeld) {
  check(fs::path(PARLEY_SOURCE_DIR) / "src/store/embedded/testdata" / GetParam());
}

}  // namespace
}  // namespace parley::store
