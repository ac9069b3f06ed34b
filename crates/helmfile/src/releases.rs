//! Releases with their templates: `templates`, `inherit`, and template expressions in their fields.
//!
//! Follows `pkg/state/state_exec_tmpl.go` and `pkg/state/release.go` of helmfile 1.7 and 0.166.

use hydrate_base::{Diagnostic, Result, SourceFile};
use hydrate_gotmpl::{List, Map, Value};

use crate::load::{Context, State};
use crate::record;
use crate::schema::{self, Merge, RELEASE};
use crate::{Version, data, yaml};

/// How often expressions may refer to fields that are expressions.
const PASSES: usize = 6;

/// Executes the templates of all releases of a helmfile.
pub(crate) fn execute_templates(context: &Context<'_>, state: &State) -> Result<Vec<Map>> {
    let shown = crate::paths::shown(&state.file, context.root);
    let mut releases = Vec::new();
    for written in record::maps(&state.fields, "releases") {
        let name = record::text(&written, "name");
        let executed = with_defaults(context, state, &written)
            .and_then(|release| executed(context, state, &release))
            .map_err(|error| error.note(format!("in release \"{name}\" of {shown}")))?;
        if record::text(&executed, "chart").is_empty() {
            return Err(Diagnostic::error(format!("encountered empty chart while reading release {:?}", record::text(&executed, "name")))
                .note(format!("in {shown}"))
                .help("name the chart of the release: `chart: repository/name`, `oci://…` or a directory"));
        }
        releases.push(executed);
    }
    Ok(releases)
}

fn with_defaults(context: &Context<'_>, state: &State, written: &Map) -> Result<Map> {
    let written = record::shallow(written);
    if context.version() == Version::V1 {
        let inherits = default_inherits(&record::texts(&state.fields, "defaultInherit"), record::maps(&written, "inherit"));
        written.insert("inherit", Value::List(List::new(inherits.into_iter().map(Value::Map).collect())));
    }
    let release = inherited(context, state, &written, &[])?;
    if record::text(&release, "kubeContext").is_empty()
        && let Some(context) = record::some_text(&record::map(&state.fields, "helmDefaults"), "kubeContext")
    {
        release.insert("kubeContext", Value::str(context));
    }
    let labels = record::shallow(&record::map(&release, "labels"));
    for (name, value) in record::map(&state.fields, "commonLabels").entries().iter() {
        labels.insert(name.clone(), value.clone());
    }
    release.insert("labels", Value::Map(Map::typed("map[string]string", labels.entries().clone())));
    for key in ["apiVersions", "kubeVersion"] {
        if release.get(key.as_bytes()).is_none_or(|value| value.is_empty())
            && let Some(value) = state.fields.get(key.as_bytes())
        {
            release.insert(key, value);
        }
    }
    Ok(release)
}

/// The templates that all releases inherit, then those that the release names itself.
fn default_inherits(defaults: &[String], own: Vec<Map>) -> Vec<Map> {
    if defaults.is_empty() {
        return own;
    }
    let own: Vec<Map> = own.into_iter().filter(|inherit| !record::text(inherit, "template").trim().is_empty()).collect();
    let mut taken: Vec<String> = own.iter().map(|inherit| record::text(inherit, "template").trim().to_owned()).collect();
    let mut all = Vec::new();
    for name in defaults {
        if !taken.contains(name) {
            all.push(Map::from_entries([("template".into(), Value::str(name.as_str()))]));
            taken.push(name.clone());
        }
    }
    all.extend(own);
    all
}

