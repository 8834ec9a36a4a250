#!/usr/bin/env python3
"""Prints what the failed tests of a ctest run said, so that a log ends with it.

usage: failed_tests.py JUNIT_XML [LINES_OF_EACH]
"""

import sys
import xml.etree.ElementTree as ElementTree


def main() -> None:
    cases = ElementTree.parse(sys.argv[1]).getroot().iter("testcase")
    lines = int(sys.argv[2]) if len(sys.argv) > 2 else 60
    for case in cases:
        if case.find("failure") is None and case.get("status") != "fail":
            continue
        said = (case.findtext("system-out") or "").splitlines()
        print(f"\n---- {case.get('name')}, failed after {case.get('time')} s; it ends with:")
        print("\n".join(said[-lines:]))


if __name__ == "__main__":
    main()
