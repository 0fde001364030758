//! The table of raw requests, `corpus.tsv`: its rows, and what the words in them stand for.

use std::fmt::Write as _;

/// The largest head of a server by default.
const MAX_HEAD: usize = 64 << 10;

/// A row of the table.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) line: usize,
    pub(crate) name: String,
    request: String,
    /// The status of each answer.
    pub(crate) statuses: Vec<u16>,
    /// Whether another request is answered afterwards.
    pub(crate) goes_on: bool,
    /// Why the message is refused before the parser.
    pub(crate) reason: Option<String>,
}

/// What the words of the table stand for that are of one server.
pub(crate) struct Words {
    pub(crate) alice: String,
    pub(crate) admin: String,
}

impl Default for Words {
    fn default() -> Self {
        Self { alice: "YWxpY2U6a2V5".to_owned(), admin: "YWRtaW46a2V5".to_owned() }
    }
}

/// What a client does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Act {
    Send(Vec<u8>),
    AwaitContinue,
    EndSide,
}

pub(crate) fn rows() -> Vec<Row> {
    let table = include_str!("corpus.tsv");
    let is_row = |(_, line): &(usize, &str)| !line.is_empty() && !line.starts_with('#');
    table.lines().enumerate().filter(is_row).map(|(at, line)| Row::parse(at + 1, line)).collect()
}

impl Row {
    fn parse(line: usize, text: &str) -> Self {
        let [threat, name, request, outcome] =
            text.split('\t').collect::<Vec<_>>().try_into().expect("a row has four columns");
        let (before, reason) = match outcome.split_once("closed ") {
            Some((before, reason)) => (format!("{before}closed"), Some(reason.to_owned())),
            None => (outcome.to_owned(), None),
        };
        let mut words: Vec<&str> = before.split(' ').collect();
        let goes_on = match words.pop() {
            Some("open") => true,
            Some("closed") => false,
            other => panic!("line {line}: the outcome ends with {other:?}"),
        };
        let statuses = words.iter().flat_map(|word| {
            let (status, times) = word.split_once('x').unwrap_or((word, "1"));
            let times: usize = times.parse().expect("a number of answers");
            vec![status.parse().expect("a status"); times]
        });
        let statuses = statuses.collect();
        let name = format!("{threat} {name}");
        Self { line, name, request: request.to_owned(), statuses, goes_on, reason }
    }

    /// What the client of this row does.
    pub(crate) fn acts(&self, words: &Words) -> Vec<Act> {
        let text = self.worded(words);
        let mut acts = Vec::new();
        let mut rest = text.as_str();
        loop {
            let next =
                ["{wait}", "{fin}"].iter().filter_map(|mark| Some((rest.find(mark)?, *mark)));
            let Some((at, mark)) = next.min() else { break };
            acts.push(Act::Send(bytes(&rest[..at])));
            acts.push(if mark == "{fin}" { Act::EndSide } else { Act::AwaitContinue });
            rest = &rest[at + mark.len()..];
        }
        acts.push(Act::Send(bytes(rest)));
        acts.retain(|act| *act != Act::Send(Vec::new()));
        acts
    }

    /// The name as one that a file may have.
    pub(crate) fn slug(&self) -> String {
        self.name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
    }

    /// All bytes that the client of this row sends.
    pub(crate) fn stream(&self) -> Vec<u8> {
        let sent = |act| if let Act::Send(bytes) = act { bytes } else { Vec::new() };
        self.acts(&Words::default()).into_iter().flat_map(sent).collect()
    }

    fn worded(&self, words: &Words) -> String {
        let own = self.slug();
        let text = self
            .request
            .replace("{canary}", "GET /canary HTTP/1.1\\r\\n{H}\\r\\n")
            .replace("{G}", "GET /management/v1/health HTTP/1.1\\r\\n")
            .replace("{P}", &format!("PUT /content/alice/tools/p/1/{own}.txt HTTP/1.1\\r\\n"))
            .replace("{H}", "Host: a\\r\\n")
            .replace("{A}", &format!("Authorization: Basic {}\\r\\n", words.alice))
            .replace("{admin}", &format!("Authorization: Basic {}\\r\\n", words.admin));
        let text = repeated(&text);
        let Some((head, rest)) = text.split_once("{fill}") else { return text };
        let end = rest.find("\\r\\n\\r\\n").expect("the head ends");
        // A byte more than the fill is what the row adds on purpose.
        let extra = rest[..end].len();
        let size = bytes(head).len() + extra + 4;
        format!("{head}{}{rest}", "x".repeat(MAX_HEAD + extra - size))
    }
}

/// Writes `{text*N}` out.
fn repeated(text: &str) -> String {
    let mut out = text.to_owned();
    while let Some((star, end, times)) = last_repeat(&out) {
        let mut depth = 0;
        let start = out[..star].rfind(|c| {
            depth += match c {
                '}' => 1,
                '{' => -1,
                _ => 0,
            };
            depth < 0
        });
        let start = start.expect("a repeat begins with {");
        let whole = out[start + 1..star].repeat(times);
        out.replace_range(start..=end, &whole);
    }
    out
}

/// Where the last `*N}` stands.
fn last_repeat(text: &str) -> Option<(usize, usize, usize)> {
    text.rmatch_indices('*').find_map(|(star, _)| {
        let end = star + text[star..].find('}')?;
        Some((star, end, text[star + 1..end].parse().ok()?))
    })
}

/// The bytes of a text with escapes.
fn bytes(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let (byte, used) = match (first, tail) {
            (b'\\', [b'x', digits @ ..]) => {
                let digits = std::str::from_utf8(&digits[..2]).expect("two digits");
                (u8::from_str_radix(digits, 16).expect("hexadecimal digits"), 4)
            }
            (b'\\', [b'r', ..]) => (b'\r', 2),
            (b'\\', [b'n', ..]) => (b'\n', 2),
            (b'\\', [b't', ..]) => (b'\t', 2),
            (b'\\', [b'0', ..]) => (0, 2),
            (b'\\', [b'\\', ..]) => (b'\\', 2),
            (b'\\', _) => panic!("an unknown escape in {text:?}"),
            (byte, _) => (*byte, 1),
        };
        out.push(byte);
        rest = &rest[used..];
    }
    out
}

/// Bytes as the table writes them, shortened.
pub(crate) fn shown(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes.iter().take(300) {
        let _ = write!(text, "{}", byte.escape_ascii());
    }
    text
}
