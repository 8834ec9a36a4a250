#include "tls/ticket_keys.h"

#include "status/error.h"

#include <algorithm>
#include <cstring>
#include <openssl/crypto.h>
#include <set>

namespace sally::tls {

static_assert(sizeof(TicketKey) == 80, "as it lies in the file");

TicketKeys::TicketKeys(const MaterialSource& input) {
  const PemSource source = input.read();
  const std::string_view bytes = source.bytes();
  const std::size_t count = bytes.size() / sizeof(TicketKey);
  const auto refuse = [&](const std::string& found) {
    throw Failure(SALLY_TICKET_KEYS_BAD_FORMAT,
                  {.message = "'" + source.name() + "' holds " + found,
                   .expected = "1 to " + std::to_string(most) + " keys of 80 bytes each",
                   .found = found,
                   .source = source.name(),
                   .phase = "load"});
  };
  if (bytes.empty() || bytes.size() % sizeof(TicketKey) != 0 || count > most) {
    refuse(std::to_string(bytes.size()) + " bytes");
  }
  keys_.resize(count);
  std::memcpy(keys_.data(), bytes.data(), bytes.size());
  std::set<std::array<unsigned char, 16>> names;
  for (const TicketKey& key : keys_) {
    if (!names.insert(key.name).second) {
      OPENSSL_cleanse(keys_.data(), bytes.size());
      refuse("two keys of one name");
    }
  }
}

TicketKeys::~TicketKeys() {
  OPENSSL_cleanse(keys_.data(), keys_.size() * sizeof(TicketKey));
}

const TicketKey* TicketKeys::find(std::span<const unsigned char, 16> name) const noexcept {
  const auto found = std::ranges::find_if(
      keys_, [name](const TicketKey& key) { return std::ranges::equal(key.name, name); });
  return found != keys_.end() ? &*found : nullptr;
}

}  // namespace sally::tls
