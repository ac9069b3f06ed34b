"""Objects against the JSON schemas of Kubernetes, in several versions, and of the custom resources that the platform uses."""

import functools
import json
from pathlib import Path

import jsonschema

CUSTOM = Path(__file__).parent / "crds"


def check(tree, report, arguments):
    try:
        from kubernetes_validate import utils
    except ImportError:
        report.expect(False, "schemas", "the Python package kubernetes-validate is missing: run this as `make validate`")
        return
    # The package reads its definitions, a megabyte of JSON, for each object anew.
    utils.schema_contents = functools.lru_cache(maxsize=None)(utils.schema_contents)
    custom = {path.stem: jsonschema.Draft202012Validator(json.loads(path.read_text())) for path in sorted(CUSTOM.glob("*.json"))}
    for item in tree.objects:
        key = f"{item.group}_{item.kind}".lower()
        if key in custom:
            report_errors(report, item, "", custom[key].iter_errors(item.data))
            continue
        for version in arguments.versions.split(","):
            built_in(utils, report, item, version)


def built_in(utils, report, item, version):
    try:
        utils.validate(item.data, version, strict=True)
        report.expect(True, item, "")
    except utils.SchemaNotFoundError:
        report.expect(False, item, f"Kubernetes {version} has no {item.data['apiVersion']} {item.kind}, and tests/platform/crds/ has no schema for it")
    except utils.ValidationError as error:
        report_errors(report, item, f"Kubernetes {version}: ", [error])


def report_errors(report, item, prefix, errors):
    errors = list(errors)
    report.expect(not errors, item, prefix + "; ".join(f"{'.'.join(map(str, error.path))}: {error.message[:200]}" for error in errors[:3]))
