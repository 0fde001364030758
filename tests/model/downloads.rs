//! Downloads, folders and lists of files: "Files", "Downloads", `docs/restrictions.md` and
//! `docs/products-and-eulas.md`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::access::{Caller, Need, Rule, Target, not_found, refuse_somehow};
use super::answer::{Expected, Told};
use super::command::{Command, Way};
use super::rules::page;
use super::samples;
use super::state::{File, Model};
use super::wire::HOME;
use super::world::{CONTENTS, Repo, iso};

pub(crate) fn file_json(Repo(of, repo): Repo, path: &str, file: &File) -> Value {
    let sums = file.sums();
    json!({
        "name": path.rsplit('/').next(), "path": path, "package": file.package,
        "version": file.version, "repo": repo, "owner": of, "created": iso(file.created),
        "size": file.bytes().len(), "sha1": sums.sha1, "sha256": sums.sha256,
    })
}

impl Model {
    /// The files of a repository that someone sees in lists.
    pub(crate) fn visible_files(
        &self,
        by: Caller,
        repo: Repo,
        unpublished: bool,
    ) -> Vec<(&str, &File)> {
        let files = self.repo(repo).into_iter().flat_map(|repo| repo.files.iter());
        let sees = |(path, file): &(&str, &File)| {
            let target =
                Target { path: Some(path), ..Target::version(repo, file.package, file.version) };
            if file.published {
                self.sees(by, target)
            } else {
                unpublished && self.may(by, Need::Publish, target)
            }
        };
        files.map(|(path, file)| (path.as_str(), file)).filter(sees).collect()
    }

    pub(crate) fn on_lists_of_files(&mut self, by: Caller, command: &Command) -> Rule<Expected> {
        match command {
            Command::PackageFiles { repo, package, unpublished } => {
                self.gate(by, Need::Read, Target::package(*repo, package))?;
                self.package_of(*repo, package)?;
                // Unpublished ones are for who may publish all that is listed.
                let publisher = self.may(by, Need::Publish, Target::package(*repo, package));
                let mut files = self.visible_files(by, *repo, *unpublished && publisher);
                files.retain(|(_, file)| file.package == *package);
                page(files.iter().map(|(path, file)| file_json(*repo, path, file)).collect())
            }
            Command::VersionFiles { repo, package, version, unpublished } => {
                self.gate(by, Need::Read, Target::version(*repo, package, version))?;
                self.version_of(*repo, package, version)?;
                let target = Target::version(*repo, package, version);
                let publisher = self.may(by, Need::Publish, target);
                let mut files = self.visible_files(by, *repo, *unpublished && publisher);
                files.retain(|(_, file)| (file.package, file.version) == (*package, *version));
                page(files.iter().map(|(path, file)| file_json(*repo, path, file)).collect())
            }
            Command::SearchFileName { name, of } => self.search_files(by, of, |path, _| {
                let last = path.rsplit('/').next().unwrap_or(path);
                match name.strip_prefix('*') {
                    Some(end) => last.ends_with(end),
                    None => last == *name,
                }
            }),
            Command::SearchSha1 { content, of } => {
                let wanted = samples::sums(CONTENTS[*content].as_bytes()).sha1;
                self.search_files(by, of, |_, file| file.sums().sha1 == wanted)
            }
            _ => unreachable!("{command:?} lists files"),
        }
    }

    fn search_files(
        &self,
        by: Caller,
        of: &'static str,
        wanted: impl Fn(&str, &File) -> bool,
    ) -> Rule<Expected> {
        let mut found = Vec::new();
        for name in self.subject(of).repos.keys() {
            let repo = Repo(of, name);
            // As for packages: only what may be read as a whole is looked through.
            if !self.sees(by, Target::repo(repo)) {
                continue;
            }
            for (path, file) in self.visible_files(by, repo, false) {
                if wanted(path, file) {
                    found.push(file_json(repo, path, file));
                }
            }
        }
        page(found)
    }

