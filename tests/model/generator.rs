//! Sequences from a seed, biased so that most commands make sense and some do not.

use packhouse_tests::random::Random;

use super::command::{Announced, Command, Form, Step, Upload, Way};
use super::samples::{ATTRIBUTES, CLAUSES, ELSEWHERE};
use super::wire::HOME;
use super::world::{
    CONTENTS, GUILD, MATE, MEMBER, OWNER, PACKAGES, PATHS, Place, REPOS, Repo, STRANGER, SUBJECTS,
    VERSIONS, Who,
};

/// How many commands follow the first ones, at least and at most.
const LENGTH: (u64, u64) = (25, 35);

/// What a sequence is about besides content.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Theme {
    Attributes,
    Teams,
    Keys,
    Products,
    Signed,
    Social,
}

const THEMES: [Theme; 6] =
    [Theme::Attributes, Theme::Teams, Theme::Keys, Theme::Products, Theme::Signed, Theme::Social];

/// Makes the commands of one sequence.
pub(crate) struct Generator {
    pub(crate) random: Random,
    /// The repository that most is about.
    focus: Repo,
    themes: [Theme; 2],
}

impl Generator {
    /// The sequence of a seed.
    pub(crate) fn sequence(seed: u64) -> Vec<Step> {
        let mut random = Random::new(seed);
        let of = if random.below(3) == 0 { GUILD } else { OWNER };
        let focus = Repo(of, REPOS[usize::try_from(random.below(2)).unwrap_or(0)]);
        let theme = |random: &mut Random| THEMES[usize::try_from(random.below(6)).unwrap_or(0)];
        let themes = [theme(&mut random), theme(&mut random)];
        let mut this = Self { random, focus, themes };
        let mut steps = this.beginning();
        let count = LENGTH.0 + this.random.below(LENGTH.1 - LENGTH.0 + 1);
        steps.extend((0..count).map(|_| this.step()));
        steps
    }

