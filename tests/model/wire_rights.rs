//! Commands about rights as requests: teams, keys, entitlements, products, EULAs, signed URLs.

use serde_json::{Value, json};

use super::command::Command;
use super::wire::{HOME, Request, Surroundings, in_days, key_body, of_platform};
use super::world::{Place, Repo, kind_path};

fn ask(method: &'static str, target: String) -> Request {
    Request { method, target, headers: Vec::new(), body: Vec::new(), address: HOME }
}

fn send(method: &'static str, target: String, body: &Value) -> Request {
    Request { body: body.to_string().into_bytes(), ..ask(method, target) }
}

/// The request of such a command.
pub(crate) fn of(command: &Command, around: &Surroundings) -> Option<Request> {
    of_teams(command)
        .or_else(|| of_keys(command, around))
        .or_else(|| of_products(command))
        .or_else(|| of_platform(command))
}

fn of_teams(command: &Command) -> Option<Request> {
    use Command as C;
    let one = |of: &str, team: &str| format!("{}/teams/{team}", kind_path(of));
    let of_repo = |Repo(of, repo): &Repo| format!("/repos/{of}/{repo}/permissions");
    Some(match command {
        C::CreateTeam { of, team, members, creates } => {
            let body = json!({"name": team, "members": members, "allow_repo_creation": creates});
            send("POST", format!("{}/teams", kind_path(of)), &body)
        }
        C::ShowTeam(of, team) => ask("GET", one(of, team)),
        C::ListTeams(of) => ask("GET", format!("{}/teams", kind_path(of))),
        C::PatchTeam { of, team, members, creates } => {
            let body = json!({"members": members, "allow_repo_creation": creates});
            send("PATCH", one(of, team), &body)
        }
        C::DeleteTeam(of, team) => ask("DELETE", one(of, team)),
        C::SetPermission { repo, team, permission } => {
            send("PUT", of_repo(repo), &json!({"team": team, "permission": permission}))
        }
        C::ShowPermission(repo, team) => ask("GET", format!("{}/{team}", of_repo(repo))),
        C::ListPermissions(repo) => ask("GET", of_repo(repo)),
        C::DeletePermission(repo, team) => ask("DELETE", format!("{}/{team}", of_repo(repo))),
        _ => return None,
    })
}

fn of_keys(command: &Command, around: &Surroundings) -> Option<Request> {
    use Command as C;
    let keys = |of: &str| format!("{}/access_keys", kind_path(of));
    let one = |of: &str, key: &str| format!("{}/access_keys/{key}", kind_path(of));
    let entitlements = |of: &Place| format!("{}/entitlements", of.path());
    let access = |write: bool| if write { "rw" } else { "r" };
    Some(match command {
        C::CreateKey { of, key, password, days, black } => {
            let expiry = days.map(|days| in_days(around.now, days));
            send("POST", keys(of), &key_body(Some(key), Some(*password), expiry, *black))
        }
        C::ShowKey(of, key) => ask("GET", one(of, key)),
        C::ListKeys(of) => ask("GET", keys(of)),
        C::PatchKey { of, key, password, days } => {
            let expiry = days.map(|days| in_days(around.now, days));
            send("PATCH", one(of, key), &key_body(None, *password, expiry, false))
        }
        C::DeleteKey(of, key) => ask("DELETE", one(of, key)),
        C::CreateEntitlement { of, id, write, keys, path } => {
            let mut body = json!({"id": id, "access": access(*write), "access_keys": keys});
            if let Some(path) = path {
                body["path"] = json!(path);
            }
            send("POST", entitlements(of), &body)
        }
        C::ShowEntitlement(of, id) => ask("GET", format!("{}/{id}", entitlements(of))),
        C::ListEntitlements(of) => ask("GET", entitlements(of)),
        C::PatchEntitlement { of, id, write, add, remove } => {
            let mut body = json!({"access_keys_add": add, "access_keys_remove": remove});
            if let Some(write) = write {
                body["access"] = json!(access(*write));
            }
            send("PATCH", format!("{}/{id}", entitlements(of)), &body)
        }
        C::DeleteEntitlement(of, id) => ask("DELETE", format!("{}/{id}", entitlements(of))),
        C::SearchEntitlements { scope, key, deep } => {
            let (scope, product) = match scope {
                Place::Repo(Repo(of, repo)) | Place::File(Repo(of, repo), _) => {
                    (format!("{of}/{repo}"), String::new())
                }
                Place::Package(Repo(of, repo), package) => {
                    (format!("{of}/{repo}/{package}"), String::new())
                }
                Place::Version(Repo(of, repo), package, version) => {
                    (format!("{of}/{repo}/{package}/{version}"), String::new())
                }
                Place::Product(of, product) => ((*of).to_owned(), format!("&product={product}")),
            };
            let query = format!("access_key={key}&scope={scope}{product}&deep={deep}");
            ask("GET", format!("/search/entitlements?{query}"))
        }
        C::SignUrl { repo: Repo(of, repo), path, seconds, .. } => {
            let target = format!("/signed_url/{of}/{repo}/{path}");
            send("POST", target, &json!({"valid_for_secs": seconds}))
        }
        C::RenewKeyPair(of) => ask("POST", format!("/subjects/{of}/keypair")),
        _ => return None,
    })
}

fn of_products(command: &Command) -> Option<Request> {
    use Command as C;
    let product_path = |of: &str, product: &str| format!("/products/{of}/{product}");
    let eulas = |of: &str, product: &str| format!("/products/{of}/{product}/eulas");
    Some(match command {
        C::CreateProduct { of, product, packages } => {
            send("POST", format!("/products/{of}"), &json!({"name": product, "packages": packages}))
        }
        C::ShowProduct(of, product) => ask("GET", product_path(of, product)),
        C::ListProducts(of) => ask("GET", format!("/products/{of}")),
        C::PatchProduct { of, product, packages, desc } => {
            let mut body = json!({"desc": desc});
            if let Some(packages) = packages {
                body["packages"] = json!(packages);
            }
            send("PATCH", product_path(of, product), &body)
        }
        C::DeleteProduct(of, product) => ask("DELETE", product_path(of, product)),
        C::CreateEula { of, product, eula, default, versions } => {
            let body = json!({
                "name": eula, "syntax": "markdown", "content": "Be good.", "default": default,
                "versions": versions,
            });
            send("POST", eulas(of, product), &body)
        }
        C::ShowEula(of, product, eula) => ask("GET", format!("{}/{eula}", eulas(of, product))),
        C::ListEulas(of, product) => ask("GET", eulas(of, product)),
        C::PatchEula { of, product, eula, default } => {
            let mut body = json!({"content": "Be better."});
            if let Some(default) = default {
                body["default"] = json!(default);
            }
            send("PATCH", format!("{}/{eula}", eulas(of, product)), &body)
        }
        C::DeleteEula(of, product, eula) => ask("DELETE", format!("{}/{eula}", eulas(of, product))),
        C::FileEula(Repo(of, repo), path) => ask("GET", format!("/file_eula/{of}/{repo}/{path}")),
        // The page; what it asks to be sent follows.
        C::AcceptEula { of, product, version } => {
            ask("GET", format!("/{of}/product/{product}/{version}/accept_eula"))
        }
        C::SignedEulas(of, product) => ask("GET", format!("/products/{of}/{product}/signed_eulas")),
        _ => return None,
    })
}
