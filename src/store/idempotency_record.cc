#include "store/idempotency_record.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>

#include <openssl/evp.h>

namespace parley::store {
namespace {

using DigestContext = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

// Fetched once: OpenSSL 3 otherwise searches its providers for every digest, which costs more than the digest.
const EVP_MD* sha256() {
  static const EVP_MD* const digest = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return digest;
}

}  // namespace

TextHash hash_text(std::string_view text) {
  thread_local const DigestContext context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  if (!context || EVP_DigestInit_ex(context.get(), sha256(), nullptr) != 1 ||
      EVP_DigestUpdate(context.get(), text.data(), text.size()) != 1 ||
      EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) != 1) {
    throw std::bad_alloc();  // the only way in which SHA-256 fails
  }
  TextHash hash{};
  std::copy_n(digest.begin(), hash.size(), hash.begin());
  return hash;
}

std::string idempotency_key_of(const Draft& draft) {
  std::string key;
  key.reserve(draft.chat.name().size() + draft.sender.size() + draft.idempotency_key.size() + 2);
  key.append(draft.chat.name()).append(1, '\0').append(draft.sender).append(1, '\0').append(draft.idempotency_key);
  return key;
}

}  // namespace parley::store
