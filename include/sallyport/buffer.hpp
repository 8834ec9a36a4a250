// buffer.hpp: how the operations take bytes: where to put them, and where to find them.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
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

// Several of them, one behind the other: up to 8 as `{header, body}`, or any number as what
// converts to a std::span<const ConstBuffer>. It only points at the bytes, and at that span.
class ConstBuffers {
 public:
  // No std::initializer_list: not every compiler lets one be used in a coroutine's expression.
  template <class... Buffers>
  requires(
      sizeof...(Buffers) > 0 && sizeof...(Buffers) <= 8 &&
      (std::convertible_to<const Buffers&, ConstBuffer> &&
       ...)) constexpr ConstBuffers(const Buffers&... buffers) noexcept  // NOLINT: meant to convert
      : few_{raw(buffers)...}, size_(sizeof...(Buffers)) {}

  template <detail::ConvertsToSpan<const ConstBuffer> Range>
  constexpr ConstBuffers(const Range& range) noexcept  // NOLINT: meant to convert
      : many_(std::span<const ConstBuffer>(range).data()),
        size_(std::span<const ConstBuffer>(range).size()) {}

  const sally_buffer* data() const noexcept {
    // A ConstBuffer is nothing but the C struct.
    static_assert(std::is_standard_layout_v<ConstBuffer> &&
                  sizeof(ConstBuffer) == sizeof(sally_buffer));
    return many_ != nullptr ? reinterpret_cast<const sally_buffer*>(many_) : few_.data();
  }
  constexpr std::size_t size() const noexcept { return size_; }

 private:
  static constexpr sally_buffer raw(ConstBuffer buffer) noexcept {
    return {buffer.data(), buffer.size()};
  }

  std::array<sally_buffer, 8> few_{};
  const ConstBuffer* many_ = nullptr;
  std::size_t size_;
};

}  // namespace sally::inline v0
