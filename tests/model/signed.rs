//! Signed URLs: `docs/signed-urls.md`.

use super::access::{Caller, Need, Rule, Target, forbidden, not_found, unauthorized};
use super::answer::{Expected, Told};
use super::command::{Command, Way};
use super::downloads::served;
use super::rules::success;
use super::state::{Model, SignedUrl};
use super::wire::HOME;
use super::world::Repo;

impl Model {
    pub(crate) fn on_signed_urls(&mut self, by: Caller, command: &Command) -> Rule<Expected> {
        match command {
            Command::RenewKeyPair(of) => {
                self.owns(by, of)?;
                self.subject_mut(of).pairs += 1;
                success(201)
            }
            Command::SignUrl { repo, path, slot, seconds } => {
                self.sign(by, *repo, path, *slot, *seconds)
            }
            Command::UseSignedUrl { slot, forged } => {
                // Before anything was signed it is some path of no repository.
                let Some(url) = self.signed.get(slot) else {
                    return if by == Caller::Nobody {
                        unauthorized()
                    } else {
                        not_found("Repo", "y")
                    };
                };
                if *forged {
                    return forbidden();
                }
                self.use_signed(url)
            }
            _ => unreachable!("{command:?} is about signed URLs"),
        }
    }

    fn sign(
        &mut self,
        by: Caller,
        repo: Repo,
        path: &'static str,
        slot: usize,
        seconds: u32,
    ) -> Rule<Expected> {
        self.file_to_change(by, repo, path)?;
        let Some(of) = self.repo(repo) else { return not_found("Repo", repo.1) };
        let url = SignedUrl {
            repo,
            repo_id: of.id,
            path,
            expiry: self.now + i64::from(seconds) * 1000,
            pairs: self.subject(repo.0).pairs,
            signer: by,
            signer_id: self.signer(by),
        };
        let start =
            format!("http://packhouse.test/{}/{}/{path}?expiry={}&", repo.0, repo.1, url.expiry);
        self.signed.insert(slot, url);
        Ok(Expected { status: 200, told: Told::Url(start) })
    }

    /// It holds for as long as its signer could sign it anew.
    fn use_signed(&self, url: &SignedUrl) -> Rule<Expected> {
        let repo = self.repo(url.repo).filter(|repo| repo.id == url.repo_id);
        let pairs = self.subject(url.repo.0).pairs;
        if repo.is_none() || pairs != url.pairs || self.now >= url.expiry {
            return forbidden();
        }
        let alive = match url.signer {
            Caller::Key(of, key) => self.subject(of).keys.get(key).is_some_and(|key| {
                key.id == url.signer_id && key.expiry.is_none_or(|expiry| expiry > self.now)
            }),
            _ => true,
        };
        let target: Target<'_> = self.file_target(url.repo, url.path);
        if !alive || !self.may(url.signer, Need::Publish, target) {
            return forbidden();
        }
        let Some(file) = self.file(url.repo, url.path).filter(|file| file.published) else {
            return not_found("File", url.path);
        };
        self.let_in(url.repo, HOME)?;
        Ok(served(file, Way::Get))
    }
}
