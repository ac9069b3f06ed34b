//! Trees to matchers, simplified (`compiler/compiler.go`).

use super::matcher::{Matcher, Tree};
use super::syntax::Node;
use hydrate_gotmpl::budget;

/// Compiles a tree; `None` where that takes too much.
pub(super) fn compile(node: &Node) -> Option<Matcher> {
    let matcher = match node {
        Node::AnyOf(choices) => match without_common_parts(choices) {
            Some(smaller) => return compile(&smaller),
            None => return compile_all(choices).map(Matcher::AnyOf),
        },
        Node::Pattern(parts) if parts.is_empty() => return Some(Matcher::Nothing),
        Node::Pattern(parts) => join(minimize(compile_all(parts)?)?)?,
        Node::Any => Matcher::Any,
        Node::Super => Matcher::Super,
        Node::Single => Matcher::Single,
        Node::Nothing => Matcher::Nothing,
        Node::List { chars, not } => Matcher::List { chars: chars.clone(), not: *not },
        Node::Range { low, high, not } => Matcher::Range { low: *low, high: *high, not: *not },
        Node::Text(text) => Matcher::Text(text.clone()),
    };
    Some(optimize(matcher))
}

fn compile_all(nodes: &[Node]) -> Option<Vec<Matcher>> {
    nodes.iter().map(|node| compile(node).map(optimize)).collect()
}

/// A simpler matcher for the same, where there is one.
fn optimize(matcher: Matcher) -> Matcher {
    match matcher {
        Matcher::AnyOf(mut matchers) if matchers.len() == 1 => matchers.pop().unwrap_or(Matcher::Nothing),
        Matcher::List { chars, not: false } if chars.len() == 1 => Matcher::Text(chars.into_iter().collect()),
        Matcher::Tree(tree) => optimize_tree(*tree),
        other => other,
    }
}

fn optimize_tree(tree: Tree) -> Matcher {
    let (left, right) = (tree.left.clone().map(optimize), tree.right.clone().map(optimize));
    let Matcher::Text(text) = &tree.value else { return Matcher::Tree(Box::new(Tree { left, right, ..tree })) };
    let text = text.clone();
    match (&left, &right) {
        (None, None) => Matcher::Text(text),
        (Some(Matcher::Super), Some(Matcher::Super)) => Matcher::Contains { needle: text, not: false },
        (Some(Matcher::Super), None) => Matcher::Suffix(text),
        (None, Some(Matcher::Super)) => Matcher::Prefix(text),
        (None, Some(Matcher::Suffix(suffix))) => Matcher::PrefixSuffix(text, suffix.clone()),
        (Some(Matcher::Prefix(prefix)), None) => Matcher::PrefixSuffix(prefix.clone(), text),
        (Some(Matcher::Any), None) => Matcher::SuffixAny(text),
        (None, Some(Matcher::Any)) => Matcher::PrefixAny(text),
        _ => Matcher::Tree(Box::new(Tree { left, right, ..tree })),
    }
}

/// One matcher for several in a row.
fn join(matchers: Vec<Matcher>) -> Option<Matcher> {
    if let [only] = matchers.as_slice() {
        return Some(only.clone());
    }
    if let Some(glued) = glue(&matchers) {
        return Some(glued);
    }
    let longest = matchers.iter().enumerate().filter_map(|(at, matcher)| Some((matcher.length()?, at))).max();
    let Some((_, middle)) = longest else {
        let mut rest = matchers;
        let first = rest.remove(0);
        return Some(Matcher::tree(first, None, Some(join(rest)?)));
    };
    let mut left = matchers;
    let right = left.split_off(middle + 1);
    let value = left.pop()?;
    let side = |side: Vec<Matcher>| if side.is_empty() { Some(None) } else { join(side).map(Some) };
    Some(Matcher::tree(value, side(left)?, side(right)?))
}

/// One simple matcher for several in a row, where there is one.
fn glue(matchers: &[Matcher]) -> Option<Matcher> {
    if matchers.len() <= 1 {
        return None;
    }
    glue_as_every(matchers).or_else(|| {
        let length = matchers.iter().map(Matcher::length).sum::<Option<usize>>()?;
        Some(Matcher::Row(length, matchers.to_vec()))
    })
}

