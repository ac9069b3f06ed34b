//! The tree of a parsed expression, and its translation for the matcher.

use regex_syntax::hir::{Capture, Class, ClassUnicode, Hir, Look, Repetition};

/// How an operand is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Times {
    /// `*`, `+`, `?`
    Operator { min: u32, max: Option<u32> },
    /// `{min,max}`
    Counted { min: u32, max: Option<u32> },
}

/// A part of an expression.
#[derive(Debug, Clone)]
pub(super) enum Expression {
    Empty,
    Class(ClassUnicode),
    Look(Look),
    Repeat { times: Times, greedy: bool, sub: Box<Node> },
    Capture { index: u32, name: Option<Box<str>>, sub: Box<Node> },
    Concat(Vec<Node>),
    Alternate(Vec<Node>),
}

/// A part with the height of its tree and the size of its program, both of which Go limits.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) part: Expression,
    pub(super) height: usize,
    pub(super) size: u64,
}

impl Node {
    pub(super) fn new(part: Expression) -> Self {
        let subs: &[Self] = match &part {
            Expression::Repeat { sub, .. } | Expression::Capture { sub, .. } => std::slice::from_ref(sub),
            Expression::Concat(subs) | Expression::Alternate(subs) => subs,
            Expression::Empty | Expression::Class(_) | Expression::Look(_) => &[],
        };
        let height = 1 + subs.iter().map(|sub| sub.height).max().unwrap_or(0);
        let total = subs.iter().map(|sub| sub.size).sum::<u64>();
        let size = match &part {
            Expression::Capture { .. } => 2 + total,
            Expression::Alternate(subs) => total + subs.len() as u64 - 1,
            Expression::Repeat { times, .. } => repeated_size(*times, total),
            _ => total,
        };
        Self { part, height, size: size.max(1) }
    }

    /// Whether no counted repetition inside multiplies up to more than `limit`.
    pub(super) fn repeats_within(&self, mut limit: u32) -> bool {
        match &self.part {
            Expression::Repeat { times: Times::Counted { min, max }, sub, .. } => {
                let count = max.unwrap_or(*min);
                if *max == Some(0) {
                    return true;
                }
                if count > limit {
                    return false;
                }
                limit = limit.checked_div(count).unwrap_or(limit);
                sub.repeats_within(limit)
            }
            Expression::Repeat { sub, .. } | Expression::Capture { sub, .. } => sub.repeats_within(limit),
            Expression::Concat(subs) | Expression::Alternate(subs) => subs.iter().all(|sub| sub.repeats_within(limit)),
            Expression::Empty | Expression::Class(_) | Expression::Look(_) => true,
        }
    }

    /// The same expression for the matcher.
    pub(super) fn to_hir(&self) -> Hir {
        match &self.part {
            Expression::Empty => Hir::empty(),
            Expression::Class(class) => Hir::class(Class::Unicode(class.clone())),
            Expression::Look(look) => Hir::look(*look),
            Expression::Repeat { times: Times::Operator { min, max } | Times::Counted { min, max }, greedy, sub } => {
                Hir::repetition(Repetition { min: *min, max: *max, greedy: *greedy, sub: Box::new(sub.to_hir()) })
            }
            Expression::Capture { index, name, sub } => {
                Hir::capture(Capture { index: *index, name: name.clone(), sub: Box::new(sub.to_hir()) })
            }
            Expression::Concat(subs) => Hir::concat(subs.iter().map(Self::to_hir).collect()),
            Expression::Alternate(subs) => Hir::alternation(subs.iter().map(Self::to_hir).collect()),
        }
    }
}

fn repeated_size(times: Times, sub: u64) -> u64 {
    match times {
        Times::Operator { min: 0, max: None } => 2 + sub,
        Times::Operator { .. } => 1 + sub,
        Times::Counted { min: 0, max: None } => 2 + sub,
        Times::Counted { min, max: None } => 1 + u64::from(min).saturating_mul(sub),
        Times::Counted { min, max: Some(max) } => u64::from(max).saturating_mul(sub).saturating_add(u64::from(max - min)),
    }
}
