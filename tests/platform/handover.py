"""What hands the tree over to Flux: every object against its schema, every path and name against what is there."""

import json
from pathlib import Path

import jsonschema
import yaml

from schemas import CUSTOM
from tree import Loader


def read(tree):
    """The objects of clusters/<env>, once for each tree."""
    if not hasattr(tree, "handover"):
        root = tree.root.resolve()
        directory = root.parent.parent / "clusters" / root.name
        tree.handover = [yaml.load(path.read_text(encoding="utf-8"), Loader) for path in sorted(directory.glob("*.yaml"))]
    return tree.handover


def check(tree, report, _arguments):
    root = tree.root.resolve().parent.parent
    directory = root / "clusters" / tree.root.resolve().name
    objects = read(tree)
    report.expect(objects, "hand-over", f"{directory.relative_to(root)} holds nothing")
    names = {item["metadata"]["name"] for item in objects if item["kind"] == "Kustomization"}
    sources = {item["metadata"]["name"] for item in objects if item["kind"] == "GitRepository"}
    applied = []
    for item in objects:
        place = f"hand-over: {item['kind']} {item['metadata']['name']}"
        schema = CUSTOM / f"{item['apiVersion'].split('/')[0]}_{item['kind'].lower()}.json"
        if report.expect(schema.is_file(), place, f"there is no schema {schema.name}"):
            errors = list(jsonschema.Draft202012Validator(json.loads(schema.read_text())).iter_errors(item))
            report.expect(not errors, place, "; ".join(error.message[:200] for error in errors))
        if item["kind"] != "Kustomization":
            continue
        spec = item["spec"]
        report.expect(spec["sourceRef"]["name"] in sources, place, f"there is no source {spec['sourceRef']['name']}")
        report.expect((root / spec["path"]).is_dir(), place, f"there is no directory {spec['path']}")
        for need in spec.get("dependsOn", []):
            report.expect(need["name"] in names, place, f"depends on `{need['name']}`, which does not exist")
        applied.append(Path(root, spec["path"]).resolve())
    wanted = {directory, *(path for path in tree.root.resolve().iterdir() if path.is_dir())}
    report.expect(len(applied) == len(set(applied)) and set(applied) == wanted, "hand-over", f"applied are {sorted(map(str, applied))}, there are {sorted(map(str, wanted))}")
