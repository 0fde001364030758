//! What the path of a request can lead to.

use packhouse_http::{Method, Route};

/// What a path leads to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    Public,
    Private,
    /// A file that is not published, in the public or the private repository.
    Unpublished {
        private: bool,
    },
    NoSubject,
    NoRepository,
    NoPackage {
        private: bool,
    },
    NoVersion {
        private: bool,
    },
    NoFile {
        private: bool,
    },
    /// A product of packages of the private repository alone.
    HiddenProduct,
    NoProduct,
    NoEula,
    NoLicense,
    NoTeam,
    NoAccessKey,
    NoEntitlement,
    NoGpgKeys,
}

use State::{
    HiddenProduct, NoAccessKey, NoEntitlement, NoEula, NoFile, NoGpgKeys, NoLicense, NoPackage,
    NoProduct, NoRepository, NoSubject, NoTeam, NoVersion, Private, Public, Unpublished,
};

pub(crate) const STATES: [State; 20] = [
    Public,
    Private,
    Unpublished { private: false },
    Unpublished { private: true },
    NoSubject,
    NoRepository,
    NoPackage { private: false },
    NoPackage { private: true },
    NoVersion { private: false },
    NoVersion { private: true },
    NoFile { private: false },
    NoFile { private: true },
    HiddenProduct,
    NoProduct,
    NoEula,
    NoLicense,
    NoTeam,
    NoAccessKey,
    NoEntitlement,
    NoGpgKeys,
];

impl State {
    pub(super) fn is_private(self) -> bool {
        match self {
            Private => true,
            Unpublished { private }
            | NoPackage { private }
            | NoVersion { private }
            | NoFile { private } => private,
            Public | NoSubject | NoRepository | HiddenProduct | NoProduct | NoEula | NoLicense
            | NoTeam | NoAccessKey | NoEntitlement | NoGpgKeys => false,
        }
    }

    /// Whether the path of a route can lead to this.
    pub(crate) fn is_of(self, route: &Route) -> bool {
        let has = |parameter: &str| route.path.contains(&format!("{{{parameter}}}"));
        let upload = is_upload(route);
        match self {
            Public => true,
            NoSubject => has("subject"),
            Private | NoRepository => has("repo") && route.operation != "repositories.create",
            NoPackage { .. } => has("package") || upload,
            NoVersion { .. } => has("version") || route.operation == "versions.show_latest",
            Unpublished { .. } | NoFile { .. } => (has("*path") || has("*folder")) && !upload,
            HiddenProduct | NoProduct => has("product"),
            NoEula => has("eula"),
            NoLicense => has("custom_license_name"),
            NoTeam => has("team"),
            NoAccessKey => has("access_key_id"),
            NoEntitlement => has("entitlement_id"),
            NoGpgKeys => has_gpg_keys(route) && route.method != Method::Put,
        }
    }
}

/// Whether a route is about the OpenPGP keys of a subject.
pub(super) fn has_gpg_keys(route: &Route) -> bool {
    route.path.contains("/keys/gpg")
}

pub(super) fn is_upload(route: &Route) -> bool {
    ["content.upload", "content.upload_maven"].contains(&route.operation)
}
