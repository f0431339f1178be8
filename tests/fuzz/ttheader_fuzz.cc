// A TTHeader frame of the right length and any content: what is read lies in it, and is read again from what we write.
#include <array>
#include <string>
#include <utility>

#include "fuzz.h"
#include "rpc/wire/big_endian.h"
#include "rpc/wire/payload.h"
#include "rpc/wire/ttheader.h"

namespace {

using namespace parley;

bool lies_in(std::string_view part, std::string_view whole) {
  return part.empty() || (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

void check(const rpc::TTHeader& header, std::string_view frame) {
  fuzz::require(lies_in(header.payload, frame) && lies_in(header.infos, frame), "what is read lies in the frame");
  const auto log_id = header.find(rpc::kLogIdKey);
  const auto reset = header.find(rpc::kReadyToResetKey);
  fuzz::require(!log_id || lies_in(*log_id, frame), "so does the value of an integer key");
  fuzz::require(!reset || lies_in(*reset, frame), "and that of a string key");

  const std::array ints{std::pair(rpc::kLogIdKey, log_id.value_or(""))};
  const std::array strings{std::pair(rpc::kReadyToResetKey, reset.value_or(""))};
  if (ints[0].second.size() + strings[0].second.size() > (std::size_t{60} << 10)) return;
  std::string written;
  rpc::append_ttheader(written,
                       {.flags = header.flags,
                        .sequence_id = header.sequence_id,
                        .protocol_id = header.protocol_id,
                        .ints = ints,
                        .strings = strings},
                       header.payload);
  const auto again = rpc::decode_ttheader(written);
  fuzz::require(again.has_value(), "a frame that was written can be read");
  fuzz::require(again->flags == header.flags && again->sequence_id == header.sequence_id &&
                    again->protocol_id == header.protocol_id && again->payload == header.payload,
                "and says the same");
  fuzz::require(
      again->find(rpc::kLogIdKey) == ints[0].second && again->find(rpc::kReadyToResetKey) == strings[0].second,
      "with the same headers");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::string_view kMagic{"\x10\x00", 2};
  std::string frame;
  rpc::append_u32(frame, static_cast<std::uint32_t>(kMagic.size() + size));
  frame += kMagic;
  frame += fuzz::as_text(data, size);
  const auto header = rpc::decode_ttheader(frame);
  if (!header) return 0;
  check(*header, frame);
  if (const auto payload = rpc::parse_payload(header->payload)) {
    fuzz::require(lies_in(payload->message, header->payload), "a message lies in its payload");
  }
  return 0;
}
