#!/usr/bin/env python3
"""Checks who includes whom.

- A file in src/X names, in quotes, only headers of X and of the layers below it.
- Each third-party library is seen by the layers that it was chosen for; a header that brings it along is that layer's own.
- Public headers name only each other and the standard library; C headers only C ones.
- The command line in sdk/cli stands on the public headers. Its pki* make certificates, which those do not, and for that
  alone they see OpenSSL.

Usage: check_layers.py [project folder] | check_layers.py --self-test
"""
import re
import sys
import tempfile
from pathlib import Path

LAYERS = ["status", "transport", "tls", "socket", "abi"]  # from the ground up
LIBRARIES = {"openssl": {"tls"}, "asio": set(), "p11-kit": {"tls"}, "nlohmann": {"status", "tls"}}  # who may see it
CLI_LIBRARIES = {"CLI", "nlohmann", "sallyport"}
SYSTEM_FOLDERS = {"arpa", "linux", "net", "netinet", "sys"}
C_HEADERS = {
    "assert.h", "complex.h", "ctype.h", "errno.h", "fenv.h", "float.h", "inttypes.h", "iso646.h", "limits.h",
    "locale.h", "math.h", "setjmp.h", "signal.h", "stdarg.h", "stdbool.h", "stddef.h", "stdint.h", "stdio.h",
    "stdlib.h", "string.h", "tgmath.h", "time.h", "wchar.h", "wctype.h",
}  # fmt: skip
SOURCES = {".c", ".cpp", ".h", ".hpp", ".inc"}

INCLUDE = re.compile(r"^[ \t]*#[ \t]*include\b[ \t]*(.*?)[ \t]*$", re.MULTILINE)
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)


def includes(path):
    """Yields line, bracket and name of each include; the bracket is "" where a macro hides the name."""
    text = COMMENT.sub(lambda match: "\n" * match.group().count("\n"), path.read_text(encoding="utf-8"))
    for match in INCLUDE.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        name = re.fullmatch(r'(["<])([^">]+)[">]', match.group(1))
        yield (line, name.group(1), name.group(2)) if name else (line, "", match.group(1))


def first_folder(name):
    return name.split("/")[0] if "/" in name else "asio" if name == "asio.hpp" else ""


def brings_along(source, name, seen):
    """The third-party libraries that the header src/<name> includes, itself or through others of ours."""
    path = source / name
    if name in seen or not path.is_file():
        return set()
    seen.add(name)
    found = set()
    for _, bracket, included in includes(path):
        if bracket == '"':
            found |= brings_along(source, included, seen)
        elif first_folder(included) in LIBRARIES:
            found.add(first_folder(included))
    return found


def inside_complaint(source, layer, bracket, name):
    """Why a file of src/<layer> must not include this, or None."""
    folder = first_folder(name)
    if bracket == '"':
        if folder not in LAYERS:
            return f'name the layer: "{layer}/{name}"'
        if LAYERS.index(folder) > LAYERS.index(layer):
            return f"{folder} lies above {layer}"
        strange = sorted(library for library in brings_along(source, name, set()) if layer not in LIBRARIES[library])
        return f"brings {strange[0]} along, which is not for src/{layer}" if strange else None
    if folder in LIBRARIES:
        return None if layer in LIBRARIES[folder] else f"{folder} is not for src/{layer}"
    if folder == "sallyport":
        return "the wrappers stand on the library, not in it" if name.endswith(".hpp") else None
    if folder and folder not in SYSTEM_FOLDERS:
        return f"{folder} is no library of ours"
    return None


def public_complaint(include, path, bracket, name):
    """Why a public header must not include this, or None."""
    if bracket == "<" and name.startswith("sallyport/"):
        if not (include / name).is_file():
            return "there is no such header"
        if path.suffix == ".h" and not name.endswith(".h"):
            return "a C header includes C headers"
        return None
    if bracket == "<" and name in C_HEADERS:
        return None
    if bracket == "<" and path.suffix == ".hpp" and re.fullmatch(r"[a-z_]+", name):
        return None
    return "a public header includes <sallyport/...> and the standard library only"


def cli_complaint(path, bracket, name):
    """Why a file of sdk/cli must not include this, or None."""
    makes_certificates = path.name.startswith("pki")
    folder = first_folder(name)
    if bracket == '"':
        if folder:
            return "the command line stands on the public headers"
        own = name.startswith("pki") and name != "pki.h" and not makes_certificates
        return "it is for sdk/cli/pki* only" if own else None
    if folder == "openssl":
        return None if makes_certificates else "openssl is for sdk/cli/pki* only"
    return f"{folder} is no library of it" if folder and folder not in CLI_LIBRARIES | SYSTEM_FOLDERS else None


def check(top):
    """All complaints about the project in `top`, as text."""
    complaints = []

    def look(path, judge):
        for line, bracket, name in includes(path):
            complaint = judge(bracket, name) if bracket else "an include must be there to be read"
            if complaint:
                complaints.append(f"{path.relative_to(top)}:{line}: {name}: {complaint}")

    for path in sorted((top / "src").rglob("*")):
        if path.suffix not in SOURCES:
            continue
        layer = path.relative_to(top / "src").parts[0]
        if layer not in LAYERS:
            complaints.append(f"{path.relative_to(top)}:1: {layer} is not a layer")
            continue
        look(path, lambda *include: inside_complaint(top / "src", layer, *include))
    for path in sorted((top / "include").rglob("*")):
        if path.is_file():
            look(path, lambda *include: public_complaint(top / "include", path, *include))
    for path in sorted((top / "sdk" / "cli").rglob("*")):
        if path.suffix in SOURCES:
            look(path, lambda *include: cli_complaint(path, *include))
    for suffix in (".h", ".hpp"):
        complaints += umbrella_complaints(top, suffix)
    return complaints


