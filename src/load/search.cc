#include "load/search.h"

#include <cmath>

namespace parley::load {

void RateSearch::tell(bool held) {
  (held ? low_ : high_) = next_;
  if (low_ && high_) {
    over_ = *high_ <= *low_ * kNear;
    next_ = std::round(std::sqrt(*low_ * *high_));
    over_ |= next_ <= *low_ || next_ >= *high_;
  } else {
    next_ = low_ ? *low_ * 2 : std::floor(*high_ / 2);
    over_ = next_ > kMost || next_ < kLeast;
  }
}

}  // namespace parley::load
