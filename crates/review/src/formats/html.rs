//! One page that needs nothing else: dangers, the components with their objects, search, filters, the needs between components as a picture.
//!
//! What came with the change is text everywhere in it: it is escaped, the script builds nothing out of it, and the page's Content-Security-Policy lets run nothing but the one script that is
//! in it, which it names by its digest.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;

use hydrate_base::hash::sha256;
use hydrate_base::plain;

use crate::dangers::{Finding, Place};
use crate::groups::groups;
use crate::review::Review;
use crate::view::{Entry, Line, Shown, Sign, Told, Verdict, View, lines};

use super::text::values;

const STYLE: &str = include_str!("page/style.css");
const SCRIPT: &str = include_str!("page/script.js");

/// The components of an environment with those that each needs.
pub type Needs = BTreeMap<String, Vec<String>>;

/// The page about some environments, with the needs of their components by environment.
pub fn write(reviews: &[Review], needs: &BTreeMap<String, Needs>) -> String {
    let views: Vec<View<'_>> = reviews.iter().map(|review| View::new(review, Shown { noise: false, full: true })).collect();
    let names: Vec<&str> = reviews.iter().map(|review| review.env.as_str()).collect();
    let title = format!("Review of {}", names.join(", "));
    let mut page = Page::default();
    page.head(&title);
    page.tools(&title);
    page.push("<div class=\"page\">\n");
    page.tree(&views);
    page.push("<main id=\"main\">\n");
    for (number, view) in views.iter().enumerate() {
        page.environment(number, view, needs.get(&view.review.env));
    }
    page.push("<p><button type=\"button\" id=\"more\" hidden>Show more</button></p>\n</main>\n</div>\n<script>");
    page.push(SCRIPT);
    page.push("</script>\n</body>\n</html>\n");
    page.text
}

