//! For machines. Everything that differs is in it, noise too; docs/review.md has the schema.

use serde_json::{Value as Json, json};

use crate::dangers::{Finding, Place};
use crate::difference::FieldChange;
use crate::groups::groups;
use crate::object::Object;
use crate::pairing::Kinship;
use crate::review::{ObjectChange, OtherFile, Review};
use crate::value;
use crate::view::{Shown, View};

/// The version of what is written; it grows when a reader of the older one would stumble.
pub const VERSION: u32 = 2;

/// The review of an environment.
pub fn write(review: &Review) -> Json {
    let view = View::new(review, Shown::default());
    let counts = view.counts;
    let groups = groups(&review.objects, |_, _| true);
    json!({
        "environment": review.env,
        "kubernetes": format!("1.{}", review.minor),
        "verdict": view.verdict.word(),
        "counts": {
            "created": counts.created,
            "changed": counts.changed,
            "deleted": counts.deleted,
            "renamed": counts.renamed,
            "moved": counts.moved,
            "noise": counts.noise,
        },
        "dangers": review.findings.iter().map(finding).collect::<Vec<_>>(),
        "objects": review.objects.iter().map(object).collect::<Vec<_>>(),
        "groups": groups.iter().map(|group| json!({
            "objects": group.objects,
            "fields": group.fields.iter().map(|one| field(one, !group.is_wide())).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "rewritten": review.rewritten,
        "files": review.others.iter().map(other).collect::<Vec<_>>(),
    })
}

fn finding(finding: &Finding) -> Json {
    let place = |place: &Place| (!place.file.is_empty()).then(|| json!({"file": place.file, "line": line(place.line)}));
    json!({
        "rule": finding.code,
        "level": finding.level.word(),
        "object": (!finding.object.is_empty()).then_some(&finding.object),
        "component": (!finding.component.is_empty()).then_some(&finding.component),
        "message": finding.message,
        "path": finding.path.as_ref().map(ToString::to_string),
        "old": finding.old,
        "new": finding.new,
        "notes": finding.notes,
        "help": finding.help,
        "place": place(&finding.place),
        "source": finding.source.as_ref().and_then(place),
    })
}

fn object(object: &ObjectChange) -> Json {
    let mut said = json!({
        "change": object.change().word(),
        "before": object.before.as_ref().map(identity),
        "after": object.after.as_ref().map(identity),
        "noise": object.is_noise(),
    });
    let paired = match object.kinship {
        Kinship::Same => None,
        Kinship::Migrated => Some("migrated"),
        Kinship::Hashed => Some("hashed-name"),
        Kinship::Renamed => Some("renamed"),
    };
    if let Some(paired) = paired {
        said["paired"] = json!(paired);
    }
    // An object on one side only is a difference as a whole.
    if object.both().is_none()
        && let Some(one) = object.object()
    {
        said["content"] = value::json(&one.root);
    }
    said
}

fn identity(object: &Object) -> Json {
    let identity = &object.identity;
    json!({
        "apiVersion": identity.api_version,
        "kind": identity.kind,
        "namespace": (!identity.namespace.is_empty()).then_some(&identity.namespace),
        "name": identity.name,
        "component": &*object.component,
        "file": &*object.path,
        "line": object.line,
    })
}

fn field(field: &FieldChange, with_lines: bool) -> Json {
    let mut said = json!({
        "path": field.path.to_string(),
        "steps": field.path.json(),
        "change": field.kind.word(),
    });
    for (name, side) in [("old", &field.old), ("new", &field.new)] {
        if let Some(node) = side {
            said[name] = value::json(node);
        }
    }
    if let Some(noise) = field.noise {
        said["noise"] = json!(noise.words().0);
    }
    if !field.inside.is_empty() {
        said["inside"] = field.inside.iter().map(|inner| self::field(inner, false)).collect();
    }
    if with_lines {
        let lines = [("oldLine", field.old_line), ("newLine", field.new_line)];
        lines.iter().filter_map(|(name, at)| Some((name, line(*at)?))).for_each(|(name, at)| said[*name] = json!(at));
    }
    said
}

fn line(line: u32) -> Option<u32> {
    (line > 0).then_some(line)
}

fn other(file: &OtherFile) -> Json {
    json!({"component": file.component, "path": file.path, "change": file.change.word(), "index": file.is_index})
}
