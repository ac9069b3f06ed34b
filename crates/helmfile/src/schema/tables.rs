//! The tables of keys.

use super::{FieldKind, Struct, field};

/// A helmfile.
pub(crate) static STATE: Struct = Struct {
    go: "state.HelmState",
    fields: &[
        // What `helmfile build` prints can be read again.
        field("filepath", FieldKind::Ignored),
        field("renderedvalues", FieldKind::Ignored),
        field("helmBinary", FieldKind::Text),
        field("kustomizeBinary", FieldKind::Text),
        field("values", FieldKind::Values),
        field("environments", FieldKind::Map(&ENVIRONMENT)),
        field("bases", FieldKind::Texts),
        field("helmDefaults", FieldKind::Struct(&HELM_DEFAULTS)),
        field("helmfiles", FieldKind::Helmfiles),
        field("kubeContext", FieldKind::Text),
        field("namespace", FieldKind::Text),
        field("chart", FieldKind::Text),
        field("repositories", FieldKind::List(&REPOSITORY)),
        field("commonLabels", FieldKind::TextMap),
        field("releases", FieldKind::List(&RELEASE)),
        field("llm", FieldKind::Struct(&LLM)).applying().since_v1(),
        field("apiVersions", FieldKind::Texts),
        field("kubeVersion", FieldKind::Text),
        field("hooks", FieldKind::List(&HOOK)),
        field("templates", FieldKind::Map(&RELEASE)).always(),
        field("defaultInherit", FieldKind::DefaultInherit).since_v1(),
        field("missingFileHandler", FieldKind::OptionalText),
        field("missingFileHandlerConfig", FieldKind::OptionalStruct(&MISSING_FILES)),
        field("lockFilePath", FieldKind::Text),
        field("context", FieldKind::Text).until_v1(),
        field("charts", FieldKind::List(&RELEASE)).until_v1(),
    ],
};

/// `helmDefaults`
pub(crate) static HELM_DEFAULTS: Struct = Struct {
    go: "state.HelmSpec",
    fields: &[
        field("kubeContext", FieldKind::Text),
        field("args", FieldKind::Texts),
        field("diffArgs", FieldKind::Texts).applying(),
        field("syncArgs", FieldKind::Texts).applying(),
        field("templateArgs", FieldKind::Texts).since_v1(),
        field("verify", FieldKind::Flag).always(),
        field("keyring", FieldKind::Text),
        field("enableDNS", FieldKind::Flag).always(),
        field("skipSchemaValidation", FieldKind::OptionalFlag).since_v1(),
        field("devel", FieldKind::Flag).always(),
        field("wait", FieldKind::Flag).always().applying(),
        field("waitRetries", FieldKind::Int).always().applying().since_v1(),
        field("waitForJobs", FieldKind::Flag).always().applying(),
        field("timeout", FieldKind::Int).always().applying(),
        field("recreatePods", FieldKind::Flag).always().applying(),
        field("force", FieldKind::Flag).always().applying(),
        field("atomic", FieldKind::Flag).always().applying(),
        field("rollbackOnFailure", FieldKind::Flag).always().applying().since_v1(),
        field("cleanupOnFail", FieldKind::Flag).applying(),
        field("forceConflicts", FieldKind::Flag).always().applying().since_v1(),
        field("historyMax", FieldKind::OptionalInt).applying(),
        field("createNamespace", FieldKind::OptionalFlag).applying(),
        field("skipCRDs", FieldKind::Flag).applying().since_v1(),
        field("skipDeps", FieldKind::Flag).always(),
        field("skipRefresh", FieldKind::Flag).always().since_v1(),
        field("reuseValues", FieldKind::Flag).always().applying(),
        field("postRenderer", FieldKind::OptionalText),
        field("postRendererArgs", FieldKind::Texts),
        field("cascade", FieldKind::OptionalText).applying(),
        field("suppressOutputLineRegex", FieldKind::Texts).applying(),
        field("disableAutoDetectedKubeVersionForDiff", FieldKind::OptionalFlag).applying().since_v1(),
        field("disableValidation", FieldKind::OptionalFlag).applying(),
        field("disableOpenAPIValidation", FieldKind::OptionalFlag).applying(),
        field("insecureSkipTLSVerify", FieldKind::Flag),
        field("plainHttp", FieldKind::Flag).since_v1(),
        field("deleteWait", FieldKind::Flag).applying().since_v1(),
        field("deleteWait", FieldKind::Flag).always().applying().until_v1(),
        field("deleteTimeout", FieldKind::Int).applying().since_v1(),
        field("deleteTimeout", FieldKind::Int).always().applying().until_v1(),
        field("syncReleaseLabels", FieldKind::OptionalFlag).applying().since_v1(),
        field("takeOwnership", FieldKind::OptionalFlag).applying().since_v1(),
        field("serverSide", FieldKind::OptionalText).applying().since_v1(),
        field("trackMode", FieldKind::Text).applying().since_v1(),
        field("helmStuckGrace", FieldKind::Int).applying().since_v1(),
    ],
};

