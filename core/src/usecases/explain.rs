//! Explanations: what the policy answers someone, and why, in words.
//!
//! Asks the policy itself, in the name of the one who is asked about; nothing here decides.

use std::fmt::Write as _;

use crate::access::policy::Rule;
use crate::access::{Ask, Caller, Granted, Identity, Origin, act, granted};
use crate::engine::Packhouse;
use crate::error::Noun;
use crate::model::TeamId;
use crate::model::access_keys::AccessKey;
use crate::model::grants::{Action, Anchor, Grant, Grantee, Scope};
use crate::model::memberships::Role;
use crate::model::subjects::{Subject, SubjectKind};
use crate::model::teams::Team;
use crate::names::{AccessKeyName, FileLocation, PackagePath, RepoPath, SubjectName, VersionPath};
use crate::store::Query;
use crate::work::{Work, decode};
use crate::{Error, ErrorKind, Result, downloads};

/// Who is asked about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Who {
    /// Nobody in particular.
    Anonymous,
    /// A user.
    User(SubjectName),
    /// Whoever holds an access key of the subject that owns the thing, or of another.
    AccessKey(SubjectName, AccessKeyName),
}

/// What is asked about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Thing {
    /// A subject.
    Subject(SubjectName),
    /// A repository.
    Repository(RepoPath),
    /// A package.
    Package(PackagePath),
    /// A version.
    Version(VersionPath),
    /// A file. To read it is to download it: restrictions and license agreements count.
    File(FileLocation),
}

/// What is asked.
#[derive(Clone, Debug)]
pub struct Question {
    /// Who would do it.
    pub who: Who,
    /// From where; restrictions to networks and countries are told of only if it is known.
    pub origin: Origin,
    /// What they would do.
    pub action: Action,
    /// To what.
    pub thing: Thing,
}

/// The policy's answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Explanation {
    /// Whether it is allowed, and how it is refused if not.
    pub verdict: Verdict,
    /// The id of the grant that allows it, if one does.
    pub grant: Option<String>,
    /// Why, in words.
    pub because: String,
}

/// How it ends.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Verdict {
    /// It is allowed.
    Allowed,
    /// Refused to someone who has not signed in: 401.
    Authenticate,
    /// Refused to someone who sees the thing: 403.
    Forbidden,
    /// Answered as if the thing were not there: 404.
    Hidden,
}

impl Thing {
    fn subject(&self) -> &SubjectName {
        match self {
            Self::Subject(subject) => subject,
            Self::Repository(repo) => &repo.subject,
            Self::Package(package) => &package.repo.subject,
            Self::Version(version) => &version.repo().subject,
            Self::File(file) => &file.repo.subject,
        }
    }

    fn repo(&self) -> Option<&RepoPath> {
        match self {
            Self::Subject(_) => None,
            Self::Repository(repo) => Some(repo),
            Self::Package(package) => Some(&package.repo),
            Self::Version(version) => Some(version.repo()),
            Self::File(file) => Some(&file.repo),
        }
    }

    /// What allows it, as the policy says.
    async fn rule(&self, packhouse: &Packhouse, caller: &Caller, action: Action) -> Result<Rule> {
        async fn of<K: Ask>(
            packhouse: &Packhouse,
            caller: &Caller,
            action: Action,
            names: &K,
        ) -> Result<Rule> {
            Work::new(packhouse).rule(caller, action, names).await
        }
        match self {
            Self::Subject(subject) => of(packhouse, caller, action, subject).await,
            Self::Repository(repo) => of(packhouse, caller, action, repo).await,
            Self::Package(package) => of(packhouse, caller, action, package).await,
            Self::Version(version) => of(packhouse, caller, action, version).await,
            Self::File(file) if action == Action::Read => {
                Ok(downloads::find(packhouse, caller, file).await?.rule().clone())
            }
            Self::File(file) => of(packhouse, caller, action, file).await,
        }
    }
}

