//! What must hold at the end of every sequence, whatever was answered on the way.

use std::collections::BTreeSet;

use serde_json::Value;

use super::access::{Caller, Need, Target};
use super::command::{Command, Step, Way};
use super::run::{Difference, Engines};
use super::state::Model;
use super::world::{
    KEYS, MATE, MEMBER, OWNER, PACKAGES, PATHS, REPOS, Repo, STRANGER, SUBJECTS, Who,
};

/// Asks as someone for all lists: what is listed is there, and nothing else is told.
pub(crate) async fn hold(
    engines: &mut Engines,
    model: &mut Model,
    (at, turn): (usize, usize),
) -> Result<(), Box<Difference>> {
    let (by, mut downloaded) = (caller(model, turn), BTreeSet::new());
    for what in lists(model) {
        let step = Step { by, what };
        for answer in engines.step(model, at, &step).await? {
            let Some(told) = answer.value() else { continue };
            let mut wrong = None;
            each_object(&told, &mut |object| {
                wrong = wrong.take().or_else(|| tells_too_much(model, by, object));
            });
            if let Some(why) = wrong {
                let expected = format!("what {by:?} may see, asked {:?}", step.what);
                let answers = vec![("engine", answer)];
                return Err(Box::new(Difference { at, why, expected, answers }));
            }
            for (repo, path, sha) in files(&told) {
                if downloaded.insert((repo, path)) {
                    download(engines, model, at, (by, repo, path, &sha)).await?;
                }
            }
        }
    }
    Ok(())
}

/// Someone without rights, or someone who may have some: another in the next sequence.
fn caller(model: &Model, turn: usize) -> Who {
    let mut callers = vec![Who::User(MATE), Who::User(OWNER), Who::User(MEMBER)];
    for of in SUBJECTS {
        let held = KEYS.into_iter().filter(|key| model.subject(of).keys.contains_key(key));
        callers.extend(held.map(|key| Who::Key(of, key)));
    }
    let place = turn % (2 * callers.len());
    match place % 4 {
        0 => Who::Nobody,
        2 => Who::User(STRANGER),
        _ => callers[place / 2],
    }
}

fn lists(model: &Model) -> Vec<Command> {
    let mut lists = Vec::new();
    for of in SUBJECTS {
        if model.subject(of).repos.is_empty() {
            continue;
        }
        lists.push(Command::ListRepos(of));
        lists.push(Command::SearchPackages { of, name: None });
        lists.push(Command::SearchFileName { name: "*", of });
        for name in REPOS {
            let repo = Repo(of, name);
            for package in PACKAGES.into_iter().filter(|name| model.package(repo, name).is_some()) {
                lists.push(Command::PackageFiles { repo, package, unpublished: true });
            }
        }
    }
    lists
}

fn each_object(value: &Value, see: &mut impl FnMut(&Value)) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| each_object(item, see)),
        Value::Object(fields) => {
            see(value);
            fields.values().for_each(|item| each_object(item, see));
        }
        _ => {}
    }
}

/// Where an object is: its repository, and its path if it is a file.
fn located(object: &Value) -> Option<(Repo, Option<&'static str>)> {
    let text = |key: &str| object.get(key).and_then(Value::as_str);
    let of = SUBJECTS.into_iter().find(|of| Some(*of) == text("owner"))?;
    let name = text("repo").or_else(|| text("name"))?;
    let repo = REPOS.into_iter().find(|repo| *repo == name)?;
    let path = text("path").and_then(|path| PATHS.into_iter().find(|known| *known == path));
    Some((Repo(of, repo), path))
}

/// Why a caller must not be told of an object.
pub(crate) fn tells_too_much(model: &Model, by: Who, object: &Value) -> Option<String> {
    let (repo, path) = located(object)?;
    let Ok(caller) = model.caller(by, super::wire::HOME) else {
        return Some("someone without credentials is told something".to_owned());
    };
    match path {
        Some(path) => {
            let file = model.file(repo, path);
            let target = model.file_target(repo, path);
            let may = file.is_some_and(|file| match file.published {
                true => model.sees(caller, target),
                false => model.may(caller, Need::Publish, target),
            });
            (!may).then(|| format!("{path} of {repo:?} is told"))
        }
        None => {
            // An entitlement of something in it shows that there is a repository.
            let narrow =
                matches!(caller, Caller::Key(of, key) if model.is_entitled_within(of, key, repo));
            let sees = narrow || model.sees(caller, Target::repo(repo));
            (!sees).then(|| format!("{repo:?} is told"))
        }
    }
}

/// The files that an answer lists, each with its checksum.
fn files(told: &Value) -> Vec<(Repo, &'static str, String)> {
    let mut files = Vec::new();
    each_object(told, &mut |object| {
        if let (Some((repo, Some(path))), Some(sha)) = (located(object), object["sha256"].as_str())
        {
            files.push((repo, path, sha.to_owned()));
        }
    });
    files
}

/// A file that is listed can be downloaded by who sees it, with its checksum.
async fn download(
    engines: &mut Engines,
    model: &mut Model,
    at: usize,
    (by, repo, path, sha): (Who, Repo, &'static str, &str),
) -> Result<(), Box<Difference>> {
    let step = Step { by, what: Command::Download { repo, path, way: Way::Get } };
    for answer in engines.step(model, at, &step).await? {
        // What stands before a download that may be seen: a EULA, or another network.
        let stands = answer.status == 403 || (by == Who::Nobody && answer.status == 401);
        let found = answer.header("x-checksum-sha2");
        if stands || (answer.status == 200 && found == Some(sha)) {
            continue;
        }
        let why = format!("{path} of {repo:?} is listed with {sha} and cannot be downloaded");
        let expected = format!("a download by {by:?}");
        return Err(Box::new(Difference { at, why, expected, answers: vec![("engine", answer)] }));
    }
    Ok(())
}
