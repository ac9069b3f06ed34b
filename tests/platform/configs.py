"""The configuration files inside ConfigMaps, by the programs that read them where they can be had, else by what is known of their formats."""

import configparser
import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import jsonschema
import yaml

from tree import Loader

FORMATS = Path(__file__).parent / "formats"


def check(tree, report, arguments):
    for item, key, text in tree.files(lambda _item, key: key.endswith((".yaml", ".yml"))):
        with_yaml(report, f"{item}, {key}", text)
    for item, key, text in tree.files(lambda _item, key: key.endswith(".json")):
        try:
            json.loads(text)
            report.expect(True, item, "")
        except ValueError as error:
            report.expect(False, f"{item}, {key}", f"is no JSON: {error}")
    by_tool(tree, report, arguments, "promtool", ["check", "config", "--syntax-only"], "prometheus", "prometheus.yml", without_discovery)
    discovery(tree, report)
    by_tool(tree, report, arguments, "amtool", ["check-config"], "alertmanager", "alertmanager.yml")
    by_format(tree, report)
    collector(tree, report)
    fluent_bit(tree, report)
    grafana(tree, report)
    cilium(tree, report)
    for item, _, text in tree.files(lambda _item, key: key in ("Corefile", "nginx.conf")):
        report.expect(balanced(text), item, "its braces do not match")
    corefile(tree, report)


def with_yaml(report, place, text):
    try:
        yaml.load(text, Loader)
        report.expect(True, place, "")
    except yaml.YAMLError as error:
        report.expect(False, place, f"is no YAML: {error}")


def by_tool(tree, report, arguments, tool, command, component, wanted, change=lambda text: text):
    files = [(item, text) for item, key, text in tree.files(lambda _item, key: key == wanted)]
    report.expect(files, component, f"no ConfigMap holds {wanted}")
    if shutil.which(tool) is None:
        if arguments.allow_missing_tools:
            report.notes.append(f"{wanted}: {tool} is not installed")
        else:
            report.expect(False, wanted, f"{tool} is not installed (Debian: apt-get install prometheus prometheus-alertmanager)")
        return
    for item, text in files:
        run(report, item, [tool, *command], change(text), wanted)


def run(report, place, command, text, name):
    """Runs a checker over a text that is written to a file."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / name
        path.write_text(text)
        done = subprocess.run([*command, str(path)], capture_output=True, text=True, check=False)
        report.expect(done.returncode == 0, place, f"{command[0]} says: {(done.stdout + done.stderr).strip()[-600:]}")


def without_discovery(text):
    """Debian builds promtool without Kubernetes' service discovery: it gets a fixed target in its place."""
    config = yaml.load(text, Loader)
    for job in config["scrape_configs"]:
        if job.pop("kubernetes_sd_configs", None):
            job["static_configs"] = [{"targets": ["localhost:1"]}]
    return yaml.safe_dump(config)


ROLES = {"node", "service", "pod", "endpoints", "endpointslice", "ingress"}


def discovery(tree, report):
    for item, _, text in tree.files(lambda _item, key: key == "prometheus.yml"):
        for job in yaml.load(text, Loader)["scrape_configs"]:
            for one in job.get("kubernetes_sd_configs") or []:
                known = set(one) <= {"role", "namespaces", "selectors", "attach_metadata"}
                report.expect(known and one["role"] in ROLES, item, f"the job {job['job_name']} discovers by what Prometheus does not know: {one}")


def by_format(tree, report):
    """Files whose format is described under formats/: <key of the ConfigMap>.json, every key that is known and no other."""
    for path in sorted(FORMATS.glob("*.json")):
        schema = jsonschema.Draft202012Validator(json.loads(path.read_text()))
        names = [path.stem, path.stem + ".yaml", path.stem + ".yml"]
        found = list(tree.files(lambda _item, key: key in names or re.sub(r"-[a-z]+(?=\.yml$)", "", key) in names))
        report.expect(found, path.stem, "no ConfigMap holds such a file")
        for item, key, text in found:
            errors = list(schema.iter_errors(yaml.load(text, Loader)))
            shown = "; ".join(f"{'.'.join(map(str, error.path)) or 'top'}: {error.message[:160]}" for error in errors[:3])
            report.expect(not errors, f"{item}, {key}", shown)


def collector(tree, report):
    """Pipelines are made of what is configured, everything configured is used, and a connector joins two pipelines."""
    for item, _, text in tree.files(lambda item, key: item.component == "otel-collector" and key == "config.yaml"):
        config = yaml.load(text, Loader)
        pipelines = config["service"]["pipelines"]
        connectors = set(config.get("connectors") or {})
        used = {"receivers": set(), "processors": set(), "exporters": set()}
        for name, pipeline in pipelines.items():
            report.expect(name.split("/")[0] in ("traces", "metrics", "logs"), item, f"`{name}` is no kind of pipeline")
            for part, names in used.items():
                known = set(config.get(part) or {}) | (connectors if part != "processors" else set())
                for one in pipeline.get(part) or []:
                    report.expect(one in known, item, f"the pipeline {name} uses `{one}`, which is not among the {part}")
                    names.add(one)
            report.expect(pipeline.get("processors", ["?"])[0] == "memory_limiter", item, f"the pipeline {name} does not begin with the memory limiter")
        for part, names in used.items():
            report.expect(set(config.get(part) or {}) <= names, item, f"unused {part}: {sorted(set(config.get(part) or {}) - names)}")
        for one in connectors:
            report.expect(one in used["receivers"] and one in used["exporters"], item, f"the connector `{one}` does not join two pipelines")
        report.expect(set(config["service"].get("extensions") or []) == set(config.get("extensions") or {}), item, "extensions differ from those of the service")


