//! `set` of a helm source: values whose keys are paths as Helm's `--set` has them.
//!
//! `service.type` goes down, `hosts[0]` into a list, and `\\` takes the meaning from the character after it. What stands at a path is YAML,
//! with the type that it has there; keys below it are taken as they are.

use hydrate_base::Diagnostic;
use hydrate_source::Data;
use hydrate_yaml::node::Node;

use super::parse::Parsed;

/// The largest position in a list, as Helm has it.
const LARGEST: usize = 65536;

/// The values of a `set`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sets {
    /// Those at plain keys: merged over the values files like one more of them. Null where there are none.
    pub plain: Data,
    /// Those at paths, in the form of `--set-json`, and after the plain ones: path and value.
    pub paths: Vec<(String, Data)>,
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(usize),
}

impl Sets {
    /// Sorts the entries of a `set`, whose paths have been checked.
    pub(super) fn read(set: &Data) -> Self {
        let Data::Map(entries) = set else { return Self::default() };
        let mut sets = Self::default();
        for (key, value) in entries {
            match steps(key) {
                Ok(steps) if steps.len() > 1 => sets.paths.extend(leaves(key, value)),
                Ok(steps) => {
                    if let (Some(Step::Key(name)), Data::Map(plain)) = (steps.into_iter().next(), sets.plain.or_map()) {
                        plain.insert(name, value.clone());
                    }
                }
                Err(_) => {}
            }
        }
        sets
    }

    /// Merges them over values.
    pub fn apply(&self, values: &mut Data) {
        if self.plain != Data::Null {
            values.merge(self.plain.clone());
        }
        for (path, value) in &self.paths {
            put(values, &steps(path).unwrap_or_default(), value);
        }
    }
}

/// What is wrong with the paths of all `set`s of a component's file.
pub(super) fn wrong(file: &Parsed) -> Vec<Box<Diagnostic>> {
    let sources = file.root.get("sources").and_then(Node::items).unwrap_or_default();
    let sets = sources.iter().filter_map(|source| source.get("helm")?.get("set")?.entries());
    let error =
        |key: &Node| {
            let path = file.spanned(key)?;
            let why = steps(&path.text).err()?;
            let error = path.error(format!("`{}` is not a path of `set`: {why}", path.text), "");
            Some(error.help(
                "keys are paths as in helm's --set: service.type, hosts[0].name; `\\` before a character takes its meaning away: a\\.b",
            ))
        };
    sets.flatten().filter_map(|(key, _)| error(key)).collect()
}

/// Values below a path one by one, so that they are merged and not put in place of what is there.
fn leaves(path: &str, value: &Data) -> Vec<(String, Data)> {
    match value {
        Data::Map(entries) if !entries.is_empty() => {
            entries.iter().flat_map(|(key, value)| leaves(&format!("{path}.{}", escaped(key)), value)).collect()
        }
        value => vec![(path.to_owned(), value.clone())],
    }
}

fn escaped(key: &str) -> String {
    key.chars().flat_map(|c| matches!(c, '\\' | '.' | ',' | '=' | '[' | ']').then_some('\\').into_iter().chain([c])).collect()
}

/// The steps of a path; the error says what is wrong with it.
fn steps(path: &str) -> Result<Vec<Step>, String> {
    let mut steps = Vec::new();
    let mut chars = path.chars();
    let (mut key, mut is_key) = (String::new(), true);
    while let Some(c) = chars.next() {
        match c {
            '\\' => key.push(chars.next().ok_or("nothing follows the last `\\`")?),
            '.' | '[' => {
                if is_key {
                    steps.push(named(&mut key)?);
                } else if !key.is_empty() {
                    return Err("a name follows `]` without a dot".to_owned());
                }
                is_key = c == '.';
                if c == '[' {
                    steps.push(index(&mut chars)?);
                }
            }
            ',' | '=' => return Err(format!("`{c}` ends a path")),
            c => key.push(c),
        }
    }
    match is_key {
        true => steps.push(named(&mut key)?),
        false if !key.is_empty() => return Err("a name follows `]` without a dot".to_owned()),
        false => {}
    }
    Ok(steps)
}

