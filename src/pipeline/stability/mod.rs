//! What would differ from run to run: values that chance or the clock decide are refused, or kept as they are in the tree.
//!
//! A chart may ask for chance and not use the answer (`default (randAlphaNum 9) .Values.password`). So a component that has asked is rendered once
//! more, with other answers. Where that gives the same, nothing depends on them.
//!
//! Else it is looked for the answers in what was rendered, and for what stands at the same places in the tree. The component is rendered again, with the
//! functions giving that: so what follows from it (a checksum, a certificate that an authority has signed) follows from it again. A function whose inputs
//! are no longer the same decides anew. That nothing depends on chance any more is not believed but tried, by yet another rendering.

mod cause;
mod certificate;
mod committed;
mod spot;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use hydrate_base::decision::{Decision, KeptDecision};
use hydrate_base::taint::{Alteration, Disguise, Traces};
use hydrate_base::world::{Chance, Record};
use hydrate_base::{Diagnostic, DiskWorld, Result, World};
use hydrate_source::{Document, Identity};
use hydrate_sprig::certificate_validity;

use super::fields::{self, Field, fields, object};
use crate::project::{RandomPolicies, RandomPolicy};

pub(super) use certificate::Certificate;
use committed::Committed;
pub(super) use committed::{KEPT, KeptFile, Line};
use spot::Spot;

/// What a component renders to, or what is wrong with it.
pub(super) type Outcome<R> = Result<R, Vec<Box<Diagnostic>>>;

/// A rendering of a component.
pub(super) trait Rendering {
    /// Its documents.
    fn documents(&self) -> &[Document];
}

/// How a component is rendered once more, and what becomes of what chance decides.
pub(super) struct Stability<'a, R> {
    /// A world that records, and in which nothing has been asked.
    pub(super) world: &'a dyn Fn() -> DiskWorld,
    /// Renders in a world.
    pub(super) render: &'a dyn Fn(&DiskWorld) -> Outcome<R>,
    /// What becomes of what chance decides, by objects.
    pub(super) policies: &'a RandomPolicies,
    /// Whether what is rendered is only compared with the tree: what may differ is then as it is there.
    pub(super) compares: bool,
    /// The directory of the component in the tree.
    pub(super) directory: &'a Path,
    /// Files of it that are encrypted there, decrypted, by their names.
    pub(super) opened: &'a BTreeMap<String, String>,
    /// Whether Secrets are encrypted on the way out, so that what chance has decided may be where nobody here can read it.
    pub(super) encrypts: bool,
}

/// A rendering that is to be written.
pub(super) struct Settled<R> {
    pub(super) rendering: R,
    /// The text of `.kept`.
    pub(super) kept: Option<String>,
    /// With encryption: the documents that chance or secrets change, by their numbers, as they are with a chance that is always the same and without
    /// anything that a key is needed for. `None` where they cannot be rendered so.
    pub(super) references: Option<Vec<(usize, String)>>,
    /// Whether what the tree keeps is where it cannot be read, so that the documents have other values than those.
    pub(super) is_unsettled: bool,
    pub(super) record: Record,
    /// What chance has decided, all of it.
    pub(super) decisions: Vec<Decision>,
    /// The time that it was, where it was asked for.
    pub(super) time: Option<i128>,
    /// What was noted of secrets.
    pub(super) traces: Traces,
    /// The certificates that are kept.
    pub(super) certificates: Vec<Certificate>,
}

/// How often it is looked for decisions in objects whose names others have decided.
const NESTED: usize = 3;

/// The most bytes of what is decided for which one other rendering proves too little.
const SHORT: usize = 4;

/// How many other renderings there are then.
const TRIES: u64 = 16;

/// The field that an object has its name in.
const NAME: &str = "/metadata/name";

/// The decisions that are made as they were, by their numbers.
type Decided = BTreeMap<usize, KeptDecision>;

