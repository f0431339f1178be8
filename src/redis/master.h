// A master as one loop sees it: its links, and whether it refuses.
#pragma once

#include <memory>
#include <optional>

#include "redis/link.h"

namespace parley::redis {

/// All on its loop's thread. Made by std::make_shared.
class Master {
 public:
  Master(LinkContext& context, const net::Endpoint& server, Kind kind)
      : plain_(std::make_shared<Link>(context, server, kind)) {
    plain_->start();
    if (context.options.replicas == 0) return;
    replicated_ = std::make_shared<Link>(context, server, kind);
    replicated_->start();
  }

  void retire() {
    retired_ = true;
    plain_->retire();
    if (replicated_) replicated_->retire();
  }

  [[nodiscard]] const net::Endpoint& server() const noexcept { return plain_->server(); }
  [[nodiscard]] bool retired() const noexcept { return retired_; }

  /// The link for a call. What is to be replicated has one of its own: WAIT keeps the server from reading its
  /// connection until the replicas have answered, for which others' reads, and the probes, must not wait.
  [[nodiscard]] const std::shared_ptr<Link>& link(bool replicate) const noexcept {
    return replicate && replicated_ ? replicated_ : plain_;
  }

  /// The link that calls cannot use, if there is one.
  [[nodiscard]] const Link* broken() const noexcept {
    if (!plain_->up()) return plain_.get();
    return replicated_ && !replicated_->up() ? replicated_.get() : nullptr;
  }

  std::optional<Deadline> refusing_since{};  ///< since when all it answered were refusals
  std::optional<Deadline> asked_at{};        ///< when last an ASK led there
  bool listed = false;                       ///< it has slots, as far as is known

 private:
  std::shared_ptr<Link> plain_;
  std::shared_ptr<Link> replicated_;  // none without replicas
  bool retired_ = false;
};

}  // namespace parley::redis
