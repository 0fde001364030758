//! What the gates of a route say, in a few lines that share nothing with the engine.

use packhouse_http::{Gate, Right, Route};

use super::callers::{PUBLISHERS, READERS, WRONG_KEY};
use super::states::State::{
    self, HiddenProduct, NoAccessKey, NoEntitlement, NoEula, NoFile, NoGpgKeys, NoLicense,
    NoPackage, NoProduct, NoRepository, NoSubject, NoTeam, NoVersion, Unpublished,
};
use crate::app::{ADMIN, OWNER, PUBLISHER};

/// What the gates of a route say: the status, and the noun that a 404 names.
pub(crate) type Expected = (u16, Option<&'static str>);

pub(crate) fn expected(route: &Route, gates: &[Gate], caller: &str, state: State) -> Expected {
    if caller == WRONG_KEY {
        return (401, None);
    }
    let refused = gates.iter().find_map(|gate| refusal(*gate, caller, state));
    // Who may list it in the downloads is told that it is not published.
    let unlisted = route.operation == "files.list_in_downloads";
    let passed = match state {
        Unpublished { .. } if unlisted => 400,
        _ => success(route),
    };
    refused.unwrap_or((passed, None))
}

/// What a gate answers, if it does not let the caller through.
pub(crate) fn refusal(gate: Gate, caller: &str, state: State) -> Option<Expected> {
    let anonymous = caller.is_empty();
    let reads = |right| right == Right::Read;
    let hidden = |noun| if anonymous { (401, None) } else { (404, Some(noun)) };
    match gate {
        Gate::Credentials => anonymous.then_some((401, None)),
        Gate::Platform => (caller != ADMIN).then_some((403, None)),
        Gate::Oneself => {
            let itself = caller == OWNER && state != NoSubject;
            (caller != ADMIN && !itself).then_some((403, None))
        }
        Gate::Subject(right) => match state {
            NoSubject => Some(hidden("Subject")),
            // Somewhere in it.
            _ if right == Right::Publish && caller == PUBLISHER => None,
            _ => (!reads(right) && ![OWNER, ADMIN].contains(&caller)).then_some((403, None)),
        },
        Gate::Repository(right) => {
            let known = READERS.contains(&caller);
            let absent = matches!(state, NoSubject | NoRepository);
            let may = match right {
                Right::Read => true,
                Right::Publish => PUBLISHERS.contains(&caller),
                Right::Own => [OWNER, ADMIN].contains(&caller),
            };
            match () {
                () if absent || (state.is_private() && !known) => Some(hidden("Repo")),
                () => (!may).then_some((403, None)),
            }
        }
        Gate::Package => matches!(state, NoPackage { .. }).then_some((404, Some("Package"))),
        Gate::Version => {
            let absent = matches!(state, NoPackage { .. } | NoVersion { .. });
            absent.then_some((404, Some("Version")))
        }
        // A folder is there for those who asked to see something in it.
        Gate::Folder => match state {
            NoFile { .. } | Unpublished { .. } => Some((404, Some("File"))),
            _ => None,
        },
        Gate::File => match state {
            NoFile { .. } => Some((404, Some("File"))),
            Unpublished { .. } if anonymous => Some((401, None)),
            Unpublished { .. } if !PUBLISHERS.contains(&caller) => Some((404, Some("File"))),
            _ => None,
        },
        Gate::Product => match state {
            NoSubject => Some(hidden("Subject")),
            NoProduct => Some((404, Some("Product"))),
            // Who reads none of its packages is not told that it is there.
            HiddenProduct if !READERS.contains(&caller) => Some((404, Some("Product"))),
            _ => None,
        },
        Gate::Eula => (state == NoEula).then_some((404, Some("Eula"))),
        Gate::License => (state == NoLicense).then_some((404, Some("License"))),
        // To those who do not administer its subject none is there.
        Gate::Team => {
            (state == NoTeam || ![OWNER, ADMIN].contains(&caller)).then_some((404, Some("Team")))
        }
        Gate::AccessKey => (state == NoAccessKey).then_some((404, Some("AccessKey"))),
        Gate::Entitlement => (state == NoEntitlement).then_some((404, Some("Entitlement"))),
        Gate::GpgKeys => (state == NoGpgKeys).then_some((404, Some("GPG key"))),
        Gate::Scope => (![OWNER, ADMIN].contains(&caller)).then_some((403, None)),
    }
}

fn success(route: &Route) -> u16 {
    match route.operation {
        "content.upload"
        | "content.upload_maven"
        | "repositories.create"
        | "packages.create"
        | "versions.create"
        | "users.put"
        | "users.renew_key"
        | "orgs.renew_key"
        | "access_keys.create_of_org"
        | "access_keys.create_of_user"
        | "entitlements.create_of_product"
        | "entitlements.create_of_repo"
        | "entitlements.create_of_package"
        | "entitlements.create_of_version"
        | "products.create"
        | "eulas.create"
        | "licenses.create_of_org"
        | "licenses.create_of_user"
        | "teams.create_of_org"
        | "teams.create_of_user"
        | "orgs.put"
        | "signed_urls.renew_key" => 201,
        _ => 200,
    }
}