/// A rendering, and the same one where chance decides otherwise.
struct Attempt<R> {
    rendering: R,
    other: Outcome<R>,
    decisions: Vec<Decision>,
    decided: Decided,
    time: Option<i128>,
    record: Record,
    traces: Traces,
}

impl<R: Rendering> Attempt<R> {
    /// The rendering, to be written with this `.kept`.
    fn settled(self, kept: Option<String>) -> Settled<R> {
        let Self { rendering, decisions, time, record, traces, .. } = self;
        Settled {
            rendering,
            kept,
            record,
            references: Some(Vec::new()),
            is_unsettled: false,
            decisions,
            time,
            traces,
            certificates: Vec::new(),
        }
    }

    /// Whether nothing depends on chance.
    fn is_stable(&self) -> bool {
        self.other.as_ref().is_ok_and(|other| other.documents() == self.rendering.documents())
    }

    /// Whether a decision was made as it was before.
    fn is_kept(&self, number: usize) -> bool {
        self.decided.get(&number).is_some_and(|kept| kept.fits(&self.decisions[number].inputs))
    }

    /// The documents that chance changes, each with its fields that it changes.
    fn changed(&self) -> Vec<(&Document, Vec<Field>)> {
        self.other.as_ref().map(|other| fields::changed(self.rendering.documents(), other.documents())).unwrap_or_default()
    }
}

