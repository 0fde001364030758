//! Wildcard patterns over text: `*` is any run of characters, `?` is exactly one.

/// A wildcard pattern. Matches ASCII letters in either case.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Pattern(String);

impl Pattern {
    /// The longest pattern, in bytes.
    pub const MAX_BYTES: usize = 1024;

    /// Takes a pattern; `None` when it is longer than [`Pattern::MAX_BYTES`].
    #[must_use]
    pub fn new(pattern: &str) -> Option<Self> {
        (pattern.len() <= Self::MAX_BYTES).then(|| Self(pattern.to_owned()))
    }

    /// The pattern as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The literal runs between wildcards: a text that matches contains each of them.
    pub fn literals(&self) -> impl Iterator<Item = &str> {
        self.0.split(['*', '?']).filter(|run| !run.is_empty())
    }

    /// Whether the whole text matches, in time linear in the product of the lengths at worst.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let pattern: Vec<char> = self.0.chars().collect();
        let text: Vec<char> = text.chars().collect();
        let (mut p, mut t) = (0, 0);
        // Where to go on when the text after the last `*` does not match: the star takes one more.
        let mut star: Option<(usize, usize)> = None;
        while t < text.len() {
            match pattern.get(p) {
                Some('*') => {
                    star = Some((p, t));
                    p += 1;
                }
                Some(c) if *c == '?' || c.eq_ignore_ascii_case(&text[t]) => {
                    p += 1;
                    t += 1;
                }
                _ => {
                    let Some((star_p, star_t)) = star else { return false };
                    star = Some((star_p, star_t + 1));
                    p = star_p + 1;
                    t = star_t + 1;
                }
            }
        }
        pattern[p..].iter().all(|c| *c == '*')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_take_any_run_and_question_marks_one_character() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "ABBC", true),
            ("a*c", "abbd", false),
            ("?", "é", true),
            ("?", "", false),
            ("*.jar", "x.jar.sha1", false),
            ("*b*c*", "abxbyc", true),
        ] {
            assert_eq!(
                Pattern::new(pattern).unwrap().matches(text),
                expected,
                "{pattern} on {text}"
            );
        }
    }
}
