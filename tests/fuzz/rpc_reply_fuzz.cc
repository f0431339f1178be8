// What a node may answer a gateway: the first byte chooses the protocol, the method and whose the codes are, the rest
// is the message. Only a readable success is taken for one, and an unreadable answer never says that nothing was
// stored.
#include <string>

#include "fuzz.h"
#include "rpc/client/verdict.h"

namespace {

using namespace parley;
using rpc::CallResult;

template <class Response>
void check(const rpc::ReplyResult<Response>& reply, const rpc::Verdict<Response>& verdict, bool may_store) {
  const bool success = reply && reply->code == 0;
  fuzz::require(verdict.response.has_value() == success, "a success is one that can be read, and nothing else is");
  if (reply) return;
  fuzz::require(verdict.response.error().code == ErrorCode::kBadUpstream, "what cannot be read is nonsense");
  fuzz::require(verdict.maybe_stored == may_store, "of which nobody knows whether it stored");
}

void check_send(const CallResult& result, rpc::RequestKind kind, rpc::Codes codes) {
  check(rpc::decode_send_reply(result.message, result.protocol), rpc::judge_send(result, kind, codes), true);
}

void check_pull(const CallResult& result, rpc::Codes codes) {
  check(rpc::decode_pull_reply(result.message, result.protocol), rpc::judge_pull(result, codes, {}), false);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string message(fuzz::as_text(data + 1, size - 1));  // a copy, past whose end no other byte is readable
  const CallResult result{.outcome = CallResult::Outcome::kAnswered,
                          .sent = true,
                          .protocol = data[0] % 2 == 0 ? rpc::Protocol::kBinary : rpc::Protocol::kCompact,
                          .message = message};
  const auto codes = data[0] / 8 % 2 == 0 ? rpc::Codes::kOurs : rpc::Codes::kForeign;
  switch (data[0] / 2 % 4) {
    case 0: check_send(result, rpc::RequestKind::kSend, codes); break;
    case 1: check_send(result, rpc::RequestKind::kKeyedSend, codes); break;
    case 2: check_pull(result, codes); break;
    default: (void)rpc::decode_ready_reply(result.message, result.protocol); break;
  }
  return 0;
}
