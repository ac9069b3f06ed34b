//! The three configuration files, key by key. `docs/schema/` is generated from these tables.

use super::shape::{Key, Shape, json_schema, key, required};

const TEXTS: Shape = Shape::List(&Shape::Text);
const LAYOUTS: &[&str] = &["objects", "manifest"];
const POLICIES: &[&str] = &["keep", "drop"];

/// `hydrate.yaml`
pub const PROJECT: Shape = Shape::Object(&[
    key("helm", Shape::Choice(&["v4", "v3"]), "Compatibility level of Helm rendering: v4 (helm 4.3, the default) or v3 (helm 3.17)"),
    key("layout", Shape::Choice(LAYOUTS), "One file per object (objects, the default) or one manifest.yaml per component (manifest)"),
    key(
        "root",
        Shape::Choice(&["project", "worktree"]),
        "How far paths and links of sources may lead: to files of the project (project, the default), or of the whole Git work tree (worktree)",
    ),
    key("components", Shape::Text, "Directory of the components [default: components]"),
    key("environments", Shape::Text, "Directory of the environment files [default: environments]"),
    key("manifests", Shape::Text, "Directory that hydrate writes to [default: manifests]"),
    key("clusters", Shape::Text, "Directory for what hands the manifests over to Flux or Argo CD [default: clusters]"),
    key("hooks", HOOKS, HOOKS_DOC),
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

/// `environments/<env>.yaml`
pub const ENVIRONMENT: Shape = Shape::Object(&[
    key("kubernetes", Shape::Text, "Kubernetes version of the clusters, quoted: \"1.33.1\"; charts see it as .Capabilities.KubeVersion"),
    key("apiVersions", TEXTS, "API versions that the clusters have beyond the built-in ones and those of the CRDs rendered here"),
    key("values", Shape::MapOf(&Shape::Anything), "Values that templates and values templates of every component see"),
    key("components", TEXTS, "Components of this environment: names and globs; \"!name\" leaves one out [default: [\"*\"]]"),
    key("external", TEXTS, EXTERNAL_DOC),
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

const FLUX: &[Key] = &[
    key("name", Shape::Text, "Name of the GitRepository, and of the Kustomization of clusters/<env> [default: the environment's]"),
    key("namespace", Shape::Text, "Namespace of Flux's objects [default: flux-system]"),
    key(
        "source",
        Shape::Text,
        "A GitRepository that is there already, such as the flux-system of `flux bootstrap`: then neither it nor a Kustomization of clusters/<env> is written",
    ),
    key("interval", Shape::Text, "How often the cluster is compared with what Git said last [default: 10m]"),
    key("retryInterval", Shape::Text, "How soon what failed is tried again [default: 1m]"),
    key("timeout", Shape::Text, "How long a component may take to be ready [default: 5m]"),
    key("prune", Shape::Bool, "Whether objects that are gone from Git go from the cluster [default: true]"),
    key("wait", Shape::Bool, "Whether a component is ready only when everything in it is [default: true]"),
];

const ARGOCD: &[Key] = &[
    key("name", Shape::Text, "Name of the AppProject, and of the Application of clusters/<env> [default: the environment's]"),
    key("namespace", Shape::Text, "Namespace of Argo CD's objects [default: argocd]"),
    key("cluster", Shape::Text, "Address or name of the cluster that is deployed to [default: the one that Argo CD runs in]"),
    key("automated", Shape::Bool, "Whether Argo CD syncs by itself [default: true]"),
    key("prune", Shape::Bool, "Whether objects that are gone from Git go from the cluster [default: true]"),
    key("selfHeal", Shape::Bool, "Whether changes made in the cluster are undone [default: true]"),
    key("retryInterval", Shape::Text, "How soon a failed sync is tried again [default: 1m]"),
];

/// `components/<component>/component.yaml`
pub const COMPONENT: Shape = Shape::Object(&[
    key("namespace", Shape::Text, "Namespace of the component: its releases are rendered into it"),
    key("needs", TEXTS, "Components that must be applied before this one"),
    key("environments", TEXTS, "Environments this component belongs to: names and globs [default: all]"),
    key("layout", Shape::Choice(LAYOUTS), "Layout of this component, where it differs from the project's"),
    key("hooks", HOOKS, HOOKS_DOC),
    key("external", TEXTS, EXTERNAL_DOC),
    key("sources", Shape::List(&SOURCE), "What to render, in this order [default: found by convention, see docs/configuration.md]"),
    key("patches", Shape::List(&PATCH), "Kustomize patches over everything that the sources gave"),
]);

const EXTERNAL_DOC: &str = "What exists although nothing here renders it, for `hydrate check --references`: Kind/namespace/name or Kind/name; `*` and `?` as in globs";
const HOOKS: Shape = Shape::MapOf(&Shape::Choice(POLICIES));
const HOOKS_DOC: &str =
    "What becomes of objects with a helm.sh/hook annotation, by hook: keep or drop [default: test is dropped, all others are kept]";

const SOURCE: Shape = Shape::OneOf(&[
    key("helm", Shape::Either(&Shape::Text, &Shape::Object(HELM)), "A Helm chart: its directory or archive, or the long form"),
    key("kustomize", Shape::Either(&Shape::Text, &Shape::Object(KUSTOMIZE)), "A directory with a kustomization.yaml"),
    key("jinja", Shape::Either(&Shape::Text, &Shape::Object(JINJA)), "A directory of *.j2 templates, or one template"),
    key("raw", Shape::Text, "A directory of YAML files, or one file"),
    key("helmfile", Shape::Text, "A helmfile.yaml"),
]);

const HELM: &[Key] = &[
    required("chart", Shape::Text, "Directory or .tgz of the chart, relative to the component"),
    key("release", Shape::Text, "Name of the release [default: the component's name]"),
    key("namespace", Shape::Text, "Namespace of the release [default: the component's]"),
    key("values", TEXTS, "Values files in order; `?` at the end marks an optional one; ${env} is the environment's name"),
    key("set", Shape::MapOf(&Shape::Anything), "Values merged over all values files"),
    key("crds", Shape::Bool, "Whether the chart's crds/ are rendered [default: true]"),
    key("hooks", HOOKS, HOOKS_DOC),
    key("repo", Shape::Text, "Repository of a remote chart: https://…"),
    key("version", Shape::Text, "Version or range of a remote chart"),
    key("verify", Shape::Bool, "Whether the chart must be signed by a key of the keyring: its .prov file is verified [default: false]"),
];

const KUSTOMIZE: &[Key] = &[
    required("path", Shape::Text, "Directory with a kustomization.yaml, relative to the component"),
    key(
        "over",
        Shape::Choice(&["sources"]),
        "sources: the kustomization also gets what the sources before it rendered, as its first resources",
    ),
];

const JINJA: &[Key] = &[
    required("path", Shape::Text, "Directory of *.j2 templates, or one template, relative to the component"),
    key("values", TEXTS, "Values files, merged in order over the environment's values"),
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
    key("options", Shape::MapOf(&Shape::Bool), "allowNameChange, allowKindChange"),
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
