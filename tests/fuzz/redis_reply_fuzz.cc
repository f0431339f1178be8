// The replies of a Redis server in bytes: cut anywhere they are the same, and within their limits.
#include <algorithm>
#include <string>
#include <vector>

#include "fuzz.h"
#include "redis/layout.h"
#include "redis/refusal.h"
#include "redis/reply_reader.h"

namespace {

using namespace parley;
using redis::Reply;

constexpr redis::ReplyLimits kLimits{.bytes = 4096, .elements = 256, .line = 256};

/// All that a reply says, in a form that can be compared.
std::string write(const Reply& reply) {
  std::string out = std::to_string(static_cast<int>(reply.type)) + ' ' + std::to_string(reply.integer) + ' ' +
                    std::to_string(reply.text.size()) + ' ' + reply.text + ' ' + std::to_string(reply.elements.size());
  for (const Reply& element : reply.elements) out += '(' + write(element) + ')';
  return out;
}

std::size_t bytes_of(const Reply& reply) {
  std::size_t size = reply.text.size();
  for (const Reply& element : reply.elements) size += bytes_of(element);
  return size;
}

std::size_t elements_of(const Reply& reply) {
  std::size_t size = reply.elements.size();
  for (const Reply& element : reply.elements) size += elements_of(element);
  return size;
}

void use(const Reply& reply) {
  fuzz::require(bytes_of(reply) <= kLimits.bytes, "a reply's texts are within their limit");
  fuzz::require(elements_of(reply) <= kLimits.elements, "a reply's elements are within their limit");
  (void)redis::read_cluster_slots(reply, {"127.0.0.1", 1});
  (void)redis::read_sentinel_reply(reply, "master");
  if (reply.is_error()) (void)redis::target_of(reply.text);
}

/// The replies in `bytes` as they come in pieces of `step`. What is wrong ends it, as nothing more is to be had.
std::vector<std::string> read(std::string_view bytes, std::size_t step) {
  std::vector<std::string> replies;
  redis::ReplyReader reader(kLimits);
  while (!bytes.empty()) {
    reader.feed(bytes.substr(0, step));
    bytes.remove_prefix(std::min(step, bytes.size()));
    while (true) {
      const auto reply = reader.take();
      if (!reply) return replies;
      if (!*reply) break;
      use(**reply);
      replies.push_back(write(**reply));
    }
  }
  return replies;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = fuzz::as_text(data, size);
  const auto whole = read(bytes, size + 1);
  // A line that is longer than it may be is noticed only while it is incomplete.
  if (bytes.find('\r') > kLimits.line && bytes.size() > kLimits.line) return 0;
  fuzz::require(read(bytes, 7) == read(bytes, 7), "what is read does not depend on chance");
  if (size <= kLimits.line) fuzz::require(whole == read(bytes, 1), "replies are the same byte by byte");
  return 0;
}
