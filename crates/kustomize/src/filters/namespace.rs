//! The namespace of objects, and of what refers to it.
//!
//! Follows `api/filters/namespace` and the transformer of kustomize 5.8.1.

use ecow::EcoString;

use super::super::config::{FieldList, spec};
use super::super::decode::record;
use super::super::errors::{Fail, FailKind, KResult, fail};
use super::super::fieldspec::{self, Create, Field, Fields};
use super::super::kustomization::{FieldSpec, GvkFields, ObjectMeta};
use super::super::openapi::Schemas;
use super::super::parallel;
use super::super::resmap::{Key, ResMap};
use super::super::resource::{HELM_GENERATED, Resource};
use super::super::transformer::{Step, Transformer};
use super::super::tree::{self, NodeKind};
use hydrate_yaml::node::{Data, Node, Tag};

record! {
    /// `NamespaceTransformer`
    Plugin {
        "metadata" metadata: ObjectMeta,
        "fieldSpecs" specs: Vec<FieldSpec>,
        "unsetOnly" unset_only: bool,
        "setRoleBindingSubjects" subjects: EcoString,
    }
}

/// `NamespaceTransformer`, and `namespace`.
pub(crate) const TRANSFORMER: Transformer = Transformer {
    kind: "NamespaceTransformer",
    of_file: |file| {
        let plugin: Plugin = file.read()?;
        let subjects = Subjects::parse(&plugin.subjects)?;
        Ok(Box::new(move |map| {
            let namespace = plugin.metadata.namespace.clone();
            Namespace { namespace, specs: &plugin.specs, unset_only: plugin.unset_only, subjects }.apply(map)
        }))
    },
    of_fields: Some(|fields| {
        let (namespace, specs) = (fields.kustomization.namespace.clone(), fields.config.fields(&FIELDS));
        if namespace.is_empty() {
            return Ok(Vec::new());
        }
        let run = move |map: &mut ResMap| {
            Namespace { namespace: namespace.clone(), specs: &specs, unset_only: false, subjects: Subjects::Default }.apply(map)
        };
        Ok(vec![Step::new("namespace", None, run)])
    }),
};

/// What holds a namespace, beyond the metadata of objects that live in one.
pub(crate) const FIELDS: FieldList = FieldList { key: "namespace", title: "NameSpace", builtin: namespaces };

fn namespaces() -> Vec<FieldSpec> {
    vec![
        spec("Namespace", "metadata/name", true),
        spec("APIService.apiregistration.k8s.io", "spec/service/namespace", true),
        spec("CustomResourceDefinition.apiextensions.k8s.io", "spec/conversion/webhook/clientConfig/service/namespace", false),
    ]
}

/// Which subjects of bindings get the namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Subjects {
    /// Those named `default`.
    #[default]
    Default,
    /// All service accounts.
    ServiceAccounts,
    /// None.
    None,
}

impl Subjects {
    /// Reads `setRoleBindingSubjects`.
    pub(crate) fn parse(text: &str) -> KResult<Self> {
        match text {
            "" | "defaultOnly" => Ok(Self::Default),
            "allServiceAccounts" => Ok(Self::ServiceAccounts),
            "none" => Ok(Self::None),
            other => fail(format!(
                "invalid value {other:?} for setRoleBindingSubjects: must be one of \"defaultOnly\", \"none\" or \"allServiceAccounts\""
            )),
        }
    }
}

/// What the transformer is told.
#[derive(Debug, Clone)]
pub(crate) struct Namespace<'a> {
    /// The namespace.
    pub namespace: EcoString,
    /// Fields that hold it, beyond `metadata.namespace`.
    pub specs: &'a [FieldSpec],
    /// Leave alone what has a namespace.
    pub unset_only: bool,
    /// Which subjects of bindings get it.
    pub subjects: Subjects,
}

const META_NAMESPACE: &str = "metadata/namespace";

