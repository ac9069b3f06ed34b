#!/usr/bin/env python3
"""Compare random command lines of `helm template` with the real helms, or record some of them.

usage: tests/conformance/commands.py --hydrate H --helm3 A --helm4 B [--count N] [--seed S] [--lines FILE] [--record FILE]

The files that the command lines name are those of FILES, which tests/helm_cli.rs has as well, and of ENCODED. Compared are stdout, the files
written, whether it fails and the last line of the error. What hydrate refuses because it needs a cluster, a program or the network is
counted apart. --lines names a file of lists in JSON, one a line, that are compared in place of random ones. Each line is given to a new helm: its flags keep their values from one line to the next within a process.
"""
import argparse
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor

FILES = json.loads((pathlib.Path(__file__).parent.parent / "helm_cli/files.json").read_text())

parser = argparse.ArgumentParser()
for name in ("hydrate", "helm3", "helm4"):
    parser.add_argument("--" + name, required=True)
parser.add_argument("--count", type=int, default=1000)
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--lines")
parser.add_argument("--record")
options = parser.parse_args()
R = random.Random(options.seed)

SWITCHES = ['debug','skip-crds','include-crds','no-hooks','skip-tests','is-upgrade','generate-name','release-name','skip-schema-validation','devel','create-namespace','wait-for-jobs','atomic','force','hide-notes','render-subchart-notes','rollback-on-failure','server-side','force-conflicts','force-replace','take-ownership','replace','plain-http','pass-credentials','insecure-skip-tls-verify','kube-insecure-skip-tls-verify','disable-openapi-validation','dependency-update','nope','wait']
VALUED = ['namespace','name-template','kube-version','description','version','kubeconfig','kube-context','kube-token','color','colour','content-cache','registry-config','repository-cache','timeout','qps','burst-limit','labels','output-dir','show-only','api-versions','values','set','set-string','set-json','set-literal','set-file','dry-run','wait','keyring','username','kube-as-group','kube-as-user','unknown']
VALUES = {'namespace':['ns','','-x','a b'],'name-template':['n-x','{{ "x" | upper }}','{{','x_y'],'kube-version':['1.30','v1.31.2','x','1','1.2.3.4','v1.30.0+k3s1',''],'timeout':['5m','5','1h2m','x','0','-1s','1.5h','1d',''],'qps':['1','1.5','x','1e5','1e50','inf',''],'burst-limit':['5','0x10','-1','1_000','x','9e3',''],'labels':['a=b','a','a=b,c=d','a=b=c','"a=b"',''],'show-only':['templates/a.yaml','templates/*.yaml','nope','templates/hook.yaml','templates/[','a.yaml',''],'api-versions':['x/v1','a,x/v1','"a,b"','a"b','"a',''],'values':['v.yaml','v.yaml,v.yaml','none.yaml','"v.yaml"','',' ','c'],'set':['a=1','a.b=2','b[0]=z','b[3]=z','a=null','a={x,y}','a=,b=2','a','=1','a.=1','x=1\\,2','a[0]=1','a[-1]=1','a[x]=1','a={','x.y.z=true','x=0x1','x=1e5','x=01','x=1_000','x="q"','b=','a=1,a=2','x[2].y=1','x[1][0]=2','.=1','x[=1','a]=1','x=~','x=TRUE','x=9223372036854775808','x==1','x=a=b','\u00fc=\u00e9','x=\\','a b=1',' a=1','b[0]=1,b[0]=2','x.y[0]=1,x.y[1]=2',''],'set-string':['a=1','a=true','x={1,2}','x=',''],'set-json':['a=1','a={"b":[1,2.5,"x"]}','a=[1','a=1e400','a="\\ud800"','a=true;b=1','{"x":1}',' {"x":1}','{"x":1','a=,b=1','a','a=1,b=2','a=1 ,b=2','a=[1],b={"c":null}','a=null','a=01','a=-','a="\\x"','a={"a":1,"a":2}','b[0]=5','a.b=1','[1]','a=NaN','a="\u00e9"','a=1.0','a=12345678901234567890','{}','null',''],'set-literal':['a=1,b=2','a=x{y}','a','a=','a.b=c=d',''],'set-file':['a=v.yaml','a=none','a','a=v.yaml,b=v.yaml','a=',''],'dry-run':['client','none','x','true','false','unset','TRUE','1',''],'wait':['watcher','legacy','hookOnly','x','true','false','1',''],'color':['never','x','auto',''],'colour':['always','x',''],'kubeconfig':['none','kc.yaml',''],'kube-context':['x','y',''],'output-dir':['out','']}
def flag():
    if R.random()<0.3:
        n=R.choice(SWITCHES); return [R.choice(['--'+n,'--'+n,'--'+n+'='+R.choice(['1','0','t','TRUE','true','False','yes','','F','no'])])]
    n=R.choice(VALUED); v=R.choice(VALUES.get(n,['x','']))
    sh={'namespace':'n','values':'f','labels':'l','api-versions':'a','show-only':'s'}
    if n in sh and R.random()<0.4: return R.choice([['-'+sh[n],v],['-'+sh[n]+v],['-'+sh[n]+'='+v]])
    return R.choice([['--'+n,v],['--'+n+'='+v]])


