//! Texts in the index of runs of three characters, and what to ask it.
//!
//! The index only narrows down: whoever asks it checks each record again. It must give at least
//! what matches, so that whatever it does to a text it does to the question too.

use packhouse_core::store::Pattern;

/// The most runs of three that one question asks for.
const MOST_RUNS: usize = 12;

/// Adds a text of a place to what is indexed for a record.
pub(crate) fn add(indexed: &mut String, place: i64, text: &str) {
    indexed.extend(marker(place));
    indexed.extend(text.chars().map(indexable));
    indexed.push('\n');
}

/// What to ask for records whose text in a place may match; `None` when the pattern holds no run
/// of three characters.
pub(crate) fn question(place: i64, pattern: &Pattern) -> Option<String> {
    let mut runs: Vec<[char; 3]> = Vec::new();
    for literal in pattern.literals() {
        let literal: Vec<char> = literal.chars().map(indexable).collect();
        runs.extend(literal.windows(3).map(|run| [run[0], run[1], run[2]]));
    }
    if runs.is_empty() {
        return None;
    }
    runs.truncate(MOST_RUNS);
    let mut question = quoted(marker(place));
    for run in runs {
        question.push_str(" AND ");
        question.push_str(&quoted(run));
    }
    Some(question)
}

/// Three characters for private use that stand for a place, so that a search for names of packages
/// does not wade through the names of files.
fn marker(place: i64) -> [char; 3] {
    const FIRST: u32 = 0xE000;
    const COUNT: u64 = 6400;
    let mut number = place.unsigned_abs();
    [(); 3].map(|()| {
        let digit = (number % COUNT) as u32;
        number /= COUNT;
        char::from_u32(FIRST + digit).unwrap_or(char::REPLACEMENT_CHARACTER)
    })
}

/// The index leaves zero characters out, which would make other runs of their neighbours.
fn indexable(character: char) -> char {
    if character == '\0' { char::REPLACEMENT_CHARACTER } else { character }
}

fn quoted(run: [char; 3]) -> String {
    format!("\"{}\"", String::from_iter(run).replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(pattern: &str) -> Option<String> {
        let question = question(1, &Pattern::new(pattern).unwrap())?;
        Some(question.split_once(" AND ").unwrap().1.to_owned())
    }

    #[test]
    fn a_pattern_asks_for_the_runs_of_its_literals() {
        assert_eq!(asked("*abcd?ef*").unwrap(), r#""abc" AND "bcd""#);
        assert_eq!(asked(r#"a"b"#).unwrap(), r#""a""b""#);
        assert_eq!(asked("ab*cd"), None);
    }

    #[test]
    fn places_have_different_markers() {
        let markers: std::collections::HashSet<_> = (0..20_000).map(marker).collect();
        assert_eq!(markers.len(), 20_000);
    }
}
