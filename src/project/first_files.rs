//! The texts of the first files of a project.

/// The project file, with these settings.
pub fn settings(helm: &str, helmfile: &str, layout: &str) -> String {
    format!(
        "# Every key has a default; `hydrate schema hydrate` shows them all.\n\
         helm: {helm} # whose bytes Helm charts render to: v4 (helm 4.3) or v3 (helm 3.17)\n\
         helmfile: {helmfile} # whose bytes helmfiles render to: v1 (1.7) or v0 (0.166)\n\
         layout: {layout} # one file per object (objects) or one manifest.yaml per component (manifest)\n"
    )
}

/// The file of an environment, with the Kubernetes version where that is known.
pub fn environment(kubernetes: Option<&str>) -> String {
    match kubernetes {
        Some(version) => format!("kubernetes: \"{version}\"\n"),
        None => "# The Kubernetes version that charts see, or where it stands:\n\
                 # kubernetes: \"1.33\"\n\
                 # kubernetes: {file: ../cluster/env.hcl, key: cluster_version}\n"
            .to_owned(),
    }
}
