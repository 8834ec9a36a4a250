#!/usr/bin/env python3
"""Checks that the option structs of a recorded ABI have only grown at their end.

abidiff's suppression for such growth (2.2) also swallows a swap, a removal or a retyping in the same struct, so those
are looked for here.

Usage: check_options.py old.abi new.abi
"""
import re
import sys
import xml.etree.ElementTree as ElementTree


def option_structs(path):
    """Name of each option struct -> its members as text: name, offset and type in full."""
    corpus = ElementTree.parse(path).getroot()
    types = {node.get("id"): node for node in corpus.iter() if node.get("id")}

    def describe(type_id):
        node = types.get(type_id)
        if node is None:
            return type_id or "void"
        if node.tag == "class-decl":
            return f"struct {node.get('name')}"  # its own changes are abidiff's business
        inner = node.get("type-id")
        words = [node.tag, node.get("name"), node.get("size-in-bits"), node.get("const"), describe(inner) if inner else None]
        words += [describe(child.get("type-id")) for child in node if child.get("type-id")]
        return " ".join(word for word in words if word)

    structs = {}
    for node in corpus.iter("class-decl"):
        if re.fullmatch(r"sally_[a-z_]+_options", node.get("name", "")) and node.find("data-member") is not None:
            structs[node.get("name")] = [
                f"{member.find('var-decl').get('name')} at bit {member.get('layout-offset-in-bits')}:"
                f" {describe(member.find('var-decl').get('type-id'))}"
                for member in node.findall("data-member")
            ]
    return structs


def main(old_path, new_path):
    old, new = option_structs(old_path), option_structs(new_path)
    broken = False
    for name, members in old.items():
        kept = new.get(name, [])[: len(members)]
        for index, member in enumerate(members):
            now = kept[index] if index < len(kept) else "nothing"
            if member != now:
                print(f"{name}: {member} has become {now}")
                broken = True
                break
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
