#include "store/bell.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <ranges>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <boost/asio/post.hpp>
#include <boost/container/small_vector.hpp>

#include "base/name_hash.h"

namespace parley::store {
namespace {

using Heard = std::shared_ptr<const std::function<void()>>;

enum class Of : std::uint8_t { kChat, kUser };

/// Those of one loop who listen to one name.
struct Spot {
  Spot(Of whose, std::string_view called, std::size_t on) : of(whose), name(called), loop(on) {}

  const Of of;
  const std::string name;
  const std::size_t loop;
  bool rung = false;  // guarded by the state's mutex: it waits in the loop's `rung` already

  // The loop's alone:
  std::vector<Heard> listeners;  // null: has ended while they were called
  bool calling = false;
};
using SpotPtr = std::shared_ptr<Spot>;

/// Calls those who listen now. Whoever begins meanwhile has yet to look.
void call(Spot& spot) {
  spot.calling = true;
  for (const std::size_t i : std::views::iota(std::size_t{0}, spot.listeners.size())) {  // of a list that may grow
    if (const Heard heard = spot.listeners[i]) (*heard)();
  }
  spot.calling = false;
  std::erase(spot.listeners, nullptr);
}

}  // namespace

struct Bell::State : std::enable_shared_from_this<Bell::State> {
  using Spots = std::vector<SpotPtr>;  // of one name, a loop each
  using Names = std::unordered_map<std::string, Spots, NameHash, std::equal_to<>>;
  using Woken = boost::container::small_vector<std::size_t, 16>;

  explicit State(net::LoopPool& all) : loops(all), rung(all.size()) {}

  [[nodiscard]] Names& names(Of of) noexcept { return spots[static_cast<std::size_t>(of)]; }

  /// The loop's spot of this name, made if it is not there.
  [[nodiscard]] SpotPtr spot(Of of, std::string_view name, std::size_t loop) {
    const std::scoped_lock lock(mutex);
    Names& all = names(of);
    auto found = all.find(name);
    if (found == all.end()) found = all.emplace(std::string(name), Spots()).first;
    const auto ours = std::ranges::find(found->second, loop, [](const SpotPtr& spot) { return spot->loop; });
    return ours != found->second.end() ? *ours : found->second.emplace_back(std::make_shared<Spot>(of, name, loop));
  }

  void remove(const SpotPtr& spot) {
    const std::scoped_lock lock(mutex);
    Names& all = names(spot->of);
    const auto found = all.find(spot->name);
    std::erase(found->second, spot);
    if (found->second.empty()) all.erase(found);
  }

  /// With the mutex. Adds the loops that were not woken yet.
  void mark(Of of, std::span<const std::string_view> moved, Woken& woken) {
    const Names& all = names(of);
    if (all.empty()) return;
    for (const std::string_view name : moved) {
      const auto found = all.find(name);
      if (found == all.end()) continue;
      for (const SpotPtr& spot : found->second) {
        if (std::exchange(spot->rung, true)) continue;
        std::vector<SpotPtr>& waiting = rung[spot->loop];
        if (waiting.empty()) woken.push_back(spot->loop);
        waiting.push_back(spot);
      }
    }
  }

  /// On the loop.
  void run(std::size_t loop) {
    std::vector<SpotPtr> now;
    {
      const std::scoped_lock lock(mutex);
      now.swap(rung[loop]);
      for (const SpotPtr& spot : now) spot->rung = false;
    }
    for (const SpotPtr& spot : now) call(*spot);
  }

  net::LoopPool& loops;
  std::atomic<std::size_t> listenings{0};

  std::mutex mutex;
  // Guarded by mutex:
  std::array<Names, 2> spots;
  std::vector<std::vector<SpotPtr>> rung;  // by loop: those that rang and were not called yet
};

class Bell::Listening {
 public:
  Listening(std::shared_ptr<State> state, Of of, std::string_view name, std::function<void()> heard)
      : state_(std::move(state)),
        spot_(state_->spot(of, name, net::Loop::current().index())),
        heard_(std::make_shared<const std::function<void()>>(std::move(heard))) {
    spot_->listeners.push_back(heard_);
    state_->listenings.fetch_add(1);
    // Before the look that follows. Its counterpart is in anybody_listens(): either that load sees us, or we see what
    // moved before it.
    std::atomic_thread_fence(std::memory_order_seq_cst);
  }
  ~Listening() {
    state_->listenings.fetch_sub(1);
    const auto ours = std::ranges::find(spot_->listeners, heard_);
    if (spot_->calling) {
      *ours = nullptr;
    } else {
      spot_->listeners.erase(ours);
    }
    const bool last = std::ranges::all_of(spot_->listeners, [](const Heard& heard) { return heard == nullptr; });
    if (last) state_->remove(spot_);
  }
  Listening(const Listening&) = delete;
  Listening& operator=(const Listening&) = delete;

 private:
  const std::shared_ptr<State> state_;
  const SpotPtr spot_;
  const Heard heard_;
};

void Bell::ListeningEnds::operator()(Listening* listening) const noexcept { delete listening; }

Bell::Bell(net::LoopPool& loops) : state_(std::make_shared<State>(loops)) {}
Bell::~Bell() = default;

Bell::ListeningPtr Bell::listen_to_chat(std::string_view chat, std::function<void()> heard) {
  return ListeningPtr(new Listening(state_, Of::kChat, chat, std::move(heard)));
}

Bell::ListeningPtr Bell::listen_to_user(std::string_view user, std::function<void()> heard) {
  return ListeningPtr(new Listening(state_, Of::kUser, user, std::move(heard)));
}

bool Bell::anybody_listens() const noexcept {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  return state_->listenings.load(std::memory_order_relaxed) != 0;
}

void Bell::ring(std::span<const std::string_view> chats, std::span<const std::string_view> users) {
  if (!anybody_listens()) return;
  State::Woken woken;
  {
    const std::scoped_lock lock(state_->mutex);
    state_->mark(Of::kChat, chats, woken);
    state_->mark(Of::kUser, users, woken);
  }
  for (const std::size_t loop : woken) {
    boost::asio::post(state_->loops[loop].executor(), [state = state_, loop] { state->run(loop); });
  }
}

}  // namespace parley::store
