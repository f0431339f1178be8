#include "store/idempotency_record.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <new>

#include <openssl/evp.h>

#include "base/varint.h"
#include "chat/message_body.h"

namespace parley::store {
namespace {

using DigestContext = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

// Fetched once: OpenSSL 3 otherwise searches its providers for every digest, which costs more than the digest.
const EVP_MD* sha256() {
  static const EVP_MD* const digest = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return digest;
}

RecordHash hash(std::initializer_list<std::string_view> parts) {
  thread_local const DigestContext context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  bool done = context != nullptr && EVP_DigestInit_ex(context.get(), sha256(), nullptr) == 1;
  for (const std::string_view part : parts) {
    done = done && EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1;
  }
  if (!done || EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) != 1) {
    throw std::bad_alloc();  // the only way in which SHA-256 fails
  }
  RecordHash out{};
  std::copy_n(digest.begin(), out.size(), out.begin());
  return out;
}

}  // namespace

RecordHash hash_record(const RecordDraft& record, std::string_view key) {
  std::array<char, 1 + kMaxVarintBytes> head{static_cast<char>(record.kind)};
  const std::size_t about = write_varint(static_cast<std::uint64_t>(record.about), &head[1]);
  const bool is_message = record.kind == RecordKind::kMessage;
  return hash({{head.data(), 1 + about}, is_message ? without_key(record.body, key) : record.body});
}

RecordHash hash_bytes(std::string_view bytes) { return hash({bytes}); }

std::string idempotency_key_of(const ChatId& chat, std::string_view sender, std::string_view key) {
  std::string out;
  out.reserve(chat.name().size() + sender.size() + key.size() + 2);
  out.append(chat.name()).append(1, '\0').append(sender).append(1, '\0').append(key);
  return out;
}

}  // namespace parley::store
