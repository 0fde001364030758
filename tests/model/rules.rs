//! What is answered to which command: where each kind of command has its rule.

use serde_json::{Value, json};

use super::access::{Caller, Rule};
use super::answer::{Expected, Told};
use super::command::{Command, Step, Way};
use super::state::Model;
use super::wire::HOME;

pub(crate) fn told(status: u16, value: Value) -> Rule<Expected> {
    Ok(Expected { status, told: Told::Json(value) })
}

pub(crate) fn success(status: u16) -> Rule<Expected> {
    told(status, json!({"message": "success"}))
}

/// A list that fits a page.
pub(crate) fn page(items: Vec<Value>) -> Rule<Expected> {
    Ok(Expected { status: 200, told: Told::Page(items.len(), Value::Array(items)) })
}

impl Model {
    /// Answers a command, and remembers what it changed.
    pub(crate) fn answer(&mut self, step: &Step) -> Expected {
        let address = match &step.what {
            Command::Download { way: Way::From(address), .. } => address,
            _ => HOME,
        };
        let before = self.clone();
        let answered = self.caller(step.by, address).and_then(|by| self.apply(by, &step.what));
        match answered {
            Ok(expected) => expected,
            Err(refusal) => {
                // Every change of a request is in one batch: what is refused changes nothing.
                *self = before;
                self.in_form(&step.what, refusal)
            }
        }
    }

    fn apply(&mut self, by: Caller, command: &Command) -> Rule<Expected> {
        use Command as C;
        match command {
            C::CreateRepo { .. }
            | C::ShowRepo(_)
            | C::HeadRepo(_)
            | C::ListRepos(_)
            | C::PatchRepo { .. }
            | C::DeleteRepo(_)
            | C::SearchRepos(_)
            | C::SetNetworks { .. }
            | C::ShowNetworks(_)
            | C::ClearNetworks(_) => self.on_repositories(by, command),
            C::CreatePackage { .. }
            | C::ShowPackage { .. }
            | C::ListPackages { .. }
            | C::PatchPackage { .. }
            | C::DeletePackage(..)
            | C::SearchPackages { .. }
            | C::SearchMaven(_)
            | C::FilePackage(..) => self.on_packages(by, command),
            C::CreateVersion { .. }
            | C::ShowVersion { .. }
            | C::LatestVersion(..)
            | C::PatchVersion { .. }
            | C::DeleteVersion(..)
            | C::FileVersion(..) => self.on_versions(by, command),
            C::Upload(_)
            | C::Explode { .. }
            | C::Publish { .. }
            | C::Discard { .. }
            | C::DeleteFile(..)
            | C::ListInDownloads { .. } => self.on_content(by, command),
            C::PackageFiles { .. }
            | C::VersionFiles { .. }
            | C::SearchFileName { .. }
            | C::SearchSha1 { .. } => self.on_lists_of_files(by, command),
            C::Download { .. } | C::Folder { .. } | C::Dynamic { .. } => {
                self.on_downloads(by, command)
            }
            C::SignUrl { .. } | C::UseSignedUrl { .. } | C::RenewKeyPair(_) => {
                self.on_signed_urls(by, command)
            }
            C::GetAttributes(..)
            | C::SetAttributes(..)
            | C::MergeAttributes(..)
            | C::DeleteAttributes(..)
            | C::SearchPackagesBy(..)
            | C::SearchVersionsBy(..)
            | C::SearchFilesBy(..) => self.on_attributes(by, command),
            C::CreateTeam { .. }
            | C::ShowTeam(..)
            | C::ListTeams(_)
            | C::PatchTeam { .. }
            | C::DeleteTeam(..)
            | C::SetPermission { .. }
            | C::ShowPermission(..)
            | C::ListPermissions(_)
            | C::DeletePermission(..) => self.on_teams(by, command),
            C::CreateKey { .. }
            | C::ShowKey(..)
            | C::ListKeys(_)
            | C::PatchKey { .. }
            | C::DeleteKey(..) => self.on_keys(by, command),
            C::CreateEntitlement { .. }
            | C::ShowEntitlement(..)
            | C::ListEntitlements(_)
            | C::PatchEntitlement { .. }
            | C::DeleteEntitlement(..)
            | C::SearchEntitlements { .. } => self.on_entitlements(by, command),
            C::CreateProduct { .. }
            | C::ShowProduct(..)
            | C::ListProducts(_)
            | C::PatchProduct { .. }
            | C::DeleteProduct(..) => self.on_products(by, command),
            C::CreateEula { .. }
            | C::ShowEula(..)
            | C::ListEulas(..)
            | C::PatchEula { .. }
            | C::DeleteEula(..)
            | C::FileEula(..)
            | C::AcceptEula { .. }
            | C::SignedEulas(..) => self.on_eulas(by, command),
            C::PutUser
            | C::ShowGuest
            | C::DeleteUser
            | C::ShowUser(_)
            | C::ShowOrg
            | C::SearchUsers(_)
            | C::Follow(..)
            | C::Unfollow(..)
            | C::Followers(_)
            | C::PutMember(..)
            | C::DeleteMember(_)
            | C::ListMembers
            | C::CreateLicense(_)
            | C::ListLicenses(_)
            | C::DeleteLicense(_) => self.on_subjects(by, command),
            C::Wait { .. } | C::RunJobs | C::Restart => {
                Ok(Expected { status: 0, told: Told::Empty })
            }
        }
    }

    /// A refusal in the form of its dialect: the download host answers in plain text, and `HEAD`
    /// without a body.
    fn in_form(&self, command: &Command, refusal: Expected) -> Expected {
        let Expected { status, told } = refusal;
        let plain = match command {
            Command::HeadRepo(_) | Command::Download { way: Way::Head, .. } => {
                return Expected { status, told: Told::Empty };
            }
            Command::Download { way: Way::Content | Way::Maven, .. } => false,
            Command::Download { .. }
            | Command::Folder { .. }
            | Command::AcceptEula { .. }
            | Command::UseSignedUrl { .. } => true,
            _ => false,
        };
        let told = match (plain, status, told) {
            (true, _, Told::Plain(text)) => Told::Plain(text),
            (false, _, Told::Plain(text)) => Told::Message(text.trim_end().to_owned()),
            (true, 401, _) => Told::Plain("Unauthorized\n".to_owned()),
            (true, 403, _) => Told::Plain("Forbidden\n".to_owned()),
            (true, 404, _) => Told::Plain("Not Found\n".to_owned()),
            (_, _, told) => told,
        };
        Expected { status, told }
    }
}