    /// What there must be for the rest to mean something; some of it is left out at times.
    fn beginning(&mut self) -> Vec<Step> {
        let repo = self.focus;
        let mut steps = vec![
            Command::CreateRepo { repo, private: self.one_in(2), desc: "about owner-00000" },
            Command::CreatePackage { repo, package: "app", desc: "a package", licensed: false },
            Command::Upload(Upload { package: "app", publish: true, ..self.plain_upload() }),
            Command::Upload(Upload { package: "app", ..self.plain_upload() }),
        ];
        if self.themes.contains(&Theme::Keys) {
            let (of, key) = (repo.0, "k1");
            steps.push(Command::CreateKey { of, key, password: 1, days: None, black: false });
        }
        if self.themes.contains(&Theme::Products) {
            let packages = vec![if repo.1 == "tools" { "tools/app" } else { "vault/app" }];
            steps.push(Command::CreateProduct { of: repo.0, product: "suite", packages });
        }
        if self.themes.contains(&Theme::Teams) {
            steps.push(Command::PutMember(MATE, "member"));
            let (of, members) = (repo.0, vec![MATE]);
            steps.push(Command::CreateTeam { of, team: "crew", members, creates: false });
        }
        steps.retain(|_| !self.one_in(12));
        steps.into_iter().map(|what| Step { by: Who::User(OWNER), what }).collect()
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.random.below(end as u64)).unwrap_or(0)
    }

    pub(crate) fn one_in(&mut self, chance: usize) -> bool {
        self.below(chance) == 0
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    fn step(&mut self) -> Step {
        let what = match self.below(20) {
            0..10 => self.content(),
            10..13 => self.things(),
            13..19 => {
                let theme = self.pick(&self.themes.clone());
                self.themed(theme)
            }
            _ => self.surroundings(),
        };
        let by = self.who(&what);
        Step { by, what }
    }

    fn themed(&mut self, theme: Theme) -> Command {
        match theme {
            Theme::Attributes => self.attributes(),
            Theme::Teams => self.teams(),
            Theme::Keys => self.keys(),
            Theme::Products => self.products(),
            Theme::Signed => self.signed(),
            Theme::Social => self.social(),
        }
    }

    /// Who gives a command: mostly who may.
    fn who(&mut self, what: &Command) -> Who {
        if matches!(what, Command::PutUser | Command::ShowGuest | Command::DeleteUser) {
            return if self.one_in(6) { Who::User(OWNER) } else { Who::Admin };
        }
        let reads = matches!(
            what,
            Command::Download { .. } | Command::UseSignedUrl { .. } | Command::AcceptEula { .. }
        );
        if !reads && !self.one_in(3) {
            return Who::User(OWNER);
        }
        match self.below(20) {
            0..4 => Who::Nobody,
            4..7 => Who::User(STRANGER),
            7..9 => Who::User(MEMBER),
            9..12 => Who::User(MATE),
            12..17 => {
                let of = if self.one_in(8) { self.subject() } else { self.focus.0 };
                Who::Key(of, if self.one_in(4) { "k2" } else { "k1" })
            }
            17 => Who::Wrong,
            _ => Who::User(OWNER),
        }
    }

    pub(crate) fn subject(&mut self) -> &'static str {
        if self.one_in(6) { self.pick(&SUBJECTS) } else { self.focus.0 }
    }

    pub(crate) fn repo(&mut self) -> Repo {
        match self.below(12) {
            0 => Repo(self.pick(&SUBJECTS), self.pick(&REPOS)),
            _ => self.focus,
        }
    }

    pub(crate) fn package(&mut self) -> &'static str {
        if self.one_in(5) { self.pick(&PACKAGES) } else { "app" }
    }

    pub(crate) fn version(&mut self) -> &'static str {
        if self.one_in(2) { self.pick(&VERSIONS) } else { "1.0" }
    }

    pub(crate) fn path(&mut self) -> &'static str {
        if self.one_in(2) { self.pick(&PATHS) } else { self.pick(&PATHS[..2]) }
    }

    pub(crate) fn text(&mut self) -> &'static str {
        self.pick(&["", "about owner-00000", "for guild-00000"])
    }

    pub(crate) fn user(&mut self) -> &'static str {
        self.pick(&[OWNER, STRANGER, MEMBER, MATE, MATE])
    }

    fn plain_upload(&mut self) -> Upload {
        Upload {
            repo: self.focus,
            package: self.package(),
            version: self.version(),
            path: self.path(),
            content: self.below(CONTENTS.len()),
            form: Form::Path,
            publish: false,
            overwrite: false,
            announced: Announced::Nothing,
        }
    }

    fn upload(&mut self) -> Command {
        let forms = [Form::Path, Form::Headers, Form::Matrix, Form::PathMatrix, Form::Maven];
        let form = self.pick(&forms);
        let path = match form {
            Form::Maven if !self.one_in(4) => super::world::MAVEN_PATH,
            _ => self.path(),
        };
        let announced = match self.below(8) {
            0 => Announced::Wrong,
            1 => Announced::Right,
            _ => Announced::Nothing,
        };
        let (repo, publish, overwrite) = (self.repo(), self.one_in(2), self.one_in(3));
        let plain = self.plain_upload();
        Command::Upload(Upload { repo, path, form, publish, overwrite, announced, ..plain })
    }

    fn download(&mut self) -> Command {
        let way = match self.below(10) {
            0 => Way::Head,
            1 => Way::Content,
            2 => Way::Maven,
            3 => Way::Range(self.random.below(6), 5 + self.random.below(9)),
            4 => Way::Last(1 + self.random.below(50)),
            5 => Way::IfNoneMatch,
            6 => Way::From(self.pick(&[HOME, ELSEWHERE])),
            _ => Way::Get,
        };
        Command::Download { repo: self.repo(), path: self.path(), way }
    }

    fn content(&mut self) -> Command {
        let (repo, package, version, path) =
            (self.repo(), self.package(), self.version(), self.path());
        let unpublished = self.one_in(2);
        match self.below(24) {
            0..6 => self.upload(),
            6..11 => self.download(),
            11 | 12 => Command::Publish { repo, package, version, wait: unpublished },
            13 => Command::Discard { repo, package, version },
            14 => Command::DeleteFile(repo, path),
            15 => Command::PackageFiles { repo, package, unpublished },
            16 => Command::VersionFiles { repo, package, version, unpublished },
            17 => Command::FilePackage(repo, path),
            18 => Command::FileVersion(repo, path),
            19 => Command::ListInDownloads { repo, path, listed: unpublished },
            20 => Command::SearchFileName {
                name: self.pick(&["a.bin", "*.bin", "*.jar"]),
                of: self.subject(),
            },
            21 => Command::SearchSha1 { content: self.below(CONTENTS.len()), of: self.subject() },
            22 => Command::Folder { repo, folder: self.pick(&["", "dir/", "dir", "site/", "x/"]) },
            _ => Command::Explode {
                repo,
                package,
                version,
                folder: self.pick(&["dir", "site"]),
                publish: unpublished,
                bad: self.one_in(6),
            },
        }
    }

    /// Repositories, packages and versions.
    fn things(&mut self) -> Command {
        let (repo, package, version) = (self.repo(), self.package(), self.version());
        let (private, desc, chance) = (self.one_in(2), self.text(), self.one_in(2));
        let of = self.subject();
        match self.below(26) {
            0 | 1 => Command::CreateRepo { repo, private, desc },
            2 => Command::ShowRepo(repo),
            3 => Command::HeadRepo(repo),
            4 => Command::ListRepos(of),
            5 | 6 => Command::PatchRepo {
                repo,
                private: chance.then_some(private),
                desc: (!chance).then_some(desc),
            },
            7 => match self.one_in(3) {
                true => Command::DeleteRepo(repo),
                false => Command::ShowRepo(repo),
            },
            8 => Command::SearchRepos(self.pick(&[OWNER, GUILD])),
            9 => Command::SetNetworks {
                repo,
                white: self.pick(&["192.0.2.0/24", "198.51.100.0/24"]),
            },
            10 => Command::ShowNetworks(repo),
            11 => Command::ClearNetworks(repo),
            12 | 13 => Command::CreatePackage { repo, package, desc, licensed: chance },
            14 | 15 => Command::ShowPackage { repo, package, values: chance },
            16 => Command::ListPackages { repo, prefix: chance.then_some("a") },
            17 => Command::PatchPackage { repo, package, desc: Some(desc), labels: chance },
            18 => match self.one_in(2) {
                true => Command::DeletePackage(repo, package),
                false => Command::LatestVersion(repo, package),
            },
            19 => Command::SearchPackages { of, name: chance.then_some("ap") },
            20 => Command::SearchMaven(of),
            21 => Command::CreateVersion { repo, package, version, desc: chance.then_some(desc) },
            22 => Command::ShowVersion { repo, package, version },
            23 => Command::LatestVersion(repo, package),
            24 => {
                Command::PatchVersion { repo, package, version, desc, tag: chance.then_some("v") }
            }
            _ => Command::DeleteVersion(repo, package, version),
        }
    }

    fn attributes(&mut self) -> Command {
        let (repo, package) = (self.repo(), self.package());
        let place = match self.below(3) {
            0 => Place::Package(repo, package),
            1 => Place::Version(repo, package, self.version()),
            _ => Place::File(repo, self.path()),
        };
        let mut which = Vec::new();
        for _ in 0..self.below(4) {
            let at = self.below(ATTRIBUTES.len());
            if which.iter().all(|known: &usize| ATTRIBUTES[*known].0 != ATTRIBUTES[at].0) {
                which.push(at);
            }
        }
        let clauses = (0..=self.below(2)).map(|_| self.below(CLAUSES.len())).collect();
        let only = if self.one_in(2) { Some(self.pick(&["os", "_secret", "other"])) } else { None };
        match self.below(12) {
            0..4 => Command::SetAttributes(place, which),
            4..6 => Command::MergeAttributes(place, which),
            6 => Command::DeleteAttributes(place, only),
            7 | 8 => Command::GetAttributes(place, only),
            9 => Command::SearchPackagesBy(repo, clauses),
            10 => Command::SearchVersionsBy(repo, package, clauses),
            _ => Command::SearchFilesBy(repo, clauses),
        }
    }

    fn surroundings(&mut self) -> Command {
        match self.below(10) {
            0 => Command::Restart,
            1..4 => Command::RunJobs,
            _ => Command::Wait { seconds: self.pick(&[1, 20, 4000, 200_000]) },
        }
    }
}

#[path = "generator_rights.rs"]
mod rights;
