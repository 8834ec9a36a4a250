// What a peer's chain must keep to beyond what OpenSSL asks at its strictest.
#pragma once

#include "tls/verifier.h"

#include <span>
#include <vector>

namespace sally::tls {

std::vector<Finding> extra_checks(const Question& question, std::span<const X509Owner> chain);

}  // namespace sally::tls
