//! One sequence on the model and on every engine, answer by answer.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::answer::{Answer, Expected};
use super::command::{Command, Step, Way};
use super::engine::{Credentials, Engine};
use super::invariants;
use super::state::{Flaw, Model};
use super::wire::{self, Request, Surroundings};
use super::world::{GUILD, OWNER, USERS};

/// How many sequences an engine plays before it is replaced by a fresh one: to make one costs as much
/// as a few sequences, and searches of all users and repositories take longer with each.
const SEQUENCES_OF_AN_ENGINE: u64 = 25;

/// The engines that must answer alike. Sequences follow each other on them, each with subjects of
/// its own.
pub(crate) struct Engines {
    all: Vec<Engine>,
    /// The sequences that were begun.
    begun: u64,
    /// A mistake that is planted in the model.
    pub(crate) flaw: Option<Flaw>,
}

/// Where answers differ.
pub(crate) struct Difference {
    /// The place of the command.
    pub(crate) at: usize,
    pub(crate) why: String,
    pub(crate) expected: String,
    pub(crate) answers: Vec<(&'static str, Answer)>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.why)?;
        writeln!(f, "    model: {}", self.expected)?;
        for (name, answer) in &self.answers {
            writeln!(f, "    {name}: {answer:?}")?;
        }
        Ok(())
    }
}

impl Engines {
    pub(crate) async fn new() -> Self {
        let all = vec![Engine::in_memory().await, Engine::on_disk().await];
        Self { all, begun: 0, flaw: None }
    }

    fn advance(&self, model: Option<&mut Model>, by: Duration) {
        for engine in &self.all {
            engine.advance(by);
        }
        if let Some(model) = model {
            model.now = self.all[0].now();
        }
    }

    /// Begins a sequence: its users and its organization, and the model of them.
    async fn begin(&mut self) -> Model {
        self.begun += 1;
        if self.begun.is_multiple_of(SEQUENCES_OF_AN_ENGINE) {
            self.all = vec![Engine::in_memory().await, Engine::on_disk().await];
        }
        let mark = base36(self.begun);
        for engine in &mut self.all {
            engine.begin(&mark);
        }
        let mut registered = BTreeMap::new();
        for name in USERS.into_iter().chain([GUILD]) {
            self.advance(None, Duration::from_millis(1));
            registered.insert(name, self.all[0].now());
            let (kind, body) = match name {
                GUILD => ("orgs", format!("{{\"owner\":\"{OWNER}\"}}")),
                _ => ("users", "{\"plan\":\"enterprise\"}".to_owned()),
            };
            let request = Request {
                method: "PUT",
                target: format!("/management/v1/{kind}/{name}"),
                headers: Vec::new(),
                body: body.into_bytes(),
                address: wire::HOME,
            };
            for engine in &mut self.all {
                let made = engine.ask(&Credentials::User("admin".to_owned()), &request).await;
                assert_eq!(made.status, 201, "{}: {made:?}", engine.name);
            }
        }
        let mut model = Model::new(registered, self.all[0].now());
        model.flaw = self.flaw;
        model
    }

    /// Plays a sequence to its end, or to the first difference. At the end someone asks for all
    /// lists: whose turn it is.
    pub(crate) async fn play(
        &mut self,
        steps: &[Step],
        turn: usize,
    ) -> Result<(), Box<Difference>> {
        let mut model = self.begin().await;
        for (at, step) in steps.iter().enumerate() {
            self.step(&mut model, at, step).await?;
        }
        invariants::hold(self, &mut model, (steps.len(), turn)).await
    }

