//! Hooks of Helm that nobody runs as hooks.

use hydrate_base::Severity;

use crate::check::value::entries;

use super::reading::key;
use super::rule::{Rule, Sink};

/// `helm-hook`
pub(super) const HELM_HOOK: Rule = Rule {
    code: "helm-hook",
    severity: Severity::Warning,
    title: "Jobs and pods are no hooks of Helm where nobody runs them as hooks",
    text: "Helm runs a hook before or after everything else, at each upgrade, and deletes it. Flux and `kubectl apply` know nothing of `helm.sh/hook`: the Job is applied \
           together with everything else, once, and a later change of it is refused, as Jobs cannot be changed. Argo CD runs such objects as its own hooks, so \
           with `handover: argocd` there is nothing to find.\n\nTests and what is for deletions and rollbacks is dropped by default; `hooks` in hydrate.yaml, the \
           component or the source says which others are. What a hook is for (a migration, a certificate for a webhook) needs another way then: an init container, cert-manager, a Job \
           whose name changes with its content.",
};

/// An object that is a hook. `is_run`: whether who applies it runs hooks.
pub(super) fn check(sink: &mut Sink<'_>, is_run: bool) {
    let object = sink.object;
    if is_run || !matches!((object.group(), object.kind()), ("", "Pod") | ("batch", "Job")) {
        return;
    }
    let annotations = entries(&object.root, &["metadata", "annotations"]);
    let Some((_, node)) = annotations.iter().find(|(name, _)| key(name) == "helm.sh/hook") else { return };
    let hooks = key(node).to_owned();
    let finding = sink.report(&HELM_HOOK, node, format!("it is a hook of Helm ({hooks}), and applied as an ordinary object"));
    finding.help.push(format!(
        "`hooks: {{{}: drop}}` in the component leaves it out; with `handover: argocd` Argo CD runs it as a hook",
        hooks.split(',').next().unwrap_or_default().trim()
    ));
}
