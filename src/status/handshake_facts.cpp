#include "status/handshake_facts.h"

#include "status/text.h"

namespace sally {

void Listing::add(std::string_view text) {
  ++count;
  if (shown.size() < most_listed) shown.push_back(status::clipped(text, longest_listed));
}

}  // namespace sally
