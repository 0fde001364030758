//! The order of versions, as bytes. Any text has a place in it; nothing here refuses one.
//!
//! A version is read as tokens: numbers, words, and a few marks. Tokens are compared one by one,
//! a version that ends first against what the other has there:
//!
//! `~` < `dev` < `alpha` < `beta` < `milestone` < `pre` < `rc` < `snapshot` < **the end** < `+` <
//! `sp` < `post` < other words by their bytes < a revision (a number after `-` after a number) <
//! numbers by their value.
//!
//! So 1.10 comes after 1.9, what precedes a release before it, and what follows it after it, but
//! before the next number. What makes no difference: the case of ASCII letters, a `v` before the
//! first digit, zeros at the end of a run of numbers (1.0 and 1.0.0; 0 and nothing), zeros before a
//! number, which separator stands where, and `final`, `ga` and `release`. `a`, `b`, `m` and `c` abbreviate only
//! before a digit: 1.0a1 is an alpha, 1.0.2a comes after 1.0.2. A `~` before a word that has a place
//! of its own is a separator.

const TILDE: u8 = 0x01;
const DEV: u8 = 0x02;
const ALPHA: u8 = 0x03;
const BETA: u8 = 0x04;
const MILESTONE: u8 = 0x05;
const PRE: u8 = 0x06;
const RC: u8 = 0x07;
const SNAPSHOT: u8 = 0x08;
const END: u8 = 0x10;
const BUILD: u8 = 0x11;
const SERVICE_PACK: u8 = 0x12;
const POST: u8 = 0x13;
const WORD: u8 = 0x14;
const REVISION: u8 = 0x15;
const NUMBER: u8 = 0x20;

/// The most digits of a number that are told apart; a longer number is as large as this has.
const MOST_DIGITS: usize = 200;

/// A token, as far as its order needs it.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Token {
    /// One byte: a mark, or a word that has a place of its own.
    Ranked(u8),
    /// Another word, in lower case.
    Word(String),
    /// The digits of a number, without zeros before them.
    Number(String),
    /// A word that says that this is the release.
    Silent,
}

/// Encodes a version. No encoding is the start of another.
pub(super) fn encode(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() + 2);
    for token in without_zeros(tokens(text)) {
        match token {
            Token::Ranked(rank) => bytes.push(rank),
            Token::Word(word) => {
                bytes.push(WORD);
                bytes.extend_from_slice(word.as_bytes());
                bytes.push(0);
            }
            Token::Number(digits) => put_number(&mut bytes, &digits),
            Token::Silent => {}
        }
    }
    bytes.push(END);
    bytes
}

/// The number of digits, then the digits in pairs: a longer number is larger.
fn put_number(bytes: &mut Vec<u8>, digits: &str) {
    let nines = "9".repeat(MOST_DIGITS);
    let digits = if digits.len() > MOST_DIGITS { &nines } else { digits };
    bytes.push(NUMBER + u8::try_from(digits.len()).unwrap_or(u8::MAX - NUMBER));
    let digits: Vec<u8> = digits.bytes().map(|digit| digit - b'0').collect();
    bytes.extend(digits.chunks(2).map(|pair| pair[0] << 4 | pair.get(1).copied().unwrap_or(0)));
}

/// Leaves out the zeros at the end of each run of numbers, and what says nothing.
fn without_zeros(mut tokens: Vec<Token>) -> Vec<Token> {
    tokens.retain(|token| *token != Token::Silent);
    let mut kept: Vec<Token> = Vec::with_capacity(tokens.len());
    for token in tokens {
        if !matches!(token, Token::Number(_)) {
            drop_zeros(&mut kept);
        }
        kept.push(token);
    }
    drop_zeros(&mut kept);
    kept
}

fn drop_zeros(kept: &mut Vec<Token>) {
    let is_zero = |token: &Token| matches!(token, Token::Number(digits) if digits.is_empty());
    while kept.last().is_some_and(is_zero) {
        kept.pop();
    }
}

fn tokens(text: &str) -> Vec<Token> {
    let mut rest = match text.strip_prefix(['v', 'V']) {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => rest,
        _ => text,
    };
    let mut tokens = Vec::new();
    while !rest.is_empty() {
        let (gap, after) = split(rest, |c| !c.is_alphanumeric());
        let is_number = after.starts_with(|c: char| c.is_ascii_digit());
        let of_run = |c: char| c.is_alphanumeric() && c.is_ascii_digit() == is_number;
        let (run, after) = split(after, of_run);
        rest = after;
        let token = (!run.is_empty()).then(|| match is_number {
            true => Token::Number(run.trim_start_matches('0').to_owned()),
            false => word(run, after.starts_with(|c: char| c.is_ascii_digit())),
        });
        tokens.extend(mark(tokens.last(), gap, token.as_ref()));
        tokens.extend(token);
    }
    tokens
}

/// The mark that a run of separators stands for.
fn mark(before: Option<&Token>, gap: &str, after: Option<&Token>) -> Option<Token> {
    let is_number = |token| matches!(token, Some(&Token::Number(_)));
    let rank = if gap.contains('+') {
        BUILD
    } else if gap.contains('~') && !matches!(after, Some(Token::Ranked(_))) {
        TILDE
    } else if gap.contains('-') && is_number(before) && is_number(after) {
        REVISION
    } else {
        return None;
    };
    Some(Token::Ranked(rank))
}

fn word(run: &str, before_digit: bool) -> Token {
    let word = run.to_ascii_lowercase();
    Token::Ranked(match word.as_str() {
        "final" | "ga" | "release" => return Token::Silent,
        "dev" => DEV,
        "alpha" => ALPHA,
        "beta" => BETA,
        "milestone" => MILESTONE,
        "pre" | "preview" => PRE,
        "rc" | "cr" => RC,
        "snapshot" => SNAPSHOT,
        "sp" => SERVICE_PACK,
        "post" => POST,
        "a" if before_digit => ALPHA,
        "b" if before_digit => BETA,
        "m" if before_digit => MILESTONE,
        "c" if before_digit => RC,
        _ => return Token::Word(word),
    })
}

fn split(text: &str, of_first: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !of_first(c)).unwrap_or(text.len()))
}
