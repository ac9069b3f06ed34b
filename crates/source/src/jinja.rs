//! Jinja: MiniJinja templates, strict about what is undefined.

use std::error::Error as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value};

use hydrate_base::{Diagnostic, Label, Result, SourceFile, World};

use super::data::Data;
use super::document::{Document, Origin, Trust, documents};
use super::raw;

/// How much a template may do: instructions of MiniJinja's engine. A platform's largest template needs thousands.
const FUEL: u64 = 5_000_000;

/// The documents of a template, or of all `*.j2` under a directory in the order of their paths; those whose names
/// begin with `_` are only there to be included or imported. `context` is what templates see.
pub fn render(world: &dyn World, path: &Path, shown: &str, context: &Value) -> Result<Vec<Document>, Vec<Box<Diagnostic>>> {
    let templates = Templates::load(world, path, shown).map_err(|error| vec![error])?;
    let environment = templates.environment().map_err(|error| vec![error])?;
    let mut all = Vec::new();
    let mut wrong = Vec::new();
    for (name, file) in &templates.files {
        if name.rsplit('/').next().is_some_and(|base| base.starts_with('_')) {
            continue;
        }
        match templates.render(&environment, name, file, context) {
            Ok(found) => all.extend(found),
            Err(error) => wrong.push(error),
        }
    }
    if wrong.is_empty() { Ok(all) } else { Err(wrong) }
}

/// What templates give with a mark at the end of lines: the number of the template and the number of its line, with a space between them, within two
/// characters. A line has none where it would change what is rendered.
#[derive(Debug)]
pub struct Marked {
    /// The templates, by their numbers.
    pub files: Vec<Arc<SourceFile>>,
    /// What each of them gives, by its number.
    pub texts: Vec<(usize, String)>,
}

/// Renders templates as [`render`] does, with marks: who wants to know which line comes from where.
///
/// # Errors
/// What keeps the templates from being read or rendered.
pub fn render_marked(world: &dyn World, path: &Path, shown: &str, context: &Value, marks: (char, char)) -> Result<Marked> {
    let plain = Templates::load(world, path, shown)?;
    let marked = |(number, (name, file)): (usize, &(String, Arc<SourceFile>))| {
        let text = String::from_utf8_lossy(&file.text);
        (name.clone(), SourceFile::new(file.name.clone(), with_marks(&text, number, marks).into_bytes()))
    };
    let templates = Templates { files: plain.files.iter().enumerate().map(marked).collect() };
    let environment = templates.environment()?;
    let mut texts = Vec::new();
    for (number, (name, _)) in templates.files.iter().enumerate() {
        if name.rsplit('/').next().is_none_or(|base| !base.starts_with('_'))
            && let Ok(text) = templates.text(&environment, name, context)
        {
            texts.push((number, text));
        }
    }
    Ok(Marked { files: plain.files.into_iter().map(|(_, file)| file).collect(), texts })
}

/// The text of a template with a mark at the end of each line that ends in text or in what is printed.
fn with_marks(text: &str, number: usize, (open, close): (char, char)) -> String {
    let mut out = String::new();
    let mut within: Option<&str> = None;
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    for (index, line) in lines.iter().enumerate() {
        let content = line.trim_end_matches(['\n', '\r']);
        let mut rest = content;
        loop {
            match within {
                Some(end) => match rest.split_once(end) {
                    Some((_, after)) => (within, rest) = (None, after),
                    None => break,
                },
                None => {
                    let starts = [("{{", "}}"), ("{%", "%}"), ("{#", "#}")];
                    let first = starts.iter().filter_map(|(start, end)| Some((rest.find(start)?, *end))).min();
                    let Some((at, end)) = first else { break };
                    (within, rest) = (Some(end), &rest[at + 2..]);
                }
            }
        }
        let end = content.trim_end();
        let next = lines.get(index + 1).map_or("", |line| line.trim_start());
        let is_stripped = end.ends_with("-}}") || next.starts_with("{{-") || next.starts_with("{%-") || next.starts_with("{#-");
        out.push_str(content);
        if within.is_none() && !end.is_empty() && !end.ends_with("%}") && !end.ends_with("#}") && !is_stripped {
            out.push_str(&format!("{open}{number} {}{close}", index + 1));
        }
        out.push_str(&line[content.len()..]);
    }
    out
}

