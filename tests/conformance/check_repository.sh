#!/usr/bin/env bash
# Checks the files as they are committed: no private key, no broken script, generated files up to date.
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
python=${PYTHON:-/usr/bin/python3}
cd "$top"
failed=0
complain() {
  echo "repository: $*" >&2
  failed=1
}

# A release archive has no .git; there, every file is looked at that no build made.
files() {
  if git rev-parse --git-dir >/dev/null 2>&1; then
    git ls-files -z --cached --others --exclude-standard
  else
    find . \( -path ./build -o -path ./certs/out \) -prune -o -type f -print0
  fi
}

# The words alone may stand in code and documentation; with key material behind them they may not.
if files | xargs -0 grep -lPzs 'PRIVATE KEY-----(\s|\\n|\\r|["'"'"'])*[A-Za-z0-9+/]{32}' | tr '\0' '\n' | grep .; then
  complain "a private key stands in the files above"
fi

while IFS= read -r -d '' file; do
  [ -f "$file" ] || continue
  if head -c 64 "$file" | head -n 1 | grep -aqE '^#!.*\b(ba)?sh\b'; then
    bash -n "$file" || complain "$file does not parse"
    [ -x "$file" ] || complain "$file begins with #! but is not executable"
  elif [[ $file == *.sh ]]; then
    bash -n "$file" || complain "$file does not parse"
  fi
done < <(files)

if [ -e src/status/generate.py ]; then
  "$python" src/status/generate.py --check || complain "generated files are out of date: run src/status/generate.py"
fi

[ "$failed" -eq 0 ] || exit 1
echo "repository in order"
