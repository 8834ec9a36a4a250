#!/usr/bin/env python3
"""Reduces what abidw wrote to the ABI: exported functions and the types that they reach.

A struct whose definition is not in the public headers is left as a declaration: what lies behind a handle is nobody's
business. (abidw's own --headers-dir compares file names without their folders, and takes src/status/error.h for
include/sallyport/error.h.) Where things stand in the sources, and in which order, is left out as well, so that the
record changes with the ABI and with nothing else.

Usage: reduce.py headers < abidw's output > record
"""
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

LOCATION = ("filepath", "line", "column")
COMPOUND = ("class-decl", "union-decl", "enum-decl")


def is_public(node, headers):
    """By the end of its path: a cache of compilations leaves the folder of another checkout in debug information."""
    if node.get("filepath") is None:
        return False
    path = Path(node.get("filepath"))
    return path.parts[-3:-1] == headers.parts[-2:] and (headers / path.name).exists()


def hide(node):
    """Turns a definition into a declaration."""
    kept = {name: node.get(name) for name in ("name", "is-struct", "visibility") if node.get(name)}
    identity = node.get("id")
    node.clear()
    node.attrib.update(kept, **{"is-declaration-only": "yes", "id": identity})


def type_nodes(corpus, headers):
    """Type id -> node; of a type that is declared here and defined there, the definition."""
    types = {}
    for node in list(corpus.iter()):
        identity = node.get("id")
        if identity is None:
            continue
        if node.tag in COMPOUND and node.get("is-declaration-only") is None and not is_public(node, headers):
            hide(node)
        known = types.get(identity)
        if known is None or known.get("is-declaration-only"):
            types[identity] = node
    return types


def is_hidden_option(node):
    return node.tag == "class-decl" and node.get("name", "").endswith("_options") and node.get("is-declaration-only")


def reach(node, types, reached):
    for part in node.iter():
        for attribute in ("type-id", "naming-typedef-id", "definition-of-decl-id"):
            identity = part.get(attribute)
            if identity in types and identity not in reached:
                reached[identity] = types[identity]
                reach(types[identity], types, reached)


def reduce(corpus, headers):
    types = type_nodes(corpus, headers)
    functions = {node.get("elf-symbol-id"): node for node in corpus.iter("function-decl") if node.get("elf-symbol-id")}
    reached = {}
    for function in functions.values():
        reach(function, types, reached)

    attributes = {"address-size": "64", "path": "sallyport", "language": "LANG_C"}
    for unit in corpus.findall("abi-instr"):
        attributes["address-size"] = unit.get("address-size", attributes["address-size"])
        corpus.remove(unit)
    unit = ElementTree.SubElement(corpus, "abi-instr", attributes)
    unit.extend(node for _, node in sorted(reached.items(), key=lambda item: (item[1].tag, item[1].get("name", ""), item[0])))
    unit.extend(node for _, node in sorted(functions.items()))
    hidden = [node.get("name") for node in reached.values() if is_hidden_option(node)]
    if hidden:
        sys.exit(f"reduce.py: debug information does not tell what these are: {', '.join(hidden)}")
    for node in unit.iter():
        for name in LOCATION:
            node.attrib.pop(name, None)


def main(headers):
    tree = ElementTree.parse(sys.stdin)
    reduce(tree.getroot(), Path(headers).resolve())
    ElementTree.indent(tree)
    print(ElementTree.tostring(tree.getroot(), encoding="unicode"))


if __name__ == "__main__":
    main(sys.argv[1])
