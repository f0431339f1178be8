// What is judged from what was seen; that it is seen is for the functional tests.
#include "store/embedded/disk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/finding_fixture.h"

namespace parley::store {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;

class JudgeDisk : public testing::Test {
 protected:
  [[nodiscard]] std::vector<std::string> judged(bool durable = true) const {
    return problems(judge_disk(facts, durable, 2s));
  }

  DiskFacts facts{.folder = "/data",
                  .existing = "/data",
                  .writable = true,
                  .free_bytes = 50 * kGiB,
                  .free_files = 1'000'000,
                  .sync_p50 = 500us,
                  .sync_p99 = 2ms};
};

TEST_F(JudgeDisk, FindsNothingOnAGoodOne) { EXPECT_THAT(judged(), IsEmpty()); }

TEST_F(JudgeDisk, FindsAFolderThatCannotBeWritten) {
  facts.writable = false;
  EXPECT_THAT(judged(), ElementsAre("folder /data: this user cannot write to /data"));
}

TEST_F(JudgeDisk, FindsWhatIsNoFolder) {
  facts.no_folder = true;
  EXPECT_THAT(judged(), ElementsAre("folder /data: /data is not a folder"));
}

TEST_F(JudgeDisk, FindsWhatBelongsToSomebodyElse) {
  facts.only_as_root = true;
  EXPECT_THAT(judged(), ElementsAre(HasSubstr("belongs to another user")));
  facts.only_as_root = false;
  facts.unusable = "/data/CURRENT";
  EXPECT_THAT(judged(), ElementsAre("folder /data: this user cannot read and write /data/CURRENT"));
}

TEST_F(JudgeDisk, FindsAFolderThatOthersMayRead) {
  facts.open_to_others = true;
  EXPECT_THAT(judged(), ElementsAre("folder /data: other users of this machine can read or write it"));
}

TEST_F(JudgeDisk, FindsADiskThatIsNearlyFull) {
  facts.free_bytes = kGiB / 2;
  EXPECT_THAT(judged(), ElementsAre(HasSubstr("512MiB are free")));
  facts.free_bytes = kGiB;
  facts.free_files = 5;
  EXPECT_THAT(judged(), ElementsAre(HasSubstr("room for 5 more files")));
}

TEST_F(JudgeDisk, FindsWhatIsNoDisk) {
  facts.in_memory = true;
  EXPECT_THAT(judged(), ElementsAre("disk of /data: it is in memory"));
  EXPECT_THAT(judged(false), IsEmpty());
  facts.in_memory = false;
  facts.over_network = true;
  EXPECT_THAT(judged(), ElementsAre(HasSubstr("network file system")));
}

TEST_F(JudgeDisk, FindsASlowOrFailingSync) {
  facts.sync_p99 = 400ms;
  EXPECT_THAT(judged(), ElementsAre(HasSubstr("400.00 ms")));
  EXPECT_THAT(judged(false), IsEmpty());
  facts.sync_p99 = 0us;
  EXPECT_THAT(judged(), ElementsAre(HasSubstr("writing a small file to the disk failed")));
}

}  // namespace
}  // namespace parley::store
