#!/usr/bin/env python3
"""Is what `hydrate explain` says true? Checked by changing what it names and rendering with Helm itself.

usage: explain.py --hydrate BIN --helm HELM CHARTS_DIR [--charts N] [--lines N] [--seed N] [-v]

CHARTS_DIR holds charts with their dependencies, and cases.tsv (chart <TAB> values file or '-'). For each of N charts a project of one
component is made in a temporary directory and rendered; lines are sampled from what was written, and explained. Then, for each line:

- the template: the line that is named is changed in the template, and the line of the output must change with it;
- the values: each value that the line is said to be made of is changed in the file and line that are named, and the line must change;
- what is left out: values of the chart's values.yaml are changed at random, and whatever line changes must name them.

Needs PyYAML. The figures come last.
"""
import argparse, difflib, json, os, random, re, shutil, subprocess, sys, tempfile, collections
import yaml

args = argparse.ArgumentParser()
args.add_argument("--hydrate", required=True)
args.add_argument("--helm", required=True)
args.add_argument("--charts", type=int, default=10)
args.add_argument("--only", default="")
args.add_argument("--lines", type=int, default=2000)
args.add_argument("--recall", type=int, default=15)
args.add_argument("--seed", type=int, default=1)
args.add_argument("-v", action="store_true")
args.add_argument("charts_dir")
args = args.parse_args()
random.seed(args.seed)
ENV = {k: v for k, v in os.environ.items() if k != "CI"} | {"HYDRATE_NO_CACHE": "1"}


def run(*command, cwd=None):
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=ENV)


class Project:
    def __init__(self, chart, values):
        self.root = tempfile.mkdtemp(prefix="explain-")
        self.component = f"{self.root}/components/app"
        os.makedirs(f"{self.root}/environments")
        os.makedirs(self.component)
        open(f"{self.root}/hydrate.yaml", "w").write("random: allow\nchecks: {plaintext-secret: off, credential: off}\n")
        open(f"{self.root}/environments/dev.yaml", "w").write('kubernetes: "1.33.0"\n')
        shutil.copytree(chart, f"{self.component}/chart", symlinks=True)
        if values:
            shutil.copy(values, f"{self.component}/values.yaml")
        self.values = values is not None

    def hydrate(self, *more):
        return run(args.hydrate, "-C", self.root, "-e", "dev", "--no-sandbox", *more)

    def render(self):
        """What Helm gives now: texts by kind and name; nothing where it fails."""
        command = [args.helm, "template", "app", f"{self.component}/chart", "--namespace", "default", "--kube-version", "1.33.0", "--include-crds"]
        if self.values:
            command += ["-f", f"{self.component}/values.yaml"]
        done = run(*command)
        if done.returncode:
            return None
        found = {}
        for text in re.split(r"(?m)^---\s*$", done.stdout):
            kind, name = re.search(r"(?m)^kind: *['\"]?(\S+?)['\"]?\s*$", text), re.search(r"(?m)^metadata:.*\n(?:[ #].*\n|\n)*?  +name: *['\"]?(\S+?)['\"]?\s*$", text)
            if kind and name:
                found[kind[1], name[1]] = text
        return found


def object_of(line):
    kind, rest = line["object"].split(" ", 1)
    return kind, rest.split(" ")[0].split("/")[-1]


def changed(before, after, text, occurrence):
    """Whether the line of that text (the n-th of the same) is no longer there as it was."""
    if after is None:
        return True
    a, b = before.split("\n"), after.split("\n")
    places = [i for i, line in enumerate(a) if line.strip() == text.strip()]
    if occurrence >= len(places):
        return None
    at = places[occurrence]
    for tag, i1, i2, _, _ in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if i1 <= at < i2:
            return tag != "equal"
    return True


class Edit:
    """A file with another text, for as long as it lasts."""
    def __init__(self, path, text):
        self.path, self.text = path, text

    def __enter__(self):
        self.before = open(self.path, newline="").read()
        open(self.path, "w", newline="").write(self.text)

    def __exit__(self, *_):
        open(self.path, "w", newline="").write(self.before)


