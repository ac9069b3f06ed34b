#!/usr/bin/env python3
"""Compare random command lines of `helm template` with the real helms, or record some of them.

usage: tests/conformance/commands.py --hydrate H --helm3 A --helm4 B [--count N] [--seed S] [--record FILE]

The files that the command lines name are those of FILES; tests/helm_cli.rs has the same. Compared are stdout, the files written and
whether it fails. What hydrate refuses because it needs a cluster, a program or the network is counted apart.
"""
import argparse
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

FILES = json.loads((pathlib.Path(__file__).parent.parent / "helm_cli/files.json").read_text())

parser = argparse.ArgumentParser()
for name in ("hydrate", "helm3", "helm4"):
    parser.add_argument("--" + name, required=True)
parser.add_argument("--count", type=int, default=1000)
parser.add_argument("--seed", type=int, default=1)
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


def line():
    args = ["template"] + R.choice([["r", "c"], ["c"], ["r", "c"], ["r", "c"], ["a", "b", "c"], [], ["r", "./c"], ["r", "nope"]])
    for _ in range(R.choice([0, 1, 1, 1, 2, 2, 3])):
        at = R.randrange(1, len(args) + 1)
        args[at:at] = flag()
    if R.random() < 0.03:
        args.insert(R.randrange(1, len(args) + 1), "--")
    return args


def run(command, level, args):
    with tempfile.TemporaryDirectory() as root:
        for name, text in FILES.items():
            path = pathlib.Path(root, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        env = {"PATH": os.environ["PATH"], "HOME": root, "HYDRATE_HELM_COMPAT": level}
        done = subprocess.run(command + args, cwd=root, env=env, capture_output=True, stdin=subprocess.DEVNULL)
        out = pathlib.Path(root, "out")
        files = {str(path.relative_to(root)): path.read_text() for path in sorted(out.rglob("*")) if path.is_file()}
        return {"fails": done.returncode != 0, "stdout": done.stdout.decode(errors="replace").replace(root, "ROOT"), "files": files}, done.stderr


helms = {"v3": [os.path.abspath(options.helm3)], "v4": [os.path.abspath(options.helm4)]}
same = different = refused = 0
recorded = []
for _ in range(options.count):
    args = line()
    for level, helm in helms.items():
        theirs, _ = run(helm, level, args)
        ours, said = run([os.path.abspath(options.hydrate), "helm"], level, args)
        if b"is not supported: hydrate renders and nothing else" in said:
            refused += 1
        elif theirs == ours:
            same += 1
            recorded.append({"level": level, "args": args, **theirs})
        else:
            different += 1
            print(level, args, "helm:", theirs, "hydrate:", ours, said[:200], flush=True)
if options.record:
    pathlib.Path(options.record).write_text("".join(json.dumps(case, ensure_ascii=False) + "\n" for case in recorded))
print(f"{same} same, {different} different, {refused} refused")
sys.exit(different != 0)