/// Explains what someone may do. The caller must administer the subject that owns the thing.
///
/// # Errors
/// [`ErrorKind::NotFound`] where the thing or the one who is asked about is not there.
pub async fn explain(
    packhouse: &Packhouse,
    caller: &Caller,
    question: &Question,
) -> Result<Explanation> {
    let Question { who, origin, action, thing } = question;
    packhouse.permit::<act::Administer, _>(caller, thing.subject()).await?;
    // What is not there for those who see everything is not there.
    thing.rule(packhouse, caller, Action::Annotate).await?;
    let someone = someone(packhouse, who, origin).await?;
    let outcome = thing.rule(packhouse, &someone, *action).await;
    let explanation = |verdict, because| Explanation { verdict, grant: None, because };
    match outcome {
        Ok(rule) => allowed(packhouse, question, &someone, rule).await,
        Err(error) => Ok(match error.kind() {
            ErrorKind::Unauthenticated => explanation(
                Verdict::Authenticate,
                format!("{who} must sign in: the thing is not public, or what is asked changes it"),
            ),
            ErrorKind::Restricted | ErrorKind::EulaNotAccepted(_) => {
                explanation(Verdict::Forbidden, error.message().to_owned())
            }
            ErrorKind::Forbidden => explanation(
                Verdict::Forbidden,
                format!("{who} sees it; no role and no grant in force allows to {}", verb(*action)),
            ),
            ErrorKind::NotFound(_) => explanation(
                Verdict::Hidden,
                format!("{who} has no right to read it: no role and no grant in force reaches it"),
            ),
            _ => return Err(error),
        }),
    }
}

async fn someone(packhouse: &Packhouse, who: &Who, origin: &Origin) -> Result<Caller> {
    let identity = match who {
        Who::Anonymous => Identity::Anonymous,
        Who::User(name) => {
            let user: Option<Subject> = find(packhouse, Subject::key_of(name)).await?;
            let user = user.filter(|user| user.kind == SubjectKind::User && user.name == *name);
            let user = user.ok_or_else(|| Error::not_found(Noun::Subject, name))?;
            Identity::User { id: user.id, name: user.name }
        }
        Who::AccessKey(subject, name) => {
            let key: Option<AccessKey> = find(packhouse, AccessKey::key_of(subject, name)).await?;
            let key = key.filter(|key| !key.closing && !key.is_expired(packhouse.now()));
            let key = key.ok_or_else(|| Error::not_found(Noun::AccessKey, name))?;
            Identity::AccessKey { id: key.id, name: key.name, subject: key.subject }
        }
    };
    Ok(Caller::supposed(identity, origin.clone()))
}

async fn find<T: crate::model::Stored>(
    packhouse: &Packhouse,
    key: crate::store::Key,
) -> Result<Option<T>> {
    let record = packhouse.read_all(&[key]).await?.pop().flatten();
    record.map(|record| decode(&record)).transpose()
}

async fn allowed(
    packhouse: &Packhouse,
    question: &Question,
    someone: &Caller,
    rule: Rule,
) -> Result<Explanation> {
    let Question { who, action, thing, .. } = question;
    let (verdict, mut grant) = (Verdict::Allowed, None);
    let because = match rule {
        Rule::Public => "it is public: everyone may read it".to_owned(),
        Rule::Owner => format!("{who} owns it"),
        Rule::Role(role) => {
            let role = if role == Role::Owner { "an owner" } else { "an admin" };
            format!("{who} is {role} of {}", thing.subject())
        }
        Rule::System(_) => "the server does it itself".to_owned(),
        Rule::Grant(id) => {
            let granted = granted(packhouse, someone, thing.subject(), thing.repo()).await?;
            let found = granted.iter().find(|granted| granted.grant.id == id);
            let words = match found {
                Some(granted) => words(packhouse, who, thing.subject(), granted).await?,
                None => format!("{who} was granted it"),
            };
            let verb = verb(*action);
            grant = Some(id.clone());
            format!("{words}; the grant '{id}' allows to {verb}")
        }
    };
    Ok(Explanation { verdict, grant, because })
}

/// A grant in words: to whom, and for what part of what.
async fn words(
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

const fn verb(action: Action) -> &'static str {
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
