"""The raw layer: sallyport._native, which cffi makes from the public headers themselves.

Nothing is declared by hand, so no function can be missing or mistyped; the C compiler then compares
what was read here with what the headers say to it.
"""

import os
import re
from pathlib import Path

from cffi import FFI

TOP = Path(__file__).resolve().parents[2]
INCLUDE = Path(os.environ.get("SALLYPORT_INCLUDE_DIR", TOP / "include"))
HEADERS = INCLUDE / "sallyport"
# Macros with a cast, which cffi cannot read.
MACROS = """
static const int64_t SALLY_TIMEOUT_DEFAULT, SALLY_TIMEOUT_NEVER, SALLY_TIMEOUT_ATTEMPT;
#define SALLY_VERSION_MAJOR ...
#define SALLY_VERSION_MINOR ...
#define SALLY_VERSION_PATCH ...
"""


def headers_in_order(umbrella="sallyport.h", seen=None):
    """Each header after those that it includes."""
    seen = [] if seen is None else seen
    text = (HEADERS / umbrella).read_text()
    for name in re.findall(r"#include <sallyport/(\w+\.h)>", text):
        if name not in seen:
            headers_in_order(name, seen)
    if umbrella not in seen:
        seen.append(umbrella)
    return seen


def declarations():
    """What the headers declare, without comments, preprocessor and attributes."""
    text = "\n".join((HEADERS / name).read_text() for name in headers_in_order())
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    text = re.sub(r"^\s*#(?:[^\n]*\\\n)*[^\n]*$", "", text, flags=re.M)
    text = re.sub(r"\bSALLY_(API|CHECK_RESULT|BEGIN_DECLS|END_DECLS)\b", "", text)
    return MACROS + text


ffi = FFI()
ffi.cdef(declarations())
ffi.set_source(
    "sallyport._native",
    "#include <sallyport/sallyport.h>\n",
    include_dirs=[str(INCLUDE)],
    libraries=["sallyport"],
    extra_compile_args=["-O2", "-Werror=incompatible-pointer-types", "-Werror=int-conversion"],
    extra_link_args=["-Wl,-rpath,$ORIGIN"],
    py_limited_api=True,
)