    /// The restrictions of a repository, which stand before everyone.
    pub(crate) fn let_in(&self, repo: Repo, address: &str) -> Rule<()> {
        let white = self.repo(repo).and_then(|repo| repo.white);
        // A white network of the worlds holds one of the two addresses.
        let prefix =
            |network: &str| network.rsplit_once('.').map_or("", |(start, _)| start).to_owned();
        match white {
            Some(network) if !address.starts_with(&prefix(network)) => {
                let Repo(of, name) = repo;
                let text =
                    format!("The repository '{of}/{name}' allows no downloads from your network\n");
                Err(Expected { status: 403, told: Told::Plain(text) })
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn on_downloads(&mut self, by: Caller, command: &Command) -> Rule<Expected> {
        match command {
            Command::Download { repo, path, way } => {
                let address = if let Way::From(address) = way { address } else { HOME };
                self.gate(by, Need::Read, self.file_target(*repo, path))?;
                // The download host is restricted as a whole; of the API's routes, what is there.
                if !matches!(way, Way::Content | Way::Maven) {
                    self.let_in(*repo, address)?;
                }
                let file = self.file_for(by, *repo, path)?;
                self.let_in(*repo, address)?;
                self.eula_of_download(by, *repo, path)?;
                Ok(served(file, *way))
            }
            Command::Folder { repo, folder } => self.folder(by, *repo, folder),
            Command::Dynamic { repo, package } => self.dynamic(by, *repo, package),
            _ => unreachable!("{command:?} is a download"),
        }
    }

    fn folder(&self, by: Caller, repo: Repo, folder: &str) -> Rule<Expected> {
        let inside = format!("{}/", folder.trim_end_matches('/'));
        let inside = if inside == "/" { "" } else { &inside };
        let files = self.visible_files(by, repo, false);
        let names: BTreeSet<&str> = files
            .iter()
            .filter_map(|(path, _)| path.strip_prefix(inside))
            .map(|rest| match rest.find('/') {
                Some(end) => &rest[..=end],
                None => rest,
            })
            .collect();
        if names.is_empty() || folder.is_empty() {
            // Nobody is told more of an empty folder than of the repository.
            self.gate(by, Need::Read, Target::repo(repo))
                .or_else(|refusal| if names.is_empty() { Err(refusal) } else { Ok(()) })?;
        }
        self.let_in(repo, HOME)?;
        if names.is_empty() && !folder.is_empty() {
            return not_found("File", folder);
        }
        if !folder.is_empty() && !folder.ends_with('/') {
            let told = Told::Location(format!("{folder}/"));
            return Ok(Expected { status: 302, told });
        }
        let links = names.into_iter().map(str::to_owned).collect();
        Ok(Expected { status: 200, told: Told::Links(links) })
    }

    fn dynamic(&self, by: Caller, repo: Repo, package: &str) -> Rule<Expected> {
        let Some(latest) = self.latest(repo, package) else {
            self.gate(by, Need::Read, Target::package(repo, package))?;
            self.package_of(repo, package)?;
            return not_found("Version", "_latest");
        };
        let path = format!("app-{latest}.bin");
        match self.file_for(by, repo, &path) {
            Ok(_) => {}
            Err(refusal) if refusal.status == 404 => return refuse_somehow(404),
            Err(refusal) => return Err(refusal),
        }
        self.let_in(repo, HOME)?;
        self.eula_of_download(by, repo, &path)?;
        let told = Told::Location(format!("/{}/{}/{path}?expiry=", repo.0, repo.1));
        Ok(Expected { status: 302, told })
    }
}

/// The answer of a download that is allowed.
pub(crate) fn served(file: &File, way: Way) -> Expected {
    let (bytes, sums) = (file.bytes().as_bytes(), file.sums());
    let whole = bytes.len();
    let part = |from: usize, to: usize| Expected {
        status: 206,
        told: Told::File { sums: file.sums(), bytes: bytes[from..=to].to_vec(), whole, from },
    };
    let full = Told::File { sums: sums.clone(), bytes: bytes.to_vec(), whole, from: 0 };
    match way {
        Way::Head => Expected { status: 200, told: Told::Head(sums, whole) },
        Way::Range(from, to) => {
            let (from, to) = (usize::try_from(from).unwrap_or(0), usize::try_from(to).unwrap_or(0));
            if from >= whole {
                return Expected { status: 416, told: Told::Empty };
            }
            part(from, to.min(whole - 1))
        }
        // The last bytes of nothing are nothing (RFC 9110, 14.1.2), and no part can say so.
        Way::Last(_) if whole == 0 => Expected { status: 200, told: full },
        Way::Last(count) => {
            let count = usize::try_from(count).unwrap_or(0).min(whole);
            part(whole - count, whole - 1)
        }
        Way::IfNoneMatch => Expected { status: 304, told: Told::Empty },
        Way::Get | Way::Content | Way::Maven | Way::From(_) => Expected { status: 200, told: full },
    }
}
