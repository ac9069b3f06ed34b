//! The three configuration files, key by key. `docs/schema/` is generated from these tables.

use hydrate_gotmpl::time::duration;

use super::RandomPolicy;
use super::shape::{Key, Pattern, Shape, json_schema, key, required};

const SCHEMAS_DOC: &str =
    "Files and directories with CRDs that custom resources are validated against, where nothing here renders them; from the project's root";
const POLICIES_DOC: &str = "Files and directories with ValidatingAdmissionPolicies, bindings and params that objects are held to, where nothing here renders them; from \
                            the project's root";
const CHECKS: Shape = Shape::MapOf(&Shape::Choice(&["error", "warning", "off"]));
const CHECKS_DOC: &str =
    "How bad it is to break rules of `hydrate check`, by code: error, warning or off; `hydrate check --explain all` lists them";
const TEXTS: Shape = Shape::List(&Shape::Text);
const EXCEPTIONS: Shape = Shape::List(&Shape::Object(&[
    required("check", Shape::Text, "The code of the check: plaintext-secret"),
    required("objects", TEXTS, "The objects: Kind/namespace/name or Kind/name; `*` and `?` as in globs"),
    required("reason", Shape::Text, "Why it is all right there, for whoever comes after"),
    key("paths", TEXTS, "The places in them, as findings name them: data.password; `*` and `?` as in globs [default: everywhere]"),
    key("level", Shape::Choice(&["error", "warning", "off"]), "How bad it is there [default: off]"),
]));
const REFERENCES: Shape = Shape::List(&Shape::Object(&[
    required("from", Shape::Text, "The kind that refers: Widget.example.org"),
    required("path", Shape::Text, "The keys that lead to the name: spec.tls.secretName; lists on the way are gone through"),
    required("to", Shape::Text, "The kind that is referred to: Secret, Store.example.org"),
    key("namespace", Shape::Text, "The keys that lead to its namespace [default: it is that of who refers]"),
]));
const REFERENCES_DOC: &str = "References of custom resources that `hydrate check` is to follow beside those that it knows";
const EXCEPTIONS_DOC: &str = "Objects for which rules of `hydrate check` are judged otherwise, each for a reason";
const LAYOUTS: &[&str] = &["objects", "manifest"];
const RANDOM_WORD: Shape = Shape::Choice(RandomPolicy::WORDS);
const DURATION: Shape = Shape::Like(&Pattern {
    is: |text| duration::parse(text.as_bytes()).is_ok_and(|length| length >= 0),
    what: "a duration",
    help: "write it as 720h, 90m or 1h30m",
    regex: "^\\+?([0-9]+(\\.[0-9]*)?(ns|us|µs|ms|s|m|h))+$|^0$",
});
const RANDOM: Shape = Shape::Either(
    &RANDOM_WORD,
    &Shape::Object(&[
        key("default", RANDOM_WORD, "What becomes of it in all objects that are not named"),
        key("renewBefore", DURATION, "How long before its end a certificate that is kept is made anew: 720h [default: never]"),
        key("objects", Shape::MapOf(&RANDOM_WORD), "Kind/namespace/name or Kind/name, with * and ?: what becomes of it in these objects"),
    ]),
);
const SECRETS: Shape = Shape::Choice(&["refuse", "placeholder", "sops"]);
const SECRETS_DOC: &str = "What becomes of secrets: none is written (refuse, the default); references to them (ref+…) are written as they are, for something in the cluster to resolve (placeholder); Secrets are encrypted as SOPS does it, for the recipients under `sops`, and encrypted inputs decrypted for them (sops)";
const SOPS: Shape = Shape::Object(&[required(
    "age",
    TEXTS,
    "Who can decrypt them: public keys of age (age1…) and of SSH (ssh-ed25519 …, ssh-rsa …), such as that of the cluster",
)]);
const SOPS_DOC: &str = "How Secrets are encrypted, with `secrets: sops`";
const RANDOM_DOC: &str = "What becomes of random values and the time in what is rendered: an error (fail), written once and kept from then on (keep), or another one with every run (allow) [default: what is kept stays, what is new is an error]";
const POLICY: Shape = Shape::Choice(&["keep", "drop"]);

const NAMESPACE: Shape = Shape::Like(&Pattern {
    is: is_label,
    what: "a namespace",
    help: "a namespace has lower-case letters, digits and `-`, a letter or digit at either end, at most 63 in all",
    regex: "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$",
});

const KUBERNETES: Shape = Shape::Like(&Pattern {
    is: is_version,
    what: "a Kubernetes version",
    help: "write it as \"1.33\" or \"1.33.1\"",
    regex: "^v?[0-9]+\\.[0-9]+(\\.[0-9]+)?([-+].*)?$",
});

