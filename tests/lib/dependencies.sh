# Sourced by tests/run and examples/run: makes sure that what they need is installed, and never asks a question.

build_packages=(
  g++ cmake ninja-build pkg-config libssl-dev nlohmann-json3-dev libcli11-dev libp11-kit-dev
  python3 python3-cryptography # certs/generate.py
)
test_packages=(
  "${build_packages[@]}"
  libgtest-dev libgmock-dev python3-pytest openssl curl abigail-tools binutils file
  softhsm2 libsofthsm2 opensc libp11-kit0 # tokens
  python3-venv python3-dev # the binding for Python; the rest of what it needs comes from PyPI
)
bench_packages=(libasio-dev strace)
fuzz_packages=(clang-14 libclang-rt-14-dev)

# interop_packages writes the packages that other TLS libraries come with, for tests/interop. A Go, Node or Rust that is
# there already will do, wherever it is from.
interop_packages() {
  echo gnutls-bin
  command -v go >/dev/null || echo golang-go
  command -v node >/dev/null || echo nodejs
  command -v cargo >/dev/null || cargo_package
}

# server_packages writes the servers that tests/cli has examined, where they are not there yet.
server_packages() {
  command -v nginx >/dev/null || echo nginx-light
  command -v haproxy >/dev/null || echo haproxy
  command -v stunnel4 >/dev/null || echo stunnel4
  command -v gnutls-serv >/dev/null || echo gnutls-bin
}

# Whether a service that comes with a package would stay where it is: containers refuse to start any, or have nobody
# who would.
services_stay_off() {
  [ ! -x /usr/sbin/policy-rc.d ] || return 0
  case $(cat /proc/1/comm) in
    systemd | init) return 1 ;;
  esac
}

# The cargo of Debian 12 is too old for rustls; beside it there is a newer one.
cargo_package() {
  if grep -qs '^VERSION_ID="12"' /etc/os-release; then echo cargo-web; else echo cargo; fi
}

# require_packages(names...) installs those that are missing as root or through sudo; otherwise it says what to install
# and fails. Where there is no dpkg it trusts that they are there under other names.
require_packages() {
  local package missing=() as_root=()
  if ! command -v dpkg-query >/dev/null; then
    echo "not a Debian system: taking it that these are there: $*"
    return 0
  fi
  for package in "$@"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0

  if [ "$(id -u)" -ne 0 ]; then
    if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
      as_root=(sudo -n)
    else
      echo "Packages are missing. Install them with:" >&2
      echo "  sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing[*]}" >&2
      return 1
    fi
  fi
  echo "installing ${missing[*]}"
  # An index that is out of reach may still be new enough.
  "${as_root[@]}" apt-get -qq -o Acquire::Retries=5 update </dev/null || true
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends \
    -o DPkg::Lock::Timeout=300 -o Acquire::Retries=5 "${missing[@]}" </dev/null >/dev/null
}