/// A release with what it inherits.
fn inherited(context: &Context<'_>, state: &State, release: &Map, path: &[String]) -> Result<Map> {
    const HOW: Merge = Merge { overwrite: true, append: true };
    let merged = Map::new();
    for inherit in record::maps(release, "inherit") {
        let name = record::text(&inherit, "template");
        if name.is_empty() {
            return Ok(record::shallow(release));
        }
        let longer: Vec<String> = path.iter().cloned().chain([name.clone()]).collect();
        if path.contains(&name) {
            return Err(Diagnostic::error(format!("cyclic inheritance detected: {}", longer.join("->"))));
        }
        let templates = record::map(&state.fields, "templates");
        let Some(Value::Map(template)) = templates.get(name.as_bytes()) else {
            let error = Diagnostic::error(format!(
                "release {:?} tried to inherit inexistent release template {name:?}",
                record::text(release, "name")
            ));
            let names: Vec<String> = templates.entries().keys().map(|name| name.to_str_lossy().into_owned()).collect();
            let close =
                hydrate_base::suggest::closest(&name, names.iter().map(String::as_str)).map(|close| format!("did you mean `{close}`?"));
            return Err(match close {
                Some(help) => error.help(help),
                None => error,
            });
        };
        let source = inherited(context, state, &template, &longer)?;
        for key in record::texts(&inherit, "except") {
            let allowed = ["labels", "values", "valuesTemplate", "setTemplate", "set", "secrets"];
            let is_allowed = allowed.contains(&key.as_str()) || key == "setString" && context.version() == Version::V1;
            if !is_allowed {
                return Err(Diagnostic::error(format!("{key:?} is not allowed under `inherit`"))
                    .help("allowed are set, setTemplate, values, valuesTemplate, secrets and labels"));
            }
            source.remove(key.as_bytes());
        }
        schema::merge(&merged, &source, &RELEASE, HOW);
    }
    schema::merge(&merged, release, &RELEASE, HOW);
    merged.remove(b"inherit");
    Ok(merged)
}

/// Executes the expressions of a release until they give the same twice: they may refer to each other.
fn executed(context: &Context<'_>, state: &State, release: &Map) -> Result<Map> {
    let overrides = state.overrides();
    let mut before = record::deep_map(release);
    for _ in 0..PASSES {
        let data = data::of_release(&state.environment, &overrides, &before, &state.values, context.version());
        let expressions = Expressions { context, state, data };
        let after = expressions.execute(release)?;
        if record::same(&Value::Map(before.clone()), &Value::Map(after.clone())) {
            return with_booleans(after, context.version());
        }
        before = after;
    }
    Err(Diagnostic::error("recursive references can't be resolved").help("the expressions of the release refer to each other in a circle"))
}

struct Expressions<'a> {
    context: &'a Context<'a>,
    state: &'a State,
    data: Value,
}

