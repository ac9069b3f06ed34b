#!/usr/bin/env python3
"""Checks the rendered platform: python3 tests/platform/validate.py [TREE]

Every object against the schemas of Kubernetes and of the custom resources used, every reference between objects, every configuration file
inside a ConfigMap, every query of rules and dashboards, and that the order of application puts nothing before what it needs.
Prints one line for each finding and, last, how many checks passed and failed; exits with 1 if any failed.
"""

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import agreement
import configs
import handover
import order
import references
import schemas
import security
import signals
from tree import Report, Tree

CHECKS = [
    ("objects match their schemas", schemas.check),
    ("references between objects hold", references.check),
    ("policies of both ends agree", agreement.check),
    ("pods keep to their Pod Security Standard", security.check),
    ("configuration files are valid", configs.check),
    ("rules and dashboards ask for what exists", signals.check),
    ("the order of application holds", order.check),
    ("the hand-over names what is there", handover.check),
]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tree", nargs="?", default="manifests/k3d", type=Path)
    parser.add_argument("--versions", default="1.33,1.34,1.35,1.36,1.37", help="versions of Kubernetes whose schemas are used")
    parser.add_argument("--allow-missing-tools", action="store_true", help="leave out what promtool and amtool would check")
    arguments = parser.parse_args()
    tree = Tree.read(arguments.tree)
    if not tree.objects:
        print(f"{arguments.tree} holds no objects: render it first (hydrate -e k3d)", file=sys.stderr)
        return 1
    report = Report()
    for title, check in CHECKS:
        before, start = report.counts(), time.monotonic()
        check(tree, report, arguments)
        passed, failed = (now - then for now, then in zip(report.counts(), before))
        print(f"{title}: {passed} checked, {failed} wrong ({time.monotonic() - start:.1f} s)", flush=True)
    for finding in report.findings:
        print(f"  {finding}")
    for note in report.notes:
        print(f"  left out: {note}")
    passed, failed = report.counts()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
