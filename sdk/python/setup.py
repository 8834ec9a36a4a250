"""Builds sallyport._native and lays the shared library beside it, so that a wheel carries both.

SALLYPORT_LIBRARY_DIR: where libsallyport.so is already. Otherwise CMake builds it, with an OpenSSL of its own inside, since the
interpreter brings another into the process; CMAKE_ARGS come last, so -DSALLYPORT_PRIVATE_OPENSSL=OFF links the system's.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from setuptools import setup
from setuptools.command.build_ext import build_ext

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import native  # noqa: E402


class Build(build_ext):
    def run(self):
        libraries = Path(os.environ.get("SALLYPORT_LIBRARY_DIR") or self.cmake()).resolve()
        for extension in self.extensions:
            extension.library_dirs.append(str(libraries))
        super().run()
        package = Path(self.get_ext_fullpath("sallyport._native")).parent
        # Under the name that the module asks for; the links beside it stay behind.
        shutil.copy(libraries / "libsallyport.so.0", package / "libsallyport.so.0", follow_symlinks=True)

    def cmake(self):
        build = Path(self.build_temp).resolve() / "library"
        parts = ("BUILD_TESTS", "BUILD_CLI", "BUILD_EXAMPLES", "INSTALL", "WERROR")
        options = [f"-DSALLYPORT_{part}=OFF" for part in parts]
        options += ["-DSALLYPORT_PRIVATE_OPENSSL=ON", "-DCMAKE_BUILD_TYPE=RelWithDebInfo", "-DCMAKE_SHARED_LINKER_FLAGS=-s"]
        options += shlex.split(os.environ.get("CMAKE_ARGS", ""))
        subprocess.run(["cmake", "-S", native.TOP, "-B", build, *options], check=True)
        jobs = os.environ.get("CMAKE_BUILD_PARALLEL_LEVEL", str(os.cpu_count() or 1))  # without a number make takes any
        subprocess.run(["cmake", "--build", build, "--parallel", jobs, "--target", "sallyport"], check=True)
        return next(build.rglob("libsallyport.so.0")).parent


def version():
    text = (native.HEADERS / "library.h").read_text()
    return ".".join(re.findall(r"#define SALLY_VERSION_\w+ (\d+)", text))


# One wheel for every Python from 3.9 on: the module keeps to the stable ABI.
setup(version=version(), cffi_modules=["native.py:ffi"], cmdclass={"build_ext": Build},
      options={"bdist_wheel": {"py_limited_api": "cp39"}})
