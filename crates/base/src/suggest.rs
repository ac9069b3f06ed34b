//! "Did you mean": the known word closest to one that is not known.

/// The candidate closest to `word`, where one is close enough to be a slip of the fingers: at most a third of the
/// letters changed (insert, delete, replace, swap neighbours), and ties go to the first.
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let scored = candidates.into_iter().map(|candidate| (distance(word, candidate), candidate));
    let (best, candidate) = scored.min_by_key(|(score, _)| *score)?;
    (best <= limit(word)).then_some(candidate)
}

/// The candidates close enough to `word` to be meant, the closest first, each once, at most `most`.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>, most: usize) -> Vec<&'a str> {
    let limit = limit(word);
    let scored = candidates.into_iter().map(|candidate| (distance(word, candidate), candidate));
    let mut near: Vec<(usize, &str)> = scored.filter(|(score, _)| *score <= limit).collect();
    near.sort_by_key(|(score, _)| *score);
    let mut named: Vec<&str> = Vec::new();
    for (_, candidate) in near {
        if named.len() < most && !named.contains(&candidate) {
            named.push(candidate);
        }
    }
    named
}

fn limit(word: &str) -> usize {
    (word.chars().count() / 3).max(1)
}

/// The optimal string alignment distance over characters, upper and lower case alike.
fn distance(a: &str, b: &str) -> usize {
    strsim::osa_distance(&a.to_lowercase(), &b.to_lowercase())
}

/// Whether `text` matches `pattern`, in which `*` stands for any characters and `?` for one.
pub fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&c) if c == '?' || c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).is_none_or(|rest| rest.iter().all(|&c| c == '*'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_found_and_strangers_are_not() {
        assert_eq!(closest("vlaues", ["namespace", "values"]), Some("values"));
        assert_eq!(closest("Namespce", ["namespace", "values"]), Some("namespace"));
        assert_eq!(closest("k3s", ["k3d", "eks"]), Some("k3d"));
        assert_eq!(closest("tempo", ["loki", "grafana"]), None);
        assert_eq!(closest("x", []), None);
    }

    #[test]
    fn the_nearest_come_first_and_once() {
        let known = ["values", "value", "tempo", "values", "valuse"];
        assert_eq!(nearest("values", known, 3), ["values", "value", "valuse"]);
        assert_eq!(nearest("values", known, 1), ["values"]);
        assert!(nearest("loki", known, 3).is_empty());
    }

    #[test]
    fn globs() {
        for (pattern, text) in [("*", ""), ("*", "a"), ("l*", "loki"), ("*i", "loki"), ("l*k?", "loki"), ("a*b*c", "aXbYbc")] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("", "a"), ("l?", "loki"), ("a*b", "abc"), ("**x", "y")] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }
}
