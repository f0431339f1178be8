#include "store/embedded/left_places_filter.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>

namespace parley::store {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class LeftPlacesFilterTest : public testing::Test {
 protected:
  static std::string place(std::string_view user, std::int64_t time, std::string_view chat) {
    return std::string(to_view(index_order_key(user, time, chat)));
  }
  /// Which of these keys a compaction drops, by their places in the list.
  std::vector<std::size_t> dropped(const std::vector<std::string>& keys) {
    EXPECT_TRUE(std::ranges::is_sorted(keys)) << "a compaction sees them in their order";
    const auto filter = LeftPlacesFilterFactory(compactions_).CreateCompactionFilter({});
    std::vector<std::size_t> out;
    std::string changed;
    bool is_changed = false;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (filter->Filter(0, keys[i], "", &changed, &is_changed)) out.push_back(i);
    }
    EXPECT_FALSE(is_changed);
    return out;
  }

  std::atomic<std::uint64_t> compactions_{0};
};

TEST_F(LeftPlacesFilterTest, OlderPlacesOfAUsersChatAreDropped) {
  EXPECT_THAT(dropped({place("a", 9, "a:b"), place("a", 8, "a:c"), place("a", 7, "a:b"), place("a", 7, "a:a"),
                       place("a", 5, "a:c"), place("a", 5, "a:b")}),
              ElementsAre(2, 4, 5));
}

TEST_F(LeftPlacesFilterTest, EachUserHasPlacesOfTheirOwn) {
  EXPECT_THAT(dropped({place("a", 5, "a:b"), place("aa", 9, "a:b"), place("aa", 4, "a:b"), place("b", 3, "a:b")}),
              ElementsAre(2));
}

TEST_F(LeftPlacesFilterTest, NothingElseIsDropped) {
  std::vector<std::string> keys{std::string(to_view(index_row_key("c", "a:b"))),
                                std::string(to_view(index_row_key("d", "a:b"))),
                                place("c", 1, "a:b"),
                                place("d", 1, "a:b"),
                                table_prefix({TableId::Of::kChat, "a:b"}) + "r",
                                table_prefix({TableId::Of::kUser, "a"}) + "r"};
  for (const std::int64_t time : {1, 2}) keys.emplace_back(to_view(lane_row_key(time)));
  EXPECT_THAT(dropped(keys), IsEmpty());
}

TEST_F(LeftPlacesFilterTest, ACompactionThatDropsSomethingIsCountedOnce) {
  dropped({place("a", 5, "a:b"), place("a", 4, "a:c")});
  EXPECT_EQ(compactions_, 0U);
  dropped({place("a", 5, "a:b"), place("a", 4, "a:b"), place("a", 3, "a:b")});
  EXPECT_EQ(compactions_, 1U);
}

}  // namespace
}  // namespace parley::store
