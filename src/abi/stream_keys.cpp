#include "abi/boundary.h"
#include "abi/bytes.h"
#include "abi/handles.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string_view>

#include <sallyport/stream.h>

using sally::abi::guarded;
using sally::abi::require;
using sally::abi::usable;

namespace {

constexpr std::size_t longest_label = 249;      // RFC 8446 section 7.1, without "tls13 "
constexpr std::size_t largest_context = 65535;  // RFC 5705 section 4
constexpr std::size_t largest_key = 255 * 32;   // RFC 5869 section 2.3, with SHA-256

// RFC 5705 section 4: they would give away the keys of the session itself.
constexpr std::array<std::string_view, 5> reserved_labels = {
    "client finished", "server finished", "master secret", "extended master secret",
    "key expansion"};

std::string_view to_label(const char* label) {
  require(label != nullptr && *label != '\0', "label is NULL or empty");
  const std::string_view text = label;
  require(text.size() <= longest_label, "label is longer than 249 bytes");
  require(std::ranges::find(reserved_labels, text) == reserved_labels.end(),
          "label is one that TLS itself uses");
  return text;
}

}  // namespace

sally_status sally_stream_export_key(sally_stream* stream, const char* label, const void* context,
                                     size_t context_size, void* key, size_t key_size,
                                     sally_error** error) {
  return guarded(error, [&] {
    const auto& handle = usable(stream);
    const std::string_view text = to_label(label);
    require(context != nullptr || context_size == 0, "context is NULL, but context_size is not 0");
    require(context_size <= largest_context, "context is larger than 65535 bytes");
    require(key != nullptr, "key is NULL");
    require(key_size > 0 && key_size <= largest_key, "key_size is not 1 to 8160");
    std::optional<std::span<const std::byte>> given;
    if (context != nullptr) given.emplace(static_cast<const std::byte*>(context), context_size);
    return handle.object->export_key(text, given, {static_cast<std::byte*>(key), key_size});
  });
}

sally_status sally_stream_channel_binding(sally_stream* stream, const char* type,
                                          sally_bytes** binding, sally_error** error) {
  return guarded(error, [&] {
    const auto& handle = usable(stream);
    require(type != nullptr && *type != '\0', "type is NULL or empty");
    require(binding != nullptr, "binding is NULL");
    std::string value;
    sally::abi::Outcome outcome = handle.object->channel_binding(type, value);
    if (outcome.ok()) *binding = sally::abi::to_bytes(std::move(value));
    return outcome;
  });
}

sally_status sally_stream_update_keys(sally_stream* stream, int32_t request_peer,
                                      sally_error** error) {
  return guarded(error, [&] {
    auto& handle = usable(stream);
    require(request_peer == 0 || request_peer == 1, "request_peer is neither 0 nor 1");
    return handle.object->update_keys(request_peer == 1);
  });
}
