// Values of records: what is read at all comes back when it is written again.
#include <string>

#include "fuzz.h"
#include "store/record_codec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace parley;
  using fuzz::require;
  static const ChatId chat = ChatId::parse("alice:bob").value();
  const auto view = store::decode_record(chat, fuzz::as_text(data, size));
  if (!view) return 0;
  const Record record = view->at(7);
  std::string again;
  store::encode_record(chat, {record.kind, record.sender, record.about, record.body}, again);
  const auto second = store::decode_record(chat, again);
  require(second && second->at(7) == record, "a record comes back as it was");
  require(again.size() <= size, "a record is written as short as it goes");
  return 0;
}