#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    /// Adds what is the page's own.
    fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Adds text of others.
    fn say(&mut self, text: &str) {
        self.text.push_str(&escaped(text));
    }

    /// Adds an element with nothing but text in it.
    fn element(&mut self, open: &str, text: &str, close: &str) {
        self.push(open);
        self.say(text);
        self.push(close);
    }

    fn head(&mut self, title: &str) {
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
            digest(STYLE),
            digest(SCRIPT)
        );
        self.push("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
        self.push(&format!("<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n"));
        self.push(
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"referrer\" content=\"no-referrer\">\n",
        );
        self.element("<title>", title, "</title>\n<style>");
        self.push(STYLE);
        self.push("</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#main\">Skip to the changes</a>\n");
    }

    fn tools(&mut self, title: &str) {
        self.element("<header>\n<h1>", title, "</h1>\n<div class=\"tools\">\n");
        self.push(
            "<label>Search <input id=\"search\" type=\"search\" autocomplete=\"off\" placeholder=\"name, kind, path, value\"></label>\n<fieldset><legend>Show</legend>\n",
        );
        for kind in ["danger", "note", "created", "changed", "deleted", "renamed", "moved"] {
            self.push(&format!("<label><input type=\"checkbox\" name=\"kind\" value=\"{kind}\" checked> {kind}</label>\n"));
        }
        self.push(
            "<label><input type=\"checkbox\" id=\"noise\"> noise</label>\n</fieldset>\n<button type=\"button\" id=\"open\">Open all</button>\n\
             <button type=\"button\" id=\"close\">Close all</button>\n<button type=\"button\" id=\"theme\">Light or dark</button>\n\
             <span id=\"shown\" role=\"status\" class=\"soft\"></span>\n<span class=\"soft\">Keys: / search, j and k next and previous, Enter opens, o and c all</span>\n</div>\n</header>\n",
        );
    }

    /// Environments and components, to go to.
    fn tree(&mut self, views: &[View<'_>]) {
        self.push("<nav aria-label=\"Environments and components\">\n<ul>\n");
        for (number, view) in views.iter().enumerate() {
            self.element(&format!("<li><a href=\"#env-{number}\">"), &view.review.env, "</a>\n<ul>\n");
            for (at, (component, entries)) in view.components.iter().enumerate() {
                self.element(&format!("<li><a href=\"#env-{number}-{at}\">"), named(component), "</a>");
                self.push(&format!(" <span class=\"soft\">{}</span></li>\n", entries.len()));
            }
            self.push("</ul>\n</li>\n");
        }
        self.push("</ul>\n</nav>\n");
    }

    fn environment(&mut self, number: usize, view: &View<'_>, needs: Option<&Needs>) {
        let class = match view.verdict {
            Verdict::Dangerous => "dangerous",
            Verdict::Routine => "routine",
            Verdict::Nothing => "none",
            Verdict::Review => "review",
        };
        self.element(&format!("<section aria-labelledby=\"env-{number}\">\n<h2 id=\"env-{number}\">"), &view.review.env, " ");
        self.push(&format!("<span class=\"verdict {class}\">{}</span></h2>\n", view.verdict.word()));
        self.element("<p>", &view.counts.words(), "</p>\n");
        view.remarks()
            .iter()
            .for_each(|remark| self.element("<p class=\"soft\">", &remark.replace(" (--show-noise shows them)", ""), "</p>\n"));
        if let Some(needs) = needs.filter(|needs| !needs.is_empty()) {
            self.graph(needs, view);
        }
        let (dangers, notes) = view.by_weight();
        self.findings("Dangers", "danger", &dangers);
        self.findings("Worth a look", "note", &notes);
        if !view.wide.is_empty() {
            self.push("<section data-section>\n<h3>In several objects</h3>\n");
            view.wide.iter().for_each(|entry| self.entry(view, entry, None));
            self.push("</section>\n");
        }
        for (at, (component, entries)) in view.components.iter().enumerate() {
            self.element(&format!("<section data-section>\n<h3 id=\"env-{number}-{at}\">"), named(component), "</h3>\n");
            entries.iter().for_each(|entry| self.entry(view, entry, None));
            self.push("</section>\n");
        }
        self.noise(view);
        if !view.others.is_empty() {
            self.push("<section>\n<h3>Other files</h3>\n<ul>\n");
            for file in &view.others {
                self.element("<li>", &format!("{} {}", file.change.word(), file.path), "</li>\n");
            }
            self.push("</ul>\n</section>\n");
        }
        self.push("</section>\n");
    }

    fn findings(&mut self, title: &str, kind: &str, all: &[&Told<'_>]) {
        if all.is_empty() {
            return;
        }
        self.push(&format!("<section data-section>\n<h3>{title}</h3>\n"));
        for told in all {
            let finding = told.finding;
            self.push(&format!(
                "<article class=\"finding {0}\" data-kind=\"{kind}\">\n<p><strong class=\"{0}\">{0}</strong> ",
                finding.level.word()
            ));
            self.element("<code>", finding.code, "</code> ");
            self.say(&finding.message);
            if let Some(values) = values(finding) {
                self.element(": <code>", &values, "</code>");
            }
            self.push("</p>\n<ul>\n");
            std::iter::once(finding).chain(told.more.iter().copied()).for_each(|one| self.place(one));
            self.push("</ul>\n");
            finding.notes.iter().for_each(|note| self.element("<p>", note, "</p>\n"));
            finding.help.iter().for_each(|help| self.element("<p class=\"soft\">", help, "</p>\n"));
            self.push("</article>\n");
        }
        self.push("</section>\n");
    }

    fn place(&mut self, finding: &Finding) {
        let shown = |place: &Place| if place.line == 0 { place.file.clone() } else { format!("{}:{}", place.file, place.line) };
        self.push("<li>");
        if finding.object.is_empty() {
            self.say(&finding.component);
        } else {
            self.element("<strong>", &finding.object, "</strong>");
        }
        if let Some(path) = &finding.path {
            self.element(" <code>", &path.to_string(), "</code>");
        }
        if !finding.place.file.is_empty() {
            self.element(" <span class=\"soft\">", &shown(&finding.place), "</span>");
        }
        if let Some(source) = &finding.source {
            self.element(" <span class=\"soft\">from ", &shown(source), "</span>");
        }
        self.push("</li>\n");
    }

    fn entry(&mut self, view: &View<'_>, entry: &Entry, kind: Option<&str>) {
        let heading = if entry.objects.len() > 1 { view.kinds(entry) } else { view.title(entry) };
        self.push(&format!(
            "<details class=\"entry\" data-kind=\"{}\">\n<summary><span class=\"word\">{}</span> ",
            kind.unwrap_or(entry.word),
            entry.word
        ));
        self.say(&heading);
        if let (1, Some(object)) = (entry.objects.len(), entry.objects.first().and_then(|at| view.object(*at)?.object())) {
            self.element(" <span class=\"soft\">", &object.path, "</span>");
        }
        self.push("</summary>\n");
        entry.remarks.iter().for_each(|remark| self.element("<p>", remark, "</p>\n"));
        if entry.objects.len() > 1 {
            self.element("<p>", &format!("in {}", view.titles(entry).join(", ")), "</p>\n");
        }
        if !entry.lines.is_empty() {
            self.push("<pre>");
            entry.lines.iter().for_each(|one| self.line(one));
            self.push("</pre>\n");
        }
        self.push("</details>\n");
    }

    fn line(&mut self, line: &Line) {
        let (class, sign) = match line.sign {
            Sign::Old => ("d", '-'),
            Sign::New => ("a", '+'),
            Sign::Both => ("m", '~'),
            Sign::Place => ("p", ' '),
            Sign::Context => ("c", ' '),
        };
        self.push(&format!("<span class=\"{class}\">{sign} "));
        self.say(&line.text);
        self.push("</span>");
    }

    /// What is folded: shown where it is asked for.
    fn noise(&mut self, view: &View<'_>) {
        let shown = Shown { noise: true, full: true };
        let all = groups(&view.review.objects, |_, field| field.noise.is_some());
        if all.is_empty() {
            return;
        }
        self.push("<section data-section>\n<h3>Noise</h3>\n");
        for group in all {
            let lines = group.fields.iter().flat_map(|field| lines(field, shown)).collect();
            let entry = Entry { word: "changed", objects: group.objects, remarks: Vec::new(), lines };
            self.entry(view, &entry, Some("noise"));
        }
        self.push("</section>\n");
    }

    /// Components in columns, each to the right of those that it needs.
    fn graph(&mut self, needs: &Needs, view: &View<'_>) {
        const BOX: (usize, usize) = (150, 26);
        const GAP: (usize, usize) = (60, 12);
        let mut columns: Vec<Vec<&str>> = Vec::new();
        let waves = waves(needs);
        for (name, wave) in &waves {
            columns.resize_with(columns.len().max(wave + 1), Vec::new);
            if let Some(column) = columns.get_mut(*wave) {
                column.push(name);
            }
        }
        let place: BTreeMap<&str, (usize, usize)> = columns
            .iter()
            .enumerate()
            .flat_map(|(column, names)| {
                names.iter().enumerate().map(move |(row, name)| (*name, (10 + column * (BOX.0 + GAP.0), 10 + row * (BOX.1 + GAP.1))))
            })
            .collect();
        let width = 20 + columns.len() * (BOX.0 + GAP.0) - GAP.0;
        let height = 20 + columns.iter().map(Vec::len).max().unwrap_or_default() * (BOX.1 + GAP.1);
        self.push("<details class=\"graph\">\n<summary>What is applied after what</summary>\n");
        self.push(&format!("<svg width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"Needs between components\">\n"));
        for (name, needed) in needs {
            for (from, to) in needed.iter().filter_map(|need| Some((place.get(need.as_str())?, place.get(name.as_str())?))) {
                let (x, y, to_x, to_y) = (from.0 + BOX.0, from.1 + BOX.1 / 2, to.0, to.1 + BOX.1 / 2);
                let middle = usize::midpoint(x, to_x);
                self.push(&format!("<path d=\"M{x} {y}C{middle} {y} {middle} {to_y} {to_x} {to_y}\"/>\n"));
            }
        }
        for (name, (x, y)) in &place {
            let class = if view.components.contains_key(name) { " class=\"touched\"" } else { "" };
            let shown: String = if name.chars().count() > 20 { name.chars().take(19).chain(['…']).collect() } else { (*name).to_owned() };
            self.push(&format!("<g{class}><rect x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{}\" rx=\"4\"/>", BOX.0, BOX.1));
            self.element(&format!("<text x=\"{}\" y=\"{}\">", x + 8, y + 17), &shown, "</text></g>\n");
        }
        self.push("</svg>\n</details>\n");
    }
}

/// What a component is called; objects of two files by hand are of none.
fn named(component: &str) -> &str {
    if component.is_empty() { "objects" } else { component }
}

/// How many components have to be there before each.
fn waves(needs: &Needs) -> BTreeMap<&str, usize> {
    fn wave<'n>(name: &'n str, needs: &'n Needs, open: &mut BTreeSet<&'n str>, known: &mut BTreeMap<&'n str, usize>) -> usize {
        if let Some(wave) = known.get(name) {
            return *wave;
        }
        // Needs in a circle are refused elsewhere; here they only must not go round for ever.
        if !open.insert(name) {
            return 0;
        }
        let before = needs.get(name).into_iter().flatten().filter(|need| needs.contains_key(*need));
        let wave = before.map(|need| wave(need, needs, open, known) + 1).max().unwrap_or_default();
        open.remove(name);
        known.insert(name, wave);
        wave
    }
    let mut known = BTreeMap::new();
    for name in needs.keys() {
        wave(name, needs, &mut BTreeSet::new(), &mut known);
    }
    known
}

/// Text in an element or an attribute.
fn escaped(text: &str) -> String {
    let text = plain::line(text);
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// The digest of a text as a Content-Security-Policy has it.
fn digest(text: &str) -> String {
    let hex = sha256(text.as_bytes());
    let byte = |pair: &[u8]| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()).unwrap_or_default();
    let bytes: Vec<u8> = hex.as_bytes().chunks(2).map(byte).collect();
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waves_end_in_a_circle_too() {
        let needs = Needs::from([
            ("a".to_owned(), vec!["b".to_owned()]),
            ("b".to_owned(), vec!["a".to_owned()]),
            ("c".to_owned(), vec!["b".to_owned()]),
        ]);
        assert_eq!(waves(&needs).len(), 3);
    }

    #[test]
    fn the_policy_names_what_is_in_the_page() {
        assert_eq!(digest(""), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
        assert_eq!(escaped("<a b='c'>&\"\u{1b}"), "&lt;a b=&#39;c&#39;&gt;&amp;&quot;\\u{1b}");
    }
}