def other_values(source, column):
    """Lines with another value at a column: what a person would type there."""
    head, rest = source[:column - 1], source[column - 1:]
    properties = re.match(r"(?:[&!]\S+\s+)*", rest)[0]
    head, rest = head + properties, rest[len(properties):]
    if rest[:1] in "\"'" and rest:
        quote = rest[0]
        end = re.match(r'"(?:[^"\\]|\\.)*"' if quote == '"' else r"'(?:[^']|'')*'", rest)
        if not end:
            return []
        inner, tail = end[0][1:-1], rest[end.end():]
        flipped = {"true": "false", "false": "true"}.get(inner)
        others = ([flipped] if flipped else []) + [re.sub(r"\d(?=\D*$)", lambda d: str((int(d[0]) + 1) % 9 + 1), inner, count=1), inner + "x", "x" + inner, "1"]
        return [head + quote + o + quote + tail for o in others if o != inner]
    if rest.startswith("{}"):
        return [head + "{hydrate: x}" + rest[2:]]
    if rest.startswith("[]"):
        return [head + "[x]" + rest[2:], head + "[{name: x}]" + rest[2:]]
    plain = re.match(r"(?:[^#,\]}\n]|(?<!\s)#|[,\]}](?=\S))*", rest)[0].rstrip()
    tail = rest[len(plain):]
    if plain in ("true", "false"):
        return [head + {"true": "false", "false": "true"}[plain] + tail]
    if plain in ("", "null", "~"):
        return [head.rstrip() + " x" + (" " + tail if tail and not tail.startswith(" ") else tail), head.rstrip() + " true" + tail]
    others = [re.sub(r"\d(?=\D*$)", lambda d: str((int(d[0]) + 1) % 9 + 1), plain, count=1), plain + "x", "x" + plain]
    return [head + o + tail for o in others if o != plain]


def edits(path, line, column):
    text = open(path, newline="").read()
    lines = text.split("\n")
    source = lines[line - 1]
    if re.match(r"[|>][-+0-9]*\s*(#.*)?$", source[column - 1:]):
        indent = len(source) - len(source.lstrip())
        for at in range(line, len(lines)):
            if lines[at].strip():
                if len(lines[at]) - len(lines[at].lstrip()) > indent:
                    for to in {at, last_of_block(lines, at, indent)}:
                        yield "\n".join(lines[:to] + [lines[to] + "x"] + lines[to + 1:])
                return
    for other in other_values(source, column):
        yield "\n".join(lines[:line - 1] + [other] + lines[line:])


def last_of_block(lines, at, indent):
    last = at
    while at < len(lines) and (not lines[at].strip() or len(lines[at]) - len(lines[at].lstrip()) > indent):
        last = at if lines[at].strip() else last
        at += 1
    return last


def template_edits(path, line):
    text = open(path, newline="").read()
    lines = text.split("\n")
    source = lines[line - 1]
    yield "\n".join(lines[:line - 1] + [source + "XMARK"] + lines[line:])
    yield "\n".join(lines[:line - 1] + lines[line:])
    yield "\n".join(lines[:line - 1] + [re.sub(r"^(\s*)(- )?", r"\1\2XMARK", source, count=1)] + lines[line:])
    # What prints several lines.
    printed = re.sub(r"\}\}", '| replace "e" "E" | replace "a" "A" | replace "o" "O" | replace "i" "I" | replace "0" "9" | replace "1" "8" }}', source)
    yield "\n".join(lines[:line - 1] + [printed] + lines[line:])


cases = [line.rstrip("\n").split("\t") for line in open(f"{args.charts_dir}/cases.tsv")]
if args.only:
    cases = [case for case in cases if re.search(args.only, case[0])]
