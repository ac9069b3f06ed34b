//! Markdown for a comment on a pull request: for each environment the verdict, a table, dangers with all their names, then foldable details.
//!
//! Names and values are text and nothing else in it: they can neither end what they stand in nor call for anybody's attention. A comment holds so much and no more: what is
//! too long is left out from the end, details first, and dangers are told more briefly before any of them is left out.

use hydrate_base::plain::{self, counted};

use crate::dangers::Finding;
use crate::review::Review;
use crate::view::{Entry, Line, Shown, Sign, Told, Verdict, View};

use super::text::values;

/// What a comment can hold on the common forges, with room to spare.
pub const LONGEST: usize = 60_000;

/// What is kept for the remark that something was left out.
const REMARK: usize = 400;

/// How briefly dangers are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Length {
    /// With what follows from them and what to do.
    Whole,
    /// A line each.
    Line,
    /// The names of the objects.
    Names,
}

/// The comment about some environments.
pub fn write(reviews: &[Review], shown: Shown) -> String {
    let views: Vec<View<'_>> = reviews.iter().map(|review| View::new(review, shown)).collect();
    let heads = |length| views.iter().map(|view| head(view, length)).collect::<Vec<String>>();
    let fits = |heads: &[String]| heads.iter().map(String::len).sum::<usize>() + REMARK * views.len() <= LONGEST;
    let lengths = [Length::Whole, Length::Line, Length::Names];
    let heads = lengths.into_iter().map(heads).find(|heads| fits(heads)).unwrap_or_else(|| cut(heads(Length::Names)));
    let mut room = LONGEST.saturating_sub(heads.iter().map(String::len).sum::<usize>() + REMARK * views.len());
    let mut text = String::new();
    for (view, head) in views.iter().zip(&heads) {
        text.push_str(head);
        details(view, &mut room, &mut text);
    }
    text.truncate(text.trim_end().len());
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

/// Heads that are too long for a comment whatever is done: each gets its share.
fn cut(heads: Vec<String>) -> Vec<String> {
    let share = (LONGEST / heads.len().max(1)).saturating_sub(2 * REMARK);
    let one = |head: String| {
        if head.len() <= share {
            return head;
        }
        let at = (0..=share).rev().find(|at| head.is_char_boundary(*at)).unwrap_or_default();
        // No name is cut in the middle.
        let at = head.get(..at).and_then(|part| part.rfind(", ")).unwrap_or(at);
        let left = head.get(at..).map(|rest| rest.matches(", ").count()).unwrap_or_default();
        format!(
            "{}\n\n**{left} more names do not fit into a comment: see `hydrate diff --format html`.**\n",
            head.get(..at).unwrap_or_default()
        )
    };
    heads.into_iter().map(one).collect()
}

fn head(view: &View<'_>, length: Length) -> String {
    let env = html(&view.review.env);
    if view.is_empty() {
        return format!("### {env}: no changes\n\n");
    }
    let (dangers, notes) = view.by_weight();
    let count: usize =
        dangers.iter().filter(|told| told.finding.level == crate::dangers::Level::Danger).map(|told| told.more.len() + 1).sum();
    let verdict = match view.verdict {
        Verdict::Dangerous => counted(count, "danger"),
        verdict => verdict.word().to_owned(),
    };
    let mut text = format!("### {env}: {verdict}\n\n{}\n\n", html(&view.counts.words()));
    if length == Length::Names {
        text.push_str(&names(&dangers));
    } else {
        text.push_str(&table(view));
        dangers.iter().for_each(|told| text.push_str(&danger(told, length)));
        if !dangers.is_empty() {
            text.push('\n');
        }
    }
    if !notes.is_empty() && length == Length::Whole {
        text.push_str(&images(&notes));
    }
    view.remarks().iter().for_each(|remark| text.push_str(&format!("{}\n\n", html(remark))));
    text
}

/// What becomes of the objects of each component.
fn table(view: &View<'_>) -> String {
    const MOST: usize = 40;
    const WORDS: [&str; 5] = ["created", "changed", "deleted", "renamed", "moved"];
    let mut rows: Vec<(&str, [usize; 5])> = Vec::new();
    for (component, entries) in &view.components {
        let of = |word: &str| entries.iter().filter(|entry| entry.word == word).count();
        rows.push((component, WORDS.map(of)));
    }
    if rows.is_empty() {
        return String::new();
    }
    let mut text = format!("| component | {} |\n|---|{}\n", WORDS.join(" | "), "---|".repeat(WORDS.len()));
    for (component, counts) in rows.iter().take(MOST) {
        let cells: Vec<String> = counts.iter().map(|count| if *count == 0 { String::new() } else { count.to_string() }).collect();
        text.push_str(&format!("| {} | {} |\n", html(component), cells.join(" | ")));
    }
    if rows.len() > MOST {
        text.push_str(&format!("| … {} more |{}\n", counted(rows.len() - MOST, "component"), " |".repeat(WORDS.len())));
    }
    text.push('\n');
    text
}

fn danger(told: &Told<'_>, length: Length) -> String {
    let finding = told.finding;
    let all = std::iter::once(finding).chain(told.more.iter().copied());
    let place = |finding: &Finding| {
        let mut said: Vec<String> = Vec::new();
        said.extend((!finding.object.is_empty()).then(|| code(&finding.object)));
        said.extend(finding.path.as_ref().filter(|_| length == Length::Whole).map(|path| code(&path.to_string())));
        let line = |file: &str, line: u32| if line == 0 { file.to_owned() } else { format!("{file}:{line}") };
        if length == Length::Whole && !finding.place.file.is_empty() {
            said.push(format!("({})", code(&line(&finding.place.file, finding.place.line))));
        }
        if let Some(source) = finding.source.as_ref().filter(|_| length == Length::Whole) {
            said.push(format!("from {}", code(&line(&source.file, source.line))));
        }
        said.join(" ")
    };
    let places: Vec<String> = all.map(place).filter(|place| !place.is_empty()).collect();
    let values = values(finding).map(|values| format!(": {}", code(&values))).unwrap_or_default();
    let mut text = format!("- **{}** {} {}{values}", finding.level.word(), code(finding.code), html(&finding.message));
    match (places.as_slice(), length) {
        ([], _) => text.push('\n'),
        ([one], _) => text.push_str(&format!(" — {one}\n")),
        (several, Length::Whole) => {
            text.push('\n');
            several.iter().for_each(|one| text.push_str(&format!("  - {one}\n")));
        }
        (several, _) => text.push_str(&format!(" — {}\n", several.join(", "))),
    }
    if length == Length::Whole {
        finding.notes.iter().for_each(|note| text.push_str(&format!("  - {}\n", html(note))));
        finding.help.iter().for_each(|help| text.push_str(&format!("  - _{}_\n", html(help))));
    }
    text
}

/// Nothing but the names, by rule.
fn names(dangers: &[&Told<'_>]) -> String {
    let mut rules: Vec<(&str, &'static str, Vec<&str>)> = Vec::new();
    for finding in dangers.iter().flat_map(|told| std::iter::once(told.finding).chain(told.more.iter().copied())) {
        let name = if finding.object.is_empty() { finding.component.as_str() } else { finding.object.as_str() };
        match rules.iter_mut().find(|(code, level, _)| (*code, *level) == (finding.code, finding.level.word())) {
            Some((.., names)) => names.push(name),
            None => rules.push((finding.code, finding.level.word(), vec![name])),
        }
    }
    let mut text = String::new();
    for (rule, level, mut names) in rules {
        names.sort_unstable();
        names.dedup();
        // The kind is said once where all have the same.
        let kind = names.first().and_then(|name| name.split_once(' ')).map(|(kind, _)| kind).unwrap_or_default();
        let is_common = !kind.is_empty() && names.iter().all(|name| name.split_once(' ').is_some_and(|(of, _)| of == kind));
        let short = |name: &&str| if is_common { name.get(kind.len() + 1..).unwrap_or(name).to_owned() } else { (*name).to_owned() };
        let count = names.len();
        let names: Vec<String> = names.iter().map(short).map(|name| html(&name)).collect();
        let what = if is_common { html(kind) } else { "object".to_owned() };
        text.push_str(&format!("**{level}** {} ({count} × {what}): {}\n\n", code(rule), names.join(", ")));
    }
    text
}

fn images(notes: &[&Told<'_>]) -> String {
    const MOST: usize = 40;
    let mut text = format!("<details><summary>{} worth a look</summary>\n\n", counted(notes.len(), "thing"));
    for told in notes.iter().take(MOST) {
        let finding = told.finding;
        let values = values(finding).map(|values| format!(": {}", code(&values))).unwrap_or_default();
        let more = if told.more.is_empty() { String::new() } else { format!(" and {} more", told.more.len()) };
        text.push_str(&format!("- {}{values} in {}{more}\n", html(&finding.message), code(&finding.object)));
    }
    if notes.len() > MOST {
        text.push_str(&format!("- … {} more\n", notes.len() - MOST));
    }
    text + "\n</details>\n\n"
}

fn details(view: &View<'_>, room: &mut usize, text: &mut String) {
    let mut left_out: Vec<String> = Vec::new();
    let mut add = |title: String, entries: &[Entry]| match section(view, &title, entries, *room) {
        Some((section, is_whole)) => {
            *room -= section.len();
            text.push_str(&section);
            left_out.extend((!is_whole).then_some(title));
        }
        None => left_out.push(title),
    };
    if !view.wide.is_empty() {
        add("in several objects".to_owned(), &view.wide);
    }
    for (component, entries) in &view.components {
        add(if component.is_empty() { "objects".to_owned() } else { (*component).to_owned() }, entries);
    }
    for file in &view.others {
        let line = format!("- {} {}\n", file.change.word(), code(&file.path));
        if line.len() <= *room {
            *room -= line.len();
            text.push_str(&line);
        }
    }
    if !left_out.is_empty() {
        let names: Vec<String> = left_out.iter().take(3).map(|title| html(title)).collect();
        let more = left_out.len().saturating_sub(3);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let names: String = names.join(", ").chars().take(200).collect();
        text.push_str(&format!("\nToo long for a comment: the details of {names}{more}. All of it: `hydrate diff --format html`.\n"));
    }
    text.push('\n');
}

/// The entries of a component, as many as there is room for, and whether these are all; `None` where there is room for none.
fn section(view: &View<'_>, title: &str, entries: &[Entry], room: usize) -> Option<(String, bool)> {
    const END: &str = "</details>\n\n";
    let mut text = format!("<details><summary><b>{}</b> ({})</summary>\n\n", html(title), counted(entries.len(), "entry"));
    let start = text.len();
    for (number, one) in entries.iter().enumerate() {
        let one = entry(view, one);
        if text.len() + one.len() + END.len() + 40 > room {
            let more = entries.len() - number;
            text.push_str(&format!("… and {more} more\n\n{END}"));
            return (number > 0).then_some((text, false));
        }
        text.push_str(&one);
    }
    (text.len() > start).then(|| (text + END, true))
}

fn entry(view: &View<'_>, entry: &Entry) -> String {
    let heading = if entry.objects.len() > 1 { view.kinds(entry) } else { format!("{} {}", entry.word, view.title(entry)) };
    let mut text = format!("{}\n", html(&heading));
    entry.remarks.iter().for_each(|remark| text.push_str(&format!("{}\n", html(remark))));
    if entry.objects.len() > 1 {
        const MOST: usize = 10;
        let titles = view.titles(entry);
        let names: Vec<String> = titles.iter().take(MOST).map(|title| code(title)).collect();
        let more = if titles.len() > MOST { format!(" and {} more", titles.len() - MOST) } else { String::new() };
        text.push_str(&format!("in {}{more}\n", names.join(", ")));
    }
    let lines: String = entry.lines.iter().map(line).collect();
    if !lines.is_empty() {
        let fence = fence(&lines);
        text.push_str(&format!("\n{fence}diff\n{lines}{fence}\n"));
    }
    text + "\n"
}

fn line(line: &Line) -> String {
    let sign = match line.sign {
        Sign::Place | Sign::Context => ' ',
        Sign::Old => '-',
        Sign::New => '+',
        Sign::Both => '!',
    };
    format!("{sign} {}\n", plain::line(&line.text))
}

/// A fence longer than any run of backticks in the text.
fn fence(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    "`".repeat(longest.max(2) + 1)
}

/// Text outside of code: each character that Markdown or HTML could read is written as its number.
fn html(text: &str) -> String {
    let mut out = String::new();
    for c in plain::line(text).chars() {
        if c.is_ascii_punctuation() && !matches!(c, '-' | '.' | '/' | ',' | '(' | ')' | ';') || c == ':' {
            out.push_str(&format!("&#{};", u32::from(c)));
            // Forges look for names and numbers of issues in what Markdown has become; there a comment stands between.
            if matches!(c, '@' | '#') {
                out.push_str("<!-- -->");
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// A text as a span of code, between more backticks than it has in a row.
fn code(text: &str) -> String {
    let text = plain::line(text);
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let ticks = "`".repeat(longest + 1);
    let space = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{ticks}{space}{text}{space}{ticks}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_their_place() {
        assert_eq!(
            html("</b> @team [x](y) # `a`\n|"),
            "&#60;/b&#62; &#64;<!-- -->team &#91;x&#93;(y) &#35;<!-- --> &#96;a&#96;&#92;n&#124;"
        );
        assert_eq!(code("`a\n```"), "```` `a\\n``` ````");
        assert_eq!(fence("````\n"), "`````");
        assert_eq!(html("www.example.org https://a"), "www.example.org https&#58;//a");
    }
}
