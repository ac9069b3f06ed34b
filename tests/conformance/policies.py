#!/usr/bin/env python3
"""Admission policies over objects, beside what the API server's own plugin says of creating them.

    policies.py PROBE     (`cargo test` has to be able to run)

The probe: `cd tests/conformance/policy-probe && go mod tidy && go build -o PROBE .`, over the API server's own packages of 1.37.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import yaml

cases = []
NAMESPACES=["apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {tier: front, env: prod}, annotations: {a: b}}","apiVersion: v1\nkind: Namespace\nmetadata: {name: back}"]
OBJECTS=NAMESPACES+["""apiVersion: apps/v1
kind: Deployment
metadata: {name: d1, namespace: shop, labels: {app: web}}
spec:
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {serviceAccountName: sa, volumes: [{name: a, secret: {secretName: s}}, {name: e}], containers: [{name: web, image: "web:1", ports: [{containerPort: 80}], resources: {limits: {cpu: 1}}, readinessProbe: {httpGet: {port: 80}}}, {name: b, image: "reg:5000/x/b"}]}}""",
"""apiVersion: apps/v1
kind: StatefulSet
metadata: {name: s1, namespace: back}
spec:
  serviceName: s
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: "web@sha256:abc"}]}}""",
"""apiVersion: apps/v1
kind: DaemonSet
metadata: {name: ds, namespace: back}
spec:
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {hostNetwork: true, containers: [{name: web, image: "web:latest"}]}}""",
"""apiVersion: batch/v1
kind: Job
metadata: {name: j, namespace: shop}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: a}]}}}""",
"""apiVersion: batch/v1
kind: CronJob
metadata: {name: cj, namespace: shop}
spec: {schedule: "@daily", jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: a}]}}}}}""",
"""apiVersion: v1
kind: Service
metadata: {name: svc, namespace: shop}
spec: {selector: {a: b}, ports: [{port: 80}]}""",
"""apiVersion: v1
kind: Service
metadata: {name: lb, namespace: back}
spec: {type: LoadBalancer, selector: {a: b}, ports: [{port: 80, targetPort: http}]}""",
"""apiVersion: v1
kind: ConfigMap
metadata: {name: cm, namespace: back, labels: {x: why}}
data: {a: "1"}""",
"""apiVersion: v1
kind: Secret
metadata: {name: sec, namespace: back}
stringData: {a: "1"}""",
"""apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: cr}
rules: [{apiGroups: [""], resources: [pods], verbs: ["*"]}]""",
"""apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: ing, namespace: shop}
spec: {rules: [{host: a.example.org, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: a, port: {number: 80}}}}]}}]}""",
"""apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: pdb, namespace: shop}
spec: {minAvailable: 1, selector: {matchLabels: {a: b}}}""",
"""apiVersion: v1
kind: Pod
metadata: {name: pod}
spec: {containers: [{name: a, image: "a:1"}]}""",
]
WITH_DEFAULT=NAMESPACES+["apiVersion: v1\nkind: Namespace\nmetadata: {name: default}"]
def pol(n,spec,binding="validationActions: [Deny]",extra=[]):
    return ["apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {name: %s}\nspec: %s"%(n,json.dumps(spec)),
      "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicyBinding\nmetadata: {name: %s}\nspec: {policyName: %s, %s}"%(n,n,binding)]+WITH_DEFAULT+extra
ALL=[{"apiGroups":["*"],"apiVersions":["*"],"operations":["*"],"resources":["*"]}]
def rule(g,v,r,o=["CREATE"],**k): return dict({"apiGroups":g,"apiVersions":v,"resources":r,"operations":o},**k)
exprs=["object.spec.replicas == 1","has(object.spec.template.spec.securityContext)","object.spec.template.spec.restartPolicy == 'Always'",
"object.spec.template.spec.containers.all(c, c.imagePullPolicy == 'Always')","object.spec.template.spec.containers.all(c, has(c.resources))",
"object.spec.template.spec.containers.all(c, has(c.resources.limits))","object.spec.template.spec.containers.all(c, c.?resources.?requests.?cpu.orValue('') == '1')",
"object.spec.template.spec.containers.exists(c, c.ports.exists(p, p.protocol == 'TCP'))","object.spec.strategy.type == 'RollingUpdate'","object.spec.strategy.rollingUpdate.maxSurge == '25%'",
"object.spec.updateStrategy.rollingUpdate.partition == 0","object.spec.updateStrategy.rollingUpdate.maxUnavailable == 1","object.spec.revisionHistoryLimit == 10","object.spec.progressDeadlineSeconds == 600",
"object.spec.template.spec.serviceAccount == 'sa'","object.spec.template.spec.volumes.all(v, !has(v.secret) || v.secret.defaultMode == 420)","object.spec.template.spec.volumes.exists(v, has(v.emptyDir))",
"object.spec.template.spec.terminationGracePeriodSeconds == 30","object.spec.template.spec.dnsPolicy == 'ClusterFirst'","object.spec.template.spec.schedulerName == 'default-scheduler'",
"has(object.spec.template.spec.hostNetwork)","has(object.spec.template.spec.hostPID)","object.spec.template.spec.containers.all(c, c.readinessProbe.periodSeconds == 10 && c.readinessProbe.httpGet.scheme == 'HTTP')",
"object.spec.completions == 1","object.spec.backoffLimit == 6","object.spec.completionMode == 'NonIndexed'","object.spec.suspend == false","object.spec.concurrencyPolicy == 'Allow'","object.spec.successfulJobsHistoryLimit == 3",
"object.spec.type == 'ClusterIP'","object.spec.sessionAffinity == 'None'","object.spec.ports.all(p, p.targetPort == 80)","object.spec.ports.all(p, p.protocol == 'TCP')","object.spec.externalTrafficPolicy == 'Cluster'","object.spec.internalTrafficPolicy == 'Cluster'",
"object.type == 'Opaque'","has(object.data)","has(object.stringData)","object.data.a == '1'","object.spec.minReplicas == 1","object.metadata.labels['kubernetes.io/metadata.name'] == object.metadata.name","has(object.status)",
"object.kind == 'Deployment'","object.apiVersion == 'apps/v1'","object.metadata.namespace == 'shop'","has(object.metadata.annotations)","has(object.metadata.labels)","object.metadata.?labels.?app.orValue('') == 'web'",
"oldObject == null","request.operation == 'CREATE'","request.kind.kind == 'Deployment'","request.kind.group == 'apps'","request.resource.resource == 'deployments'","request.namespace == 'shop'","has(request.namespace)","request.name == 'd1'","has(request.subResource)","request.dryRun","request.requestKind.kind == object.kind",
"namespaceObject.metadata.labels['tier'] == 'front'","namespaceObject == null","has(namespaceObject.metadata.annotations)","namespaceObject.metadata.name == request.namespace","namespaceObject.metadata.labels['kubernetes.io/metadata.name'] == 'shop'","namespaceObject.spec.finalizers.size() == 1",
"object.rules.all(r, !('*' in r.verbs))","object.spec.rules.all(r, r.host.endsWith('.example.org'))","object.spec.minAvailable == 1","type(object.spec.minAvailable) == int","object.spec.nothing","1 / 0 == 1","object == object","object.spec.template.metadata.labels == object.spec.selector.matchLabels","has(object.spec.template.metadata.creationTimestamp)","object.spec.template.spec.containers.map(c, c.name).isSorted()","object.metadata.name.matches('^[a-z]+$')","size(object) > 3",
"object.spec.template.spec.containers.all(c, c.terminationMessagePolicy == 'File')","object.spec.podManagementPolicy == 'OrderedReady'","object.spec.enableServiceLinks","object.spec.restartPolicy == 'Always'","object.spec.tolerations.size() == 0"]
for i,e in enumerate(exprs):
    for fp in ["Fail","Ignore"] if i%7==0 else ["Fail"]:
        cases.append((pol("p",{"failurePolicy":fp,"matchConstraints":{"resourceRules":ALL},"validations":[{"expression":e}]}),OBJECTS))
M=[{"resourceRules":[rule(["apps"],["v1"],["deployments"])]},{"resourceRules":[rule(["apps"],["v1beta1"],["deployments"])],"matchPolicy":"Exact"},{"resourceRules":[rule(["apps"],["*"],["*"])]},{"resourceRules":[rule([""],["v1"],["*/*"])]},{"resourceRules":[rule([""],["v1"],["pods/*"])]},{"resourceRules":[rule([""],["v1"],["pods","services/status"])]},
{"resourceRules":[rule(["*"],["*"],["*"],scope="Cluster")]},{"resourceRules":[rule(["*"],["*"],["*"],scope="Namespaced")]},{"resourceRules":[rule(["*"],["*"],["*"],["UPDATE"])]},{"resourceRules":[rule(["*"],["*"],["*"],["UPDATE","*"])]},{"resourceRules":[rule(["*"],["*"],["*"],resourceNames=["d1","cm"])]},
{"resourceRules":ALL,"excludeResourceRules":[rule(["apps"],["v1"],["*"])]},{"resourceRules":ALL,"namespaceSelector":{"matchLabels":{"tier":"front"}}},{"resourceRules":ALL,"namespaceSelector":{"matchExpressions":[{"key":"tier","operator":"DoesNotExist"}]}},{"resourceRules":ALL,"namespaceSelector":{"matchExpressions":[{"key":"kubernetes.io/metadata.name","operator":"NotIn","values":["back"]}]}},
{"resourceRules":ALL,"objectSelector":{"matchLabels":{"app":"web"}}},{"resourceRules":ALL,"objectSelector":{"matchExpressions":[{"key":"app","operator":"NotIn","values":["web"]}]}},{"resourceRules":ALL,"objectSelector":{}}]
for m in M:
    cases.append((pol("p",{"matchConstraints":m,"validations":[{"expression":"false"}]}),OBJECTS))
    cases.append((pol("p",{"matchConstraints":{"resourceRules":ALL},"validations":[{"expression":"false"}]},"validationActions: [Deny], matchResources: "+json.dumps(m)),OBJECTS))
for mc in [["true"],["false"],["object.kind == 'Deployment'","has(object.spec)"],["object.spec.replicas > 0"],["object.spec.replicas > 0","object.kind != 'Service'"],["1/0 == 0","false"]]:
    for fp in ["Fail","Ignore"]:
        cases.append((pol("p",{"failurePolicy":fp,"matchConstraints":{"resourceRules":ALL},"matchConditions":[{"name":"a%d"%i,"expression":e} for i,e in enumerate(mc)],"validations":[{"expression":"false"}]}),OBJECTS))
V=[{"name":"a","expression":"object.spec.replicas"},{"name":"b","expression":"variables.a > 1"},{"name":"c","expression":"1/0"}]
for e in ["variables.a == 1","variables.b","has(object.spec.replicas) ? !variables.b : true","true || variables.c == 1","variables.c == 1","!has(object.spec.replicas) || variables.a == 1"]:
    cases.append((pol("p",{"matchConstraints":{"resourceRules":ALL},"variables":V,"validations":[{"expression":e}]}),OBJECTS))
P=["apiVersion: v1\nkind: ConfigMap\nmetadata: {name: few, namespace: shop, labels: {a: b}}\ndata: {num: '1'}","apiVersion: v1\nkind: ConfigMap\nmetadata: {name: few, namespace: back, labels: {a: b}}\ndata: {num: '2'}","apiVersion: v1\nkind: ConfigMap\nmetadata: {name: more, namespace: shop, labels: {a: b}}\ndata: {num: '3'}"]
for ref in ["paramRef: {name: few, parameterNotFoundAction: Deny}","paramRef: {name: few, namespace: shop, parameterNotFoundAction: Deny}","paramRef: {selector: {matchLabels: {a: b}}, parameterNotFoundAction: Deny}","paramRef: {selector: {}, namespace: shop, parameterNotFoundAction: Deny}","paramRef: {name: none, namespace: shop, parameterNotFoundAction: Deny}",""]:
    for e in ["params != null && int(params.data.num) > 1","params == null || params.metadata.namespace == object.metadata.namespace"]:
        cases.append((pol("p",{"paramKind":{"apiVersion":"v1","kind":"ConfigMap"},"matchConstraints":{"resourceRules":[rule(["apps"],["v1"],["*"])]},"validations":[{"expression":e}]},"validationActions: [Deny]"+(", "+ref if ref else ""),P),OBJECTS))


def main():
    probe = sys.argv[1]
    asked = "".join(json.dumps({"id": str(at), "guards": guards, "objects": objects}) + "\n" for at, (guards, objects) in enumerate(cases))
    ran = subprocess.run([probe], input=asked, capture_output=True, text=True, check=True)
    theirs = [json.loads(line) for line in ran.stdout.splitlines()]
    with tempfile.TemporaryDirectory() as scratch:
        objects, verdicts = f"{scratch}/objects", f"{scratch}/verdicts"
        lines = [json.dumps({"id": str(at), "crd": "\n---\n".join(guards), "yaml": "\n---\n".join(of)}) for at, (guards, of) in enumerate(cases)]
        pathlib.Path(objects).write_text("\n".join(lines) + "\n")
        environment = dict(os.environ, HYDRATE_OBJECTS=objects, HYDRATE_VERDICTS=verdicts, HYDRATE_KUBERNETES="1.37.0")
        subprocess.run(["cargo", "test", "--quiet", "--test", "validity", "--", "--ignored", "verdicts"], env=environment, check=True)
        ours = [json.loads(line)["errors"] for line in pathlib.Path(verdicts).read_text().splitlines()]
    compared = differing = 0
    for (guards, of), their, our in zip(cases, theirs, ours):
        for text, verdict in zip(of, their.get("objects", [])):
            object_ = yaml.safe_load(text)
            title = rf"policy-violation: {object_['kind']} (\S+/)?{re.escape(object_['metadata']['name'])}: "
            mine = [error for error in our if re.match(title, error)]
            compared += 1
            # The probe's namespaces have not been through the API server, which gives them a finalizer.
            if bool(mine) != bool(verdict.get("denied")) and "no such key: finalizers" not in verdict.get("denied", ""):
                differing += 1
                print(guards[0], object_["kind"], object_["metadata"]["name"], "API server:", verdict.get("denied"), "hydrate:", mine, sep="\n  ")
    print(f"{compared} objects under {len(cases)} policies, {differing} judged otherwise")
    sys.exit(1 if differing else 0)


main()