impl<R: Rendering> Stability<'_, R> {
    /// Finds out what of a rendering chance decides, and what becomes of it. `world` is the one that it was rendered in.
    pub(super) fn settle(&self, rendering: R, world: DiskWorld) -> Outcome<Settled<R>> {
        let (decisions, time, traces) = (world.decisions(), world.time_asked(), world.traces());
        let record = world.into_record().unwrap_or_default();
        if !(record.has_asked_random || record.has_asked_time) {
            let references = self.references(rendering.documents(), None, &traces);
            return Ok(Settled {
                rendering,
                kept: None,
                record,
                references,
                is_unsettled: false,
                decisions,
                time,
                traces,
                certificates: Vec::new(),
            });
        }
        let other = self.other(&Decided::new(), None, &rendering, &decisions, time);
        let mut first = Attempt { rendering, other, decisions, decided: Decided::new(), time, record, traces };
        if first.is_stable() {
            // What gave the same with other randomness does not depend on it. Another time proves less: it may come to matter later.
            first.record.has_asked_random = false;
            let references = self.references(first.rendering.documents(), None, &first.traces);
            return Ok(Settled { references, ..first.settled(None) });
        }
        if self.has(&first, RandomPolicy::Fail) {
            return Err(cause::errors(self, &first, &|policy| policy == Some(RandomPolicy::Fail)));
        }
        let others = first.other.as_ref().map(Rendering::documents).unwrap_or_default();
        let references = self.references(first.rendering.documents(), Some(others), &first.traces);
        // Only what chance changes is searched.
        let all: BTreeSet<String> = first.changed().into_iter().map(|(document, _)| object(&document.identity)).collect();
        let (is_allowed, may_differ) = (self.allows(&first), self.has(&first, RandomPolicy::Allow));
        if is_allowed && !self.compares {
            return Ok(Settled { references, ..self.allowed(first, &all) });
        }
        // What may differ is made anew, unless it is only compared.
        let mut suspects = if self.compares { all.clone() } else { self.to_be_kept(&first) };
        let world = (self.world)();
        let committed = Committed::read(&world, self.directory, self.opened);
        let asked = world.into_record().unwrap_or_default().asked;
        let mut attempt = self.with_kept(first, &committed, &mut suspects)?;
        // What may differ is compared as it is in the tree, so it has to be read there as well.
        let is_as_it_is_to_be = if self.compares { attempt.is_stable() } else { self.is_settled(&attempt) };
        if self.encrypts && !is_as_it_is_to_be && committed.keeps_sealed() {
            attempt.record.has_asked_random = false;
            attempt.record.asked.extend(asked);
            attempt.record.is_unrepeatable |= may_differ;
            return Ok(Settled { references, is_unsettled: true, ..attempt.settled(committed.text) });
        }
        if is_allowed {
            return Ok(Settled { references, ..self.allowed(attempt, &suspects) });
        }
        if !self.is_settled(&attempt) {
            let is_refused = |policy| !matches!(policy, Some(RandomPolicy::Keep | RandomPolicy::Allow));
            if self.policies_of(&attempt).iter().any(|policy| is_refused(*policy)) {
                return Err(cause::errors(self, &attempt, &is_refused));
            }
            suspects.extend(self.to_be_kept(&attempt));
            attempt = self.keeping_all(attempt, &suspects)?;
        }
        if may_differ {
            suspects.extend(all);
            attempt.record.asked.extend(asked);
            return Ok(Settled { references, ..self.allowed(attempt, &suspects) });
        }
        let kept = kept_file(&attempt, &suspects).text();
        let certificates = self.certificates(&attempt, &suspects);
        attempt.record.has_asked_random = false;
        attempt.record.asked.extend(asked);
        Ok(Settled { references, certificates, ..attempt.settled(kept) })
    }

    /// What is said of all that chance changes; of an error that it decides, and of objects that are not there every time, what is said of whatever is
    /// not named.
    fn policies_of(&self, attempt: &Attempt<R>) -> Vec<Option<RandomPolicy>> {
        let ours = attempt.rendering.documents();
        if attempt.other.as_ref().is_ok_and(|other| other.documents().len() == ours.len()) {
            return attempt.changed().iter().map(|(document, _)| self.policy_of(document)).collect();
        }
        vec![self.policies.of_others()]
    }

    pub(super) fn policy_of(&self, document: &Document) -> Option<RandomPolicy> {
        let Identity { kind, namespace, name, .. } = &document.identity;
        self.policies.of(kind, namespace, name)
    }

    /// Whether something is changed that this is said of.
    fn has(&self, attempt: &Attempt<R>, policy: RandomPolicy) -> bool {
        self.policies_of(attempt).contains(&Some(policy))
    }

    /// Whether everything that chance changes may be another one each time.
    fn allows(&self, attempt: &Attempt<R>) -> bool {
        self.policies_of(attempt).iter().all(|policy| *policy == Some(RandomPolicy::Allow))
    }

    /// Whether nothing depends on chance but what may.
    fn is_settled(&self, attempt: &Attempt<R>) -> bool {
        attempt.is_stable() || self.allows(attempt)
    }

    /// The objects that chance changes and that may not be others each time.
    fn to_be_kept(&self, attempt: &Attempt<R>) -> BTreeSet<String> {
        let is_kept = |document: &&Document| self.policy_of(document) != Some(RandomPolicy::Allow);
        attempt.changed().into_iter().map(|(document, _)| document).filter(is_kept).map(|document| object(&document.identity)).collect()
    }

    /// The documents that chance or secrets change, as they are with a chance that is always the same and without anything that a key is needed for.
    /// `others` are the documents where chance decides otherwise, if it decides anything.
    fn references(&self, ours: &[Document], others: Option<&[Document]>, traces: &Traces) -> Option<Vec<(usize, String)>> {
        if !self.encrypts || (others.is_none() && traces.names.is_empty()) {
            return Some(Vec::new());
        }
        let render = |altered| {
            let disguise = Disguise { is_unresolved: true, altered, ..Disguise::default() };
            (self.render)(&(self.world)().with_chance(Chance::other_from(0)).disguising(disguise, &Traces::default()))
        };
        let reference = render(Alteration::All).or_else(|_| render(Alteration::AllButSchemes)).ok()?;
        let reference = reference.documents();
        let is_it = |(ours, reference): (&Document, &Document)| ours.identity.kind == reference.identity.kind;
        if reference.len() != ours.len() || !ours.iter().zip(reference).all(is_it) {
            return None;
        }
        let differs = |at: usize| others.is_some_and(|others| others.get(at).is_none_or(|other| *other != ours[at]));
        let is_changed = |(at, document): &(usize, &Document)| ours[*at] != **document || differs(*at);
        let all = reference.iter().enumerate().filter(is_changed);
        Some(all.map(|(at, document)| (at, document.text.clone())).collect())
    }

    /// The certificates that are kept in a rendering.
    fn certificates(&self, attempt: &Attempt<R>, suspects: &BTreeSet<String>) -> Vec<Certificate> {
        let mut found = Vec::new();
        for ((number, part), places) in places(attempt, suspects) {
            let Some(validity) = attempt.decisions[number].answers.get(part).and_then(|answer| certificate_validity(answer)) else {
                continue;
            };
            found.extend(places.into_iter().map(|(document, path, _)| {
                let renewal = self.policies.renewal(validity).filter(|_| self.policy_of(document) == Some(RandomPolicy::Keep));
                Certificate { place: format!("{}: {}", document.identity, fields::shown(&path)), validity, renewal }
            }));
        }
        found
    }

    /// Whether what is kept of a document is a certificate that is to be made anew by now. What is only compared is left as it is.
    fn is_due(&self, document: &Document, answer: &[u8]) -> bool {
        if self.compares || self.policy_of(document) != Some(RandomPolicy::Keep) {
            return false;
        }
        let renewal = certificate_validity(answer).and_then(|validity| self.policies.renewal(validity));
        renewal.is_some_and(|renewal| DiskWorld::new().now() >= renewal)
    }

    /// A rendering that may be another one each time. Where it holds what chance has decided is written down all the same, so that it can be compared.
    fn allowed(&self, mut attempt: Attempt<R>, suspects: &BTreeSet<String>) -> Settled<R> {
        attempt.decided = all_decided(&attempt, suspects);
        let kept = kept_file(&attempt, suspects).text();
        attempt.record.is_unrepeatable = true;
        attempt.settled(kept)
    }

    /// The rendering with all that the tree keeps of it.
    fn with_kept(&self, first: Attempt<R>, committed: &Committed, suspects: &mut BTreeSet<String>) -> Outcome<Attempt<R>> {
        let is_due = |document: &Document, answer: &[u8]| self.is_due(document, answer);
        let decided = recovered(&first, committed, suspects, &is_due);
        if decided.is_empty() && committed.kept.time.is_none() {
            return Ok(first);
        }
        let objects =
            |attempt: &Attempt<R>| attempt.rendering.documents().iter().map(|document| object(&document.identity)).collect::<BTreeSet<_>>();
        let known = objects(&first);
        let mut attempt = self.attempt(decided, committed.kept.time)?;
        // What stands in objects whose names are kept is found once they have them.
        for _ in 0..NESTED {
            suspects.extend(objects(&attempt).difference(&known).cloned());
            if self.is_settled(&attempt) {
                break;
            }
            let decided = recovered(&attempt, committed, suspects, &is_due);
            if decided == attempt.decided {
                break;
            }
            attempt = self.attempt(decided, committed.kept.time)?;
        }
        Ok(attempt)
    }

    /// The rendering with everything kept that it has decided itself, as the next run would find it.
    fn keeping_all(&self, new: Attempt<R>, suspects: &BTreeSet<String>) -> Outcome<Attempt<R>> {
        let all = all_decided(&new, suspects);
        let attempt = self.attempt(all, new.time)?;
        let documents = attempt.rendering.documents().to_vec();
        let next = Committed { kept: kept_file(&attempt, suspects), documents, ..Committed::default() };
        let found = recovered(&attempt, &next, suspects, &|_, _| false);
        if self.is_settled(&attempt) && found == attempt.decided {
            return Ok(attempt);
        }
        // What is written in lower case is kept so: it has to come to the same.
        let again = self.attempt(found, attempt.time)?;
        if self.is_settled(&again) && again.rendering.documents() == attempt.rendering.documents() {
            return Ok(again);
        }
        let cannot =
            |error: Box<Diagnostic>| error.note("it cannot be kept: what is rendered does not hold it, but only what follows from it");
        let is_kept = |policy| policy != Some(RandomPolicy::Allow);
        Err(cause::errors(self, &attempt, &is_kept).into_iter().map(cannot).collect())
    }

    /// Renders with these decisions made as they were. Certificates whose key is lost are only kept where nothing needs the key.
    fn attempt(&self, mut decided: Decided, time: Option<i128>) -> Outcome<Attempt<R>> {
        let attempt = self.try_once(&decided, time);
        let whole = decided.len();
        decided.retain(|_, kept| kept.answers.iter().all(Option::is_some));
        match attempt {
            Ok(attempt) if self.is_settled(&attempt) || decided.len() == whole => Ok(attempt),
            Err(errors) if decided.len() == whole => Err(errors),
            _ => self.try_once(&decided, time),
        }
    }

    fn try_once(&self, decided: &Decided, time: Option<i128>) -> Outcome<Attempt<R>> {
        let world = (self.world)().keeping(decided.clone(), time);
        let rendering = (self.render)(&world)?;
        let (decisions, asked) = (world.decisions(), world.time_asked());
        let other = self.other(decided, time, &rendering, &decisions, asked);
        let traces = world.traces();
        let record = world.into_record().unwrap_or_default();
        Ok(Attempt { rendering, other, decisions, decided: decided.clone(), time: asked, record, traces })
    }

    /// The rendering with every other decision and the time made otherwise; where that comes to the same, and what was decided is so short that much of
    /// what can follow from it is the same by chance (`if lt (randInt 0 9) 5`), another one, several times.
    fn other(&self, decided: &Decided, kept_time: Option<i128>, rendering: &R, decisions: &[Decision], time: Option<i128>) -> Outcome<R> {
        let render = |variant| {
            let world = (self.world)().keeping(decided.clone(), kept_time).avoiding(decisions.to_vec());
            (self.render)(&world.with_chance(Chance::other_than(time).variant(variant)))
        };
        let is_same = |other: &Outcome<R>| other.as_ref().is_ok_and(|other| other.documents() == rendering.documents());
        let is_open = |(number, _): &(usize, &Decision)| !decided.contains_key(number);
        let is_short = |(_, decision): (usize, &Decision)| decision.answers.iter().any(|answer| answer.len() <= SHORT);
        let tries = if decisions.iter().enumerate().filter(is_open).any(is_short) { TRIES } else { 1 };
        let mut other = render(0);
        for variant in 1..tries {
            if !is_same(&other) {
                break;
            }
            other = render(variant);
        }
        other
    }
}

