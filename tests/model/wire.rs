//! Commands as requests.

use serde_json::{Value, json};

use super::command::{Announced, Command, Form, Upload, Way};
use super::world::{CONTENTS, GUEST, GUILD, Place, Repo, kind_path, repo_type};
use super::{samples, samples::CLAUSES};

/// A request, but for who asks.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: &'static str,
    pub(crate) target: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) address: &'static str,
}

/// Where requests come from if nothing else is said.
pub(crate) const HOME: &str = "192.0.2.1";

fn ask(method: &'static str, target: impl Into<String>) -> Request {
    let (target, headers) = (target.into(), Vec::new());
    Request { method, target, headers, body: Vec::new(), address: HOME }
}

fn get(target: impl Into<String>) -> Request {
    ask("GET", target)
}

fn delete(target: impl Into<String>) -> Request {
    ask("DELETE", target)
}

impl Request {
    fn json(self, value: &Value) -> Self {
        Self { body: value.to_string().into_bytes(), ..self }
    }

    fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// A body of those fields that are said.
fn said<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    let said = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(said.collect())
}

fn repo_path(Repo(of, repo): Repo) -> String {
    format!("/repos/{of}/{repo}")
}

fn upload(upload: &Upload) -> Request {
    let Upload { repo: Repo(of, repo), package, version, path, .. } = upload;
    let (publish, overwrite) = (u8::from(upload.publish), u8::from(upload.overwrite));
    let matrix = format!(";publish={publish};override={overwrite}");
    let long = format!("/content/{of}/{repo}/{package}/{version}/{path}");
    let short = format!("/content/{of}/{repo}/{path}");
    let put = match upload.form {
        Form::Path => ask("PUT", format!("{long}?publish={publish}&override={overwrite}")),
        Form::PathMatrix => ask("PUT", format!("{long}{matrix}")),
        Form::Matrix => {
            ask("PUT", format!("{short};bt_package={package};bt_version={version}{matrix}"))
        }
        Form::Headers => ask("PUT", short)
            .header("x-bintray-package", *package)
            .header("x-bintray-version", *version)
            .header("x-bintray-publish", publish.to_string())
            .header("x-bintray-override", overwrite.to_string()),
        Form::Maven => ask("PUT", format!("/maven/{of}/{repo}/{package}/{path}{matrix}")),
    };
    let content = CONTENTS[upload.content];
    let put = match upload.announced {
        Announced::Nothing => put,
        Announced::Right => put.header("x-checksum-sha2", samples::sums(content.as_bytes()).sha256),
        Announced::Wrong => put.header("x-checksum-sha2", samples::sums(b"other").sha256),
    };
    Request { body: content.into(), ..put }
}

fn download(Repo(of, repo): Repo, path: &str, way: Way, etag: Option<String>) -> Request {
    let plain = format!("/{of}/{repo}/{path}");
    match way {
        Way::Get => get(plain),
        Way::Head => ask("HEAD", plain),
        Way::Content => get(format!("/content{plain}")),
        Way::Maven => get(format!("/maven/{of}/{repo}/app/{path}")),
        Way::Range(from, to) => get(plain).header("range", format!("bytes={from}-{to}")),
        Way::Last(count) => get(plain).header("range", format!("bytes=-{count}")),
        Way::IfNoneMatch => {
            get(plain).header("if-none-match", etag.unwrap_or_else(|| "\"x\"".to_owned()))
        }
        Way::From(address) => Request { address, ..get(plain) },
    }
}

/// What a request depends on besides its command.
#[derive(Clone, Debug, Default)]
pub(crate) struct Surroundings {
    pub(crate) now: i64,
    /// The ETag of the file that is asked for.
    pub(crate) etag: Option<String>,
    /// Where an engine says that the signed URL of the command leads.
    pub(crate) signed: Option<String>,
}

/// The request of a command; none for those that are none.
pub(crate) fn request(command: &Command, around: &Surroundings) -> Option<Request> {
    Some(match command {
        Command::Upload(of) => upload(of),
        Command::Download { repo, path, way } => download(*repo, path, *way, around.etag.clone()),
        Command::UseSignedUrl { forged, .. } => {
            let target = around.signed.clone().unwrap_or_else(|| "/x/y/z".to_owned());
            get(if *forged { target.replace("expiry=1", "expiry=2") } else { target })
        }
        Command::Wait { .. } | Command::RunJobs | Command::Restart => return None,
        _ => return of_content(command).or_else(|| super::wire_rights::of(command, around)),
    })
}

