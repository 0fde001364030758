//! What is asked of each route: its target in a state, and a body.

use packhouse_http::{Method, Route};
use serde_json::json;

use super::states::State::{
    self, HiddenProduct, NoAccessKey, NoEntitlement, NoEula, NoFile, NoGpgKeys, NoLicense,
    NoPackage, NoProduct, NoRepository, NoSubject, NoTeam, NoVersion, Unpublished,
};
use super::states::is_upload;
use crate::app::{OWNER, READER, STRANGER};

/// The target of a route in a state.
pub(crate) fn target(route: &Route, state: State) -> String {
    let pick = |absent: bool, there: &str| if absent { "absent" } else { there }.to_owned();
    let repo = if state.is_private() { "vault" } else { "tools" };
    let package = pick(matches!(state, NoPackage { .. }), "app");
    let version = pick(matches!(state, NoVersion { .. }), "1.0");
    let path = match (route.operation, state) {
        ("content.upload", _) => format!("{package}/1.0/fresh.bin"),
        ("content.upload_maven", _) => "org/acme/fresh/1.0/fresh-1.0.jar".to_owned(),
        (_, NoFile { .. }) => "app/1.0/absent.bin".to_owned(),
        ("eulas.of_file", Unpublished { .. }) => "licensed/2.0/new.bin".to_owned(),
        ("eulas.of_file", _) => "licensed/1.0/licensed.bin".to_owned(),
        (_, Unpublished { .. }) => "app/2.0/new.bin".to_owned(),
        _ => "app/1.0/app.bin".to_owned(),
    };
    let folder = match state {
        NoFile { .. } => "app/absent",
        Unpublished { .. } => "app/2.0",
        _ => "app/1.0",
    };
    let (subject, repo) = match route.operation {
        "orgs.put" => ("fresh".to_owned(), repo.to_owned()),
        // What the owner administers besides, without keys.
        _ if state == NoGpgKeys && route.path.contains("/orgs/") => {
            ("keyless-guild".to_owned(), repo.to_owned())
        }
        _ if state == NoGpgKeys => ("keyless".to_owned(), repo.to_owned()),
        // An organization that the owner owns.
        _ if route.path.contains("/orgs/{subject}") => {
            (pick(state == NoSubject, "guild"), repo.to_owned())
        }
        "users.put" => ("fresh".to_owned(), repo.to_owned()),
        "repositories.create" => (pick(state == NoSubject, OWNER), "fresh".to_owned()),
        _ => (pick(state == NoSubject, OWNER), pick(state == NoRepository, repo)),
    };
    let package = match (route.operation, state) {
        // A package whose versions have no published file.
        ("versions.show_latest", NoVersion { .. }) => "bare".to_owned(),
        _ => package,
    };
    let product = match state {
        NoProduct => "absent",
        HiddenProduct => "secret",
        _ => "suite",
    };
    route
        .path
        .replace("{subject}", &subject)
        .replace("{repo}", &repo)
        .replace("{package}", &package)
        .replace("{version}", &version)
        .replace("{*path}", &path)
        .replace("{*folder}", folder)
        .replace("{product}", product)
        .replace("{eula}", &pick(state == NoEula, "terms"))
        .replace("{custom_license_name}", &pick(state == NoLicense, "mine"))
        .replace("{team}", &pick(state == NoTeam, "crew"))
        .replace("{user}", READER)
        .replace("{followed}", STRANGER)
        .replace("{access_key_id}", &pick(state == NoAccessKey, "spare"))
        .replace("{entitlement_id}", &pick(state == NoEntitlement, "e1"))
        + match route.operation {
            "downloads.list_root" => "/",
            "search.repositories" | "search.packages" | "search.files" | "subjects.search" => {
                "?name=a"
            }
            "search.maven" => "?q=a",
            "entitlements.search" => "?scope=acme/tools&access_key=spare",
            _ => "",
        }
}

pub(crate) fn body(route: &Route) -> String {
    match route.operation {
        _ if is_upload(route) => "bytes".to_owned(),
        "explain.explain" => json!({"action": "read", "resource": {"subject": OWNER}}).to_string(),
        "files.list_in_downloads" => json!({"list_in_downloads": true}).to_string(),
        "packages.create" | "versions.create" => json!({"name": "fresh"}).to_string(),
        "access_keys.create_of_org" | "access_keys.create_of_user" => {
            json!({"id": "fresh"}).to_string()
        }
        "eulas.create" => json!({"name": "fresh", "content": "text"}).to_string(),
        "eulas.update" => json!({"content": "text"}).to_string(),
        "products.update" => json!({"desc": "text"}).to_string(),
        "restrictions.set_countries" => json!({"white_list": []}).to_string(),
        "restrictions.set_networks" => json!({"white_cidrs": []}).to_string(),
        "restrictions.change_networks" => json!({"add": {}}).to_string(),
        "products.create" | "licenses.create_of_org" | "licenses.create_of_user" => {
            json!({"name": "fresh"}).to_string()
        }
        "teams.create_of_org" | "teams.create_of_user" => json!({"name": "fresh"}).to_string(),
        "permissions.set" => json!({"team": "crew", "permission": "read"}).to_string(),
        "gpg_keys.put_of_org" | "gpg_keys.put_of_user" => {
            json!({"public_key": crate::gpg_keys::key("ed25519.pub")}).to_string()
        }
        "orgs.put" => json!({"owner": OWNER}).to_string(),
        "orgs.put_member" => json!({"type": "member"}).to_string(),
        operation if operation.starts_with("entitlements.create_") => {
            json!({"access": "r"}).to_string()
        }
        operation if operation.starts_with("attributes.search_") => {
            json!([{"name": "value"}]).to_string()
        }
        operation if operation.starts_with("attributes.") => {
            json!([{"name": "name", "values": ["value"]}]).to_string()
        }
        _ if route.method == Method::Get => String::new(),
        _ => "{}".to_owned(),
    }
}
