//! The texts of the first files of a project, of a component, of an environment.

use hydrate_base::{Diagnostic, Result};

use super::component::{CRDS, NAMESPACES};
use super::files::{SCHEMAS, is_label};
use super::shape::Shape;
use super::valid_name;
use serde_json::json;

/// The project file, with these settings.
pub fn settings(helm: &str, helmfile: &str, layout: &str) -> String {
    format!(
        "{}# Every key has a default; `hydrate schema hydrate` shows them all.\n\
         helm: {helm} # whose bytes Helm charts render to: v4 (helm 4.3) or v3 (helm 3.17)\n\
         helmfile: {helmfile} # whose bytes helmfiles render to: v1 (1.7) or v0 (0.166)\n\
         layout: {layout} # one file per object (objects) or one manifest.yaml per component (manifest)\n",
        schema_line("hydrate")
    )
}

/// The file of an environment, with the Kubernetes version where that is known.
pub fn environment(kubernetes: Option<&str>) -> String {
    let schema = schema_line("environment");
    match kubernetes {
        Some(version) => format!("{schema}kubernetes: \"{version}\"\n"),
        None => {
            schema
                + "# The Kubernetes version that charts see, or where it stands:\n\
                 # kubernetes: \"1.33\"\n\
                 # kubernetes: {file: ../cluster/env.hcl, key: cluster_version}\n"
        }
    }
}

/// The line by which editors find the schema of a file: `component`, `environment` or `hydrate`.
pub fn schema_line(name: &str) -> String {
    format!("# yaml-language-server: $schema={}\n", schema_address(name))
}

/// Where hydrate's repository is published: what the build was told in `HYDRATE_REPOSITORY`, or else what Cargo.toml says.
pub const REPOSITORY: &str = match option_env!("HYDRATE_REPOSITORY") {
    Some(repository) => repository,
    None => env!("CARGO_PKG_REPOSITORY"),
};

/// Where the schema of a file is published, as it was when this program was released.
pub fn schema_address(name: &str) -> String {
    format!("{REPOSITORY}/raw/v{}/docs/schema/{name}.schema.json", env!("CARGO_PKG_VERSION"))
}

/// What schemastore.org and editors keep of schemas: which files they are for, and where they are.
pub fn catalog() -> String {
    let files = |name: &str| match name {
        "hydrate" => vec!["hydrate.yaml"],
        "environment" => vec!["**/environments/*.yaml"],
        _ => vec!["**/components/*/component.yaml"],
    };
    let entry = |(name, title, description, _): &(&str, &str, &str, &Shape)| {
        json!({
            "name": title,
            "description": description,
            "fileMatch": files(name),
            "url": schema_address(name),
        })
    };
    let schemas: Vec<_> = SCHEMAS.iter().map(entry).collect();
    let catalog = json!({"$schema": "https://json.schemastore.org/schema-catalog.json", "version": 1, "schemas": schemas});
    serde_json::to_string_pretty(&catalog).unwrap_or_default() + "\n"
}

/// Where a new component gets a chart from.
#[derive(Debug, Clone, Copy)]
pub struct ChartFrom<'a> {
    /// Its name in the repository, or its address.
    pub chart: &'a str,
    /// The repository.
    pub repo: Option<&'a str>,
    /// A version or a range.
    pub version: Option<&'a str>,
}

/// What a new component is made of.
#[derive(Debug, Clone, Copy)]
pub enum Content<'a> {
    /// A chart.
    Chart(ChartFrom<'a>),
    /// A kustomization with overlays.
    Kustomize,
    /// Templates.
    Jinja,
    /// A helmfile, with this chart or one of its own.
    Helmfile(Option<ChartFrom<'a>>),
}

/// What a new component is called, and where it belongs.
#[derive(Debug, Clone, Copy)]
pub struct Named<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its namespace.
    pub namespace: &'a str,
    /// Its environments.
    pub environments: &'a [String],
    /// Whether it belongs to these alone.
    pub is_limited: bool,
}

