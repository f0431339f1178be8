#include "store/page_cache.h"

#include <gtest/gtest.h>

namespace parley::store {
namespace {

constexpr std::size_t kBytes = std::size_t{64} << 10;

ChatId chat(std::string_view name) { return ChatId::parse(name).value(); }

RecordPage page_of(std::string body, bool has_more = false) {
  return {.records = {{.time = 5, .sender = "a", .body = std::move(body)}}, .has_more = has_more};
}

/// As for a page that is read for the second time.
void keep(PageCache& cache, const ChatId& of, const RecordRange& range, const RecordPage& page,
          ChatEpochs::Epoch epoch) {
  for (int i = 0; i < 2; ++i) cache.put(of, range, page, epoch);
}

TEST(PageCacheTest, KeepsNothingThatWasAskedForOnce) {
  PageCache cache(kBytes, Past::kStays);
  cache.put(chat("a:b"), {}, page_of("hi"), 0);
  cache.put(chat("a:b"), {{.cursor = 5}}, page_of("hi"), 0);
  EXPECT_EQ(cache.find(chat("a:b"), {}, 0), nullptr);
  EXPECT_EQ(cache.bytes(), 0);
  cache.put(chat("a:b"), {}, page_of("hi"), 0);
  EXPECT_NE(cache.find(chat("a:b"), {}, 0), nullptr);
}

TEST(PageCacheTest, KeepsAllOfAThousandPagesThatAreAskedForInTurn) {
  PageCache cache(std::size_t{4} << 20, Past::kStays);
  const auto nth = [](int i) { return chat("a:b" + std::to_string(i)); };
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 1000; ++i) cache.put(nth(i), {}, page_of("hi"), 0);
  }
  for (int i = 0; i < 1000; ++i) EXPECT_NE(cache.find(nth(i), {}, 0), nullptr) << i;
}

TEST(PageCacheTest, AnswersWhatWasPutForJustThisChatAndRange) {
  PageCache cache(kBytes, Past::kStays);
  const RecordRange range{{.cursor = 5, .limit = 1}};
  EXPECT_EQ(cache.find(chat("a:b"), range, 0), nullptr);
  keep(cache, chat("a:b"), range, page_of("hi"), 0);
  const RecordPage* const found = cache.find(chat("a:b"), range, 0);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->records, page_of("hi").records);
  EXPECT_EQ(cache.hits(), 1);
  EXPECT_EQ(cache.find(chat("a:c"), range, 0), nullptr);
  EXPECT_EQ(cache.find(chat("a:b"), {{.cursor = 6, .limit = 1}}, 0), nullptr);
  EXPECT_EQ(cache.find(chat("a:b"), {{.cursor = 5, .limit = 2}}, 0), nullptr);
  EXPECT_EQ(cache.find(chat("a:b"), {{.cursor = 5, .limit = 1, .reverse = true}}, 0), nullptr);
  EXPECT_EQ(cache.find(chat("a:b"), {{.cursor = 5, .limit = 1, .max_bytes = 7}}, 0), nullptr);
  EXPECT_EQ(cache.find(chat("a:b"), {{.cursor = 5, .limit = 1}, true}, 0), nullptr);
  EXPECT_EQ(cache.find(chat("a:b"), {{.cursor = 5, .limit = 1}, false, 9}, 0), nullptr);
}

TEST(PageCacheTest, ForgetsAPageAtTheEndOfAChatThatWasWrittenTo) {
  PageCache cache(kBytes, Past::kStays);
  ChatEpochs epochs;
  keep(cache, chat("a:b"), {}, page_of("hi"), epochs.of("a:b"));
  EXPECT_NE(cache.find(chat("a:b"), {}, epochs.of("a:b")), nullptr);
  epochs.begin("a:b");
  EXPECT_EQ(cache.find(chat("a:b"), {}, epochs.of("a:b")), nullptr);
  epochs.end("a:b");
  EXPECT_EQ(cache.find(chat("a:b"), {}, epochs.of("a:b")), nullptr);
}

