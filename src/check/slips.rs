//! Rules about a project's own files: what is easily mistaken there, and would pass in silence.

use hydrate_base::Severity;

use super::Rule;

/// The rules of slips, by code.
pub const RULES: &[&Rule] = &[&LOST_COMPONENT, &NO_SOURCE, &STRAY_DIRECTORY, &UNKNOWN_NAME, &UNREAD_FILE];

/// `lost-component`
pub const LOST_COMPONENT: Rule = Rule {
    code: "lost-component",
    severity: Severity::Warning,
    title: "An environment keeps its components",
    text: "A component that is no longer rendered goes from `manifests/` with all its objects, and with `prune` from the cluster. That happens when its directory is gone, \
           but also by a slip: a wrong name in `environments` or `components`, a directory of an environment that was renamed. A loss is told with its reason. All \
           components at once, or more than `guard: {components: …}` lets go (a quarter of them), are an error, and nothing is written; \
           `hydrate -e ENV --yes` does it where it is meant.",
};

/// `no-source`
pub const NO_SOURCE: Rule = Rule {
    code: "no-source",
    severity: Severity::Warning,
    title: "A component has something to render",
    text: "A directory of components that has no `sources`, and nothing that is found without them, belongs to no environment. \
           A directory whose files other components use is none.",
};

/// `stray-directory`
pub const STRAY_DIRECTORY: Rule = Rule {
    code: "stray-directory",
    severity: Severity::Warning,
    title: "What is made for an environment is for one that there is",
    text: "`components/COMPONENT/ENV/` and other paths that sources reach by `${env}`, `environments/ENV/`, and the directories `manifests/ENV` and `clusters/ENV` that hydrate has \
           written: without `environments/ENV.yaml` nobody reads them, and nobody writes them anew. After an environment was renamed they keep its old name, \
           and whoever applies them goes on doing so.",
};

/// `unknown-name`
pub const UNKNOWN_NAME: Rule = Rule {
    code: "unknown-name",
    severity: Severity::Warning,
    title: "Names and patterns of environments and components stand for some",
    text: "`environments: [prd]` of a component where the environment is called `prod` leaves the component out, and so does a pattern that matches nothing, there or \
           in `components` of an environment.",
};

/// `unread-file`
pub const UNREAD_FILE: Rule = Rule {
    code: "unread-file",
    severity: Severity::Warning,
    title: "Files that look like hydrate's have the names that it reads",
    text: "`values.yml` beside a chart, `templates/x.yaml` without `.j2`, `kustomization.yml`, `Component.yaml`, `environments/Prod.yaml`: names that are nearly those of files that are \
           read. A file that another file names is left alone.",
};