/// An entry of `repositories`.
pub(crate) static REPOSITORY: Struct = Struct {
    go: "state.RepositorySpec",
    fields: &[
        field("name", FieldKind::Text),
        field("url", FieldKind::Text),
        field("caFile", FieldKind::Text),
        field("certFile", FieldKind::Text),
        field("keyFile", FieldKind::Text),
        field("username", FieldKind::Text),
        field("password", FieldKind::Text),
        field("registryConfig", FieldKind::Text).since_v1(),
        field("managed", FieldKind::Text),
        field("oci", FieldKind::Flag),
        field("verify", FieldKind::Flag),
        field("keyring", FieldKind::Text),
        field("passCredentials", FieldKind::Flag),
        field("skipTLSVerify", FieldKind::Flag),
        field("plainHttp", FieldKind::Flag).since_v1(),
    ],
};

/// An entry of `releases` and `templates`.
pub(crate) static RELEASE: Struct = Struct {
    go: "state.ReleaseSpec",
    fields: &[
        field("chart", FieldKind::Text),
        field("chartPath", FieldKind::Text),
        field("directory", FieldKind::Text),
        field("version", FieldKind::Text),
        field("verify", FieldKind::OptionalFlag),
        field("keyring", FieldKind::Text),
        field("enableDNS", FieldKind::OptionalFlag),
        field("devel", FieldKind::OptionalFlag),
        field("wait", FieldKind::OptionalFlag).applying(),
        field("waitRetries", FieldKind::OptionalInt).applying().since_v1(),
        field("waitForJobs", FieldKind::OptionalFlag).applying(),
        field("timeout", FieldKind::OptionalInt).applying(),
        field("recreatePods", FieldKind::OptionalFlag).applying(),
        field("force", FieldKind::OptionalFlag).applying(),
        field("installed", FieldKind::OptionalFlag),
        field("updateStrategy", FieldKind::Text).applying().since_v1(),
        field("atomic", FieldKind::OptionalFlag).applying(),
        field("rollbackOnFailure", FieldKind::OptionalFlag).applying().since_v1(),
        field("cleanupOnFail", FieldKind::OptionalFlag).applying(),
        field("forceConflicts", FieldKind::OptionalFlag).applying().since_v1(),
        field("historyMax", FieldKind::OptionalInt).applying(),
        field("condition", FieldKind::Text),
        field("createNamespace", FieldKind::OptionalFlag).applying(),
        field("reuseValues", FieldKind::OptionalFlag).applying().since_v1(),
        field("disableOpenAPIValidation", FieldKind::OptionalFlag).applying(),
        field("disableValidation", FieldKind::OptionalFlag).applying(),
        field("disableValidationOnInstall", FieldKind::OptionalFlag).applying(),
        field("missingFileHandler", FieldKind::OptionalText),
        field("missingFileHandlerConfig", FieldKind::OptionalStruct(&MISSING_FILES)).since_v1(),
        field("needs", FieldKind::Texts),
        field("hooks", FieldKind::List(&HOOK)),
        field("unitTests", FieldKind::Texts).applying().since_v1(),
        field("name", FieldKind::Text),
        field("description", FieldKind::Text).applying().since_v1(),
        field("namespace", FieldKind::Text),
        field("labels", FieldKind::TextMap),
        field("values", FieldKind::Values),
        field("secrets", FieldKind::Values),
        field("set", FieldKind::List(&SET)),
        field("setString", FieldKind::List(&SET)).since_v1(),
        field("valuesTemplate", FieldKind::Values),
        field("setTemplate", FieldKind::List(&SET)),
        field("apiVersions", FieldKind::Texts),
        field("kubeVersion", FieldKind::Text),
        field("env", FieldKind::List(&SET)),
        field("valuesPathPrefix", FieldKind::Text),
        field("kubeContext", FieldKind::Text),
        field("insecureSkipTLSVerify", FieldKind::Flag),
        field("plainHttp", FieldKind::Flag).since_v1(),
        field("verifyTemplate", FieldKind::OptionalText),
        field("waitTemplate", FieldKind::OptionalText).applying(),
        field("installedTemplate", FieldKind::OptionalText),
        field("conditionTemplate", FieldKind::OptionalText).since_v1(),
        field("dependencies", FieldKind::List(&DEPENDENCY)),
        field("jsonPatches", FieldKind::Values),
        field("strategicMergePatches", FieldKind::Values),
        field("transformers", FieldKind::Values),
        field("adopt", FieldKind::Texts).applying(),
        field("forceGoGetter", FieldKind::Flag),
        field("forceNamespace", FieldKind::Text),
        field("skipDeps", FieldKind::OptionalFlag),
        field("skipRefresh", FieldKind::OptionalFlag).since_v1(),
        field("postRenderer", FieldKind::OptionalText),
        field("skipSchemaValidation", FieldKind::OptionalFlag).since_v1(),
        field("postRendererArgs", FieldKind::Texts),
        field("cascade", FieldKind::OptionalText).applying(),
        field("suppressOutputLineRegex", FieldKind::Texts).applying(),
        field("disableAutoDetectedKubeVersionForDiff", FieldKind::OptionalFlag).applying().since_v1(),
        field("inherit", FieldKind::Inherits),
        field("suppressDiff", FieldKind::OptionalFlag).applying(),
        field("deleteWait", FieldKind::OptionalFlag).applying(),
        field("deleteTimeout", FieldKind::OptionalInt).applying(),
        field("syncReleaseLabels", FieldKind::OptionalFlag).applying().since_v1(),
        field("takeOwnership", FieldKind::OptionalFlag).applying().since_v1(),
        field("serverSide", FieldKind::OptionalText).applying().since_v1(),
        field("trackMode", FieldKind::Text).applying().since_v1(),
        field("trackTimeout", FieldKind::OptionalInt).applying().since_v1(),
        field("trackLogs", FieldKind::OptionalFlag).applying().since_v1(),
        field("trackFailedLogs", FieldKind::OptionalFlag).applying().since_v1(),
        field("helmStuckGrace", FieldKind::OptionalInt).applying().since_v1(),
        field("trackKinds", FieldKind::Texts).applying().since_v1(),
        field("skipKinds", FieldKind::Texts).applying().since_v1(),
        field("trackResources", FieldKind::List(&RESOURCE)).applying().since_v1(),
        field("kubedogQPS", FieldKind::OptionalFloat).applying().since_v1(),
        field("kubedogBurst", FieldKind::OptionalInt).applying().since_v1(),
        field("trackFailOnError", FieldKind::OptionalFlag).applying().since_v1(),
    ],
};