impl Expressions<'_> {
    fn text(&self, field: &str, text: &str) -> Result<String> {
        if !text.contains("{{") {
            return Ok(text.to_owned());
        }
        self.context.renderer(&self.state.base).text(field, text, &self.data)
    }

    fn execute(&self, release: &Map) -> Result<Map> {
        let version = self.context.version();
        let out = record::deep_map(release);
        for field in ["name", "chart", "namespace", "version"] {
            let text = self.text(field, &record::text(&out, field))?;
            let text = if version == Version::V1 { text.trim().to_owned() } else { text };
            if out.get(field.as_bytes()).is_some() || !text.is_empty() {
                out.insert(field, Value::str(text));
            }
        }
        for field in ["waitTemplate", "installedTemplate", "conditionTemplate", "verifyTemplate"] {
            if let Some(Value::Str(text)) = out.get(field.as_bytes()) {
                out.insert(field, Value::str(self.text(field, &text.to_str_lossy())?));
            }
        }
        if let Some(Value::Map(labels)) = out.get(b"labels") {
            for (name, value) in record::shallow(&labels).entries().iter() {
                let text = record::as_text(value).unwrap_or_default();
                labels.insert(name.clone(), Value::str(self.text(&format!("labels[{}]", name.to_str_lossy()), &text)?));
            }
        }
        if version == Version::V1 {
            self.each_text(&out, "postRendererArgs")?;
        }
        self.values_template(&out)?;
        self.values(&out)?;
        self.each_text(&out, "secrets")?;
        self.set_template(&out)?;
        self.each_text(&out, "needs")?;
        Ok(out)
    }

    /// Executes the texts in a list, and leaves the rest of it.
    fn each_text(&self, out: &Map, field: &str) -> Result<()> {
        let mut items = record::list(out, field);
        for (at, item) in items.iter_mut().enumerate() {
            if let Some(text) = record::as_text(item) {
                *item = Value::str(self.text(&format!("{field}[{at}]"), &text)?);
            }
        }
        if !items.is_empty() {
            out.insert(field, Value::List(List::new(items)));
        }
        Ok(())
    }

    fn values_template(&self, out: &Map) -> Result<()> {
        let version = self.context.version();
        let mut items = record::list(out, "valuesTemplate");
        if items.is_empty() {
            return Ok(());
        }
        for (at, item) in items.iter_mut().enumerate() {
            if matches!(item, Value::Map(_)) {
                let name = format!("valuesTemplate[{at}]");
                let written = yaml::encode(item, version).map_err(Diagnostic::error)?;
                let rendered = self.context.renderer(&self.state.base).render(&SourceFile::new(name.clone(), written), &self.data)?;
                let file = SourceFile::new(name, rendered);
                let map = yaml::decode_map(&file.text, version).map_err(|error| yaml::place(&file, &error, "values"))?;
                *item = Value::Map(yaml::cast_map(&map).map_err(Diagnostic::error)?);
            }
        }
        out.insert("valuesTemplate", Value::List(List::new(items.clone())));
        items.extend(record::list(out, "values"));
        out.insert("values", Value::List(List::new(items)));
        Ok(())
    }

    fn values(&self, out: &Map) -> Result<()> {
        let mut items = record::list(out, "values");
        for (at, item) in items.iter_mut().enumerate() {
            *item = match &*item {
                Value::Str(text) => Value::str(self.text(&format!("values[{at}]"), &text.to_str_lossy())?),
                other => yaml::cast_keys(other).map_err(|error| Diagnostic::error(format!("values[{at}]: {error}")))?,
            };
        }
        if !items.is_empty() {
            out.insert("values", Value::List(List::new(items)));
        }
        Ok(())
    }

    fn set_template(&self, out: &Map) -> Result<()> {
        let entries = record::maps(out, "setTemplate");
        if entries.is_empty() {
            return Ok(());
        }
        let mut all = Vec::new();
        for (at, entry) in entries.iter().enumerate() {
            let entry = record::shallow(entry);
            for field in ["name", "value", "file"] {
                if let Some(text) = record::some_text(&entry, field) {
                    entry.insert(field, Value::str(self.text(&format!("setTemplate[{at}].{field}"), &text)?));
                }
            }
            self.each_text(&entry, "values")?;
            all.push(Value::Map(entry));
        }
        out.insert("setTemplate", Value::List(List::new(all.clone())));
        all.extend(record::list(out, "set"));
        out.insert("set", Value::List(List::new(all)));
        Ok(())
    }
}

/// `installedTemplate` and its kin as booleans.
fn with_booleans(release: Map, version: Version) -> Result<Map> {
    for (template, field) in
        [("installedTemplate", "installed"), ("conditionTemplate", "condition"), ("waitTemplate", "wait"), ("verifyTemplate", "verify")]
    {
        let Some(Value::Str(text)) = release.remove(template.as_bytes()) else { continue };
        let text = text.to_str_lossy();
        let value = match yaml::decode(text.as_bytes(), version).map_err(|error| Diagnostic::error(format!("{template}: {error}")))? {
            Value::Bool(value) => value,
            Value::Nil => false,
            Value::Str(text) if matches!(&*text.to_str_lossy().to_lowercase(), "y" | "yes" | "on") => true,
            Value::Str(text) if matches!(&*text.to_str_lossy().to_lowercase(), "n" | "no" | "off") => false,
            _ => {
                return Err(Diagnostic::error(format!("{template}: failed deserialising string {text}: it is no boolean"))
                    .help("the template has to give true or false"));
            }
        };
        release.insert(field, if field == "condition" { Value::str(value.to_string()) } else { Value::Bool(value) });
    }
    Ok(release)
}
