#!/usr/bin/env bash
# Checks what the shared library shows to the world, and how it was hardened.
# Usage: check_symbols.sh [library]
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
library=${1:-$top/build/release/lib/libsallyport.so}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
complain() {
  echo "symbols: $*" >&2
  failed=1
}

# The declarations, as the compiler sees them: one a line, the first name before a parenthesis is the function's.
(cd "$top/include" && printf '#include <%s>\n' sallyport/*.h) | cc -E -P -x c -I"$top/include" - |
  tr '\n' ' ' | tr ';{}' '\n\n\n' | grep -F 'visibility("default")' | sed 's/__attribute__((.*))//' |
  sed -nE 's/^[^(]*\b(sally_[a-z0-9_]+) *\(.*/\1/p' | sort -u >"$work/declared"
nm -D --defined-only --with-symbol-versions "$library" | awk '$2 != "A"' >"$work/exported"
awk '{ sub(/@.*/, "", $3); print $3 }' "$work/exported" | sort -u >"$work/names"

[ -s "$work/declared" ] || complain "no declaration found in the headers"
undeclared=$(comm -13 "$work/declared" "$work/names")
[ -z "$undeclared" ] || complain "exported, but not declared with SALLY_API:" $undeclared
missing=$(comm -23 "$work/declared" "$work/names")
[ -z "$missing" ] || complain "declared, but not exported:" $missing
unversioned=$(grep -vE ' T sally_[a-z0-9_]+@@SALLYPORT_[0-9]+\.[0-9]+$' "$work/exported" || true)
[ -z "$unversioned" ] || complain "not a function with a version node: $unversioned"

readelf -dW "$library" >"$work/dynamic"
readelf -lW "$library" >"$work/segments"
expect() {  # file, pattern, what it is
  grep -qE "$2" "$work/$1" || complain "no $3"
}
forbid() {
  ! grep -qE "$2" "$work/$1" || complain "$3"
}
expect dynamic 'SONAME.*\[libsallyport\.so\.[0-9]+\]' "versioned SONAME"
expect dynamic '\(FLAGS_1\).*NOW' "BIND_NOW"
expect dynamic '\(FLAGS_1\).*NODELETE' "NODELETE"
expect segments 'GNU_RELRO' "RELRO"
expect segments 'GNU_STACK .* RW +0x' "stack that cannot be executed"
forbid segments 'LOAD .* RWE ' "a segment can be written and executed"
forbid dynamic 'TEXTREL' "text relocations"
forbid dynamic '\((RPATH|RUNPATH)\)' "a library search path was left in"
strangers=$(sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' "$work/dynamic" |
  grep -vE '^(libssl|libcrypto|libstdc\+\+|libgcc_s|libc|libm|ld-linux-[a-z0-9-]+)\.so\.[0-9]+$' || true)
[ -z "$strangers" ] || complain "needs other libraries than it should:" $strangers

nm -D --undefined-only "$library" >"$work/undefined"
expect undefined '__stack_chk_fail' "stack protector"
# Each unit says how it was compiled. -g0 builds do not, and are not what is released.
readelf --debug-dump=info --dwarf-depth=1 "$library" 2>/dev/null | grep 'DW_AT_producer.*GNU C' >"$work/units" || true
[ -s "$work/units" ] || complain "no debug information"
for flag in -fstack-protector-strong -fstack-clash-protection -fvisibility=hidden -O2; do
  ! grep -vqe " $flag" "$work/units" || complain "a unit was compiled without $flag"
done
if [ "$(uname -m)" = x86_64 ]; then
  ! grep -vqe ' -fcf-protection=full' "$work/units" || complain "a unit was compiled without -fcf-protection"
  # The C library's own start files lack the mark of CET on Debian 12, so look at the code: every entry is a landing pad.
  objdump -d --no-show-raw-insn "$library" | awk '
    /^[0-9a-f]+ <sally_[a-z0-9_]+(@@[A-Z0-9_.]+)?>:$/ { name = $2; next }
    name { if ($2 != "endbr64") print name; name = "" }' >"$work/no_landing_pad"
  [ ! -s "$work/no_landing_pad" ] || complain "no CET landing pad:" $(cat "$work/no_landing_pad")
fi

[ "$failed" -eq 0 ] || exit 1
echo "exports $(wc -l <"$work/names") functions, all of them declared; hardened"