# Values in encodings that are not plain UTF-8.
TEXT = "a: \u00e9\nb: {c: [1, x]}\n"
ENCODED = {"bom.yaml": b"\xef\xbb\xbf" + TEXT.encode(), "be.yaml": b"\xfe\xff" + TEXT.encode("utf-16-be"), "latin.yaml": TEXT.encode("latin-1"), "bare-be.yaml": TEXT.encode("utf-16-be"),
           "crlf.yaml": TEXT.replace("\n", "\r\n").encode(), "cr.yaml": TEXT.replace("\n", "\r").encode(), "two.yaml": b"a: 1\n---\na: 2\n", "empty.yaml": b"", "list.yaml": b"- 1\n", "nul.yaml": b"a: \0\n", "broken.yaml": b"a: [1\nb: 2\n",
           "text.txt": b"line one\nline, two=3\n", "kube.yaml": b"apiVersion: v1\nkind: Config\ncurrent-context: one\ncontexts:\n- name: one\n  context: {cluster: k, user: u, namespace: from-one}\n- name: two\n  context: {cluster: k, user: u}\nclusters:\n- name: k\n  cluster: {server: 'https://127.0.0.1:1'}\nusers:\n- name: u\n  user: {}\n",
           "kube-broken.yaml": b"contexts: 5\n"}
FILES_OF_VALUES = ["bom.yaml", "be.yaml", "latin.yaml", "bare-be.yaml", "crlf.yaml", "cr.yaml", "two.yaml", "empty.yaml", "list.yaml", "nul.yaml", "broken.yaml", "bom.yaml,two.yaml"]
VARIABLES = {"HELM_NAMESPACE": ["ns", "", "a b"], "HELM_DEBUG": ["true", "x", "1"], "KUBECONFIG": ["kube.yaml", "none", "kube-broken.yaml", "none:kube.yaml", ""], "HELM_KUBECONTEXT": ["two", "one", "nope"], "HELM_MAX_HISTORY": ["5", "x"], "HELM_BURST_LIMIT": ["5", "x"], "HELM_QPS": ["1.5", "x"],
             "HELM_COLOR": ["never", "x"], "NO_COLOR": ["1"], "HELM_KUBEINSECURE_SKIP_TLS_VERIFY": ["true", "x"]}


def strvals(flag):
    """A text in the grammar of --set and its kin: mostly whole, sometimes with a character too many or too few."""
    names = ["a", "b", "c", "a\\.b", "x y", "\u00e9", "a\\,b", "a\\=b", "a\\[0\\]", "", "global", "a-b"]
    words = ["1", "x", "", "null", "true", "0", "01", "1e3", "-1", "1.5", "0x1", "a b", "\u00e9", "x\\,y", "x=y", "x.y", "{", "}", "{a,b}", "{}", "{1,null}", "{a\\,b,c}", "{a,{b}}", "{ a, b }", "[1]", '"q"', "\\", "9223372036854775807", "9223372036854775808", "True", "~", "x\\n", "a[0]", "\t"]
    if flag == "set-json":
        words = ["1", "null", '"x"', '{"a":1}', "[1,2]", "[1,[2]]", '{"a":{"b":null}}', "1.50", "1e3", '"a,b"', '{"a":1', "tru", "", " 1 ", "-0", '"\\u00e9"', "12345678901234567890", '[{"a":1},null]', "{}", "[]", "01"]
    if flag == "set-file":
        words = ["text.txt", "bom.yaml", "empty.yaml", "none", "", "latin.yaml", "text\\.txt", "be.yaml"]
    def path():
        out = R.choice(names)
        for _ in range(R.choice([0, 0, 1, 1, 2, 3])):
            out += R.choice([f".{R.choice(names)}", f"[{R.choice(['0', '1', '2', '3', '-1', 'x', '', '65537', '01', ' 1'] if R.random() < 0.3 else ['0', '1', '2'])}]"])
        return out
    text = R.choice([",", ",", ",", ", "]).join(f"{path()}={R.choice(words)}" for _ in range(R.choice([1, 1, 1, 2, 3])))
    if R.random() < 0.15:
        at = R.randrange(len(text) + 1)
        text = text[:at] + R.choice([",", "=", ".", "[", "]", "{", "}", "\\", ""]) + text[at + R.randint(0, 1):]
    return text