random.shuffle(cases)
count, wrong = collections.Counter(), []
per_chart = args.lines // args.charts
done_charts = 0
seen = set()
for chart, values in cases:
    if done_charts == args.charts:
        break
    if chart in seen:
        continue
    chart_path = chart if os.path.isabs(chart) else f"{args.charts_dir}/{chart}"
    values_path = None if values == "-" else values if os.path.isabs(values) else f"{args.charts_dir}/{values}"
    if values_path and not os.path.exists(values_path):
        values_path = f"{chart_path}/{values}"
    project = Project(chart_path, values_path)
    try:
        baseline = project.render()
        if baseline != project.render():
            continue  # chance decides some of it
        if not baseline or sum(len(text) for text in baseline.values()) < 2000:
            continue
        written = project.hydrate()
        if written.returncode:
            if args.v:
                print(chart, "is not rendered:", written.stderr[:300])
            continue
        seen.add(chart)
        done_charts += 1
        lines = []
        directory = f"{project.root}/manifests/dev/app"
        for name in sorted(os.listdir(directory)):
            if name.startswith(".") or name == "kustomization.yaml" or name.startswith("customresourcedefinition"):
                continue
            answer = project.hydrate("explain", f"{directory}/{name}", "--format", "json")
            if answer.returncode:
                count["explain fails"] += 1
                wrong.append((chart, name, answer.stderr[:500]))
                continue
            found = json.loads(answer.stdout)["lines"]
            uses = collections.Counter()
            for line in found:
                line["occurrence"] = uses[line["text"].strip()]
                uses[line["text"].strip()] += 1
            lines += [line for line in found if line["text"].strip() and not line["text"].strip().startswith("#")]
        sample = random.sample(lines, min(per_chart, len(lines)))
        print(f"{chart}: {len(lines)} lines, {len(sample)} sampled", flush=True)
        for line in sample:
            count["lines"] += 1
            key = object_of(line)
            before = baseline.get(key)
            if before is None:
                count["object not found by this script"] += 1
                continue
            if not line["place"]:
                count["template: not said"] += 1
                wrong.append((chart, "no place", line["text"], line["notes"]))
                continue
            path = f"{project.root}/{line['place']['file']}"
            verdict = "not told by any change"
            for text in template_edits(path, line["place"]["line"]):
                with Edit(path, text):
                    after = project.render()
                if after is None:
                    verdict = "no change could be rendered" if verdict != "right" else verdict
                    continue
                if changed(before, after.get(key), line["text"], line["occurrence"]):
                    verdict = "right"
                    break
                verdict = "wrong"
            count[f"template: {verdict}"] += 1
            if verdict != "right":
                wrong.append((chart, verdict, line["object"], line["text"], line["place"]))
            contents = [value for value in line["values"] if value["effect"] == "content" and value["place"]]
            presences = [value for value in line["values"] if value["effect"] == "presence" and value["place"]]
            for value in random.sample(contents, min(3, len(contents))) + random.sample(presences, min(1, len(presences))):
                place = value["place"]
                path = f"{project.root}/{place['file']}"
                verdict = "no change could be rendered"
                for text in edits(path, place["line"], place["column"]):
                    with Edit(path, text):
                        after = project.render()
                    if after is None:
                        continue
                    if changed(before, after.get(key), line["text"], line["occurrence"]):
                        verdict = "right"
                        break
                    verdict = "wrong"
                count[f"{value['effect']}: {verdict}"] += 1
                if verdict != "right":
                    wrong.append((chart, verdict, line["text"], value))
        # What is left out.
        path = f"{project.component}/chart/values.yaml"
        by_key = collections.defaultdict(list)
        for line in lines:
            by_key[object_of(line)].append(line)
        places = []
        if os.path.exists(path):
            def leaves(node):
                if isinstance(node, yaml.MappingNode) and node.value:
                    for _, value in node.value:
                        yield from leaves(value)
                elif isinstance(node, yaml.SequenceNode) and node.value:
                    for value in node.value:
                        yield from leaves(value)
                else:
                    yield node.start_mark
            places = [(mark.line + 1, mark.column + 1) for mark in leaves(yaml.compose(open(path)))]
        for number, column in random.sample(places, min(args.recall, len(places))):
            for text in edits(path, number, column):
                with Edit(path, text):
                    after = project.render()
                if after is None:
                    continue
                any_change = False
                for key, before in baseline.items():
                    if before == after.get(key) or key not in after and len(after) >= len(baseline):  # renamed
                        continue
                    for line in by_key.get(key, []):
                        if changed(before, after.get(key), line["text"], line["occurrence"]):
                            any_change = True
                            named = any(v["place"] and v["place"]["file"].endswith("components/app/chart/values.yaml") and v["place"]["line"] == number for v in line["values"])
                            count["named" if named else "left out"] += 1
                            if not named:
                                wrong.append((chart, "left out", f"values.yaml:{number}", line["object"], line["text"]))
                if any_change:
                    break
    finally:
        shutil.rmtree(project.root, ignore_errors=True)
for item in wrong if args.v else wrong[:40]:
    print("  ", *item)
for name, number in sorted(count.items()):
    print(f"{number:7} {name}")
