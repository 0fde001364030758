//! Why someone may do something, or may not.

use std::net::IpAddr;

use packhouse_core::access::Origin;
use packhouse_core::explain::{self, Explanation, Question, Thing, Verdict, Who};
use packhouse_core::model::grants::Action;
use packhouse_core::names::{
    AccessKeyName, FilePath, PackageName, RepoPath, SubjectName, VersionName,
};
use serde::{Deserialize, Serialize};

use crate::call::{Answer, Call};
use crate::failure::Failure;
use crate::support::reply;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Body {
    /// A user's name, an access key as `id@subject`, or nothing for who has not signed in.
    caller: Option<String>,
    address: Option<String>,
    action: Option<String>,
    resource: Option<Resource>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Resource {
    subject: Option<String>,
    repo: Option<String>,
    package: Option<String>,
    version: Option<String>,
    path: Option<String>,
}

const ACTIONS: [(&str, Action); 16] = [
    ("read", Action::Read),
    ("download", Action::Read),
    ("annotate", Action::Annotate),
    ("upload", Action::Write),
    ("overwrite", Action::Overwrite),
    ("delete", Action::Delete),
    ("publish", Action::Publish),
    ("sign", Action::Sign),
    ("administer", Action::Administer),
    ("create_repo", Action::CreateRepo),
    ("manage", Action::Manage),
    ("manage_members", Action::ManageMembers),
    ("manage_resources", Action::ManageResources),
    ("write", Action::Write),
    ("scan", Action::Scan),
    ("distribute", Action::Execute),
];

/// What the policy says, for those who administer the subject that is asked about.
pub(super) async fn explain(mut call: Call) -> Answer {
    let body: Body = call.json().await?;
    let question = body.question()?;
    let explanation = explain::explain(&call.packhouse, &call.caller, &question).await?;
    Ok(reply::ok(&Answered::from(explanation)))
}

impl Body {
    fn question(self) -> Result<Question, Failure> {
        let lacks = |what: &str| Failure::bad_request(format!("{what} is missing: give one"));
        let action = self.action.ok_or_else(|| lacks("action"))?;
        let known = ACTIONS.iter().find(|(name, _)| name.eq_ignore_ascii_case(&action));
        let (_, action) = known.ok_or_else(|| {
            let names: Vec<&str> = ACTIONS.iter().map(|(name, _)| *name).collect();
            Failure::bad_request(format!("action is '{action}': use {}", names.join(", ")))
        })?;
        let thing = self.resource.ok_or_else(|| lacks("resource"))?.thing()?;
        let address: Option<IpAddr> =
            self.address.map(|text| text.parse()).transpose().map_err(|_| {
                Failure::bad_request(
                    "address is no IP address: write it as 192.0.2.7 or 2001:db8::7",
                )
            })?;
        let origin = Origin { address, agent: None };
        Ok(Question { who: who(self.caller.as_deref())?, origin, action: *action, thing })
    }
}

fn who(caller: Option<&str>) -> Result<Who, Failure> {
    Ok(match caller.filter(|caller| !caller.is_empty() && *caller != "anonymous") {
        None => Who::Anonymous,
        Some(caller) => match caller.split_once('@') {
            Some((key, subject)) => {
                Who::AccessKey(SubjectName::parse(subject)?, AccessKeyName::parse(key)?)
            }
            None => Who::User(SubjectName::parse(caller)?),
        },
    })
}

impl Resource {
    fn thing(self) -> Result<Thing, Failure> {
        let bad = |why| Err(Failure::bad_request(format!("resource {why}")));
        let Some(subject) = self.subject else { return bad("names no subject: give one") };
        let Some(repo) = self.repo else {
            return match (self.package, self.version, self.path) {
                (None, None, None) => Ok(Thing::Subject(SubjectName::parse(&subject)?)),
                _ => bad("names no repo: give one"),
            };
        };
        let repo = RepoPath::parse(&subject, &repo)?;
        Ok(match (self.package, self.version, self.path) {
            (None, None, None) => Thing::Repository(repo),
            (None, None, Some(path)) => Thing::File(repo.file(FilePath::parse(&path)?)),
            (Some(package), None, None) => {
                Thing::Package(repo.package(PackageName::parse(&package)?))
            }
            (Some(package), Some(version), None) => {
                let package = repo.package(PackageName::parse(&package)?);
                Thing::Version(package.version(VersionName::parse(&version)?))
            }
            (None, Some(_), _) => return bad("names a version and no package: give one"),
            (Some(package), Some(version), Some(path)) => {
                let package = repo.package(PackageName::parse(&package)?);
                let version = package.version(VersionName::parse(&version)?);
                Thing::PathOf(version, FilePath::parse(&path)?)
            }
            (Some(_), None, Some(_)) => {
                return bad("names a path and a package without a version: give it, or leave out \
                            the package");
            }
        })
    }
}

#[derive(Serialize)]
struct Answered {
    allowed: bool,
    verdict: &'static str,
    /// The status that such a request is answered with, if it is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    grant: Option<String>,
    because: String,
}

impl From<Explanation> for Answered {
    fn from(explanation: Explanation) -> Self {
        let (verdict, status) = match explanation.verdict {
            Verdict::Allowed => ("allowed", None),
            Verdict::Authenticate => ("authenticate", Some(401)),
            Verdict::Forbidden => ("forbidden", Some(403)),
            Verdict::Hidden => ("hidden", Some(404)),
        };
        let Explanation { grant, because, .. } = explanation;
        Self { allowed: status.is_none(), verdict, status, grant, because }
    }
}
