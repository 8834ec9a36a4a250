"""Every function of the headers is used by a wrapper, or left out for a reason that is written down."""

import ast
import pathlib
import shutil
import subprocess

import pytest

import sallyport
from left_out import LEFT_OUT
from sallyport._native import ffi, lib

SOURCES = pathlib.Path(__file__).resolve().parents[1] / "src/sallyport"
INCLUDE = pathlib.Path(__file__).resolve().parents[3] / "include"
FUNCTIONS = {name for name in dir(lib) if name.startswith("sally_")}
# Calls whose first argument names a kind of handle, and what they use of it.
OWNERS = {"own": ("release",), "make": ("release",), "retain": ("retain", "release"), "taken": ("release",)}


def text_of(node):
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def called(node):
    return getattr(node.func, "attr", getattr(node.func, "id", None)) if isinstance(node, ast.Call) else None


def kinds_of(classes):
    """The kinds of handle that each class stands for: its own, its base's, or those of the classes made from it."""
    own, bases = {}, {}
    for node in classes:
        found = [text_of(part.value) for part in node.body
                 if isinstance(part, ast.Assign) and getattr(part.targets[0], "id", None) == "_kind"]
        own[node.name] = {kind for kind in found if kind}
        bases[node.name] = {getattr(base, "id", None) for base in node.bases}
    kinds = {}
    for name, mine in own.items():
        above = set().union(*[own.get(base, set()) for base in bases[name]])
        below = set().union(*[own[other] for other in own if name in bases[other]]) if name != "Object" else set()
        kinds[name] = mine or above or below
    return kinds


def used_by_wrappers():
    trees = [ast.parse(path.read_text()) for path in SOURCES.glob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    used = {node.attr for node in nodes if isinstance(node, ast.Attribute) and node.attr.startswith("sally_")}
    classes = [node for node in nodes if isinstance(node, ast.ClassDef)]
    kinds = kinds_of(classes)
    for node in nodes:
        if called(node) in OWNERS and node.args and text_of(node.args[0]):
            used |= {f"sally_{text_of(node.args[0])}_{verb}" for verb in OWNERS[called(node)]}
        if called(node) == "_function" and getattr(node.func.value, "id", None) == "source":
            used |= {f"sally_{kind}_{text_of(node.args[0])}" for kind in kinds["Source"]}
    for made in classes:
        for node in ast.walk(made):
            if called(node) in ("_call", "_function") and node.args and text_of(node.args[0]):
                used |= {f"sally_{kind}_{text_of(node.args[0])}" for kind in kinds[made.name]}
    return used


def test_every_function_is_used_or_left_out_for_a_reason():
    used = used_by_wrappers()
    assert used <= FUNCTIONS, "what no header declares"
    assert FUNCTIONS - used == set(LEFT_OUT)
    assert all(LEFT_OUT.values()) and len(FUNCTIONS) >= 286


def test_the_search_for_what_is_used_finds_each_manner_of_using():
    used = used_by_wrappers()
    for name in ("sally_stream_read_some", "sally_credential_reload", "sally_ticket_keys_watch", "sally_verdict_release",
                 "sally_tls_config_set_policy", "sally_decision_insecure_accept", "sally_trust_store_merge",
                 "sally_trust_store_wait_change_async", "sally_error_retain"):
        assert name in used, name
    assert "sally_tls_config_watch" not in used and "sally_credential_merge" not in used


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
def test_every_function_has_the_types_of_the_headers(tmp_path):
    """The compiler compares each with what the raw layer takes it for, but for const, which says nothing to Python."""
    lines = ["#include <stddef.h>", "#include <stdint.h>", "#define const", "#include <sallyport/sallyport.h>"]
    for name in sorted(FUNCTIONS):
        kind = ffi.getctype(ffi.typeof(ffi.addressof(lib, name)))
        same = f"__builtin_types_compatible_p(__typeof__(&{name}), __typeof__(({kind})0))"
        lines.append(f'_Static_assert({same}, "{name}");')
    assert len(lines) > 286
    source = tmp_path / "types.c"
    source.write_text("\n".join(lines) + "\n")
    subprocess.run(["cc", "-std=gnu11", "-fsyntax-only", f"-I{INCLUDE}", source], check=True)
    source.write_text("\n".join(lines).replace("int64_t(*)", "int32_t(*)") + "\n")
    changed = subprocess.run(["cc", "-std=gnu11", "-fsyntax-only", f"-I{INCLUDE}", source], capture_output=True)
    assert changed.returncode != 0, "the comparison sees no difference"


def test_everything_public_is_documented():
    undocumented = []
    for name in sallyport.__all__:
        value = getattr(sallyport, name)
        if not (value.__doc__ or "").strip():
            undocumented.append(name)
        if isinstance(value, type) and value.__module__.startswith("sallyport"):
            for member, what in vars(value).items():
                if callable(what) and not member.startswith("_") and not (what.__doc__ or "").strip():
                    undocumented.append(f"{name}.{member}")
    assert undocumented == []
