// A Thrift message without a frame: the first byte chooses the protocol. A call that can be read says the same when it
// is written and read again, and whatever has a head is answered.
#include <string>

#include "fuzz.h"
#include "rpc/wire/messages.h"

namespace {

using namespace parley;

void check_request(const rpc::Request& request, const rpc::MessageHead& head) {
  const std::string written = rpc::encode_call(request, head.sequence_id, head.protocol);
  const auto again = rpc::decode_call(written, head.protocol);
  fuzz::require(again && again->request, "a call that was written can be read");
  fuzz::require(again->head.sequence_id == head.sequence_id, "with its sequence id");
  fuzz::require(again->request->index() == request.index(), "it is of the same method");
  fuzz::require(rpc::encode_call(*again->request, head.sequence_id, head.protocol) == written, "and says the same");
}

void check_exception(const rpc::ApplicationException& exception, const rpc::MessageHead& head) {
  const std::string answer = rpc::encode_reply(head, exception);
  const auto reply = rpc::decode_send_reply(answer, head.protocol);
  fuzz::require(!reply && reply.error().type == exception.type, "an exception is read as it was written");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto protocol = data[0] % 2 == 0 ? rpc::Protocol::kBinary : rpc::Protocol::kCompact;
  const auto call = rpc::decode_call(fuzz::as_text(data + 1, size - 1), protocol);
  if (!call) return 0;
  if (call->request) {
    check_request(*call->request, call->head);
  } else {
    check_exception(call->request.error(), call->head);
  }
  return 0;
}
