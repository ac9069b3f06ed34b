//! Custom resources, beside the CRDs that the environment renders or that `schemas` names.

pub(super) mod data;
mod fields;
mod formats;
pub(super) mod rules;
mod schema;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

use hydrate_base::{Severity, suggest};
use hydrate_kubernetes::is_builtin_group;
use hydrate_kubernetes::schemas::Type;
use hydrate_sprig::regex::GoRegex;
use hydrate_yaml::node::Node;

use crate::check::declared::Declared;
use crate::check::objects::Object;
use crate::check::value::{at, is_true, items, text};

use data::Reader;
use rules::Rules;

use super::rule::{Rule, Sink};
use super::versions::UNKNOWN_KIND;
use super::{kinds, structure};

/// `unknown-custom-kind`
pub(super) const UNKNOWN_CUSTOM_KIND: Rule = Rule {
    code: "unknown-custom-kind",
    severity: Severity::Warning,
    title: "The kind of every custom resource is defined by a CRD that is rendered or named",
    text: "Without its CRD an object cannot be applied, and here it cannot be validated. Render the CRD; or name files with it by `schemas` in hydrate.yaml or \
           the environment, for validation alone; or say that it comes from elsewhere: `external: [\"CustomResourceDefinition/*.GROUP\"]`. It is told once \
           a kind. `check --references` makes an error of it, as of everything that is referred to and missing.",
};

/// `schema-violation`
pub(super) const SCHEMA_VIOLATION: Rule = Rule {
    code: "schema-violation",
    severity: Severity::Error,
    title: "Custom resources satisfy the schema of their CRD",
    text: "Patterns, formats, lengths, bounds, numbers of items, keys of lists that are maps, and `oneOf`, `anyOf`, `allOf` and `not` of the CRD's \
           `openAPIV3Schema`. Types, required fields and enumerations of CRDs are `wrong-type`, `missing-field` and `unknown-value`; rules in CEL are \
           `cel-violation`.",
};

/// `pruned-field`
pub(super) const PRUNED_FIELD: Rule = Rule {
    code: "pruned-field",
    severity: Severity::Warning,
    title: "Custom resources have no fields that the API server drops",
    text: "A field that the CRD's schema does not know is dropped without a word where `x-kubernetes-preserve-unknown-fields` is not set, and refused by \
           strict clients. Mostly it is misspelt, or was moved by a newer version of the CRD.",
};

/// The kinds that CRDs define.
#[derive(Debug, Default)]
pub struct Customs<'c> {
    kinds: BTreeMap<(&'c str, &'c str), Custom<'c>>,
    patterns: Mutex<BTreeMap<String, Option<Arc<GoRegex>>>>,
}

/// A kind, with the versions that its CRD has.
#[derive(Debug)]
struct Custom<'c> {
    /// The name of the CRD.
    crd: &'c str,
    /// Where it is from.
    from: &'c str,
    versions: Vec<Version<'c>>,
    /// The name of the resource.
    plural: &'c str,
    namespaced: bool,
    /// Whether fields that are not in the schema stay.
    preserves: bool,
}

#[derive(Debug)]
struct Version<'c> {
    name: &'c str,
    served: bool,
    schema: Option<&'c Node>,
    /// Its rules in CEL, made when the first object of it is looked at.
    rules: OnceLock<Option<Rules>>,
}

impl<'c> Customs<'c> {
    /// The kinds of the CRDs among objects; the first of a kind counts.
    pub fn of(objects: impl IntoIterator<Item = &'c Object<'c>>) -> Self {
        let mut kinds = BTreeMap::new();
        for object in objects.into_iter().filter(|object| is_crd(object)) {
            let Some(spec) = object.root.get("spec") else { continue };
            let (Some(group), Some(kind)) = (text(spec, "group"), at(spec, &["names"]).and_then(|names| text(names, "kind"))) else {
                continue;
            };
            let custom = Custom {
                crd: object.name(),
                from: object.component,
                versions: items(spec, &["versions"]).iter().filter_map(version).collect(),
                plural: at(spec, &["names"]).and_then(|names| text(names, "plural")).unwrap_or_default(),
                namespaced: text(spec, "scope") != Some("Cluster"),
                preserves: is_true(spec, "preserveUnknownFields"),
            };
            kinds.entry((group, kind)).or_insert(custom);
        }
        Self { kinds, patterns: Mutex::default() }
    }

    /// The name of the resource of a kind, and whether its objects live in namespaces.
    pub(super) fn resource(&self, group: &str, kind: &str) -> Option<(&str, bool)> {
        self.kinds.get(&(group, kind)).map(|custom| (custom.plural, custom.namespaced))
    }