INPUTS = {"tail", "systemd", "kmsg", "forward", "http", "opentelemetry", "prometheus_scrape", "node_exporter_metrics", "kubernetes_events", "fluentbit_metrics"}
FILTERS = {"kubernetes", "modify", "grep", "record_modifier", "rewrite_tag", "parser", "multiline", "nest", "lua", "throttle", "type_converter", "log_to_metrics"}
OUTPUTS = {"loki", "opentelemetry", "stdout", "null", "forward", "http", "s3", "es", "prometheus_exporter", "prometheus_remote_write"}


def fluent_bit(tree, report):
    """Plugins exist, every filter and output gets something, every parser that is named is there."""
    for item, _, text in tree.files(lambda _item, key: key == "fluent-bit.yaml"):
        config = yaml.load(text, Loader)
        pipeline = config["pipeline"]
        tags = [one["tag"] for one in pipeline["inputs"]]
        parsers = {one["name"] for one in config.get("parsers") or []}
        for part, known in (("inputs", INPUTS), ("filters", FILTERS), ("outputs", OUTPUTS)):
            for one in pipeline.get(part) or []:
                report.expect(one["name"] in known, item, f"`{one['name']}` is not among Fluent Bit's {part}")
                if part != "inputs":
                    pattern = re.escape(one["match"]).replace(r"\*", ".*")
                    report.expect(any(re.fullmatch(pattern, tag.replace("*", "x")) for tag in tags), item, f"nothing has a tag like `{one['match']}`")
                if "parser" in one:
                    report.expect(one["parser"] in parsers, item, f"the parser `{one['parser']}` is not there")


def grafana(tree, report):
    """grafana.ini parses; datasources have names of their own and refer to each other; dashboards use datasources that exist."""
    uids = set()
    for item, key, text in tree.files(lambda _item, key: key == "grafana.ini"):
        parser = configparser.ConfigParser(interpolation=None, strict=True)
        try:
            parser.read_string(text)
            report.expect({"server", "paths"} <= set(parser.sections()), item, "lacks its sections")
        except configparser.Error as error:
            report.expect(False, f"{item}, {key}", str(error))
    for item, _, text in tree.files(lambda item, key: item.component == "grafana" and key == "datasources.yaml"):
        sources = yaml.load(text, Loader)["datasources"]
        uids = {source["uid"] for source in sources}
        report.expect(len(uids) == len(sources), item, "two datasources have the same uid")
        report.expect(sum(bool(source.get("isDefault")) for source in sources) == 1, item, "there is not exactly one default datasource")
        for uid in re.findall(r"datasourceUid: ([\w-]+)", text):
            report.expect(uid in uids, item, f"names the datasource `{uid}`, which does not exist")
    dashboards(tree, report, uids)


def dashboards(tree, report, uids):
    boards = {}
    for item, key, text in tree.files(lambda item, key: item.labels.get("grafana.com/dashboard") == "true"):
        board = json.loads(text)
        place = f"{item}, {key}"
        report.expect(board["uid"] not in boards, place, f"the uid `{board['uid']}` is also that of {boards.get(board['uid'])}")
        boards[board["uid"]] = place
        report.expect(board["panels"], place, "has no panels")
        ids = [panel["id"] for panel in board["panels"]]
        report.expect(len(ids) == len(set(ids)), place, "two panels have the same id")
        for panel in board["panels"]:
            position = panel["gridPos"]
            report.expect(position["x"] + position["w"] <= 24, place, f"the panel `{panel['title']}` is wider than the page")
            if panel["type"] not in ("text", "row"):
                report.expect(panel["datasource"]["uid"] in uids, place, f"the panel `{panel['title']}` asks the datasource `{panel['datasource']['uid']}`, which does not exist")
    for item, key, text in tree.files(lambda item, key: item.labels.get("grafana.com/dashboard") == "true"):
        for link in json.loads(text)["links"]:
            report.expect(link["url"].removeprefix("/d/") in boards, f"{item}, {key}", f"links to {link['url']}, which does not exist")
    for item, _, text in tree.files(lambda item, key: item.labels.get("prometheus.io/rules") == "true"):
        for uid in re.findall(r"/d/([a-z-]+)", text):
            report.expect(uid in boards, item, f"names the dashboard `{uid}`, which does not exist")


def cilium(tree, report):
    """All values are strings, as the agent reads them, and what depends on each other agrees."""
    config = tree.find("ConfigMap", "kube-system", "cilium-config")
    if report.expect(config, "cilium", "the ConfigMap cilium-config does not exist"):
        data = config.data["data"]
        report.expect(all(isinstance(value, str) for value in data.values()), config, "has values that are not strings")
        for key in ("kube-proxy-replacement", "enable-gateway-api", "enable-l7-proxy", "enable-hubble"):
            report.expect(data.get(key) == "true", config, f"`{key}` is not true")
        for flow in re.findall(r"\{.*?\}(?= \{|$)", data.get("hubble-export-allowlist", "")):
            json.loads(flow)


PLUGINS = {"errors", "health", "ready", "kubernetes", "prometheus", "forward", "cache", "loop", "reload", "loadbalance", "hosts", "import", "template", "rewrite", "log"}


def corefile(tree, report):
    for item, _, text in tree.files(lambda _item, key: key == "Corefile"):
        depth = 0
        for line in text.splitlines():
            words = line.split()
            if depth == 1 and words and words[0] != "}":
                report.expect(words[0] in PLUGINS, item, f"CoreDNS has no plugin `{words[0]}`")
            depth += line.count("{") - line.count("}")


def balanced(text):
    depth = 0
    for character in text:
        depth += {"{": 1, "}": -1}.get(character, 0)
        if depth < 0:
            return False
    return depth == 0