def line():
    args = ["template"] + R.choice([["r", "c"], ["c"], ["r", "c"], ["r", "c"], ["a", "b", "c"], [], ["r", "./c"], ["r", "nope"]])
    kind = R.random()
    if kind < 0.35:
        args = ["template", "r", "c"]
        for _ in range(R.choice([1, 1, 2, 3])):
            name = R.choice(["set", "set", "set", "set-string", "set-json", "set-file", "set-literal"])
            args += [f"--{name}", strvals(name)]
    elif kind < 0.45:
        args = ["template", "r", "c", "-f", R.choice(FILES_OF_VALUES)]
    for _ in range(R.choice([0, 1, 1, 1, 2, 2, 3]) if kind >= 0.4 else 0):
        at = R.randrange(1, len(args) + 1)
        args[at:at] = flag()
    if R.random() < 0.03:
        args.insert(R.randrange(1, len(args) + 1), "--")
    return args, {name: R.choice(values) for name, values in VARIABLES.items() if R.random() < 0.04}


def last_line(err):
    """The last line of helm's error; what its log says, its help, and the stack that --debug adds stand around it."""
    text = err.decode(errors="replace")
    text = text[text.find("Error: "):].removeprefix("Error: ")
    lines = []
    for each in text.split("\n"):
        if each.startswith(("helm.go:", "level=", "Usage:", "\terror")):
            break
        lines += [each.strip()] if each.strip() else []
    return lines[-1] if lines else ""


def run(command, level, args, variables):
    with tempfile.TemporaryDirectory() as root:
        for name, text in FILES.items():
            path = pathlib.Path(root, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        for name, content in ENCODED.items():
            pathlib.Path(root, name).write_bytes(content)
        env = {"PATH": os.environ["PATH"], "HOME": root, "HYDRATE_HELM_COMPAT": level, **variables}
        done = subprocess.run(command + args, cwd=root, env=env, capture_output=True, stdin=subprocess.DEVNULL)
        out = pathlib.Path(root, "out")
        files = {str(path.relative_to(root)): path.read_text() for path in sorted(out.rglob("*")) if path.is_file()}
        return {"fails": done.returncode != 0, "stdout": done.stdout.decode(errors="replace").replace(root, "ROOT"), "files": files}, done.stderr.replace(root.encode(), b"ROOT")


helms = {"v3": [os.path.abspath(options.helm3)], "v4": [os.path.abspath(options.helm4)]}
same = different = refused = reworded = 0
recorded = []
lock = threading.Lock()


def compare(case):
    global same, different, refused, reworded
    args, variables = case
    for level, helm in helms.items():
        theirs, wanted = run(helm, level, args, variables)
        ours, said = run([os.path.abspath(options.hydrate), "helm"], level, args, variables)
        with lock:
            if b"is not supported: hydrate renders and nothing else" in said:
                refused += 1
            elif theirs != ours:
                different += 1
                print(level, variables, args, "helm:", theirs, wanted[-200:], "hydrate:", ours, said[:200], flush=True)
            elif theirs["fails"] and last_line(wanted) not in said.decode(errors="replace"):
                reworded += 1
                print(level, variables, args, "helm says:", last_line(wanted), "hydrate says:", said[:300].decode(errors="replace"), flush=True)
            else:
                same += 1
                if not variables and not ENCODED.keys() & set(",".join(args).replace("=", ",").split(",")):
                    error = {"error": last_line(wanted)} if theirs["fails"] else {}
                    recorded.append({"level": level, "args": args, **theirs, **error})


with ThreadPoolExecutor(2) as pool:
    given = options.lines and [(json.loads(text), {}) for text in pathlib.Path(options.lines).read_text().splitlines()]
    list(pool.map(compare, given or [line() for _ in range(options.count)]))
if options.record:
    pathlib.Path(options.record).write_text("".join(json.dumps(case, ensure_ascii=False) + "\n" for case in recorded))
print(f"{same} same, {different} different, {reworded} with another error, {refused} refused")
sys.exit(different + reworded != 0)
