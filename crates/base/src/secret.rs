//! What is not shown to anybody.

use std::borrow::Cow;

/// The text with the passwords of addresses (`https://user:password@host`) replaced by as many asterisks, so that
/// columns stay what they are.
pub fn without_passwords(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        out.push_str(before);
        out.push_str("://");
        // The login ends at the last `@` before the path; where there is none, there is no login.
        let authority = after.find(|letter: char| "/?#\"'<>`".contains(letter) || letter.is_whitespace()).unwrap_or(after.len());
        let (authority, tail) = after.split_at(authority);
        match authority.rsplit_once('@').and_then(|(login, host)| Some((login.split_once(':')?, host))) {
            Some(((user, password), host)) => {
                let hidden = "*".repeat(password.chars().count());
                out.push_str(&format!("{user}:{hidden}@{host}"));
            }
            None => out.push_str(authority),
        }
        rest = tail;
    }
    if out.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(out + rest) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_only() {
        for (text, want) in [
            ("nothing", "nothing"),
            ("https://example.org/a:b@c", "https://example.org/a:b@c"),
            ("ssh://git@host/x", "ssh://git@host/x"),
            ("https://a:b@c:1/d https://e:fg@h", "https://a:*@c:1/d https://e:**@h"),
            ("repo: \"http://ann:p@ss@h/x\" # y", "repo: \"http://ann:****@h/x\" # y"),
        ] {
            assert_eq!(without_passwords(text), want);
        }
    }
}
