// A text whose bytes belong to something larger.
#pragma once

#include <concepts>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace parley {

/// Bytes that do not change, and what keeps them. Copies share both, so a page of messages is served without copying
/// their texts. One that was moved from is empty.
class SharedText {
 public:
  SharedText() = default;
  /// A text of its own.
  template <std::convertible_to<std::string> T>
    requires(!std::same_as<std::remove_cvref_t<T>, SharedText>)
  SharedText(T&& text) {  // NOLINT(google-explicit-constructor): it is one
    auto own = std::make_shared<const std::string>(std::forward<T>(text));
    view_ = *own;
    owner_ = std::move(own);
  }
  /// `view` lies in something that `owner` keeps alive and unchanged.
  SharedText(std::string_view view, std::shared_ptr<const void> owner) noexcept
      : view_(view), owner_(std::move(owner)) {}

  SharedText(const SharedText&) = default;
  SharedText& operator=(const SharedText&) = default;
  SharedText(SharedText&& other) noexcept : view_(std::exchange(other.view_, {})), owner_(std::move(other.owner_)) {}
  SharedText& operator=(SharedText&& other) noexcept {
    view_ = std::exchange(other.view_, {});
    owner_ = std::move(other.owner_);
    return *this;
  }
  ~SharedText() = default;

  operator std::string_view() const noexcept { return view_; }  // NOLINT(google-explicit-constructor): it is one
  [[nodiscard]] std::string_view view() const noexcept { return view_; }
  [[nodiscard]] std::string str() const { return std::string(view_); }
  [[nodiscard]] std::size_t size() const noexcept { return view_.size(); }
  [[nodiscard]] bool empty() const noexcept { return view_.empty(); }

  friend bool operator==(const SharedText& a, const std::convertible_to<std::string_view> auto& b) noexcept {
    return a.view_ == std::string_view(b);
  }
  friend std::ostream& operator<<(std::ostream& out, const SharedText& text) { return out << text.view_; }

 private:
  std::string_view view_;
  std::shared_ptr<const void> owner_;
};

}  // namespace parley
