//! `.Capabilities`: what the cluster would offer, as `helm template` assumes it without one.

use hydrate_chart::Level;
use hydrate_sprig::semver::Version;

/// A Kubernetes version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KubeVersion {
    /// With its `v`: `v1.33.4-gke.1245000` in Helm 4; in Helm 3, too.
    pub version: String,
    /// What constraints are checked against and what the version prints as: Helm 4 strips all suffixes.
    pub normalized: String,
    /// `1`
    pub major: String,
    /// `33`
    pub minor: String,
}

/// What a chart may ask about the cluster and about Helm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Capabilities {
    /// The Kubernetes version.
    pub kube_version: KubeVersion,
    /// The API versions, built-in ones first.
    pub api_versions: Vec<String>,
}

/// The fields of `.Capabilities.HelmVersion`.
#[derive(Debug)]
pub(crate) struct HelmVersion {
    /// The release that the level stands for.
    pub version: &'static str,
    /// The commit it was built from.
    pub git_commit: &'static str,
    /// The Go version it was built with.
    pub go_version: &'static str,
    /// The client library's Kubernetes version; Helm 3 has no such field.
    pub kube_client_version: Option<&'static str>,
}

static HELM_3: HelmVersion = HelmVersion {
    version: "v3.17.1",
    git_commit: "980d8ac1939e39138101364400756af2bdee1da5",
    go_version: "go1.23.5",
    kube_client_version: None,
};

static HELM_4: HelmVersion = HelmVersion {
    version: "v4.3.1",
    git_commit: "c0d08d0d6d9424d4a14febb5e8a3e51b0dd00dff",
    go_version: "go1.27.2",
    kube_client_version: Some("v1.37"),
};

/// The version of Helm that a level reproduces.
pub(crate) fn helm_version(level: Level) -> &'static HelmVersion {
    match level {
        Level::V3 => &HELM_3,
        Level::V4 => &HELM_4,
    }
}

impl Capabilities {
    /// The cluster that Helm assumes where nothing is said about it.
    pub(crate) fn default_of(level: Level) -> Self {
        let (minor, extra) = match level {
            Level::V3 => ("32", API_VERSIONS_3),
            Level::V4 => ("37", API_VERSIONS_4),
        };
        let version = format!("v1.{minor}.0");
        Self {
            kube_version: KubeVersion { normalized: version.clone(), version, major: "1".to_owned(), minor: minor.to_owned() },
            api_versions: extra.iter().map(|version| (*version).to_owned()).collect(),
        }
    }
}

impl KubeVersion {
    /// Reads the text of `--kube-version`; the error is Helm's text.
    pub(crate) fn parse(text: &str, level: Level) -> Result<Self, String> {
        let whole = |error: String| format!("invalid kube version '{text}': {error}");
        match level {
            Level::V3 => {
                let version = Version::parse(text, level.semver()).map_err(whole)?;
                let shown = format!("v{version}");
                Ok(Self { normalized: shown.clone(), version: shown, major: version.major.to_string(), minor: version.minor.to_string() })
            }
            Level::V4 => generic(text).map_err(whole),
        }
    }
}

/// The lenient parser of Kubernetes (`apimachinery/pkg/util/version`): dotted numbers, at least two, then anything.
fn generic(text: &str) -> Result<KubeVersion, String> {
    let trimmed = text.trim_start();
    let numbers = trimmed.strip_prefix('v').unwrap_or(trimmed);
    let components = dotted_numbers(numbers);
    match components.as_slice() {
        [] => return Err(format!("could not parse {text:?} as version")),
        [_] => return Err(format!("illegal version string {text:?}")),
        [first, ..] if first.len() > 1 && first.starts_with('0') => {
            return Err(format!("illegal zero-prefixed version component {first:?} in {text:?}"));
        }
        _ => {}
    }
    let number = |part: &&str| {
        part.parse::<u64>().map_err(|_| {
            format!("illegal non-numeric version component {part:?} in {text:?}: strconv.ParseUint: parsing {part:?}: value out of range")
        })
    };
    let parsed: Vec<String> = components.iter().map(|part| number(part).map(|number| number.to_string())).collect::<Result<_, _>>()?;
    let component = |at: usize| parsed.get(at).cloned().unwrap_or_default();
    Ok(KubeVersion {
        version: if text.starts_with('v') { text.to_owned() } else { format!("v{text}") },
        normalized: format!("v{}", parsed.join(".")),
        major: component(0),
        minor: component(1),
    })
}

/// The longest start of the text that is numbers with single dots between them.
fn dotted_numbers(text: &str) -> Vec<&str> {
    let mut components = Vec::new();
    let mut rest = text;
    loop {
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        if end == 0 {
            return components;
        }
        components.push(&rest[..end]);
        match rest[end..].strip_prefix('.') {
            Some(after) => rest = after,
            None => return components,
        }
    }
}