/// The requests about repositories, packages, versions, files and attributes.
fn of_content(command: &Command) -> Option<Request> {
    use Command as C;
    Some(match command {
        C::CreateRepo { repo, private, desc } => {
            let body = json!({
                "type": repo_type(*repo), "private": private, "desc": desc, "labels": ["b", "a"],
            });
            ask("POST", repo_path(*repo)).json(&body)
        }
        C::ShowRepo(repo) => get(repo_path(*repo)),
        C::HeadRepo(repo) => ask("HEAD", repo_path(*repo)),
        C::ListRepos(of) => get(format!("/repos/{of}")),
        C::PatchRepo { repo, private, desc } => ask("PATCH", repo_path(*repo))
            .json(&said([("private", private.map(Value::from)), ("desc", desc.map(Value::from))])),
        C::DeleteRepo(repo) => delete(repo_path(*repo)),
        C::SearchRepos(text) => get(format!("/search/repos?desc={text}")),
        C::SetNetworks { repo, white } => {
            ask("PUT", format!("{}/ip_restrictions", repo_path(*repo)))
                .json(&json!({"white_cidrs": [white], "black_cidrs": []}))
        }
        C::ShowNetworks(repo) => get(format!("{}/ip_restrictions", repo_path(*repo))),
        C::ClearNetworks(repo) => delete(format!("{}/ip_restrictions", repo_path(*repo))),
        C::CreatePackage { repo: Repo(of, repo), package, desc, licensed } => {
            let licenses = if *licensed { json!(["MIT", "Apache-2.0"]) } else { json!([]) };
            let body = json!({"name": package, "desc": desc, "licenses": licenses});
            ask("POST", format!("/packages/{of}/{repo}")).json(&body)
        }
        C::ShowPackage { repo, package, values } => {
            let query = if *values { "?attribute_values=1" } else { "" };
            get(Place::Package(*repo, package).path() + query)
        }
        C::ListPackages { repo, prefix } => {
            let query = prefix.map(|prefix| format!("?start_name={prefix}")).unwrap_or_default();
            get(format!("{}/packages{query}", repo_path(*repo)))
        }
        C::PatchPackage { repo, package, desc, labels } => {
            ask("PATCH", Place::Package(*repo, package).path()).json(&said([
                ("desc", desc.map(Value::from)),
                ("labels", labels.then(|| json!(["x", "a"]))),
            ]))
        }
        C::DeletePackage(repo, package) => delete(Place::Package(*repo, package).path()),
        C::SearchPackages { of, name } => {
            let name = name.map(|name| format!("&name={name}")).unwrap_or_default();
            get(format!("/search/packages?subject={of}{name}"))
        }
        C::SearchMaven(of) => get(format!("/search/packages/maven?q=*app*&subject={of}")),
        C::CreateVersion { repo, package, version, desc } => {
            let target = format!("{}/versions", Place::Package(*repo, package).path());
            ask("POST", target)
                .json(&said([("name", Some(json!(version))), ("desc", desc.map(Value::from))]))
        }
        C::ShowVersion { repo, package, version } => {
            get(Place::Version(*repo, package, version).path())
        }
        C::LatestVersion(repo, package) => get(Place::Version(*repo, package, "_latest").path()),
        C::PatchVersion { repo, package, version, desc, tag } => {
            ask("PATCH", Place::Version(*repo, package, version).path())
                .json(&said([("desc", Some(json!(desc))), ("vcs_tag", tag.map(Value::from))]))
        }
        C::DeleteVersion(repo, package, version) => {
            delete(Place::Version(*repo, package, version).path())
        }
        C::Explode { repo: Repo(of, repo), package, version, folder, publish, bad } => {
            let publish = u8::from(*publish);
            let target = format!(
                "/content/{of}/{repo}/{package}/{version}/{folder}/;explode=1;publish={publish}"
            );
            Request { body: samples::archive(*bad), ..ask("PUT", target) }
        }
        C::Publish { repo: Repo(of, repo), package, version, wait } => {
            let put = ask("POST", format!("/content/{of}/{repo}/{package}/{version}/publish"));
            if *wait { put.json(&json!({"publish_wait_for_secs": -1})) } else { put }
        }
        C::Discard { repo: Repo(of, repo), package, version } => {
            ask("POST", format!("/content/{of}/{repo}/{package}/{version}/publish"))
                .json(&json!({"discard": true}))
        }
        _ => return of_files(command),
    })
}

