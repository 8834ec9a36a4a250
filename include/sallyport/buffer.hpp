// buffer.hpp: how the operations take bytes: where to put them, and where to find them.
#pragma once

#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <string_view>
#include <type_traits>

#include <sallyport/base.hpp>
#include <sallyport/stream.h>

namespace sally::inline v0 {

namespace detail {

template <class Range, class Element>
concept ConvertsToSpan = std::convertible_to<Range, std::span<Element>>;

template <class Range>
concept Places = ConvertsToSpan<Range, std::byte> || ConvertsToSpan<Range, char> ||
    ConvertsToSpan<Range, unsigned char>;

template <class Range>
concept Text = std::convertible_to<Range, std::string_view>;

// Not an array of char: a literal is text, without its NUL.
template <class Range>
concept Binary = !Text<Range> &&
                 (ConvertsToSpan<Range, const std::byte> ||
                  ConvertsToSpan<Range, const unsigned char> || ConvertsToSpan<Range, const char>);

}  // namespace detail

// Where bytes are put: anything contiguous of std::byte, char or unsigned char that can be written
// to. It only points there.
class MutableBuffer {
 public:
  template <detail::Places Range>
  constexpr MutableBuffer(Range&& range) noexcept  // NOLINT: meant to convert
      : MutableBuffer(to_span(range)) {}

  constexpr void* data() const noexcept { return data_; }
  constexpr std::size_t size() const noexcept { return size_; }

  constexpr MutableBuffer(void* data, std::size_t size) noexcept : data_(data), size_(size) {}

 private:
  template <class Element>
  constexpr explicit MutableBuffer(std::span<Element> span) noexcept
      : MutableBuffer(span.data(), span.size()) {}

  template <class Range>
  static constexpr auto to_span(Range& range) noexcept {
    if constexpr (detail::ConvertsToSpan<Range&, std::byte>) {
      return std::span<std::byte>(range);
    } else if constexpr (detail::ConvertsToSpan<Range&, char>) {
      return std::span<char>(range);
    } else {
      return std::span<unsigned char>(range);
    }
  }

  void* data_;
  std::size_t size_;
};

// Bytes that are written: text, or anything contiguous of std::byte, char or unsigned char. It only
// points there.
class ConstBuffer {
 public:
  constexpr ConstBuffer(const void* data, std::size_t size) noexcept : raw_{data, size} {}

  template <detail::Text Range>
  constexpr ConstBuffer(const Range& text) noexcept  // NOLINT: meant to convert
      : ConstBuffer(std::string_view(text)) {}
  constexpr ConstBuffer(std::string_view text) noexcept  // NOLINT: meant to convert
      : ConstBuffer(text.data(), text.size()) {}
  template <detail::Binary Range>
  constexpr ConstBuffer(const Range& range) noexcept  // NOLINT: meant to convert
      : ConstBuffer(to_span(range)) {}

  constexpr const void* data() const noexcept { return raw_.data; }
  constexpr std::size_t size() const noexcept { return raw_.size; }

 private:
  template <class Element>
  constexpr explicit ConstBuffer(std::span<Element> span) noexcept
      : ConstBuffer(span.data(), span.size()) {}

  template <class Range>
  static constexpr auto to_span(const Range& range) noexcept {
    if constexpr (detail::ConvertsToSpan<const Range&, const std::byte>) {
      return std::span<const std::byte>(range);
    } else if constexpr (detail::ConvertsToSpan<const Range&, const unsigned char>) {
      return std::span<const unsigned char>(range);
    } else {
      return std::span<const char>(range);
    }
  }

  sally_buffer raw_;
};

// Several of them, one behind the other: `{header, body}`, or what converts to a
// std::span<const ConstBuffer>. It only points at them.
class ConstBuffers {
 public:
  constexpr ConstBuffers(std::initializer_list<ConstBuffer> buffers) noexcept  // NOLINT
      : buffers_(buffers.begin(), buffers.size()) {}
  template <detail::ConvertsToSpan<const ConstBuffer> Range>
  constexpr ConstBuffers(const Range& buffers) noexcept  // NOLINT: meant to convert
      : buffers_(buffers) {}

  // A ConstBuffer is nothing but the C struct.
  const sally_buffer* data() const noexcept {
    static_assert(std::is_standard_layout_v<ConstBuffer> &&
                  sizeof(ConstBuffer) == sizeof(sally_buffer));
    return reinterpret_cast<const sally_buffer*>(buffers_.data());
  }
  constexpr std::size_t size() const noexcept { return buffers_.size(); }

 private:
  std::span<const ConstBuffer> buffers_;
};

}  // namespace sally::inline v0
