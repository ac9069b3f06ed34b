//! For people, in a terminal.
//!
//! Dangers come first and are never cut. Everything that came with the change is made fit to be shown: nothing in it can steer a terminal or a runner.

use hydrate_base::plain::{self, counted};

use crate::dangers::{Finding, Level};
use crate::review::Review;
use crate::view::{Entry, Line, Shown, Sign, Told, Verdict, View};

const GREEN: &str = "\x1b[32m";
const RED: &str = "\x1b[31m";
const YELLOW: &str = "\x1b[33m";
const CYAN: &str = "\x1b[36m";
const BOLD: &str = "\x1b[1m";
const BOLD_RED: &str = "\x1b[1;31m";
const DIM: &str = "\x1b[2m";
const RESET: &str = "\x1b[0m";

/// The review of an environment; nothing where nothing changes.
pub fn write(review: &Review, shown: Shown, color: bool) -> String {
    let view = View::new(review, shown);
    if view.is_empty() {
        return String::new();
    }
    let mut out = Out { text: String::new(), color };
    head(&view, &mut out);
    let (dangers, notes) = view.by_weight();
    dangers.into_iter().for_each(|told| danger(told, &mut out));
    if !notes.is_empty() {
        out.blank();
        notes.into_iter().for_each(|told| note(told, &mut out));
    }
    if !view.wide.is_empty() {
        out.blank();
        out.line(0, CYAN, "in several components");
        view.wide.iter().for_each(|entry| wide(&view, entry, &mut out));
    }
    for (component, entries) in &view.components {
        out.blank();
        if !component.is_empty() {
            out.line(0, CYAN, component);
        }
        entries.iter().for_each(|one| single(&view, one, &mut out));
    }
    tail(&view, &mut out);
    out.text
}

struct Out {
    text: String,
    color: bool,
}

impl Out {
    fn blank(&mut self) {
        self.text.push('\n');
    }

    fn line(&mut self, indent: usize, style: &str, text: &str) {
        let shown = plain::line(text);
        let (start, end) = if self.color && !style.is_empty() { (style, RESET) } else { ("", "") };
        self.text.push_str(&format!("{:indent$}{start}{shown}{end}\n", ""));
    }
}

fn head(view: &View<'_>, out: &mut Out) {
    let style = match view.verdict {
        Verdict::Dangerous => BOLD_RED,
        Verdict::Routine | Verdict::Nothing => GREEN,
        Verdict::Review => BOLD,
    };
    let count = view.dangers.iter().filter(|told| told.finding.level == Level::Danger).map(|told| told.more.len() + 1).sum::<usize>();
    let verdict = match view.verdict {
        Verdict::Dangerous => counted(count, "danger"),
        verdict => verdict.word().to_owned(),
    };
    out.line(0, style, &format!("{}: {} ({verdict})", view.review.env, view.counts.words()));
}

fn danger(told: &Told<'_>, out: &mut Out) {
    let finding = told.finding;
    let style = match finding.level {
        Level::Danger => BOLD_RED,
        Level::Caution => YELLOW,
        Level::Note => BOLD,
    };
    out.blank();
    out.line(0, style, &format!("{}[{}]: {}", finding.level.word(), finding.code, finding.message));
    for one in std::iter::once(finding).chain(told.more.iter().copied()) {
        let place = place(one);
        if !place.is_empty() {
            out.line(2, "", &place);
        }
    }
    if let Some(values) = values(finding) {
        out.line(4, "", &values);
    }
    finding.notes.iter().for_each(|note| out.line(4, "", note));
    finding.help.iter().for_each(|help| out.line(4, CYAN, &format!("help: {help}")));
}

/// What is only worth a look, in one line.
fn note(told: &Told<'_>, out: &mut Out) {
    let finding = told.finding;
    let values = values(finding).map(|values| format!(": {values}")).unwrap_or_default();
    let more = if told.more.is_empty() { String::new() } else { format!(" and {} more", told.more.len()) };
    out.line(0, "", &format!("note[{}]: {}{values} ({}{more})", finding.code, finding.message, finding.object));
    finding.notes.iter().for_each(|note| out.line(4, "", note));
}

/// `Deployment shop/web spec.replicas (manifests/dev/shop/deployment-web.yaml:7)`
pub(crate) fn place(finding: &Finding) -> String {
    let mut said: Vec<String> = Vec::new();
    said.extend((!finding.object.is_empty()).then(|| finding.object.clone()));
    said.extend(finding.path.as_ref().map(ToString::to_string));
    let whose = if finding.component.is_empty() { String::new() } else { format!("component {}", finding.component) };
    let line = |line: u32| if line == 0 { String::new() } else { format!(":{line}") };
    let place = if finding.place.file.is_empty() { whose } else { format!("{}{}", finding.place.file, line(finding.place.line)) };
    said.extend((!place.is_empty()).then(|| format!("({place})")));
    said.extend(finding.source.as_ref().map(|source| format!("from {}{}", source.file, line(source.line))));
    said.join(" ")
}

/// `old → new`
pub(crate) fn values(finding: &Finding) -> Option<String> {
    match (&finding.old, &finding.new) {
        (Some(old), Some(new)) => Some(format!("{old} → {new}")),
        (Some(old), None) => Some(format!("{old} → nothing")),
        (None, Some(new)) => Some(format!("nothing → {new}")),
        (None, None) => None,
    }
}

/// How many names are told of the objects of an entry.
const NAMES: usize = 5;

fn wide(view: &View<'_>, entry: &Entry, out: &mut Out) {
    out.line(2, BOLD, &view.kinds(entry));
    entry.lines.iter().for_each(|one| line(one, out));
    let titles = view.titles(entry);
    let more = titles.len().saturating_sub(NAMES);
    let mut names = titles.iter().take(NAMES).map(String::as_str).collect::<Vec<_>>().join(", ");
    if more > 0 {
        names.push_str(&format!(" and {more} more"));
    }
    out.line(6, DIM, &format!("in {names}"));
}

fn single(view: &View<'_>, entry: &Entry, out: &mut Out) {
    let (sign, style) = match entry.word {
        "created" => ("+", GREEN),
        "deleted" => ("-", RED),
        "changed" => ("~", BOLD),
        _ => (">", BOLD),
    };
    let place = entry.objects.first().and_then(|at| view.object(*at)?.object()).map(|object| object.path.to_string()).unwrap_or_default();
    let said = if matches!(entry.word, "changed") { String::new() } else { format!("{} ", entry.word) };
    out.line(2, style, &format!("{sign} {said}{}  {place}", view.title(entry)));
    entry.remarks.iter().for_each(|remark| out.line(6, YELLOW, remark));
    entry.lines.iter().for_each(|one| line(one, out));
}

fn line(line: &Line, out: &mut Out) {
    let (sign, style) = match line.sign {
        Sign::Place => (" ", ""),
        Sign::Old => ("-", RED),
        Sign::New => ("+", GREEN),
        Sign::Both => ("~", YELLOW),
        Sign::Context => (" ", DIM),
    };
    out.line(6, style, &format!("{sign} {}", line.text));
}

fn tail(view: &View<'_>, out: &mut Out) {
    if !view.others.is_empty() {
        out.blank();
        for file in &view.others {
            out.line(0, "", &format!("{} {}", file.change.word(), file.path));
        }
    }
    let remarks = view.remarks();
    if !remarks.is_empty() {
        out.blank();
        remarks.iter().for_each(|remark| out.line(0, DIM, remark));
    }
}