/// The requests about files that are there.
fn of_files(command: &Command) -> Option<Request> {
    use Command as C;
    let query = |unpublished: &bool| if *unpublished { "?include_unpublished=1" } else { "" };
    let names = |names: &Option<&str>| names.map(|of| format!("?names={of}")).unwrap_or_default();
    Some(match command {
        C::DeleteFile(Repo(of, repo), path) => delete(format!("/content/{of}/{repo}/{path}")),
        C::PackageFiles { repo, package, unpublished } => {
            get(format!("{}/files{}", Place::Package(*repo, package).path(), query(unpublished)))
        }
        C::VersionFiles { repo, package, version, unpublished } => {
            let version = Place::Version(*repo, package, version).path();
            get(format!("{version}/files{}", query(unpublished)))
        }
        C::FilePackage(Repo(of, repo), path) => get(format!("/file_package/{of}/{repo}/{path}")),
        C::FileVersion(Repo(of, repo), path) => get(format!("/file_version/{of}/{repo}/{path}")),
        C::ListInDownloads { repo: Repo(of, repo), path, listed } => {
            ask("PUT", format!("/file_metadata/{of}/{repo}/{path}"))
                .json(&json!({"list_in_downloads": listed}))
        }
        C::SearchFileName { name, of } => get(format!("/search/file?name={name}&subject={of}")),
        C::SearchSha1 { content, of } => {
            let sha1 = samples::sums(CONTENTS[*content].as_bytes()).sha1;
            get(format!("/search/file?sha1={sha1}&subject={of}"))
        }
        C::Folder { repo: Repo(of, repo), folder } => get(format!("/{of}/{repo}/{folder}")),
        C::Dynamic { repo: Repo(of, repo), package } => {
            get(format!("/content/{of}/{repo}/app-$latest.bin?bt_package={package}"))
        }
        C::GetAttributes(place, only) => get(format!("{}/attributes{}", place.path(), names(only))),
        C::SetAttributes(place, which) => {
            ask("POST", format!("{}/attributes", place.path())).json(&samples::attributes(which))
        }
        C::MergeAttributes(place, which) => {
            ask("PATCH", format!("{}/attributes", place.path())).json(&samples::attributes(which))
        }
        C::DeleteAttributes(place, only) => {
            delete(format!("{}/attributes{}", place.path(), names(only)))
        }
        C::SearchPackagesBy(Repo(of, repo), which) => {
            ask("POST", format!("/search/attributes/{of}/{repo}")).json(&clauses(which))
        }
        C::SearchVersionsBy(Repo(of, repo), package, which) => {
            ask("POST", format!("/search/attributes/{of}/{repo}/{package}/versions"))
                .json(&clauses(which))
        }
        C::SearchFilesBy(Repo(of, repo), which) => {
            ask("POST", format!("/files/{of}/{repo}/search/attributes")).json(&clauses(which))
        }
        _ => return None,
    })
}

fn clauses(which: &[usize]) -> Value {
    let clauses = which.iter().map(|at| {
        let (name, value) = CLAUSES[*at];
        let value: Value = serde_json::from_str(value).expect("a sample is JSON");
        json!({ name: value })
    });
    clauses.collect()
}

/// The body that makes or changes an access key.
pub(crate) fn key_body(
    id: Option<&str>,
    password: Option<u8>,
    expiry: Option<i64>,
    black: bool,
) -> Value {
    said([
        ("id", id.map(Value::from)),
        ("password", password.map(|number| json!(samples::password(number)))),
        ("expiry", expiry.map(Value::from)),
        ("black_cidrs", black.then(|| json!([samples::ELSEWHERE_NETWORK]))),
    ])
}

/// Requests of the platform's own dialect.
pub(crate) fn of_platform(command: &Command) -> Option<Request> {
    use Command as C;
    let members = format!("/management/v1/orgs/{GUILD}/members");
    let guest = format!("/management/v1/users/{GUEST}");
    Some(match command {
        C::PutUser => ask("PUT", guest).json(&json!({"plan": "enterprise"})),
        C::ShowGuest => get(guest),
        C::DeleteUser => delete(guest),
        C::ShowUser(user) => get(format!("/users/{user}")),
        C::ShowOrg => get(format!("/orgs/{GUILD}")),
        C::SearchUsers(text) => get(format!("/search/users?name={text}")),
        C::Follow(user, whom) => {
            ask("PUT", format!("/management/v1/users/{user}/following/{whom}"))
        }
        C::Unfollow(user, whom) => delete(format!("/management/v1/users/{user}/following/{whom}")),
        C::Followers(of) => get(format!("/users/{of}/followers")),
        C::PutMember(user, kind) => {
            ask("PUT", format!("{members}/{user}")).json(&json!({"type": kind}))
        }
        C::DeleteMember(user) => delete(format!("{members}/{user}")),
        C::ListMembers => get(members),
        C::CreateLicense(of) => ask("POST", format!("{}/licenses", kind_path(of)))
            .json(&json!({"name": "own", "description": "ours", "url": "http://x.test/"})),
        C::ListLicenses(of) => get(format!("{}/licenses", kind_path(of))),
        C::DeleteLicense(of) => delete(format!("{}/licenses/own", kind_path(of))),
        _ => return None,
    })
}

/// So many days from now, in milliseconds since 1970.
pub(crate) fn in_days(now: i64, days: u8) -> i64 {
    now + i64::from(days) * 86_400_000
}