/// An entry of `set`, `setString`, `setTemplate` and `env`.
pub(crate) static SET: Struct = Struct {
    go: "state.SetValue",
    fields: &[
        field("name", FieldKind::Text),
        field("value", FieldKind::Text),
        field("file", FieldKind::Text),
        field("values", FieldKind::Values),
    ],
};

/// An entry of `environments`.
pub(crate) static ENVIRONMENT: Struct = Struct {
    go: "state.EnvironmentSpec",
    fields: &[
        field("values", FieldKind::Values),
        field("secrets", FieldKind::Texts),
        field("kubeContext", FieldKind::Text),
        field("missingFileHandler", FieldKind::OptionalText),
        field("missingFileHandlerConfig", FieldKind::OptionalStruct(&MISSING_FILES)),
        field("mergeStrategy", FieldKind::Text).since_v1(),
    ],
};

/// `missingFileHandlerConfig`
static MISSING_FILES: Struct = Struct { go: "state.MissingFileHandlerConfig", fields: &[field("ignoreMissingGitBranch", FieldKind::Flag)] };

/// An entry of `hooks`.
static HOOK: Struct = Struct {
    go: "event.Hook",
    fields: &[
        field("name", FieldKind::Text).always(),
        field("events", FieldKind::Texts).always(),
        field("command", FieldKind::Text).always(),
        field("kubectlApply", FieldKind::TextMap),
        field("args", FieldKind::Texts).always(),
        field("showlogs", FieldKind::Flag).always(),
    ],
};

/// An entry of `dependencies`.
static DEPENDENCY: Struct = Struct {
    go: "state.Dependency",
    fields: &[
        field("chart", FieldKind::Text).always(),
        field("version", FieldKind::Text).always(),
        field("alias", FieldKind::Text).always(),
    ],
};

/// An entry of `trackResources`.
static RESOURCE: Struct = Struct {
    go: "state.TrackResourceSpec",
    fields: &[field("kind", FieldKind::Text), field("name", FieldKind::Text), field("namespace", FieldKind::Text)],
};

/// `llm`
static LLM: Struct = Struct {
    go: "llm.Config",
    fields: &[
        field("baseURL", FieldKind::Text),
        field("apiKey", FieldKind::Text),
        field("model", FieldKind::Text),
        field("timeout", FieldKind::Duration),
        field("maxTokens", FieldKind::Int),
        field("temperature", FieldKind::Float),
    ],
};

/// An entry of a release's `inherit`.
pub(super) static INHERIT: Struct =
    Struct { go: "state.Inherit", fields: &[field("template", FieldKind::Text), field("except", FieldKind::Texts)] };

/// An entry of `helmfiles` that is a map.
pub(super) static HELMFILE: Struct = Struct {
    go: "state.SubHelmfileSpec",
    fields: &[
        field("path", FieldKind::Text),
        field("selectors", FieldKind::Texts),
        field("selectorsInherited", FieldKind::Flag),
        field("inherits", FieldKind::Texts).since_v1(),
        field("values", FieldKind::Values),
    ],
};