impl Namespace<'_> {
    /// Sets the namespace of all objects that live in one; fails if two become the same.
    pub(crate) fn apply(&self, map: &mut ResMap) -> KResult<()> {
        if self.namespace.is_empty() {
            return Ok(());
        }
        let schemas = std::sync::Arc::clone(map.schemas());
        let keys = |map: &ResMap| parallel::map(map.list(), |res| Key::of(res, &schemas));
        let fields = Fields::new(self.specs);
        let before = keys(map);
        let changed = parallel::change_all(map.list_mut(), |res| {
            if leaves_alone(res) {
                return Ok(());
            }
            res.store_previous_id(&schemas);
            self.set_fields(&mut res.node, &schemas, &fields)
        });
        // A conflict counts only if the object before which all was well is not the one that cannot be changed.
        let (end, error) = changed.map_or_else(|(at, error)| (at, Err(error)), |()| (before.len(), Ok(())));
        let conflict = first_conflict(&before, &keys(map), |at| at >= end || map.list().get(at).is_none_or(leaves_alone));
        match conflict.and_then(|at| map.list().get(at)) {
            Some(res) => fail(format!("namespace transformation produces ID conflict: {}", res.cur_id(&schemas))),
            None => error,
        }
    }

    /// Sets the namespace of one object.
    pub(crate) fn set(&self, object: &mut Node, schemas: &Schemas) -> KResult<()> {
        self.set_fields(object, schemas, &Fields::new(self.specs))
    }

    fn set_fields(&self, object: &mut Node, schemas: &Schemas, fields: &Fields<'_>) -> KResult<()> {
        let gvk = super::super::ids::Gvk::new(tree::top_text(object, "apiVersion"), tree::top_text(object, "kind"));
        let mut set = |node: &mut Node| self.set_text(node);
        if !schemas.is_cluster_scoped(&gvk) {
            let spec = FieldSpec { path: META_NAMESPACE.into(), create: true, gvk: GvkFields::default() };
            fieldspec::apply(object, &spec, Some(&Create::scalar(tree::untagged())), &mut set)?;
        }
        let binding = matches!(gvk.kind.as_str(), "RoleBinding" | "ClusterRoleBinding");
        if binding {
            self.set_subjects(object)?;
        }
        let core = tree::top_text(object, "apiVersion") == "v1";
        let wanted = |(spec, _): &&&Field<'_>| {
            let is_subjects =
                binding && spec.path == "subjects/namespace" && matches!(spec.gvk.kind.as_str(), "RoleBinding" | "ClusterRoleBinding");
            spec.path != META_NAMESPACE && (core || spec.path != "metadata/name") && !is_subjects
        };
        let create = Create::scalar(Tag::Str);
        for field in fields.about(object).iter().filter(wanted) {
            fieldspec::apply_field(object, field, Some(&create), &mut set).map_err(explain)?;
        }
        Ok(())
    }

    fn set_text(&self, node: &mut Node) -> KResult<()> {
        if self.unset_only && tree::kind(node) == NodeKind::Scalar && !tree::text(node).is_empty() {
            return Ok(());
        }
        tree::set_scalar(node, &self.namespace, Tag::Str)
    }

    fn set_subjects(&self, object: &mut Node) -> KResult<()> {
        let (field, value) = match self.subjects {
            Subjects::None => return Ok(()),
            Subjects::Default => ("name", "default"),
            Subjects::ServiceAccounts => ("kind", "ServiceAccount"),
        };
        let Some(subjects) = tree::get_mut(object, "subjects")? else { return Ok(()) };
        tree::expect(subjects, NodeKind::Sequence)?;
        let Data::Sequence(items) = &mut subjects.data else { return Ok(()) };
        for subject in items {
            let set = self.set_subject(subject, field, value);
            set.map_err(|error| error.wrap("setting namespace on (cluster)role binding subjects"))?;
        }
        Ok(())
    }

    fn set_subject(&self, subject: &mut Node, field: &str, value: &str) -> KResult<()> {
        let Some(found) = tree::get(subject, field)? else { return Ok(()) };
        tree::expect(found, NodeKind::Scalar)?;
        if tree::is_null(found) || tree::text(found) != value {
            return Ok(());
        }
        match tree::lookup_create(subject, &["namespace"], NodeKind::Scalar)? {
            Some(namespace) => self.set_text(namespace),
            None => Ok(()),
        }
    }
}

fn leaves_alone(res: &Resource) -> bool {
    res.is_gone() || res.annotation(HELM_GENERATED) == Some("true")
}

/// The first object that becomes what another one is at that moment, if they change one after the other.
#[expect(clippy::disallowed_types, reason = "only counts, which nobody lists")]
fn first_conflict(before: &[Key], after: &[Key], stays: impl Fn(usize) -> bool) -> Option<usize> {
    let mut count: std::collections::HashMap<&Key, usize> = std::collections::HashMap::with_capacity(before.len());
    for key in before {
        *count.entry(key).or_default() += 1;
    }
    for (at, (old, new)) in before.iter().zip(after).enumerate().filter(|(at, _)| !stays(*at)) {
        if let Some(old) = count.get_mut(old) {
            *old -= 1;
        }
        let new = count.entry(new).or_default();
        *new += 1;
        if *new != 1 {
            return Some(at);
        }
    }
    None
}

fn explain(error: Fail) -> Fail {
    let wrong_kind = error.kind() == FailKind::NodeKind;
    error.wrap(if wrong_kind { "namespace field specs must target scalar nodes" } else { "namespace transformation failed" })
}
