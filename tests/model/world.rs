//! The small world that all sequences play in: its names, and who asks.
//!
//! Names of subjects end in [`MARK`]. On the wire each sequence has a mark of its own, so that many
//! sequences share one engine and meet nothing of each other.

/// What stands in names for the mark of a sequence.
pub(crate) const MARK: &str = "-00000";

pub(crate) const OWNER: &str = "owner-00000";
pub(crate) const STRANGER: &str = "stranger-00000";
pub(crate) const MEMBER: &str = "member-00000";
pub(crate) const MATE: &str = "mate-00000";
pub(crate) const GUILD: &str = "guild-00000";
/// A user that commands make and delete.
pub(crate) const GUEST: &str = "guest-00000";

/// The users that every sequence begins with.
pub(crate) const USERS: [&str; 4] = [OWNER, STRANGER, MEMBER, MATE];
/// Who owns repositories: a user, and an organization that the user owns.
pub(crate) const SUBJECTS: [&str; 2] = [OWNER, GUILD];
pub(crate) const REPOS: [&str; 2] = ["tools", "vault"];
pub(crate) const PACKAGES: [&str; 2] = ["app", "lib"];
pub(crate) const VERSIONS: [&str; 3] = ["1.0", "1.1", "2.0"];
pub(crate) const PATHS: [&str; 9] = [
    "a.bin",
    "dir/a.bin",
    "dir/sub/b.txt",
    "app-1.0.bin",
    "app-1.1.bin",
    MAVEN_PATH,
    // What an archive holds.
    "dir/b.bin",
    "site/a.bin",
    "site/b.bin",
];
/// A path in Maven's layout, of version 1.0.
pub(crate) const MAVEN_PATH: &str = "org/x/app/1.0/app-1.0.jar";
pub(crate) const TEAMS: [&str; 2] = ["crew", "staff"];
pub(crate) const KEYS: [&str; 2] = ["k1", "k2"];
pub(crate) const ENTITLEMENTS: [&str; 2] = ["e1", "e2"];
pub(crate) const PRODUCTS: [&str; 2] = ["suite", "extra"];
pub(crate) const EULAS: [&str; 2] = ["terms", "rules"];
/// What files hold.
pub(crate) const CONTENTS: [&str; 4] = ["one", "two!", "", "a text that is longer than the others"];

/// Who asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Who {
    Nobody,
    /// With a wrong key.
    Wrong,
    Admin,
    User(&'static str),
    /// An access key of a subject.
    Key(&'static str, &'static str),
}

/// A repository by its owner and its name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Repo(pub(crate) &'static str, pub(crate) &'static str);

/// The type of a repository, which its name tells here.
pub(crate) fn repo_type(Repo(_, name): Repo) -> &'static str {
    if name == "vault" { "maven" } else { "generic" }
}

/// What attributes and entitlements are of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    Repo(Repo),
    Package(Repo, &'static str),
    Version(Repo, &'static str, &'static str),
    File(Repo, &'static str),
    Product(&'static str, &'static str),
}

impl Place {
    /// Its address within the API.
    pub(crate) fn path(self) -> String {
        match self {
            Self::Repo(Repo(of, repo)) => format!("/repos/{of}/{repo}"),
            Self::Package(Repo(of, repo), package) => format!("/packages/{of}/{repo}/{package}"),
            Self::Version(Repo(of, repo), package, version) => {
                format!("/packages/{of}/{repo}/{package}/versions/{version}")
            }
            Self::File(Repo(of, repo), path) => format!("/files/{of}/{repo}/{path}"),
            Self::Product(of, product) => format!("/products/{of}/{product}"),
        }
    }
}

/// `/orgs` or `/users`.
pub(crate) fn kind_path(subject: &str) -> String {
    let kind = if subject == GUILD { "orgs" } else { "users" };
    format!("/{kind}/{subject}")
}

/// An instant as answers show it.
pub(crate) fn iso(millis: i64) -> String {
    let (days, rest) = (millis.div_euclid(86_400_000), millis.rem_euclid(86_400_000));
    // Days to a date of the Gregorian calendar, counted from the first of March.
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (day, month) = (doy - (153 * mp + 2) / 5 + 1, if mp < 10 { mp + 3 } else { mp - 9 });
    let year = yoe + era * 400 + i64::from(month <= 2);
    let (hours, minutes) = (rest / 3_600_000, rest / 60_000 % 60);
    let (seconds, millis) = (rest / 1000 % 60, rest % 1000);
    format!("{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}.{millis:03}Z")
}
