//! Go's `filepath.Match` on Unix: `*` and `?` stay within a path element, classes `[a-z]` with `^`, `\` quotes.

/// A malformed pattern; its text is Go's `syntax error in pattern`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadPattern;

impl std::fmt::Display for BadPattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("syntax error in pattern")
    }
}

/// Whether the whole of `name` matches `pattern`.
///
/// A malformed pattern is an error even where the name could not match anyway, as in `filepath.Match`.
pub fn matches(mut pattern: &str, mut name: &str) -> Result<bool, BadPattern> {
    while !pattern.is_empty() {
        let (star, chunk, rest) = scan_chunk(pattern);
        pattern = rest;
        if star && chunk.is_empty() {
            return Ok(!name.contains('/'));
        }
        match match_chunk(chunk, name)? {
            Some(after) if after.is_empty() || !pattern.is_empty() => {
                name = after;
                continue;
            }
            _ => {}
        }
        if star && let Some(after) = skip_and_match(chunk, name, pattern.is_empty())? {
            name = after;
            continue;
        }
        // The rest of the pattern is looked at only for its syntax.
        while !pattern.is_empty() {
            let (_, chunk, rest) = scan_chunk(pattern);
            pattern = rest;
            match_chunk(chunk, "")?;
        }
        return Ok(false);
    }
    Ok(name.is_empty())
}

/// Lets a star swallow characters of this path element until the chunk fits.
fn skip_and_match<'a>(chunk: &str, name: &'a str, last: bool) -> Result<Option<&'a str>, BadPattern> {
    for (at, skipped) in name.char_indices() {
        if skipped == '/' {
            break;
        }
        let from = at + skipped.len_utf8();
        if let Some(after) = match_chunk(chunk, &name[from..])? {
            if last && !after.is_empty() {
                continue;
            }
            return Ok(Some(after));
        }
    }
    Ok(None)
}

/// Splits off the stars at the front and the text up to the next star.
fn scan_chunk(pattern: &str) -> (bool, &str, &str) {
    let trimmed = pattern.trim_start_matches('*');
    let star = trimmed.len() < pattern.len();
    let (mut in_class, mut quoted) = (false, false);
    for (at, c) in trimmed.char_indices() {
        match c {
            _ if quoted => quoted = false,
            '\\' => quoted = true,
            '[' => in_class = true,
            ']' => in_class = false,
            '*' if !in_class => return (star, &trimmed[..at], &trimmed[at..]),
            _ => {}
        }
    }
    (star, trimmed, "")
}

/// Matches a chunk without stars at the start of `name`; gives what is left of the name. After a mismatch the chunk is
/// still read to its end, for its syntax.
fn match_chunk<'a>(chunk: &str, mut name: &'a str) -> Result<Option<&'a str>, BadPattern> {
    let mut chunk = chunk.chars().peekable();
    let mut failed = false;
    while let Some(c) = chunk.next() {
        if !failed && name.is_empty() {
            failed = true;
        }
        let first = name.chars().next();
        match c {
            '[' => {
                let inside = match_class(&mut chunk, first)?;
                failed |= !inside;
            }
            '?' => failed |= first == Some('/'),
            '\\' => {
                let quoted = chunk.next().ok_or(BadPattern)?;
                failed |= first != Some(quoted);
            }
            c => failed |= first != Some(c),
        }
        if !failed && let Some(first) = first {
            name = &name[first.len_utf8()..];
        }
    }
    Ok((!failed).then_some(name))
}

fn match_class(chunk: &mut std::iter::Peekable<std::str::Chars<'_>>, c: Option<char>) -> Result<bool, BadPattern> {
    let negated = chunk.next_if_eq(&'^').is_some();
    let mut found = false;
    let mut ranges = 0;
    loop {
        if ranges > 0 && chunk.next_if_eq(&']').is_some() {
            return Ok(found != negated);
        }
        let low = class_char(chunk)?;
        let high = if chunk.next_if_eq(&'-').is_some() { class_char(chunk)? } else { low };
        found |= c.is_some_and(|c| low <= c && c <= high);
        ranges += 1;
    }
}

/// A character of a class, which must not be its last one: the closing bracket has yet to come.
fn class_char(chunk: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<char, BadPattern> {
    let c = match chunk.next() {
        None | Some('-' | ']') => return Err(BadPattern),
        Some('\\') => chunk.next().ok_or(BadPattern)?,
        Some(c) => c,
    };
    if chunk.peek().is_none() { Err(BadPattern) } else { Ok(c) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_go_s_own_table() {
        let table: [(&str, &str, Result<bool, BadPattern>); 36] = [
            ("abc", "abc", Ok(true)),
            ("*", "abc", Ok(true)),
            ("*c", "abc", Ok(true)),
            ("a*", "a", Ok(true)),
            ("a*", "abc", Ok(true)),
            ("a*", "ab/c", Ok(false)),
            ("a*/b", "abc/b", Ok(true)),
            ("a*/b", "a/c/b", Ok(false)),
            ("a*b*c*d*e*/f", "axbxcxdxe/f", Ok(true)),
            ("a*b*c*d*e*/f", "axbxcxdxexxx/f", Ok(true)),
            ("a*b*c*d*e*/f", "axbxcxdxe/xxx/f", Ok(false)),
            ("a*b?c*x", "abxbbxdbxebxczzx", Ok(true)),
            ("a*b?c*x", "abxbbxdbxebxczzy", Ok(false)),
            ("ab[c]", "abc", Ok(true)),
            ("ab[b-d]", "abc", Ok(true)),
            ("ab[e-g]", "abc", Ok(false)),
            ("ab[^c]", "abc", Ok(false)),
            ("ab[^e-g]", "abc", Ok(true)),
            ("a\\*b", "a*b", Ok(true)),
            ("a\\*b", "ab", Ok(false)),
            ("a?b", "a☺b", Ok(true)),
            ("a[^a]b", "a☺b", Ok(true)),
            ("a???b", "a☺b", Ok(false)),
            ("[a-ζ]*", "α", Ok(true)),
            ("*[a-ζ]", "A", Ok(false)),
            ("a?b", "a/b", Ok(false)),
            ("[\\]a]", "]", Ok(true)),
            ("[\\-x]", "-", Ok(true)),
            ("[]a]", "]", Err(BadPattern)),
            ("[-]", "-", Err(BadPattern)),
            ("[x-]", "x", Err(BadPattern)),
            ("[a-b-c]", "a", Err(BadPattern)),
            ("[", "a", Err(BadPattern)),
            ("a[", "ab", Err(BadPattern)),
            ("*x", "xxx", Ok(true)),
            ("templates/.?*", "templates/.hidden", Ok(true)),
        ];
        for (pattern, name, wanted) in table {
            assert_eq!(matches(pattern, name), wanted, "{pattern} {name}");
        }
    }
}