/// The API versions that Helm 3 knows, in its order.
const API_VERSIONS_3: &[&str] = &[
    "v1",
    "admissionregistration.k8s.io/v1",
    "admissionregistration.k8s.io/v1alpha1",
    "admissionregistration.k8s.io/v1beta1",
    "internal.apiserver.k8s.io/v1alpha1",
    "apps/v1",
    "apps/v1beta1",
    "apps/v1beta2",
    "authentication.k8s.io/v1",
    "authentication.k8s.io/v1alpha1",
    "authentication.k8s.io/v1beta1",
    "authorization.k8s.io/v1",
    "authorization.k8s.io/v1beta1",
    "autoscaling/v1",
    "autoscaling/v2",
    "autoscaling/v2beta1",
    "autoscaling/v2beta2",
    "batch/v1",
    "batch/v1beta1",
    "certificates.k8s.io/v1",
    "certificates.k8s.io/v1beta1",
    "certificates.k8s.io/v1alpha1",
    "coordination.k8s.io/v1alpha2",
    "coordination.k8s.io/v1beta1",
    "coordination.k8s.io/v1",
    "discovery.k8s.io/v1",
    "discovery.k8s.io/v1beta1",
    "events.k8s.io/v1",
    "events.k8s.io/v1beta1",
    "extensions/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1",
    "flowcontrol.apiserver.k8s.io/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1beta2",
    "flowcontrol.apiserver.k8s.io/v1beta3",
    "networking.k8s.io/v1",
    "networking.k8s.io/v1alpha1",
    "networking.k8s.io/v1beta1",
    "node.k8s.io/v1",
    "node.k8s.io/v1alpha1",
    "node.k8s.io/v1beta1",
    "policy/v1",
    "policy/v1beta1",
    "rbac.authorization.k8s.io/v1",
    "rbac.authorization.k8s.io/v1beta1",
    "rbac.authorization.k8s.io/v1alpha1",
    "resource.k8s.io/v1beta1",
    "resource.k8s.io/v1alpha3",
    "scheduling.k8s.io/v1alpha1",
    "scheduling.k8s.io/v1beta1",
    "scheduling.k8s.io/v1",
    "storage.k8s.io/v1beta1",
    "storage.k8s.io/v1",
    "storage.k8s.io/v1alpha1",
    "storagemigration.k8s.io/v1alpha1",
    "apiextensions.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1",
];

/// The API versions that Helm 4 knows, in its order.
const API_VERSIONS_4: &[&str] = &[
    "v1",
    "admissionregistration.k8s.io/v1",
    "admissionregistration.k8s.io/v1alpha1",
    "admissionregistration.k8s.io/v1beta1",
    "internal.apiserver.k8s.io/v1alpha1",
    "apps/v1",
    "apps/v1beta1",
    "apps/v1beta2",
    "authentication.k8s.io/v1",
    "authentication.k8s.io/v1alpha1",
    "authentication.k8s.io/v1beta1",
    "authorization.k8s.io/v1",
    "authorization.k8s.io/v1beta1",
    "autoscaling/v1",
    "autoscaling/v2",
    "batch/v1",
    "batch/v1beta1",
    "certificates.k8s.io/v1",
    "certificates.k8s.io/v1beta1",
    "certificates.k8s.io/v1alpha1",
    "coordination.k8s.io/v1alpha2",
    "coordination.k8s.io/v1beta1",
    "coordination.k8s.io/v1",
    "discovery.k8s.io/v1",
    "discovery.k8s.io/v1beta1",
    "events.k8s.io/v1",
    "events.k8s.io/v1beta1",
    "extensions/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1",
    "flowcontrol.apiserver.k8s.io/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1beta2",
    "flowcontrol.apiserver.k8s.io/v1beta3",
    "lifecycle.k8s.io/v1alpha1",
    "networking.k8s.io/v1",
    "networking.k8s.io/v1beta1",
    "node.k8s.io/v1",
    "node.k8s.io/v1alpha1",
    "node.k8s.io/v1beta1",
    "policy/v1",
    "policy/v1beta1",
    "rbac.authorization.k8s.io/v1",
    "rbac.authorization.k8s.io/v1beta1",
    "rbac.authorization.k8s.io/v1alpha1",
    "resource.k8s.io/v1",
    "resource.k8s.io/v1beta2",
    "resource.k8s.io/v1beta1",
    "resource.k8s.io/v1alpha3",
    "scheduling.k8s.io/v1alpha3",
    "scheduling.k8s.io/v1beta1",
    "scheduling.k8s.io/v1",
    "storage.k8s.io/v1beta1",
    "storage.k8s.io/v1",
    "storage.k8s.io/v1alpha1",
    "storagemigration.k8s.io/v1",
    "storagemigration.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_each_helm_reads_them() {
        let four = KubeVersion::parse("1.33.4-gke.1245000", Level::V4).unwrap();
        assert_eq!((four.version.as_str(), four.normalized.as_str()), ("v1.33.4-gke.1245000", "v1.33.4"));
        let three = KubeVersion::parse("1.33", Level::V3).unwrap();
        assert_eq!((three.version.as_str(), three.minor.as_str()), ("v1.33.0", "33"));
    }

    #[test]
    fn unreadable_versions_have_helm_s_texts() {
        let error = |level| KubeVersion::parse("abc", level).unwrap_err();
        assert_eq!(error(Level::V3), "invalid kube version 'abc': Invalid Semantic Version");
        assert_eq!(error(Level::V4), "invalid kube version 'abc': could not parse \"abc\" as version");
    }
}
