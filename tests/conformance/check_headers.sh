#!/usr/bin/env bash
# Compiles every public header alone, twice over, and all of them in reverse order: C ones as C99 and C++17, C++ ones as
# C++20, with each compiler that is there.
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$top/include"

write_units() {  # suffix
  local suffix=$1 header headers
  mapfile -t headers < <(find sallyport -name "*.$suffix" | sort -r)
  [ ${#headers[@]} -gt 0 ] || return 0
  for header in "${headers[@]}"; do
    printf '#include <%s>\n#include <%s>\n' "$header" "$header" >"$work/$(basename "$header" ".$suffix").$suffix.unit"
  done
  printf '#include <%s>\n' "${headers[@]}" >"$work/reverse_order.$suffix.unit"
}
write_units h
write_units hpp

warnings=(-Wall -Wextra -Wpedantic -Wshadow -Werror)
compile() {  # unit, compiler, language and its flags
  local unit=$1 compiler=$2
  shift 2
  # An empty unit is no C; the declaration is there for the macro-only header.
  { cat "$unit"; echo "extern int sallyport_unit;"; } |
    "$compiler" "$@" "${warnings[@]}" -fsyntax-only -I"$top/include" - 2>"$unit.log" ||
    { echo "$(basename "$unit" .unit) with $compiler $*:"; cat "$unit.log"; return 1; } >&2
}

count=0
for compilers in "gcc g++" "clang clang++" "clang-14 clang++-14"; do
  read -r cc cxx <<<"$compilers"
  command -v "$cc" >/dev/null && command -v "$cxx" >/dev/null || continue
  for unit in "$work"/*.h.unit; do
    compile "$unit" "$cc" -x c -std=c99 -Wstrict-prototypes
    compile "$unit" "$cxx" -x c++ -std=c++17
    count=$((count + 2))
  done
  for unit in "$work"/*.hpp.unit; do
    [ -e "$unit" ] || continue
    compile "$unit" "$cxx" -x c++ -std=c++20
    count=$((count + 1))
  done
done
[ "$count" -gt 0 ] || { echo "headers: nothing was compiled" >&2; exit 1; }
echo "headers stand alone: $count compilations"
