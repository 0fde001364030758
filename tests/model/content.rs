//! Uploads, publications and deletions of files: "Content Uploading & Publishing", and
//! `docs/decisions/0003-wire-choices.md` where it is silent.

use serde_json::json;

use super::access::{Caller, Need, Rule, Target, not_found, refuse, refuse_somehow, unauthorized};
use super::answer::Expected;
use super::command::{Announced, Command, Form, Upload};
use super::rules::{success, told};
use super::samples::ARCHIVED;
use super::state::{File, Flaw, Model};
use super::world::{MAVEN_PATH, Repo};

/// What one file is uploaded as.
struct Arrival<'a> {
    repo: Repo,
    package: &'static str,
    version: &'static str,
    path: &'a str,
    content: usize,
    publish: bool,
    overwrite: bool,
}

impl Model {
    /// The target of a file, with what it is of if it is there.
    pub(crate) fn file_target<'a>(&'a self, repo: Repo, path: &'a str) -> Target<'a> {
        let file = self.file(repo, path);
        let (package, version) = (file.map(|file| file.package), file.map(|file| file.version));
        Target { repo, package, version, path: Some(path) }
    }

    /// A file that someone asks to read: there for those who see it, published or as a publisher.
    pub(crate) fn file_for(&self, by: Caller, repo: Repo, path: &str) -> Rule<&File> {
        let target = self.file_target(repo, path);
        self.gate(by, Need::Read, target)?;
        let Some(file) = self.file(repo, path) else { return not_found("File", path) };
        if file.published || self.may(by, Need::Publish, target) {
            return Ok(file);
        }
        if by == Caller::Nobody { unauthorized() } else { not_found("File", path) }
    }

    /// A file that someone changes.
    pub(crate) fn file_to_change(&self, by: Caller, repo: Repo, path: &str) -> Rule<&File> {
        self.gate(by, Need::Publish, self.file_target(repo, path))?;
        self.file(repo, path).map_or_else(|| not_found("File", path), Ok)
    }

    pub(crate) fn on_content(&mut self, by: Caller, command: &Command) -> Rule<Expected> {
        match command {
            Command::Upload(upload) => self.upload(by, upload),
            Command::Explode { repo, package, version, folder, publish, bad } => {
                self.explode(by, *repo, package, version, (folder, *publish, *bad))
            }
            Command::Publish { repo, package, version, .. } => {
                self.gate(by, Need::Publish, Target::version(*repo, package, version))?;
                self.version_of(*repo, package, version)?;
                let count = self.publish(*repo, package, version);
                told(200, json!({"files": count}))
            }
            Command::Discard { repo, package, version } => {
                self.gate(by, Need::Publish, Target::version(*repo, package, version))?;
                self.version_of(*repo, package, version)?;
                let count = self.discard(*repo, package, version);
                told(200, json!({"files": count}))
            }
            Command::DeleteFile(repo, path) => {
                let file = self.file_to_change(by, *repo, path)?;
                let (package, version) = (file.package, file.version);
                let hidden = !file.published;
                if let Some(of) = self.repo_mut(*repo) {
                    of.files.remove(*path);
                }
                self.touch(*repo, package, version, hidden);
                success(200)
            }
            Command::ListInDownloads { repo, path, listed } => {
                let file = self.file_to_change(by, *repo, path)?;
                if !file.published {
                    return refuse_somehow(400);
                }
                let (package, version, was) = (file.package, file.version, file.listed);
                if let Some(file) = self.repo_mut(*repo).and_then(|of| of.files.get_mut(*path)) {
                    file.listed = *listed;
                }
                if was != *listed {
                    self.touch(*repo, package, version, false);
                }
                success(200)
            }
            _ => unreachable!("{command:?} is about content"),
        }
    }

    fn upload(&mut self, by: Caller, upload: &Upload) -> Rule<Expected> {
        let Upload { repo, package, path, content, publish, overwrite, .. } = *upload;
        let version = if upload.form == Form::Maven { "1.0" } else { upload.version };
        let target = Target { path: Some(path), ..Target::version(repo, package, version) };
        let in_layout = path == MAVEN_PATH;
        if upload.form == Form::Maven && !in_layout {
            if by == Caller::Nobody {
                return unauthorized();
            }
            return refuse(400, "Provided artifact path does not comply with Maven's convention");
        }
        self.gate(by, Need::Publish, target)?;
        self.package_of(repo, package)?;
        let arrival = Arrival { repo, package, version, path, content, publish, overwrite };
        self.may_arrive(by, &arrival)?;
        if upload.announced == Announced::Wrong {
            return refuse_somehow(409);
        }
        self.arrive(&arrival);
        success(201)
    }