def umbrella_complaints(top, suffix):
    umbrella = top / "include" / "sallyport" / f"sallyport{suffix}"
    headers = {f"sallyport/{path.name}" for path in umbrella.parent.glob(f"*{suffix}")} - {f"sallyport/{umbrella.name}"}
    if not headers:
        return []
    reached, todo = set(), [umbrella]
    while todo:
        path = todo.pop()
        names = {name for _, _, name in includes(path)} if path.is_file() else set()
        todo += [top / "include" / name for name in names & headers - reached]
        reached |= names
    return [f"{umbrella.relative_to(top)}:1: does not lead to {name}" for name in sorted(headers - reached)]


PLANTED = {
    # file: (text, line of the complaint or None)
    "src/status/fine.cpp": ('#include "status/fine.h"\n#include <nlohmann/json.hpp>\n#include <sys/socket.h>\n', None),
    "src/status/upward.cpp": ('#include <string>\n#include "tls/session.h"\n', 2),
    "src/status/commented.cpp": ('/*\n#include "tls/session.h"\n*/\n// #include <openssl/ssl.h>\n', None),
    "src/status/after_comment.cpp": ('/*\n*/ #include "tls/session.h"\n', 2),
    "src/transport/fine.cpp": ('#include <sys/epoll.h>\n#include "status/error.h"\n', None),
    "src/tls/private.h": ("#pragma once\n#include <openssl/ssl.h>\n", None),
    "src/tls/indirect.h": ('#pragma once\n#include "tls/private.h"\n', None),
    "src/tls/user.cpp": ('#include "tls/indirect.h"\n', None),
    "src/socket/leak.cpp": ('#include <string>\n#include "tls/indirect.h"\n', 2),
    "src/transport/asio.cpp": ("#include <asio.hpp>\n", 1),
    "src/transport/tls.cpp": ("#include <openssl/ssl.h>\n", 1),
    "src/tls/fine.cpp": ("#  include <openssl/ssl.h>\n", None),
    "src/tls/asio.cpp": ("#include <asio.hpp>\n", 1),
    "src/tls/json.cpp": ("#include <nlohmann/json.hpp>\n", None),
    "src/socket/json.cpp": ("#include <nlohmann/json.hpp>\n", 1),
    "src/socket/short.cpp": ('#include "stream.h"\n', 1),
    "src/socket/spaced.cpp": ("\n #  include   <openssl/err.h>  // why not\n", 2),
    "src/socket/hidden.cpp": ("#define WHAT <openssl/err.h>\n#include WHAT\n", 2),
    "src/abi/wrapper.cpp": ("#include <sallyport/stream.hpp>\n", 1),
    "src/abi/foreign.cpp": ("#include <boost/asio.hpp>\n", 1),
    "src/extra/other.cpp": ("", 1),
    "sdk/cli/fine.cpp": ('#include "pki.h"\n#include <CLI/CLI.hpp>\n#include <sallyport/sallyport.hpp>\n', None),
    "sdk/cli/pki_key.cpp": ('#include "pki_openssl.h"\n#include <openssl/evp.h>\n', None),
    "sdk/cli/serve.cpp": ("#include <string>\n#include <openssl/evp.h>\n", 2),
    "sdk/cli/indirect.cpp": ('#include "pki_openssl.h"\n', 1),
    "sdk/cli/inside.cpp": ('#include "tls/session.h"\n', 1),
    "sdk/cli/pki_loop.cpp": ("#include <asio.hpp>\n", 1),
    "include/sallyport/stream.h": ("#include <stdint.h>\n#include <unistd.h>\n", 2),
    "include/sallyport/base.h": ('#include "stream.h"\n', 1),
    "include/sallyport/error.h": ("#include <sallyport/stream.hpp>\n", 1),
    "include/sallyport/stream.hpp": ("#include <sallyport/stream.h>\n#include <span>\n#include <asio.hpp>\n", 3),
    "include/sallyport/error.hpp": ("#include <sallyport/gone.h>\n", 1),
    "include/sallyport/sallyport.h": ("#include <sallyport/stream.h>\n#include <sallyport/base.h>\n", 1),  # error.h
    "include/sallyport/sallyport.hpp": ("#include <sallyport/stream.hpp>\n#include <sallyport/error.hpp>\n", None),
}


def self_test():
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        for name, (text, _) in PLANTED.items():
            (top / name).parent.mkdir(parents=True, exist_ok=True)
            (top / name).write_text(text, encoding="utf-8")
        found = sorted(":".join(complaint.split(":")[:2]) for complaint in check(top))
    expected = sorted(f"{name}:{line}" for name, (_, line) in PLANTED.items() if line)
    for missed in set(expected) - set(found):
        print(f"self-test: {missed} went unnoticed")
    for wrong in set(found) - set(expected):
        print(f"self-test: {wrong} is fine, but was complained about")
    return found == expected


def main(arguments):
    if arguments == ["--self-test"]:
        return 0 if self_test() else 1
    top = Path(arguments[0] if arguments else Path(__file__).resolve().parents[2])
    complaints = check(top)
    print("\n".join(complaints) if complaints else "includes keep to their layers")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
