//! Explanations: what the policy answers someone, and why, in words.
//!
//! Asks the policy itself, in the name of the one who is asked about; nothing here decides. What an
//! explanation counts and what it leaves out: `docs/explanations.md`.

mod someone;
mod things;
mod words;

use crate::Result;
use crate::access::policy::Rule;
use crate::access::{Caller, Origin, act, granted};
use crate::engine::Packhouse;
use crate::model::grants::{Action, Anchor, Grant};
use crate::model::memberships::Role;
use crate::names::{
    AccessKeyName, FileLocation, FilePath, PackagePath, RepoPath, SubjectName, VersionPath,
};

use someone::Someone;
use things::{Found, Outcome};
use words::{verb, words};

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
    /// A file, or a path where none is. To read a file is to download it: restrictions and license
    /// agreements count.
    File(FileLocation),
    /// A path that is of a version, or would be once something is uploaded to it. Neither the file
    /// nor the version need be there.
    PathOf(VersionPath, FilePath),
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

/// Explains what someone may do. The caller must administer the subject that owns the thing; of an
/// access key of another subject, that one too.
///
/// # Errors
/// [`crate::ErrorKind::NotFound`] where the thing or the one who is asked about is not there, and for an
/// access key that the caller may not know of. A version or a file need not be there.
pub async fn explain(
    packhouse: &Packhouse,
    caller: &Caller,
    question: &Question,
) -> Result<Explanation> {
    let Question { who, action, thing, .. } = question;
    packhouse.permit::<act::Administer, _>(caller, thing.subject()).await?;
    let found = Found::of(packhouse, caller, thing).await?;
    let refused = |verdict, because| Explanation { verdict, grant: None, because };
    let Someone { caller: someone, provided } =
        match someone::find(packhouse, caller, question).await? {
            Ok(someone) => someone,
            Err(because) => return Ok(refused(Verdict::Authenticate, because)),
        };
    let mut explanation = match found.asked(packhouse, &someone, *action).await? {
        Outcome::Allowed(rule) => allowed(packhouse, question, &found, &someone, rule).await?,
        Outcome::Refused(verdict, Some(because)) => return Ok(refused(verdict, because)),
        Outcome::Refused(verdict, None) => return Ok(refused(verdict, why(verdict, who, *action))),
    };
    for more in provided.into_iter().chain(found.remark(*action)) {
        explanation.because += &more;
    }
    Ok(explanation)
}

fn why(verdict: Verdict, who: &Who, action: Action) -> String {
    match verdict {
        Verdict::Allowed => format!("{who} may"),
        Verdict::Authenticate => {
            format!("{who} must sign in: the thing is not public, or what is asked changes it")
        }
        Verdict::Forbidden => {
            format!("{who} sees it; no role and no grant in force allows to {}", verb(action))
        }
        Verdict::Hidden => {
            format!("{who} has no right to read it: no role and no grant in force reaches it")
        }
    }
}

async fn allowed(
    packhouse: &Packhouse,
    question: &Question,
    found: &Found<'_>,
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
        Rule::Grant(named) => {
            let granted = granted(packhouse, someone, thing.subject(), thing.repo()).await?;
            // What is left of another thing of the name grants nothing.
            let of_now = granted.iter().filter(|granted| match &granted.anchor {
                Anchor::Platform => true,
                Anchor::Subject(_, id) => found.subject.id == *id,
                Anchor::Repository(_, _, id) => found.repo.as_ref().is_some_and(|it| it.id == *id),
            });
            let is = |held: &Grant| held.id == named.id && held.scope == named.scope;
            let mut held: Vec<_> = of_now.filter(|granted| is(&granted.grant)).collect();
            held.sort_by_key(|granted| !granted.grant.actions.contains(action));
            let words = match held.first() {
                Some(granted) => words(packhouse, who, thing.subject(), granted).await?,
                None => format!("{who} was granted it"),
            };
            let words = format!("{words}; the grant '{}' allows to {}", named.id, verb(*action));
            grant = Some(named.id);
            words
        }
    };
    Ok(Explanation { verdict, grant, because })
}