/// Renders one text, such as a values file that ends in `.j2`.
pub fn render_text(file: &Arc<SourceFile>, context: &Value) -> Result<String> {
    let templates = Templates { files: vec![(file.name.clone(), Arc::clone(file))] };
    let environment = templates.environment()?;
    templates.text(&environment, &file.name, context)
}

/// The templates of a source by their names: paths relative to its directory.
struct Templates {
    files: Vec<(String, Arc<SourceFile>)>,
}

impl Templates {
    fn load(world: &dyn World, path: &Path, shown: &str) -> Result<Self> {
        let read = |(path, shown): (PathBuf, String)| {
            let text = world.read(&path).map_err(|error| Diagnostic::error(format!("cannot read {shown}: {error}")))?;
            Ok((shown.clone(), SourceFile::new(shown, text)))
        };
        let mut files = raw::files(world, path, shown, &["j2"])?.into_iter().map(read).collect::<Result<Vec<_>>>()?;
        if files.is_empty() {
            return Err(Diagnostic::error(format!("{shown} holds no template")).help("templates end in .j2: deployment.yaml.j2"));
        }
        for (name, _) in &mut files {
            if let Some(short) = name.strip_prefix(shown).and_then(|rest| rest.strip_prefix('/')) {
                *name = short.to_owned();
            }
        }
        Ok(Self { files })
    }

    /// The engine: strict, no escaping, blocks without blank lines, bounded.
    fn environment(&self) -> Result<Environment<'_>> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.set_syntax(syntax());
        environment.set_fuel(Some(FUEL));
        for (name, filter) in FILTERS {
            environment.add_filter(*name, *filter);
        }
        for (name, file) in &self.files {
            let text = std::str::from_utf8(&file.text).map_err(|_| Diagnostic::error(format!("{} is not UTF-8", file.name)))?;
            environment.add_template(name, text).map_err(|error| self.diagnose(&error))?;
        }
        Ok(environment)
    }

    fn text(&self, environment: &Environment<'_>, name: &str, context: &Value) -> Result<String> {
        let rendered = environment.get_template(name).and_then(|template| template.render(context));
        rendered.map_err(|error| self.diagnose(&error))
    }

    fn render(&self, environment: &Environment<'_>, name: &str, file: &SourceFile, context: &Value) -> Result<Vec<Document>> {
        let text = self.text(environment, name, context)?;
        let origin = Origin { source: "template".to_owned(), file: Some(file.name.clone()), line: 0 };
        let rendered = SourceFile::new(format!("{} (rendered)", file.name), text.into_bytes());
        let mut found = documents(&rendered, &origin, Trust::Raw)?;
        // Lines of the output say nothing about the template.
        found.iter_mut().for_each(|document| document.origin.line = 0);
        Ok(found)
    }

    /// The innermost error is where it happened; those around it are the stack of includes and imports.
    fn diagnose(&self, error: &Error) -> Box<Diagnostic> {
        let mut chain: Vec<&Error> = std::iter::successors(Some(error), |error| inner(error)).collect();
        let innermost = chain.pop().unwrap_or(error);
        let mut diagnostic = Diagnostic::error(message(innermost));
        diagnostic.primary = self.place(innermost);
        for outer in chain.iter().rev() {
            let detail = outer.detail().map_or_else(|| outer.kind().to_string(), str::to_owned);
            let what = detail.strip_prefix("error in ").map_or(detail.clone(), |name| format!("include {name}"));
            diagnostic = diagnostic.frame(what, self.place(outer));
        }
        diagnostic.help.extend(advice(innermost.kind()));
        diagnostic
    }

    fn place(&self, error: &Error) -> Option<Label> {
        let (_, file) = self.files.iter().find(|(name, _)| Some(name.as_str()) == error.name())?;
        let span = error.range().unwrap_or_else(|| file.line_range(error.line().unwrap_or(1)));
        Some(Label { file: Arc::clone(file), span, text: String::new() })
    }
}

