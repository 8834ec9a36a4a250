# The functions are those of the C headers, which cffi itself checks.
from typing import Any

ffi: Any
lib: Any