fn glue_as_every(matchers: &[Matcher]) -> Option<Matcher> {
    let (mut any, mut all, mut least) = (false, false, 0);
    let mut separators: Option<Vec<char>> = None;
    for matcher in matchers {
        let own = match matcher {
            Matcher::Super => {
                all = true;
                Vec::new()
            }
            Matcher::Any => {
                any = true;
                vec!['/']
            }
            Matcher::Single => {
                least += 1;
                vec!['/']
            }
            Matcher::List { chars, not: true } => {
                least += 1;
                chars.clone()
            }
            _ => return None,
        };
        if *separators.get_or_insert_with(|| own.clone()) != own {
            return None;
        }
    }
    let separators = separators.unwrap_or_default();
    if all && !any && least == 0 {
        return Some(Matcher::Super);
    }
    // Of several `*` alone the separators are those of all of them: the path separator.
    if any && !all && least == 0 {
        return Some(Matcher::Any);
    }
    if (any || all) && least > 0 && separators.is_empty() {
        return Some(Matcher::Min(least));
    }
    let mut every = Vec::new();
    if least > 0 {
        every.push(Matcher::Min(least));
        if !any && !all {
            every.push(Matcher::Max(least));
        }
    }
    if !separators.is_empty() {
        every.push(Matcher::Contains { needle: separators.into_iter().collect(), not: true });
    }
    Some(Matcher::EveryOf(every))
}

/// Glues what can be glued, the longest stretch first; `None` where that takes too much.
fn minimize(mut matchers: Vec<Matcher>) -> Option<Vec<Matcher>> {
    loop {
        let mut done: Option<(Matcher, usize, usize)> = None;
        for left in 0..matchers.len() {
            for right in (left + 1..=matchers.len()).rev() {
                if !budget::spend((right - left) as u64) {
                    return None;
                }
                let Some(glued) = glue(matchers.get(left..right).unwrap_or_default()) else { continue };
                let better = done.as_ref().is_none_or(|(known, from, to)| {
                    let longer = known.length().zip(glued.length()).is_some_and(|(known, glued)| glued > known);
                    longer || to - from < right - left
                });
                if better {
                    done = Some((glued, left, right));
                }
            }
        }
        let Some((glued, left, right)) = done else { return Some(matchers) };
        matchers.splice(left..right, [glued]);
    }
}

/// Choices whose patterns begin or end alike: what is common taken out of the braces.
fn without_common_parts(choices: &[Node]) -> Option<Node> {
    let patterns: Vec<&[Node]> = choices
        .iter()
        .map(|choice| match choice {
            Node::Pattern(parts) => Some(parts.as_slice()),
            _ => None,
        })
        .collect::<Option<_>>()?;
    let (left, right) = common(&patterns);
    if left.is_empty() && right.is_empty() {
        return None;
    }
    let mut rests: Vec<Node> = Vec::new();
    for pattern in &patterns {
        let rest = pattern.get(left.len()..pattern.len() - right.len()).unwrap_or_default();
        let rest = if rest.is_empty() { Node::Nothing } else { Node::Pattern(rest.to_vec()) };
        if !rests.contains(&rest) {
            rests.push(rest);
        }
    }
    let mut parts = Vec::new();
    if !left.is_empty() {
        parts.push(Node::Pattern(left));
    }
    match rests.as_slice() {
        [Node::Nothing] | [] => {}
        [only] => parts.push(only.clone()),
        _ => parts.push(Node::AnyOf(rests)),
    }
    if !right.is_empty() {
        parts.push(Node::Pattern(right));
    }
    Some(Node::Pattern(parts))
}

/// What all patterns begin with, and what they end with.
fn common(patterns: &[&[Node]]) -> (Vec<Node>, Vec<Node>) {
    let mut left = Vec::new();
    let mut right: Vec<Node> = Vec::new();
    let Some((shortest, parts)) = patterns.iter().enumerate().min_by_key(|(_, parts)| parts.len()).filter(|_| patterns.len() > 1) else {
        return (left, right);
    };
    let (mut break_left, mut break_right, mut total) = (false, false, 0);
    let count = parts.len();
    for i in 0..count {
        let j = count - 1 - i;
        if total >= count || (break_left && break_right) {
            break;
        }
        for (number, other) in patterns.iter().enumerate() {
            if break_left && break_right {
                break;
            }
            if number == shortest {
                continue;
            }
            break_left = break_left || parts.get(i) != other.get(i);
            break_right = break_right || (!break_left && j <= i);
            break_right = break_right || parts.get(j) != other.get(j + other.len() - count);
        }
        if !break_left {
            total += 1;
            left.extend(parts.get(i).cloned());
        }
        if !break_right {
            total += 1;
            right.extend(parts.get(j).cloned());
        }
    }
    right.reverse();
    (left, right)
}