/// A label of RFC 1123, which the names of namespaces are.
pub(super) fn is_label(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&text.len()) && text.bytes().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}

/// Whether a text is a version of Kubernetes: `1.33`, `v1.33.1`, `1.33.1-k3s1`, `1.33.1+k3s1`.
pub fn is_version(text: &str) -> bool {
    let plain = text.strip_prefix('v').unwrap_or(text);
    let core = plain.split(['-', '+']).next().unwrap_or_default();
    let numbers: Vec<&str> = core.split('.').collect();
    (2..=3).contains(&numbers.len()) && numbers.iter().all(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

const COMMIT: Shape = Shape::Object(&[
    key(
        "sources",
        Shape::Choice(&["include", "head"]),
        "Where files that are rendered from are not committed: they are committed with the manifests (include), or HEAD is rendered (head) [default: nothing is committed then]",
    ),
    key(
        "branch",
        Shape::Text,
        "The branch that an environment is committed to instead of the one that is checked out, as Argo CD's Source Hydrator and gitops-promoter know it: environments/${env}, or environments/${env}-next for one that is proposed",
    ),
    key(
        "path",
        Shape::Text,
        "The directory of that branch that the environment is in, where projects or environments share one [default: its top]",
    ),
    key("message", Shape::Text, "Template (MiniJinja) of messages, over env, subject, changes, components, charts, sources"),
]);

const GUARD: Shape = Shape::Object(&[
    key(
        "components",
        Shape::Share,
        "How many of its components an environment may lose at once without `--yes`: a number, or a share of them such as 10% [default: 25%, and never all]",
    ),
    key("slips", Shape::Count, "How many slips a run takes without `--yes`: names and files that mean nothing [default: any number]"),
]);
const GUARD_DOC: &str = "What is refused without `--yes`";

/// `hydrate.yaml`
pub const PROJECT: Shape = Shape::Object(&[
    key("helm", Shape::Choice(&["v4", "v3"]), "Compatibility level of Helm rendering: v4 (helm 4.3, the default) or v3 (helm 3.17)"),
    key(
        "helmfile",
        Shape::Choice(&["v1", "v0"]),
        "The helmfile that is followed: v1 (1.7, the default) or v0 (0.166, which takes every helmfile for a template)",
    ),
    key("random", RANDOM, RANDOM_DOC),
    key("layout", Shape::Choice(LAYOUTS), "One file per object (objects, the default) or one manifest.yaml per component (manifest)"),
    key("secrets", SECRETS, SECRETS_DOC),
    key("sops", SOPS, SOPS_DOC),
    key(
        "secretEnv",
        TEXTS,
        "Environment variables that hold secrets: what is made of them is not written (which variables templates may read at all is said by --template-env)",
    ),
    key(
        "root",
        Shape::Choice(&["project", "worktree"]),
        "How far paths and links of sources may lead: to files of the project (project, the default), or of the whole Git work tree (worktree)",
    ),
    key("components", Shape::Text, "Directory of the components [default: components]"),
    key("environments", Shape::Text, "Directory of the environment files [default: environments]"),
    key("manifests", Shape::Text, "Directory that hydrate writes to [default: manifests]"),
    key("clusters", Shape::Text, "Directory for what hands the manifests over to Flux or Argo CD [default: clusters]"),
    key("commit", COMMIT, "What `--commit` does"),
    key("guard", GUARD, GUARD_DOC),
    key("hooks", HOOKS, HOOKS_DOC),
    key("checks", CHECKS, CHECKS_DOC),
    key("exceptions", EXCEPTIONS, EXCEPTIONS_DOC),
    key("schemas", TEXTS, SCHEMAS_DOC),
    key("references", REFERENCES, REFERENCES_DOC),
    key("policies", TEXTS, POLICIES_DOC),
    key(
        "mirrors",
        Shape::MapOf(&Shape::Text),
        "Where to fetch from instead: addresses (or beginnings of them) to mirrors; hydrate.lock keeps the originals",
    ),
    key(
        "keyring",
        Shape::Text,
        "File with the public keys that charts with `verify: true` may be signed by [default: GnuPG's pubring.gpg]",
    ),
]);

const KUBERNETES_FROM: &[Key] = &[
    required("file", Shape::Text, "A file with a line that says the version, relative to this one: HCL, YAML, an .env file"),
    required("key", Shape::Text, "What stands in that line before `=` or `:`"),
];

/// `environments/<env>.yaml`
pub const ENVIRONMENT: Shape = Shape::Object(&[
    key(
        "kubernetes",
        Shape::Either(&KUBERNETES, &Shape::Object(KUBERNETES_FROM)),
        "Kubernetes version of the clusters, quoted: \"1.33.1\"; charts see it as .Capabilities.KubeVersion. Or where it stands: {file, key}",
    ),
    key("apiVersions", TEXTS, "API versions that the clusters have beyond the built-in ones and those of the CRDs rendered here"),
    key(
        "apiVersionsFromCRDs",
        Shape::Bool,
        "Whether charts see the API versions of the CRDs that this environment renders [default: true]",
    ),
    key("values", Shape::MapOf(&Shape::Anything), "Values that templates and values templates of every component see"),
    key("random", RANDOM, RANDOM_DOC),
    key("secrets", SECRETS, SECRETS_DOC),
    key("sops", SOPS, SOPS_DOC),
    key("components", TEXTS, "Components of this environment: names and globs; \"!name\" leaves one out [default: [\"*\"]]"),
    key("guard", GUARD, GUARD_DOC),
    key("external", TEXTS, EXTERNAL_DOC),
    key("checks", CHECKS, CHECKS_DOC),
    key("exceptions", EXCEPTIONS, EXCEPTIONS_DOC),
    key("schemas", TEXTS, SCHEMAS_DOC),
    key("references", REFERENCES, REFERENCES_DOC),
    key("policies", TEXTS, POLICIES_DOC),
    key(
        "metrics",
        Shape::Choice(&["declared", "all"]),
        "Which metrics of queries metrics.txt files must list: those that begin like a listed one (declared, the default), or all",
    ),
    key(
        "handover",
        Shape::Choice(&["none", "flux", "argocd"]),
        "What applies the manifests: files for it are written to clusters/<env> [default: none]",
    ),
    key("oci", Shape::Object(OCI), "Where `hydrate push` puts the manifests, and Flux reads them from in the place of Git"),
    key("git", Shape::Object(GIT), "Where the cluster reads this repository from; for the hand-over"),
    key("flux", Shape::Object(FLUX), "How Flux applies the manifests, with `handover: flux`"),
    key("argocd", Shape::Object(ARGOCD), "How Argo CD applies the manifests, with `handover: argocd`"),
]);

const GIT: &[Key] = &[
    key("url", Shape::Text, "Address of the repository: https://…, or ssh://… with a `secret`"),
    key("branch", Shape::Text, "Branch [default: main]"),
    key("path", Shape::Text, "Directory of this project in the repository [default: its root]"),
    key("secret", Shape::Text, "Name of the Secret with Flux's credentials for it [default: none, it is public]"),
    key("interval", Shape::Text, "How often Flux looks for new commits [default: 1m]"),
];

const OCI: &[Key] = &[
    required("url", Shape::Text, "The repository in a registry: oci://ghcr.io/team/platform-prod"),
    key("tag", Shape::Text, "The tag that is pushed to, and read [default: latest]"),
    key("semver", Shape::Text, "Flux reads the highest version within this range in the place of the tag"),
    key("digest", Shape::Text, "Flux reads this very artifact: sha256:…"),
    key("secret", Shape::Text, "Name of the Secret with Flux's credentials for it [default: none, it is public]"),
    key(
        "provider",
        Shape::Choice(&["generic", "aws", "azure", "gcp"]),
        "Whose registry it is, where the cluster's own identity opens it [default: generic]",
    ),
    key("interval", Shape::Text, "How often Flux looks for new artifacts [default: 1m]"),
    key(
        "source",
        Shape::Text,
        "Address of the repository that artifacts say they were made from [default: the remote that the branch is pushed to]",
    ),
];

const FLUX: &[Key] = &[
    key(
        "name",
        Shape::Text,
        "Name of the GitRepository or OCIRepository, and of the Kustomization of clusters/<env> [default: the environment's]",
    ),
    key("namespace", NAMESPACE, "Namespace of Flux's objects [default: flux-system]"),
    key(
        "source",
        Shape::Text,
        "A GitRepository that is there already, such as the flux-system of `flux bootstrap`, or OCIRepository/NAME: then neither it nor a Kustomization of clusters/<env> is written",
    ),
    key("interval", Shape::Text, "How often the cluster is compared with what Git said last [default: 10m]"),
    key("retryInterval", Shape::Text, "How soon what failed is tried again [default: 1m]"),
    key("timeout", Shape::Text, "How long a component may take to be ready [default: 5m]"),
    key("prune", Shape::Bool, "Whether objects that are gone from Git go from the cluster [default: true]"),
    key("wait", Shape::Bool, "Whether a component is ready only when everything in it is [default: true]"),
    key(
        "decryption",
        Shape::Text,
        "Name of the Secret with the key that Flux decrypts Secrets with [default: sops-age with `secrets: sops`, else none]",
    ),
];

const ARGOCD: &[Key] = &[
    key("name", Shape::Text, "Name of the AppProject, and of the Application of clusters/<env> [default: the environment's]"),
    key("namespace", NAMESPACE, "Namespace of Argo CD's objects [default: argocd]"),
    key("cluster", Shape::Text, "Address or name of the cluster that is deployed to [default: the one that Argo CD runs in]"),
    key("automated", Shape::Bool, "Whether Argo CD syncs by itself [default: true]"),
    key("prune", Shape::Bool, "Whether objects that are gone from Git go from the cluster [default: true]"),
    key("selfHeal", Shape::Bool, "Whether changes made in the cluster are undone [default: true]"),
    key("retryInterval", Shape::Text, "How soon a failed sync is tried again [default: 1m]"),
];

/// `components/<component>/component.yaml`
pub const COMPONENT: Shape = Shape::Object(&[
    key("namespace", NAMESPACE, "Namespace of the component: its releases are rendered into it"),
    key("kubernetes", KUBERNETES, "Kubernetes version that the component's charts see, where it is not the environment's"),
    key("apiVersions", TEXTS, "API versions that the component's charts see beyond those that the environment names"),
    key(
        "apiVersionsFromCRDs",
        Shape::Bool,
        "Whether the component's charts see the API versions of the environment's CRDs [default: what the environment says]",
    ),
    key("needs", TEXTS, "Components that must be applied before this one"),
    key("environments", TEXTS, "Environments this component belongs to: names and globs [default: all]"),
    key("layout", Shape::Choice(LAYOUTS), "Layout of this component, where it differs from the project's"),
    key("hooks", HOOKS, HOOKS_DOC),
    key("external", TEXTS, EXTERNAL_DOC),
    key("checks", CHECKS, CHECKS_DOC),
    key("exceptions", EXCEPTIONS, EXCEPTIONS_DOC),
    key("random", RANDOM, RANDOM_DOC),
    key("sources", Shape::List(&SOURCE), "What to render, in this order [default: found by convention, see docs/configuration.md]"),
    key("patches", Shape::List(&PATCH), "Kustomize patches over everything that the sources gave"),
]);

const EXTERNAL_DOC: &str = "What exists although nothing here renders it, for `hydrate check --references`: Kind/namespace/name or Kind/name; `*` and `?` as in globs";
const HOOKS: Shape = Shape::Object(&[
    key("pre-install", POLICY, "Before anything is installed [default: keep]"),
    key("post-install", POLICY, "After everything is installed [default: keep]"),
    key("pre-upgrade", POLICY, "Before an upgrade [default: keep]"),
    key("post-upgrade", POLICY, "After an upgrade [default: keep]"),
    key("pre-delete", POLICY, "Before the release is deleted [default: drop; keep with `handover: argocd`]"),
    key("post-delete", POLICY, "After the release is deleted [default: drop; keep with `handover: argocd`]"),
    key("pre-rollback", POLICY, "Before the release is rolled back [default: drop; keep with `handover: argocd`]"),
    key("post-rollback", POLICY, "After the release is rolled back [default: drop; keep with `handover: argocd`]"),
    key("test", POLICY, "Tests [default: drop]"),
    key("test-success", POLICY, "Tests, as Helm 2 called them [default: drop]"),
    key("test-failure", POLICY, "Tests that must fail, as Helm 2 called them [default: drop]"),
    key("crd-install", POLICY, "CRDs, as Helm 2 had them [default: keep]"),
]);
const HOOKS_DOC: &str = "What becomes of objects with a helm.sh/hook annotation, by hook: keep or drop [default: tests are dropped, and outside of `handover: argocd` what is for deletions and rollbacks; all others are kept]";

const SOURCE: Shape = Shape::OneOf(&[
    key("helm", Shape::Either(&Shape::Text, &Shape::Object(HELM)), "A Helm chart: its directory or archive, or the long form"),
    key("kustomize", Shape::Either(&Shape::Text, &Shape::Object(KUSTOMIZE)), "A directory with a kustomization.yaml"),
    key("jinja", Shape::Either(&Shape::Text, &Shape::Object(JINJA)), "A directory of *.j2 templates, or one template"),
    key("raw", Shape::Text, "A directory of YAML files, or one file"),
    key("helmfile", Shape::Either(&Shape::Text, &Shape::Object(HELMFILE)), "A helmfile.yaml, or a directory of them"),
]);

const HELM: &[Key] = &[
    required("chart", Shape::Text, "Directory or .tgz of the chart, relative to the component"),
    key("release", Shape::Text, "Name of the release [default: the component's name]"),
    key("namespace", NAMESPACE, "Namespace of the release [default: the component's]"),
    key("kubernetes", KUBERNETES, "Kubernetes version that the chart sees [default: the component's]"),
    key("apiVersions", TEXTS, "API versions that the chart sees beyond those of the component and the environment"),
    key(
        "apiVersionsFromCRDs",
        Shape::Bool,
        "Whether the chart sees the API versions of the environment's CRDs [default: what the component says]",
    ),
    key("values", TEXTS, "Values files in order; `?` at the end marks an optional one; ${env} is the environment's name"),
    key(
        "set",
        Shape::MapOf(&Shape::Anything),
        "Values merged over all values files; keys are paths as helm's --set has them: service.type, hosts[0], a\\.b",
    ),
    key("crds", Shape::Bool, "Whether the chart's crds/ are rendered [default: true]"),
    key("hooks", HOOKS, HOOKS_DOC),
    key("repo", Shape::Text, "Repository of a remote chart: https://…"),
    key("version", Shape::Text, "Version or range of a remote chart"),
    key("verify", Shape::Bool, "Whether the chart must be signed by a key of the keyring: its .prov file is verified [default: false]"),
    key("environments", TEXTS, SOURCE_ENVIRONMENTS),
];

const SOURCE_ENVIRONMENTS: &str = "Environments that this source is rendered for: names and globs [default: those of the component]";

const KUSTOMIZE: &[Key] = &[
    required("path", Shape::Text, "Directory with a kustomization.yaml, relative to the component"),
    key(
        "over",
        Shape::Choice(&["sources"]),
        "sources: the kustomization also gets what the sources before it rendered, as its first resources",
    ),
    key("environments", TEXTS, SOURCE_ENVIRONMENTS),
];

const JINJA: &[Key] = &[
    required("path", Shape::Text, "Directory of *.j2 templates, or one template, relative to the component"),
    key("values", TEXTS, "Values files, merged in order over the environment's values"),
    key("environments", TEXTS, SOURCE_ENVIRONMENTS),
];

const HELMFILE: &[Key] = &[
    required("path", Shape::Text, "A helmfile.yaml or a directory of them, relative to the component"),
    key("selectors", TEXTS, "Which of its releases are rendered, as helmfile's --selector has them: name=web, tier!=db [default: all]"),
    key("environments", TEXTS, SOURCE_ENVIRONMENTS),
];

const PATCH: Shape = Shape::Object(&[
    key("patch", Shape::Text, "The patch: a strategic merge patch or JSON 6902 operations"),
    key("path", Shape::Text, "A file with the patch, relative to the component"),
    key(
        "target",
        Shape::Object(&[
            key("group", Shape::Text, "API group; an anchored regular expression"),
            key("version", Shape::Text, "API version"),
            key("kind", Shape::Text, "Kind"),
            key("name", Shape::Text, "Name"),
            key("namespace", Shape::Text, "Namespace"),
            key("labelSelector", Shape::Text, "Label selector"),
            key("annotationSelector", Shape::Text, "Annotation selector"),
        ]),
        "The objects to patch [default: the one that the patch names]",
    ),
    key(
        "options",
        Shape::Object(&[
            key("allowNameChange", Shape::Bool, "Whether the patch may change the name [default: false]"),
            key("allowKindChange", Shape::Bool, "Whether the patch may change the kind [default: false]"),
        ]),
        "What the patch may change",
    ),
]);

/// The files whose schema can be printed: name, title, description, shape.
pub const SCHEMAS: &[(&str, &str, &str, &Shape)] = &[
    ("hydrate", "hydrate.yaml", "Project file of hydrate; every key has a default", &PROJECT),
    ("environment", "environments/<env>.yaml", "An environment of hydrate", &ENVIRONMENT),
    ("component", "components/<component>/component.yaml", "A component of hydrate", &COMPONENT),
];

/// The JSON Schema of one of the files, by its name in [`SCHEMAS`], as it is kept in docs/schema/.
pub fn schema(name: &str) -> Option<String> {
    let (_, title, description, shape) = SCHEMAS.iter().find(|(known, ..)| *known == name)?;
    let mut text = serde_json::to_string_pretty(&json_schema(title, description, shape)).ok()?;
    text.push('\n');
    Some(text)
}
