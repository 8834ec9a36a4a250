#!/usr/bin/env bash
# Breaks the ABI of a small library in the ways that matter, and expects sdk/abi/check to say so each time.
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/include" "$work/src"

cat >"$work/include/small.h" <<'END'
#include <stdint.h>
typedef struct sally_thing sally_thing;
#ifdef RENUMBERED
enum { SALLY_KIND_FIRST = 1, SALLY_KIND_SECOND = 3 };
#else
enum { SALLY_KIND_FIRST = 1, SALLY_KIND_SECOND = 2 };
#endif
#define SALLY_NEVER ((int64_t)-1)
typedef struct sally_thing_options {
  uint32_t struct_size;
#ifdef SWAPPED
  uint32_t second, first;
#else
  uint32_t first, second;
#endif
#ifdef MIDDLE
  uint64_t middle;
#endif
  uint64_t last;
#ifdef GROWN
  uint64_t grown;
#endif
} sally_thing_options;
#ifdef WIDENED
typedef int64_t sally_size;
#else
typedef int32_t sally_size;
#endif
#ifdef __cplusplus
extern "C" {
#endif
sally_thing *sally_thing_open(const sally_thing_options *options, sally_size size);
void sally_thing_close(sally_thing *thing);
#ifdef ADDED
void sally_thing_added(void);
#endif
#ifdef __cplusplus
}
#endif
END
# A header inside that has the name of one outside is still inside.
cat >"$work/src/small.h" <<'END'
struct sally_thing {
  sally_size size;
#ifdef PRIVATE
  long more;
#endif
};
END
cat >"$work/small.cpp" <<'END'
#include <small.h>

#include "src/small.h"
sally_thing *sally_thing_open(const sally_thing_options *options, sally_size size) {
  return new sally_thing{static_cast<sally_size>(size + static_cast<sally_size>(options->first))};
}
#ifndef REMOVED
void sally_thing_close(sally_thing *thing) { delete thing; }
#endif
#ifdef ADDED
void sally_thing_added() {}
#endif
END

build() {  # definitions; the constants are read from the headers alone, so these have to know them too
  sed -i '/^#define [A-Z]*$/d' "$work/include/small.h"
  local definition
  for definition in "$@"; do sed -i "1i #define ${definition#-D}" "$work/include/small.h"; done
  c++ -std=c++20 -g ${elsewhere:-} -O2 -fPIC -shared -Wl,-soname,libsmall.so.0 -I"$work/include" "$work/small.cpp" -o "$work/libsmall.so"
}
differs() {  # what, definitions
  local what=$1
  shift
  build "$@"
  if "$top/sdk/abi/check" "$work/libsmall.so" "$work/small" "$work/include" >"$work/log" 2>&1; then
    echo "abi: $what went unnoticed" >&2
    exit 1
  fi
}
agrees() {  # what, definitions
  local what=$1
  shift
  build "$@"
  "$top/sdk/abi/check" "$work/libsmall.so" "$work/small" "$work/include" >"$work/log" 2>&1 ||
    { cat "$work/log"; echo "abi: $what was taken for a break" >&2; exit 1; }
}

build
"$top/sdk/abi/record" "$work/libsmall.so" "$work/small" "$work/include"
grep -qx 'SALLY_NEVER = -1' "$work/small.constants" || { echo "abi: a macro was not recorded" >&2; exit 1; }
agrees "nothing" -DNOTHING
agrees "a change behind a handle" -DPRIVATE
agrees "an option struct grown at its end" -DGROWN
elsewhere=-fdebug-prefix-map=$work=/elsewhere/${work##*/}
agrees "debug information that names the folder of another checkout"
elsewhere=""
differs "a removed symbol" -DREMOVED
differs "an added symbol" -DADDED
differs "a widened parameter" -DWIDENED
differs "swapped struct members" -DSWAPPED
differs "a renumbered constant" -DRENUMBERED
differs "an option struct grown in its middle" -DMIDDLE
differs "an option struct grown at its end with members swapped" -DGROWN -DSWAPPED
differs "an option struct grown at its end and in its middle" -DGROWN -DMIDDLE
echo "the ABI check notices what it should"
