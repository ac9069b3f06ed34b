"""Rules and dashboards: every query parses, and every metric it names is one that a component of the tree exposes."""

import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import yaml

from tree import Loader

# What Prometheus makes of its own for every target and rule.
OF_PROMETHEUS = ("ALERTS", "up", "scrape_duration_seconds", "scrape_samples_post_metric_relabeling")
UNIT_TESTS = Path(__file__).parent / "alerts.yaml"

# What an expression may say besides the names of metrics.
WORDS = {"by", "without", "on", "ignoring", "group_left", "group_right", "and", "or", "unless", "offset", "bool", "inf", "nan", "le", "atan2"}


def check(tree, report, arguments):
    queries = list(rule_queries(tree)) + list(dashboard_queries(tree))
    recorded = {name for _, name, _ in recordings(tree)}
    known = exposed(tree, report)
    for place, query in queries:
        for name in metrics(query):
            report.expect(name in known or name in recorded, place, f"asks for `{name}`, which no component exposes")
    promtool(tree, report, arguments, queries)
    alerts(tree, report)
    logs(tree, report)


def rule_files(tree):
    return tree.files(lambda item, key: item.labels.get("prometheus.io/rules") == "true")


def rules(tree):
    for item, key, text in rule_files(tree):
        for group in yaml.load(text, Loader)["groups"]:
            for rule in group["rules"]:
                yield item, group["name"], rule


def rule_queries(tree):
    for item, _, rule in rules(tree):
        yield f"{item}, {rule.get('alert') or rule.get('record')}", rule["expr"]


def recordings(tree):
    for item, _, rule in rules(tree):
        if "record" in rule:
            yield item, rule["record"], rule["expr"]


def dashboard_queries(tree):
    """The PromQL of every panel and variable, with Grafana's variables filled in."""
    for item, _, text in tree.files(lambda item, key: item.labels.get("grafana.com/dashboard") == "true"):
        board = json.loads(text)
        for panel in board["panels"]:
            for target in panel.get("targets") or []:
                if target["datasource"]["type"] == "prometheus":
                    yield f"{item}, panel `{panel['title']}`", target["expr"].replace("$__rate_interval", "5m")
        for variable in board["templating"]["list"]:
            if variable["type"] == "query":
                query = variable["query"]["query"]
                found = re.fullmatch(r"label_values\((.+), (\w+)\)", query)
                yield f"{item}, variable `{variable['name']}`", found.group(1) if found else query


def metrics(query):
    """The names of metrics in an expression: identifiers that are neither words, functions, labels nor inside quotes."""
    text = re.sub(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'", '""', query)
    text = re.sub(r"\{[^{}]*\}", "{}", text)
    text = re.sub(r"\[[^\]]*\]", "[]", text)
    text = re.sub(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^()]*\)", " ", text)
    names = re.findall(r"(?<![\w.:])([a-zA-Z_:][\w:]*)(?![\w:])(?!\s*\()", text)
    return {name for name in names if name.lower() not in WORDS}


def exposed(tree, report):
    """All metrics that the components of the tree are known to expose; `*` ends a family."""
    known = set(OF_PROMETHEUS)
    for path in metric_files(tree):
        if report.expect(path.is_file(), path, "there is no such list of metrics"):
            for name in re.findall(r"^[a-zA-Z_:][\w:]*", path.read_text(), re.MULTILINE):
                known.update(name + suffix for suffix in ("", "_bucket", "_sum", "_count"))
    return known


def metric_files(tree):
    """metrics.txt of the components and of the environment; `hydrate check --references` reads the same."""
    root = tree.root.resolve().parent.parent
    return [root / "environments" / tree.root.name / "metrics.txt", *sorted(root.glob("components/*/metrics.txt"))]


def promtool(tree, report, arguments, queries):
    if shutil.which("promtool") is None:
        if arguments.allow_missing_tools:
            report.notes.append("rules and queries: promtool is not installed")
        else:
            report.expect(False, "promtool", "is not installed (Debian: apt-get install prometheus)")
        return
    for item, key, text in rule_files(tree):
        said = run_promtool(text)
        report.expect(said is None, f"{item}, {key}", f"promtool says: {said}")
    places = {f"query_{number}": place for number, (place, _) in enumerate(queries)}
    group = {"name": "queries", "rules": [{"record": f"query_{number}", "expr": query} for number, (_, query) in enumerate(queries)]}
    said = run_promtool(yaml.safe_dump({"groups": [group]}))
    wrong = re.sub(r"query_\d+", lambda found: places[found.group()], said or "")
    report.expect(said is None, "dashboards", f"promtool says: {wrong}")
    report.passed += len(queries) - 1
    unit_tests(tree, report)


def unit_tests(tree, report):
    """alerts.yaml over the rules of the tree, by promtool itself."""
    tests = yaml.load(UNIT_TESTS.read_text(), Loader)
    with tempfile.TemporaryDirectory() as directory:
        for _, key, text in rule_files(tree):
            Path(directory, key).write_text(text)
        path = Path(directory, "tests.yml")
        path.write_text(yaml.safe_dump({**tests, "rule_files": sorted(file.name for file in Path(directory).iterdir())}))
        done = subprocess.run(["promtool", "test", "rules", str(path)], capture_output=True, text=True, check=False)
        cases = sum(len(test["alert_rule_test"]) for test in tests["tests"])
        if report.expect(done.returncode == 0, UNIT_TESTS.name, (done.stdout + done.stderr).strip()[-2500:]):
            report.passed += cases - 1


def run_promtool(text):
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "rules.yaml"
        path.write_text(text)
        done = subprocess.run(["promtool", "check", "rules", str(path)], capture_output=True, text=True, check=False)
        return None if done.returncode == 0 else (done.stdout + done.stderr).strip()[-800:]


def alerts(tree, report):
    """Alerts have names of their own, a severity that Alertmanager routes, and say what is wrong."""
    seen = {}
    for item, _, rule in rules(tree):
        if "alert" not in rule:
            continue
        place = f"{item}, {rule['alert']}"
        report.expect(rule["alert"] not in seen, place, f"is also in {seen.get(rule['alert'])}")
        seen[rule["alert"]] = str(item)
        report.expect(rule.get("labels", {}).get("severity") in ("none", "info", "warning", "critical"), place, "has no severity")
        report.expect(rule.get("annotations", {}).get("summary"), place, "has no summary")


def logs(tree, report):
    """LogQL: a stream selector that selects something, and closed brackets. Loki has no checker outside of Loki."""
    found = []
    for item, key, text in tree.files(lambda item, key: item.component == "loki" and key.endswith(".yaml") and "groups:" in text_of(item, key)):
        if item.labels.get("prometheus.io/rules") != "true":
            found += [(f"{item}, {rule['alert']}", rule["expr"]) for group in yaml.load(text, Loader)["groups"] for rule in group["rules"]]
    for item, _, text in tree.files(lambda item, key: item.labels.get("grafana.com/dashboard") == "true"):
        for panel in json.loads(text)["panels"]:
            found += [(f"{item}, panel `{panel['title']}`", target["expr"]) for target in panel.get("targets") or [] if target["datasource"]["type"] == "loki"]
    for place, query in found:
        plain = re.sub(r"\"(?:[^\"\\]|\\.)*\"", '""', query)
        selector = re.search(r"\{\s*\w+\s*(=|!=|=~|!~)\s*\"\"", plain)
        closed = all(plain.count(one) == plain.count(other) for one, other in ("()", "{}", "[]"))
        report.expect(selector and closed, place, f"is no LogQL: {query}")


def text_of(item, key):
    return item.data["data"][key]
