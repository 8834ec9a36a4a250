// ticket_keys.hpp: the keys of a fleet's session tickets, sally_ticket_keys.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <sallyport/async.hpp>
#include <sallyport/base.hpp>
#include <sallyport/error.hpp>
#include <sallyport/ticket_keys.h>

namespace sally::inline v0 {

// A ring of keys of 80 bytes each: the first encrypts, all decrypt. Copies are the same ring; any
// thread may use it.
//
// The makers throw what ticket_keys.h lists.
class TicketKeys : public detail::Shared<sally_ticket_keys, sally_ticket_keys_retain,
                                         sally_ticket_keys_release> {
 public:
  // Those of a file.
  static TicketKeys from_file(const std::string& file) {
    const char* uri = detail::c_text(file);
    return make([&](sally_ticket_keys** keys, sally_error** error) {
      return sally_ticket_keys_load(uri, keys, error);
    });
  }
  // Those in memory, which is not kept.
  static TicketKeys from_memory(std::string_view data) {
    return make([&](sally_ticket_keys** keys, sally_error** error) {
      return sally_ticket_keys_from_memory(data.data(), data.size(), keys, error);
    });
  }

  static TicketKeys adopt(sally_ticket_keys* keys) noexcept { return TicketKeys(keys); }

  // How many keys there are.
  std::size_t size() const noexcept { return sally_ticket_keys_size(get()); }

  // Reads the files again, whole or not at all.
  void reload() {
    detail::check([&](sally_error** error) { return sally_ticket_keys_reload(get(), error); });
  }
  // What `by` holds now becomes the next generation.
  void replace(const TicketKeys& by) {
    detail::check(
        [&](sally_error** error) { return sally_ticket_keys_replace(get(), by.get(), error); });
  }
  // Reloads from now on whenever the files change.
  TicketKeys& watch() {
    detail::check([&](sally_error** error) { return sally_ticket_keys_watch(get(), error); });
    return *this;
  }
  // Throws what the last reload failed with.
  void check_reload() const {
    detail::check(
        [&](sally_error** error) { return sally_ticket_keys_reload_status(get(), error); });
  }
  std::uint64_t generation() const noexcept { return sally_ticket_keys_generation(get()); }

  // The first generation beyond `generation`; waits for it (default: for ever). Throws what a
  // reload fails with meanwhile.
  std::uint64_t wait_change(std::uint64_t generation, Timeout timeout = {}) const {
    std::uint64_t now = 0;
    detail::check([&](sally_error** error) {
      return sally_ticket_keys_wait_change(get(), generation, &now, timeout.get(), error);
    });
    return now;
  }
  // The same, but std::nullopt where neither came in time; by default it does not wait at all.
  [[nodiscard]] std::optional<std::uint64_t> try_wait_change(
      std::uint64_t generation, Timeout timeout = Timeout::attempt()) const {
    std::uint64_t now = 0;
    const bool came = detail::check_in_time([&](sally_error** error) {
      return sally_ticket_keys_wait_change(get(), generation, &now, timeout.get(), error);
    });
    if (!came) return std::nullopt;
    return now;
  }
  AsyncOf<std::size_t> auto async_wait_change(std::uint64_t generation,
                                              Timeout timeout = {}) const {
    return detail::async<std::size_t>([=, keys = get()](auto... completion) {
      return sally_ticket_keys_wait_change_async(keys, generation, timeout.get(), completion...);
    });
  }

 private:
  using Shared::Shared;

  template <class Call>
  static TicketKeys make(Call&& call) {
    sally_ticket_keys* keys = nullptr;
    detail::check([&](sally_error** error) { return call(&keys, error); });
    return TicketKeys(keys);
  }
};

}  // namespace sally::inline v0
