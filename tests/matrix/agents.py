"""The agents of the language matrix: where they are, or why one of them cannot take part."""

import os
import pathlib
import shutil
import subprocess

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = TOP / os.environ.get("SALLYPORT_BUILD", "build/release")
LANGUAGES = ("c", "cpp", "go", "python")


class Missing(Exception):
    """Why a language is left out."""


def command(language, folder):
    """How to start an agent; `folder` is for what has to be built first. Raises Missing."""
    return {"c": built, "cpp": built, "go": go, "python": python}[language](language, folder)


def built(language, _folder):
    program = BUILD / "bin" / f"matrix_agent_{language}"
    assert program.exists(), f"{program} is not built: cmake --build ... --target matrix_agent_{language}"
    return [program]


def go(_language, folder):
    if shutil.which("go") is None:
        raise Missing("there is no Go")
    program = folder / "matrix_agent_go"
    environment = os.environ | {
        "CGO_ENABLED": "1",
        "CGO_CFLAGS": f"-O2 -I{TOP}/include",
        "CGO_LDFLAGS": f"-L{BUILD}/lib -Wl,-rpath,{BUILD}/lib",
    }
    wanted = subprocess.run(["go", "env", "GOVERSION"], capture_output=True, text=True, check=True, timeout=60)
    version = tuple(int(number) for number in wanted.stdout.strip().removeprefix("go").split(".")[:2])
    if version < (1, 19):
        raise Missing(f"the binding needs Go 1.19 or newer, and this is {wanted.stdout.strip()}")
    subprocess.run(["go", "build", "-o", program, "./internal/matrixagent"], cwd=TOP / "sdk/go", env=environment,
                   check=True, timeout=600)
    return [program]


def python(_language, _folder):
    agent = TOP / "sdk/python/tests/matrix_agent.py"
    if not agent.exists():
        raise Missing(f"there is no {agent.relative_to(TOP)}")
    interpreter = pathlib.Path(os.environ.get("SALLYPORT_MATRIX_PYTHON", TOP / "build/python/bin/python"))
    if not interpreter.exists():
        raise Missing(f"there is no {interpreter}, which tests/run makes; SALLYPORT_MATRIX_PYTHON names another")
    found = subprocess.run([interpreter, "-c", "import sallyport"], capture_output=True, text=True, timeout=60)
    if found.returncode != 0:
        raise Missing(f"{interpreter} has no sallyport: {found.stderr.strip().splitlines()[-1]}")
    return [interpreter, agent]
