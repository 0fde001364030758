//! Grants and actions in words that a publisher understands.

use std::fmt::Write as _;

use super::Who;
use crate::Result;
use crate::access::Granted;
use crate::engine::Packhouse;
use crate::model::TeamId;
use crate::model::grants::{Action, Anchor, Grant, Grantee, Scope};
use crate::model::teams::Team;
use crate::names::SubjectName;
use crate::store::Query;
use crate::work::decode;

/// A grant in words: to whom, and for what part of what.
pub(super) async fn words(
    packhouse: &Packhouse,
    who: &Who,
    subject: &SubjectName,
    granted: &Granted,
) -> Result<String> {
    let mut words = match granted.grantee {
        Grantee::Team(team) => {
            let team = team_name(packhouse, subject, team).await?;
            format!("{who} is in the team '{team}', which was granted rights over ")
        }
        Grantee::User(_) | Grantee::AccessKey(_) => format!("{who} was granted rights over "),
    };
    let Grant { scope, not_after, .. } = &granted.grant;
    let part = match scope {
        Scope::Anchor => String::new(),
        Scope::Path(path) => format!("'{path}' and all below it in "),
        Scope::Product(_) => "the packages of a product of ".to_owned(),
        Scope::Package(package) => format!("the package '{package}' in "),
        Scope::Version(package, version) => {
            format!("the version '{version}' of the package '{package}' in ")
        }
    };
    words += &part;
    words += &match &granted.anchor {
        Anchor::Platform => "the whole platform".to_owned(),
        Anchor::Subject(subject, _) => format!("everything of '{subject}'"),
        Anchor::Repository(subject, repo, _) => format!("the repository '{subject}/{repo}'"),
    };
    if let Some(end) = not_after {
        let _ = write!(words, " until {end}");
    }
    Ok(words)
}

async fn team_name(packhouse: &Packhouse, subject: &SubjectName, id: TeamId) -> Result<String> {
    let teams = packhouse.select(&Query::within(Team::range_of(subject)).limit(1_000)).await?;
    for record in teams.into_records() {
        let team: Team = decode(&record)?;
        if team.id == id {
            return Ok(team.name.to_string());
        }
    }
    Ok("?".to_owned())
}

pub(super) const fn verb(action: Action) -> &'static str {
    match action {
        Action::Read => "read and download",
        Action::Annotate => "change what is said about it",
        Action::Write => "upload",
        Action::Overwrite => "replace what is published",
        Action::Delete => "delete",
        Action::Publish => "publish",
        Action::Sign => "sign",
        Action::Manage => "grant rights",
        Action::Administer => "administer",
        Action::CreateRepo => "make repositories",
        Action::Scan => "scan",
        Action::Execute => "distribute",
        Action::ManageMembers => "manage members",
        Action::ManageResources => "manage the platform",
    }
}

impl std::fmt::Display for Who {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Anonymous => f.write_str("who has not signed in"),
            Self::User(name) => write!(f, "the user '{name}'"),
            Self::AccessKey(subject, name) => write!(f, "the access key '{name}@{subject}'"),
        }
    }
}