    /// An object of one of the kinds as the API server has it: pruned, and with defaults.
    pub(super) fn data(&self, object: &Object<'_>) -> Option<hydrate_cel::schema::Data> {
        let custom = self.kinds.get(&(object.group(), object.kind()))?;
        let wanted = object.document.identity.api_version.rsplit('/').next().unwrap_or_default();
        let schema = custom.versions.iter().find(|version| version.name == wanted)?.schema?;
        let reader = Reader { preserves: custom.preserves, substitutes: super::substitutes(object) };
        Some(reader.of(schema, &object.root, true))
    }

    /// The compiled pattern; `None` for one that Go does not take.
    fn pattern(&self, text: &str) -> Option<Arc<GoRegex>> {
        let mut patterns = self.patterns.lock().ok()?;
        patterns.entry(text.to_owned()).or_insert_with(|| GoRegex::new(text.as_bytes()).ok().map(Arc::new)).clone()
    }
}

/// Whether an object is a CRD.
fn is_crd(object: &Object<'_>) -> bool {
    object.kind() == "CustomResourceDefinition" && object.group() == "apiextensions.k8s.io"
}

fn version(node: &Node) -> Option<Version<'_>> {
    let served = !node.get("served").and_then(Node::as_str).is_some_and(|served| served.eq_ignore_ascii_case("false"));
    Some(Version { name: text(node, "name")?, served, schema: at(node, &["schema", "openAPIV3Schema"]), rules: OnceLock::new() })
}

/// An object that is of none of Kubernetes' own kinds.
pub(super) fn check<'a>(sink: &mut Sink<'a>, customs: &Customs<'_>, declared: &Declared) {
    let object = sink.object;
    let (group, kind) = (object.group(), object.kind());
    if is_builtin_group(group) {
        return;
    }
    metadata(sink);
    let Some(custom) = customs.kinds.get(&(group, kind)) else {
        if declared.has_kind(group, kind) {
            *sink
                .unevaluated
                .entry(format!("objects of {kind} ({group}), whose CRD is neither rendered nor named by `schemas`"))
                .or_default() += 1;
        } else {
            let node = object.root.get("kind").unwrap_or(&object.root);
            let finding =
                sink.report(&UNKNOWN_CUSTOM_KIND, node, format!("no CRD that is rendered or named defines its kind, {kind} ({group})"));
            finding.help.push(format!(
                "render its CRD, name it by `schemas`, or say that it comes from elsewhere: `external: [\"CustomResourceDefinition/*.{group}\"]`"
            ));
        }
        return;
    };
    let wanted = object.document.identity.api_version.rsplit('/').next().unwrap_or_default();
    let Some(version) = custom.versions.iter().find(|version| version.name == wanted && version.served) else {
        return no_version(sink, custom, wanted);
    };
    let Some(schema) = version.schema else {
        *sink.unevaluated.entry(format!("objects of {kind} ({group}), whose CRD has no schema")).or_default() += 1;
        return;
    };
    let before = sink.found.len();
    schema::check(sink, customs, schema, custom.preserves);
    if let Some(rules) = version.rules.get_or_init(|| Rules::of(schema, sink.release)) {
        let is_blocking = |rule: &Rule| [&structure::WRONG_TYPE, &structure::MISSING_FIELD, &structure::UNKNOWN_VALUE].contains(&rule);
        if sink.found.iter().skip(before).any(|found| is_blocking(found.rule)) {
            *sink
                .unevaluated
                .entry("objects that break their schema, whose CEL rules the API server leaves out then".to_owned())
                .or_default() += 1;
        } else {
            let reader = Reader { preserves: custom.preserves, substitutes: super::substitutes(object) };
            rules.check(sink, schema, reader);
        }
    }
    let note = format!("by the CRD {} of {}, version {wanted}", custom.crd, custom.from);
    sink.found.iter_mut().skip(before).for_each(|found| found.finding.notes.push(note.clone()));
}

/// The metadata is what that of all objects is.
fn metadata<'a>(sink: &mut Sink<'a>) {
    let object: &'a Object<'a> = sink.object;
    let (Some(node), Some(of)) = (object.root.get("metadata"), Type::named("meta.v1.ObjectMeta")) else { return };
    structure::object(sink, of, node);
    if !sink.has(&structure::WRONG_TYPE) {
        kinds::metadata(sink);
    }
}

fn no_version(sink: &mut Sink<'_>, custom: &Custom<'_>, wanted: &str) {
    let object = sink.object;
    let node = object.root.get("apiVersion").unwrap_or(&object.root);
    let served: Vec<&str> = custom.versions.iter().filter(|version| version.served).map(|version| version.name).collect();
    let finding = sink.report(&UNKNOWN_KIND, node, format!("the CRD {} serves no version {wanted}", custom.crd));
    finding.notes.push(format!("it serves {}; it is of {}", served.join(", "), custom.from));
    if let Some(close) = suggest::closest(wanted, served) {
        finding.remark = format!("did you mean `{close}`?");
    }
}