fn named(key: &mut String) -> Result<Step, String> {
    let name = std::mem::take(key);
    if name.is_empty() { Err("a name in it is empty".to_owned()) } else { Ok(Step::Key(name)) }
}

fn index(chars: &mut std::str::Chars<'_>) -> Result<Step, String> {
    let (number, rest) = chars.as_str().split_once(']').ok_or("`[` is not closed")?;
    let found = number.parse::<usize>().ok().filter(|index| *index <= LARGEST && number.bytes().all(|byte| byte.is_ascii_digit()));
    let index = found.ok_or_else(|| format!("`{number}` is not a position in a list"))?;
    *chars = rest.chars();
    Ok(Step::Index(index))
}

/// Puts a value where a path leads. A list is made as long as it has to be.
fn put(values: &mut Data, steps: &[Step], value: &Data) {
    let Some((first, rest)) = steps.split_first() else {
        *values = value.clone();
        return;
    };
    match (first, &mut *values) {
        (Step::Key(name), Data::Map(map)) => put(map.entry(name.clone()).or_default(), rest, value),
        (Step::Index(index), Data::List(list)) => {
            if list.len() <= *index {
                list.resize(index + 1, Data::Null);
            }
            list.get_mut(*index).into_iter().for_each(|item| put(item, rest, value));
        }
        (Step::Key(_), other) => {
            *other = Data::map();
            put(other, steps, value);
        }
        (Step::Index(_), other) => {
            *other = Data::List(Vec::new());
            put(other, steps, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(yaml: &str) -> Data {
        let file = hydrate_base::SourceFile::new("a", yaml.as_bytes());
        Data::from_node(&super::super::parse::parse(&file).unwrap())
    }

    #[test]
    fn paths_go_into_mappings_and_lists() {
        let mut values = data("service: {type: a, port: 1}\nhosts: [{name: a, path: p}, {name: b}]\n");
        let set = "service.type: b\nhosts[0].name: c\nhosts[3]: 5\n'a\\.b.c': {x.y: 'true', z: {}}\nplain: {d.e: 1}\n";
        Sets::read(&data(set)).apply(&mut values);
        let expected = "service: {type: b, port: 1}\nhosts: [{name: c, path: p}, {name: b}, null, 5]\na.b: {c: {x.y: 'true', z: {}}}\nplain: {d.e: 1}\n";
        assert_eq!(values, data(expected));
    }

    #[test]
    fn arguments_say_the_same_to_helm() {
        let sets = Sets::read(&data("a.b: 'x'\nc[1]: {d.e: 1.5, f: null}\n"));
        let arguments: Vec<String> = sets.paths.iter().map(|(path, value)| format!("{path}={}", value.to_json())).collect();
        assert_eq!(arguments, [r#"a.b="x""#, r"c[1].d\.e=1.5", "c[1].f=null"]);
        assert_eq!(sets.plain, Data::Null);
    }

    #[test]
    fn what_is_no_path_is_told() {
        for (path, why) in [
            ("a..b", "a name in it is empty"),
            (".a", "a name in it is empty"),
            ("a.", "a name in it is empty"),
            ("", "a name in it is empty"),
            ("a[", "`[` is not closed"),
            ("a[x]", "`x` is not a position in a list"),
            ("a[-1]", "`-1` is not a position in a list"),
            ("a[65537]", "`65537` is not a position in a list"),
            ("a[0]b", "a name follows `]` without a dot"),
            ("a=b", "`=` ends a path"),
            ("a,b", "`,` ends a path"),
            ("a\\", "nothing follows the last `\\`"),
        ] {
            assert_eq!(steps(path).unwrap_err(), why, "{path}");
        }
        assert_eq!(steps(r"a\.b[0][12].c\=").unwrap().len(), 4);
    }
}
