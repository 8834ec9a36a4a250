// A judgement in words.
#pragma once

#include "status/error.h"
#include "tls/verifier.h"

namespace sally::tls {

// The fault that decides, with all others in its list. Of a peer that is accepted, an error of
// status SALLY_OK with what was ignored.
ErrorRef explain(const Question& question, const Judgement& judgement);

}  // namespace sally::tls