    fn explode(
        &mut self,
        by: Caller,
        repo: Repo,
        package: &'static str,
        version: &'static str,
        (folder, publish, bad): (&str, bool, bool),
    ) -> Rule<Expected> {
        let target = Target { path: Some(folder), ..Target::version(repo, package, version) };
        self.gate(by, Need::Publish, target)?;
        self.package_of(repo, package)?;
        self.may_make_version(by, target, publish)?;
        if bad {
            return refuse_somehow(422);
        }
        for (name, content) in ARCHIVED {
            let path = &format!("{folder}/{name}");
            let overwrite = false;
            let arrival = Arrival { repo, package, version, path, content, publish, overwrite };
            self.may_arrive(by, &arrival)?;
            self.arrive(&arrival);
        }
        success(201)
    }

    /// Who may write to some paths alone makes no version, and publishes none for the first time.
    fn may_make_version(&self, by: Caller, target: Target<'_>, publish: bool) -> Rule<()> {
        let (Some(package), Some(version)) = (target.package, target.version) else {
            return Ok(());
        };
        let wider = Target { path: None, ..target };
        if self.may(by, Need::Publish, wider) {
            return Ok(());
        }
        if self.version(target.repo, package, version).is_none() {
            return refuse(
                403,
                format!(
                    "Version '{version}' is not there: who may write to some paths alone adds to \
                 versions that are; have it made by who may write to the package"
                ),
            );
        }
        if publish && !self.is_published(target.repo, package, version) {
            return refuse(
                403,
                format!(
                    "Version '{version}' is not published: who may write to some paths alone adds to \
                 what is; have it published, or leave out publish"
                ),
            );
        }
        Ok(())
    }

    fn may_arrive(&self, by: Caller, arrival: &Arrival<'_>) -> Rule<()> {
        let Arrival { repo, package, version, path, publish, .. } = *arrival;
        let target = Target { path: Some(path), ..Target::version(repo, package, version) };
        self.may_make_version(by, target, publish)?;
        let exists =
            || format!("Unable to upload files: An artifact with the path '{path}' already exists");
        match self.file(repo, path) {
            Some(file) if (file.package, file.version) != (package, version) => {
                // Who may not write to that one hears what is said of a path that is not theirs.
                refuse_somehow(409)
            }
            Some(file) if file.published && !arrival.overwrite => match self.flaw {
                Some(Flaw::OverwritesFreely) => Ok(()),
                _ => refuse(409, exists()),
            },
            _ => Ok(()),
        }
    }

    fn arrive(&mut self, arrival: &Arrival<'_>) {
        let Arrival { repo, package, version, path, content, publish, .. } = *arrival;
        let now = self.now;
        if self.version(repo, package, version).is_none() {
            self.make_version(repo, package, version);
        }
        let Some(of) = self.repo_mut(repo) else { return };
        let fresh = File {
            package,
            version,
            content,
            created: now,
            published: publish,
            waiting: None,
            attributes: Vec::new(),
            listed: false,
        };
        match of.files.get_mut(path) {
            // The bytes that are there already need not wait to replace themselves.
            Some(file) if file.published && !publish => {
                file.waiting = (content != file.content).then_some((content, now));
            }
            Some(file) => {
                (file.content, file.created, file.waiting) = (content, now, None);
                file.published |= publish;
            }
            None => {
                of.files.insert(path.to_owned(), fresh);
            }
        }
        self.touch(repo, package, version, !publish);
    }

    fn publish(&mut self, repo: Repo, package: &str, version: &str) -> usize {
        let mut count = 0;
        let Some(of) = self.repo_mut(repo) else { return count };
        for file in of.files.values_mut() {
            if (file.package, file.version) != (package, version) {
                continue;
            }
            if let Some((content, at)) = file.waiting.take() {
                (file.content, file.created) = (content, at);
                count += 1;
            } else if !file.published {
                file.published = true;
                count += 1;
            }
        }
        if count > 0 {
            self.touch(repo, package, version, false);
        }
        count
    }

    fn discard(&mut self, repo: Repo, package: &str, version: &str) -> usize {
        let keeps = self.flaw == Some(Flaw::KeepsDiscarded);
        let mut count = 0;
        let Some(of) = self.repo_mut(repo) else { return count };
        of.files.retain(|_, file| {
            if (file.package, file.version) != (package, version) {
                return true;
            }
            count += usize::from(!file.published || file.waiting.is_some());
            file.waiting = None;
            file.published || keeps
        });
        if count > 0 {
            self.touch(repo, package, version, true);
        }
        count
    }
}