fn inner(error: &Error) -> Option<&Error> {
    error.source()?.downcast_ref()
}

fn message(error: &Error) -> String {
    match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    }
}

fn advice(kind: ErrorKind) -> Option<String> {
    let advice = match kind {
        ErrorKind::UndefinedError => {
            "templates see `env`, `values` and `component`; give optional values a default: {{ values.x | default('y') }}"
        }
        ErrorKind::OutOfFuel => "the template does too much: look for a loop or an include that never ends",
        ErrorKind::TemplateNotFound => "names are relative to the directory of the source",
        _ => return None,
    };
    Some(advice.to_owned())
}

/// Block tags on lines of their own leave no blank lines behind.
fn syntax() -> SyntaxConfig {
    SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .keep_trailing_newline(true)
        .build()
        .expect("the delimiters are MiniJinja's own")
}

type Filter = fn(&Value) -> Result<String, Error>;

/// Filters beyond MiniJinja's own; one line each.
const FILTERS: &[(&str, Filter)] = &[("b64encode", b64encode), ("sha256", sha256), ("to_yaml", to_yaml)];

/// `{{ "a" | b64encode }}` gives `YQ==`.
fn b64encode(value: &Value) -> Result<String, Error> {
    Ok(base64::engine::general_purpose::STANDARD.encode(value.to_string()))
}

/// `{{ "a" | sha256 }}` gives 64 hexadecimal digits; for annotations that change with what they digest.
fn sha256(value: &Value) -> Result<String, Error> {
    Ok(hydrate_base::hash::sha256(value.to_string().as_bytes()))
}

/// `{{ values.x | to_yaml | indent(4) }}` writes data as YAML, keys sorted, without a line break at the end.
fn to_yaml(value: &Value) -> Result<String, Error> {
    let invalid = |error: String| Error::new(ErrorKind::BadSerialization, error);
    let text = super::compose::emit(&Data::from_jinja(value)?.to_node()).map_err(|error| invalid(error.message))?;
    Ok(text.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hydrate_base::MemoryWorld;
    use minijinja::context;

    fn run(files: &[(&str, &str)]) -> Result<String, String> {
        let world = files.iter().fold(MemoryWorld::new(), |world, (name, text)| world.with_file(format!("/p/t/{name}"), text));
        let context =
            context! { env => context! { name => "k3d" }, values => context! { port => 80, deep => context! { b => 2, a => 1 } } };
        match render(&world, Path::new("/p/t"), "t", &context) {
            Ok(documents) => Ok(documents.into_iter().map(|document| document.text).collect::<Vec<_>>().join("---\n")),
            Err(wrong) => Err(wrong.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")),
        }
    }

    #[test]
    fn templates_see_the_environment_and_values() {
        let macros = ("_m.j2", "{% macro name(x) %}{{ x }}-{{ 1 + 1 }}{% endmacro %}");
        let main = (
            "a.yaml.j2",
            "{% import '_m.j2' as m %}\napiVersion: v1\nkind: Service\nmetadata:\n  name: {{ m.name(env.name) }}\nspec:\n  {{ values.deep | to_yaml | indent(2) }}\n",
        );
        assert_eq!(run(&[macros, main]).unwrap(), "apiVersion: v1\nkind: Service\nmetadata:\n  name: k3d-2\nspec:\n  a: 1\n  b: 2\n");
    }

    #[test]
    fn undefined_is_an_error_with_its_place_and_stack() {
        let error = run(&[("_a.j2", "x: {{ values.portt.http }}\n"), ("b.yaml.j2", "a: 1\n{% include '_a.j2' %}\n")]).unwrap_err();
        assert!(error.starts_with("t/_a.j2:1:"), "{error}");
        assert!(error.contains("undefined value"), "{error}");
    }

    #[test]
    fn loops_without_end_run_out_of_fuel() {
        let error =
            run(&[("a.yaml.j2", "{% for a in range(99999) %}{% for b in range(99999) %}{{ b }}{% endfor %}{% endfor %}")]).unwrap_err();
        assert!(error.contains("look for a loop"), "{error}");
    }
}