/// Where the parts of each decision stand in a rendering: the document, the field, the place in it.
fn places<'a, R: Rendering>(
    attempt: &'a Attempt<R>,
    suspects: &BTreeSet<String>,
) -> BTreeMap<(usize, usize), Vec<(&'a Document, String, Spot)>> {
    let mut found: BTreeMap<(usize, usize), Vec<_>> = BTreeMap::new();
    for document in attempt.rendering.documents().iter().filter(|document| suspects.contains(&object(&document.identity))) {
        for field in fields(&document.text) {
            for (number, decision) in attempt.decisions.iter().enumerate() {
                for (part, answer) in decision.answers.iter().enumerate() {
                    if let Some(spot) = Spot::find(&field.text, answer) {
                        found.entry((number, part)).or_default().push((document, field.path.clone(), spot));
                    }
                }
            }
        }
    }
    found
}

/// The decisions that the tree keeps, without those of which something `is_due` to be made anew.
fn recovered<R: Rendering>(
    attempt: &Attempt<R>,
    committed: &Committed,
    suspects: &BTreeSet<String>,
    is_due: &dyn Fn(&Document, &[u8]) -> bool,
) -> Decided {
    let mut decided = Decided::new();
    if committed.kept.lines.is_empty() && !committed.is_of_others {
        return decided;
    }
    for ((number, part), places) in places(attempt, suspects) {
        let decision = &attempt.decisions[number];
        let kept = places.iter().find_map(|(document, path, spot)| {
            let (inputs, mut answer) = match committed.inputs(decision.function, part, &object(&document.identity), path) {
                Some(inputs) => {
                    let field = fields(&committed.find(&document.identity)?.text).into_iter().find(|field| field.path == *path)?;
                    (inputs, spot.read(&field.text)?)
                }
                None if path == NAME => {
                    committed.names(decision, part, &document.identity).find_map(|(inputs, name)| Some((inputs, spot.read(name)?)))?
                }
                None => return None,
            };
            if decision.answers[part].ends_with(b"\n") {
                answer.push(b'\n');
            }
            (!is_due(document, &answer)).then(|| (inputs.to_owned(), answer))
        });
        if let Some((inputs, answer)) = kept {
            decided.entry(number).or_insert_with(|| KeptDecision { inputs, ..KeptDecision::unanswered(decision) }).answers[part] =
                Some(answer);
        }
    }
    complete(decided, &attempt.decisions)
}