TEST(PageCacheTest, ForgetsAPageThatWasReadWhileItsChatWasWrittenTo) {
  PageCache cache(kBytes, Past::kStays);
  ChatEpochs epochs;
  const auto before = epochs.of("a:b");
  epochs.begin("a:b");
  const auto during = epochs.of("a:b");
  keep(cache, chat("a:b"), {}, page_of("hi"), during);
  EXPECT_EQ(cache.find(chat("a:b"), {}, during), nullptr);
  epochs.end("a:b");
  keep(cache, chat("a:b"), {}, page_of("hi"), before);
  EXPECT_EQ(cache.find(chat("a:b"), {}, epochs.of("a:b")), nullptr);
}

TEST(PageCacheTest, KeepsAPageThatWasCutWhateverIsWritten) {
  PageCache cache(kBytes, Past::kStays);
  ChatEpochs epochs;
  epochs.begin("a:b");
  keep(cache, chat("a:b"), {}, page_of("hi", true), epochs.of("a:b"));
  epochs.end("a:b");
  EXPECT_NE(cache.find(chat("a:b"), {}, epochs.of("a:b")), nullptr);
  // Newest first it is the other end that was cut.
  keep(cache, chat("a:b"), {{.reverse = true}}, page_of("hi", true), epochs.of("a:b"));
  epochs.begin("a:b");
  epochs.end("a:b");
  EXPECT_EQ(cache.find(chat("a:b"), {{.reverse = true}}, epochs.of("a:b")), nullptr);
}

TEST(PageCacheTest, WhereThePastChangesForgetsAPageThatWasCutToo) {
  PageCache cache(kBytes, Past::kChanges);
  ChatEpochs epochs;
  keep(cache, chat("a:b"), {}, page_of("hi", true), epochs.of("a:b"));
  EXPECT_NE(cache.find(chat("a:b"), {}, epochs.of("a:b")), nullptr);
  epochs.begin("a:b");
  const auto during = epochs.of("a:b");
  EXPECT_EQ(cache.find(chat("a:b"), {}, during), nullptr);
  keep(cache, chat("a:b"), {}, page_of("hi", true), during);
  EXPECT_EQ(cache.find(chat("a:b"), {}, during), nullptr);
}

TEST(PageCacheTest, DrivesOutWhatWasUsedLeastRecently) {
  PageCache cache(kBytes, Past::kStays);
  const auto cursor = [](std::int64_t n) { return RecordRange{{.cursor = n}}; };
  keep(cache, chat("a:b"), cursor(1), page_of("first"), 0);
  for (std::int64_t n = 2; n < 1000; ++n) {
    keep(cache, chat("a:b"), cursor(n), page_of(std::string(100, 'x')), 0);
    ASSERT_NE(cache.find(chat("a:b"), cursor(1), 0), nullptr) << n;
    ASSERT_LE(cache.bytes(), kBytes);
  }
  EXPECT_GT(cache.bytes(), kBytes / 2);
  EXPECT_EQ(cache.find(chat("a:b"), cursor(2), 0), nullptr);
  EXPECT_NE(cache.find(chat("a:b"), cursor(999), 0), nullptr);
}

TEST(PageCacheTest, DoesNotKeepAPageThatIsTooLarge) {
  PageCache cache(kBytes, Past::kStays);
  keep(cache, chat("a:b"), {}, page_of(std::string(kBytes / 8, 'x')), 0);
  EXPECT_EQ(cache.find(chat("a:b"), {}, 0), nullptr);
  EXPECT_EQ(cache.bytes(), 0);
}

TEST(ChatEpochsTest, ABatchWithAChatTwiceIsOneWriteOfIt) {
  ChatEpochs epochs;
  const auto before = epochs.of("a:b");
  epochs.begin("a:b");
  epochs.begin("a:b");
  EXPECT_TRUE(ChatEpochs::written(epochs.of("a:b")));
  epochs.end("a:b");
  epochs.end("a:b");
  EXPECT_FALSE(ChatEpochs::written(epochs.of("a:b")));
  EXPECT_NE(epochs.of("a:b"), before);
}

}  // namespace
}  // namespace parley::store