/// The files of a new component, with their paths in its directory.
pub fn component(named: &Named<'_>, content: &Content<'_>) -> Result<Vec<(String, String)>> {
    let Named { name, namespace, environments, is_limited } = *named;
    if !valid_name(name) || name == NAMESPACES || name == CRDS {
        return Err(Diagnostic::error(format!("`{name}` cannot be the name of a component"))
            .help("take lower-case letters, digits, `-`, `_` and `.`, at most 63"));
    }
    if !is_label(namespace) {
        return Err(Diagnostic::error(format!("`{namespace}` cannot be the name of a namespace"))
            .note("it has lower-case letters, digits and `-`, a letter or digit at either end")
            .help("name another: --namespace NAME"));
    }
    let mut files = vec![("namespace.yaml".to_owned(), format!("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {namespace}\n"))];
    let values = |files: &mut Vec<(String, String)>, what: &str| {
        files.push(("values.yaml".to_owned(), format!("# {what} in every environment; those of one are in ENV/values.yaml.\n")));
        files.extend(environments.iter().map(|env| (format!("{env}/values.yaml"), format!("# {what} in this environment alone.\n"))));
    };
    let sources = match content {
        Content::Chart(from) => {
            values(&mut files, "Values of the chart");
            format!("  - helm:\n{}", chart_lines(from, "      "))
        }
        Content::Jinja => {
            files.push(("templates/configmap.yaml.j2".to_owned(), template(name, "{{ env.name }}")));
            values(&mut files, "What templates see as `values`");
            "  - jinja: {path: templates, values: [values.yaml, \"${env}/values.yaml?\"]}\n".to_owned()
        }
        Content::Kustomize => {
            files.push(("base/kustomization.yaml".to_owned(), kustomization("resources:\n  - configmap.yaml\n")));
            files.push(("base/configmap.yaml".to_owned(), template(name, "base")));
            for env in environments {
                let patch = format!(
                    "resources:\n  - ../base\npatches:\n  - patch: |\n      apiVersion: v1\n      kind: ConfigMap\n      metadata:\n        name: {}\n      \
                     data:\n        environment: {}\n",
                    scalar(name),
                    scalar(env)
                );
                files.push((format!("{env}/kustomization.yaml"), kustomization(&patch)));
            }
            "  - kustomize: \"${env}\"\n".to_owned()
        }
        Content::Helmfile(from) => {
            files.extend(helmfile(named, from.as_ref()));
            "  - helmfile: helmfile.yaml\n".to_owned()
        }
    };
    let mut text = format!("{}namespace: {}\n", schema_line("component"), scalar(namespace));
    if is_limited {
        let names: Vec<String> = environments.iter().map(|env| scalar(env)).collect();
        text.push_str(&format!("environments: [{}]\n", names.join(", ")));
    }
    files.insert(0, ("component.yaml".to_owned(), format!("{text}sources:\n{sources}")));
    Ok(files)
}

fn chart_lines(from: &ChartFrom<'_>, indent: &str) -> String {
    let pairs = [("chart", Some(from.chart)), ("repo", from.repo), ("version", from.version)];
    pairs.iter().filter_map(|(key, value)| Some(format!("{indent}{key}: {}\n", scalar((*value)?)))).collect()
}

fn template(name: &str, environment: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {}\ndata:\n  environment: \"{environment}\"\n", scalar(name))
}

fn kustomization(rest: &str) -> String {
    format!("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n{rest}")
}

/// A helmfile with one release: of a chart from elsewhere, or of one beside it.
fn helmfile(named: &Named<'_>, from: Option<&ChartFrom<'_>>) -> Vec<(String, String)> {
    let (name, namespace) = (scalar(named.name), scalar(named.namespace));
    let (repositories, chart) = match from {
        Some(ChartFrom { chart, repo: Some(repo), .. }) => {
            (format!("repositories:\n  - name: {name}\n    url: {}\n", scalar(repo)), format!("{}/{chart}", named.name))
        }
        Some(ChartFrom { chart, .. }) => (String::new(), (*chart).to_owned()),
        None => (String::new(), "./chart".to_owned()),
    };
    let version = from.and_then(|from| from.version).map(|version| format!("    version: {}\n", scalar(version))).unwrap_or_default();
    let text = format!(
        "{repositories}releases:\n  - name: {name}\n    namespace: {namespace}\n    chart: {}\n{version}    values:\n      - values.yaml\n",
        scalar(&chart)
    );
    let mut files = vec![("helmfile.yaml".to_owned(), text), ("values.yaml".to_owned(), "# Values of the release.\n".to_owned())];
    if from.is_none() {
        files.push(("chart/Chart.yaml".to_owned(), format!("apiVersion: v2\nname: {name}\nversion: 0.1.0\n")));
        let template = template(named.name, "{{ .Values.environment }}");
        files.push(("chart/templates/configmap.yaml".to_owned(), template));
        files.push(("chart/values.yaml".to_owned(), "environment: any\n".to_owned()));
    }
    files
}

/// A text as YAML has it: as it is where nothing else could be meant, else in quotes.
fn scalar(text: &str) -> String {
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./+:".contains(c))
        && !text.ends_with(':')
        && !matches!(text.to_ascii_lowercase().as_str(), "true" | "false" | "yes" | "no" | "on" | "off" | "null" | "y" | "n");
    if is_plain { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}
