//! What a sequence is made of.

use super::world::{Place, Repo, Who};

type Name = &'static str;

/// One command and who gives it.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) by: Who,
    pub(crate) what: Command,
}

/// The forms of an upload.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    /// Package, version, and the switches after a `?`.
    Path,
    /// Everything in headers.
    Headers,
    /// Everything after `;`.
    Matrix,
    /// The path names package and version, `;` the switches.
    PathMatrix,
    /// The address of Maven's clients.
    Maven,
}

/// What an upload announces of its bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Announced {
    Nothing,
    Right,
    Wrong,
}

#[derive(Clone, Debug)]
pub(crate) struct Upload {
    pub(crate) repo: Repo,
    pub(crate) package: Name,
    pub(crate) version: Name,
    pub(crate) path: Name,
    pub(crate) content: usize,
    pub(crate) form: Form,
    pub(crate) publish: bool,
    pub(crate) overwrite: bool,
    pub(crate) announced: Announced,
}

/// How a file is downloaded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Way {
    Get,
    Head,
    /// Through `/content` of the API.
    Content,
    /// Through `/maven` of the API.
    Maven,
    /// These bytes.
    Range(u64, u64),
    /// The last so many.
    Last(u64),
    /// Unless the client has it: the ETag of what the file holds by the model.
    IfNoneMatch,
    /// From this address.
    From(Name),
}

#[derive(Clone, Debug)]
pub(crate) enum Command {
    // Users and organizations.
    PutUser,
    ShowGuest,
    DeleteUser,
    ShowUser(Name),
    ShowOrg,
    SearchUsers(Name),
    Follow(Name, Name),
    Unfollow(Name, Name),
    Followers(Name),
    PutMember(Name, Name),
    DeleteMember(Name),
    ListMembers,
    // Repositories.
    CreateRepo { repo: Repo, private: bool, desc: Name },
    ShowRepo(Repo),
    HeadRepo(Repo),
    ListRepos(Name),
    PatchRepo { repo: Repo, private: Option<bool>, desc: Option<Name> },
    DeleteRepo(Repo),
    SearchRepos(Name),
    SetNetworks { repo: Repo, white: Name },
    ShowNetworks(Repo),
    ClearNetworks(Repo),
    // Packages.
    CreatePackage { repo: Repo, package: Name, desc: Name, licensed: bool },
    ShowPackage { repo: Repo, package: Name, values: bool },
    ListPackages { repo: Repo, prefix: Option<Name> },
    PatchPackage { repo: Repo, package: Name, desc: Option<Name>, labels: bool },
    DeletePackage(Repo, Name),
    SearchPackages { of: Name, name: Option<Name> },
    SearchMaven(Name),
    // Versions.
    CreateVersion { repo: Repo, package: Name, version: Name, desc: Option<Name> },
    ShowVersion { repo: Repo, package: Name, version: Name },
    LatestVersion(Repo, Name),
    PatchVersion { repo: Repo, package: Name, version: Name, desc: Name, tag: Option<Name> },
    DeleteVersion(Repo, Name, Name),
    // Files.
    Upload(Upload),
    Explode { repo: Repo, package: Name, version: Name, folder: Name, publish: bool, bad: bool },
    Publish { repo: Repo, package: Name, version: Name, wait: bool },
    Discard { repo: Repo, package: Name, version: Name },
    DeleteFile(Repo, Name),
    PackageFiles { repo: Repo, package: Name, unpublished: bool },
    VersionFiles { repo: Repo, package: Name, version: Name, unpublished: bool },
    FilePackage(Repo, Name),
    FileVersion(Repo, Name),
    ListInDownloads { repo: Repo, path: Name, listed: bool },
    SearchFileName { name: Name, of: Name },
    SearchSha1 { content: usize, of: Name },
    // Downloads.
    Download { repo: Repo, path: Name, way: Way },
    Folder { repo: Repo, folder: Name },
    Dynamic { repo: Repo, package: Name },
    // Attributes.
    GetAttributes(Place, Option<Name>),
    SetAttributes(Place, Vec<usize>),
    MergeAttributes(Place, Vec<usize>),
    DeleteAttributes(Place, Option<Name>),
    SearchPackagesBy(Repo, Vec<usize>),
    SearchVersionsBy(Repo, Name, Vec<usize>),
    SearchFilesBy(Repo, Vec<usize>),
    // Teams and permissions.
    CreateTeam { of: Name, team: Name, members: Vec<Name>, creates: bool },
    ShowTeam(Name, Name),
    ListTeams(Name),
    PatchTeam { of: Name, team: Name, members: Option<Vec<Name>>, creates: Option<bool> },
    DeleteTeam(Name, Name),
    SetPermission { repo: Repo, team: Name, permission: Name },
    ShowPermission(Repo, Name),
    ListPermissions(Repo),
    DeletePermission(Repo, Name),
    // Access keys.
    CreateKey { of: Name, key: Name, password: u8, days: Option<u8>, black: bool },
    ShowKey(Name, Name),
    ListKeys(Name),
    PatchKey { of: Name, key: Name, password: Option<u8>, days: Option<u8> },
    DeleteKey(Name, Name),
    // Entitlements.
    CreateEntitlement { of: Place, id: Name, write: bool, keys: Vec<Name>, path: Option<Name> },
    ShowEntitlement(Place, Name),
    ListEntitlements(Place),
    PatchEntitlement { of: Place, id: Name, write: Option<bool>, add: Vec<Name>, remove: Vec<Name> },
    DeleteEntitlement(Place, Name),
    SearchEntitlements { scope: Place, key: Name, deep: bool },
    // Products and their EULAs.
    CreateProduct { of: Name, product: Name, packages: Vec<Name> },
    ShowProduct(Name, Name),
    ListProducts(Name),
    PatchProduct { of: Name, product: Name, packages: Option<Vec<Name>>, desc: Name },
    DeleteProduct(Name, Name),
    CreateEula { of: Name, product: Name, eula: Name, default: bool, versions: Vec<Name> },
    ShowEula(Name, Name, Name),
    ListEulas(Name, Name),
    PatchEula { of: Name, product: Name, eula: Name, default: Option<bool> },
    DeleteEula(Name, Name, Name),
    FileEula(Repo, Name),
    AcceptEula { of: Name, product: Name, version: Name },
    SignedEulas(Name, Name),
    // Signed URLs.
    SignUrl { repo: Repo, path: Name, slot: usize, seconds: u32 },
    UseSignedUrl { slot: usize, forged: bool },
    RenewKeyPair(Name),
    // Licenses.
    CreateLicense(Name),
    ListLicenses(Name),
    DeleteLicense(Name),
    // What changes no answer by itself.
    Wait { seconds: u32 },
    RunJobs,
    Restart,
}

impl Command {
    /// What kind of command it is: its name.
    pub(crate) fn kind(&self) -> String {
        let text = format!("{self:?}");
        text.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default().to_owned()
    }
}