/// All decisions of a rendering that stand in it.
fn all_decided<R: Rendering>(attempt: &Attempt<R>, suspects: &BTreeSet<String>) -> Decided {
    let mut decided = Decided::new();
    for (number, part) in places(attempt, suspects).into_keys() {
        let decision = &attempt.decisions[number];
        decided.entry(number).or_insert_with(|| KeptDecision::unanswered(decision)).answers[part] = Some(decision.answers[part].clone());
    }
    complete(decided, &attempt.decisions)
}

/// What is decided with what follows from it: a template that is included for a checksum decides again, from the same inputs, and nothing but the
/// checksum holds what. It decides as where its answers are seen, in their order; so the checksum is that of what is written.
fn complete(mut decided: Decided, decisions: &[Decision]) -> Decided {
    // A key without its certificate is of no use.
    decided.retain(|_, kept| kept.answers.first().is_some_and(Option::is_some));
    let mut seen: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
    let name = |number: usize| decisions.get(number).map(|decision| (decision.function, decision.inputs.as_str()));
    decided.keys().for_each(|number| seen.entry(name(*number).unwrap_or_default()).or_default().push(*number));
    let mut unseen: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut following = Decided::new();
    for number in (0..decisions.len()).filter(|number| !decided.contains_key(number)) {
        let Some((name, numbers)) = name(number).and_then(|name| Some((name, seen.get(&name)?))) else { continue };
        let count = unseen.entry(name).or_default();
        following.extend(decided.get(&numbers[*count % numbers.len()]).map(|kept| (number, kept.clone())));
        *count += 1;
    }
    decided.extend(following);
    decided
}

/// What `.kept` says of a rendering.
fn kept_file<R: Rendering>(attempt: &Attempt<R>, suspects: &BTreeSet<String>) -> KeptFile {
    let mut lines: Vec<Line> = Vec::new();
    for ((number, part), places) in places(attempt, suspects) {
        let is_kept = attempt.decided.get(&number).is_some_and(|kept| kept.answers.get(part).is_some_and(Option::is_some));
        let decision = &attempt.decisions[number];
        for (document, path, _) in places.into_iter().filter(|_| is_kept) {
            let (inputs, function, object) = (decision.inputs.clone(), decision.function.to_owned(), object(&document.identity));
            lines.push(Line { inputs, function, part, object, path });
        }
    }
    lines.sort_by(|a, b| (&a.object, &a.path, a.part, &a.function).cmp(&(&b.object, &b.path, b.part, &b.function)));
    lines.dedup();
    KeptFile { time: attempt.time, lines }
}
