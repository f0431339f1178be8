// The RPC port in bytes: messages cut anywhere are found the same, and what is read is what was written.
#include <string>
#include <vector>

#include "fuzz.h"
#include "rpc/wire/messages.h"
#include "rpc/wire/wire_form.h"

namespace {

using namespace parley;
using rpc::MessageFinder;

constexpr std::size_t kLimit = 2048;

/// What was found: the kind and size of every message, then how it ended.
struct Finding {
  std::vector<std::pair<rpc::WireForm::Kind, std::size_t>> messages;
  MessageFinder::State end = MessageFinder::State::kMore;

  friend bool operator==(const Finding&, const Finding&) = default;
};

Finding find(std::string_view bytes, std::size_t step) {
  Finding finding;
  MessageFinder finder(kLimit);
  std::size_t come = 0;
  while (come < bytes.size()) {
    come = std::min(bytes.size(), come + step);
    for (;;) {
      finding.end = finder.find(bytes.substr(0, come));
      if (finding.end != MessageFinder::State::kFound) break;
      fuzz::require(finder.size() > 0 && finder.size() <= come, "a message that was found has come");
      fuzz::require(finder.size() <= kLimit, "a message is within its limit");
      finding.messages.emplace_back(finder.kind(), finder.size());
      bytes.remove_prefix(finder.size());
      come -= finder.size();
      finder.next();
    }
    if (finding.end != MessageFinder::State::kMore) break;
  }
  return finding;
}

void check_request(const rpc::Request& request, const rpc::MessageHead& head) {
  const std::string written = rpc::encode_call(request, head.sequence_id, head.protocol);
  const auto again = rpc::decode_call(written, head.protocol);
  fuzz::require(again && again->request, "a call that was written can be read");
  fuzz::require(again->request->index() == request.index(), "it is of the same method");
  fuzz::require(rpc::encode_call(*again->request, head.sequence_id, head.protocol) == written, "and says the same");
}

void check_message(std::string_view message, rpc::WireForm::Kind kind) {
  const auto incoming = rpc::open_message(message, kind);
  if (!incoming) return;
  const auto& [protocol, is_framed, thrift] = incoming->payload;
  std::string answer;
  rpc::append_answer(answer, incoming->form, thrift, true);
  const auto again = rpc::open_message(answer, kind);
  fuzz::require(again && again->payload == incoming->payload, "an answer is in the form of its call");

  const auto call = rpc::decode_call(thrift, protocol);
  if (call && call->request) check_request(*call->request, call->head);
  (void)rpc::decode_send_reply(thrift, protocol);
  (void)rpc::decode_pull_reply(thrift, protocol);
  (void)rpc::decode_ready_reply(thrift, protocol);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = fuzz::as_text(data, size);
  const Finding whole = find(bytes, size + 1);
  fuzz::require(whole.messages == find(bytes, 1).messages, "messages are found the same byte by byte");
  fuzz::require(whole == find(bytes, 7), "messages are found the same in pieces");
  std::string_view rest = bytes;
  for (const auto& [kind, length] : whole.messages) {
    check_message(rest.substr(0, length), kind);
    rest.remove_prefix(length);
  }
  return 0;
}