    /// Plays one command.
    pub(crate) async fn step(
        &mut self,
        model: &mut Model,
        at: usize,
        step: &Step,
    ) -> Result<Vec<Answer>, Box<Difference>> {
        self.advance(Some(model), Duration::from_millis(7));
        match &step.what {
            Command::Wait { seconds } => {
                self.advance(Some(model), Duration::from_secs(u64::from(*seconds)));
                Ok(Vec::new())
            }
            Command::Restart => {
                self.all.iter_mut().for_each(Engine::restart);
                Ok(Vec::new())
            }
            Command::RunJobs => self.run_jobs(at).await,
            _ => self.compare(model, at, step).await,
        }
    }

    async fn run_jobs(&self, at: usize) -> Result<Vec<Answer>, Box<Difference>> {
        for engine in &self.all {
            let failed = engine.run_jobs().await;
            if !failed.is_empty() {
                let (why, answers) =
                    (format!("{}: jobs failed: {failed:?}", engine.name), Vec::new());
                let expected = "jobs are done".to_owned();
                return Err(Box::new(Difference { at, why, expected, answers }));
            }
        }
        Ok(Vec::new())
    }

    async fn compare(
        &mut self,
        model: &mut Model,
        at: usize,
        step: &Step,
    ) -> Result<Vec<Answer>, Box<Difference>> {
        let credentials = model.credentials(step.by);
        let etag = match &step.what {
            Command::Download { repo, path, way: Way::IfNoneMatch } => {
                let file = model.file(*repo, path);
                file.map(|file| format!("\"{}\"", file.sums().sha256))
            }
            _ => None,
        };
        let now = model.now;
        let expected = model.answer(step);
        let mut answers = Vec::new();
        for engine in &mut self.all {
            let signed = match &step.what {
                Command::UseSignedUrl { slot, .. } => engine.signed.get(slot).cloned(),
                _ => None,
            };
            let around = Surroundings { now, etag: etag.clone(), signed };
            let request = wire::request(&step.what, &around).expect("it is a request");
            let answer = ask(engine, &credentials, &request, &step.what).await;
            answers.push((engine.name, answer));
        }
        differs(&expected, &answers).map_or_else(
            || Ok(answers.iter().map(|(_, answer)| answer.clone()).collect()),
            |why| {
                let expected = format!("{expected:?}");
                Err(Box::new(Difference { at, why, expected, answers: answers.clone() }))
            },
        )
    }
}

/// Asks, and does what a client does with the answer of some commands.
async fn ask(
    engine: &mut Engine,
    credentials: &Credentials,
    request: &Request,
    what: &Command,
) -> Answer {
    let answer = engine.ask(credentials, request).await;
    match what {
        Command::SignUrl { slot, .. } => {
            let value = answer.value().unwrap_or_default();
            if let Some(url) = value["url"].as_str() {
                let target = url.trim_start_matches("http://packhouse.test").to_owned();
                engine.signed.insert(*slot, target);
            }
            answer
        }
        Command::AcceptEula { .. } => match answer.token() {
            Some(token) if answer.status == 200 => {
                let body = format!("token={token}").into_bytes();
                let post = Request { method: "POST", body, ..request.clone() };
                engine.ask(credentials, &post).await
            }
            _ => answer,
        },
        _ => answer,
    }
}

/// Why the answers are not what is expected, or not the same.
fn differs(expected: &Expected, answers: &[(&'static str, Answer)]) -> Option<String> {
    let (first_name, first) = &answers[0];
    for (name, answer) in answers {
        if let Err(why) = expected.compare(answer) {
            return Some(format!("{name} and the model: {why}"));
        }
        if answer.comparable() != first.comparable() {
            return Some(format!("{name} and {first_name} answer differently"));
        }
    }
    None
}

/// The mark of a sequence: a dash and five digits of base 36.
fn base36(mut number: u64) -> String {
    let mut digits = [b'0'; 5];
    for digit in digits.iter_mut().rev() {
        *digit = b"0123456789abcdefghijklmnopqrstuvwxyz"[usize::try_from(number % 36).unwrap_or(0)];
        number /= 36;
    }
    format!("-{}", String::from_utf8_lossy(&digits))
}
