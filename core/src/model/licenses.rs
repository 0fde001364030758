//! Licenses: the well-known ones by the names that Bintray's clients send, and those that a subject
//! has of its own.

use serde::{Deserialize, Serialize};

use super::{Form, Stored};
use crate::Timestamp;
use crate::names::{LicenseName, SubjectName};
use crate::store::{Key, KeyRange, Kind};

/// A license of a subject's own.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CustomLicense {
    /// The form of the body.
    pub form: Form<1>,
    /// The subject.
    pub subject: SubjectName,
    /// Its name.
    pub name: LicenseName,
    /// What is said about it.
    #[serde(flatten)]
    pub settings: LicenseSettings,
    /// When it was made.
    pub created: Timestamp,
}

/// What is said about a license.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LicenseSettings {
    /// A description.
    pub description: String,
    /// Where its text lies.
    pub url: String,
}

impl CustomLicense {
    /// The most licenses of one subject.
    pub const MAX: usize = 1_000;

    /// Where the license of this name lies.
    #[must_use]
    pub fn key_of(subject: &SubjectName, name: &LicenseName) -> Key {
        Key::new(Self::KIND, [subject.folded().as_str(), name.as_str()])
    }

    /// Where the licenses of a subject lie.
    #[must_use]
    pub fn range_of(subject: &SubjectName) -> KeyRange {
        KeyRange::within(Self::KIND, [subject.folded().as_str()])
    }
}

impl Stored for CustomLicense {
    const KIND: Kind = Kind::new("custom_license");

    fn key(&self) -> Key {
        Self::key_of(&self.subject, &self.name)
    }
}

/// A well-known license.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KnownLicense {
    /// The name that clients send.
    pub name: &'static str,
    /// Its full name.
    pub long_name: &'static str,
    /// Where its text lies; empty where no address of it is sure to last.
    pub url: &'static str,
}

/// The well-known licenses.
pub fn known() -> impl Iterator<Item = KnownLicense> {
    KNOWN.iter().map(|name| {
        let told = TOLD.iter().find(|(told, ..)| told == name);
        let (long_name, url) = told.map_or((*name, ""), |(_, long_name, url)| (*long_name, *url));
        KnownLicense { name, long_name, url }
    })
}

/// Full names and addresses of some of them.
const TOLD: &[(&str, &str, &str)] = &[
    (
        "AGPL-V3",
        "GNU Affero General Public License, Version 3",
        "https://www.gnu.org/licenses/agpl-3.0.html",
    ),
    (
        "Apache-1.0",
        "The Apache Software License, Version 1.0",
        "http://apache.org/licenses/LICENSE-1.0",
    ),
    (
        "Apache-1.1",
        "The Apache Software License, Version 1.1",
        "http://apache.org/licenses/LICENSE-1.1",
    ),
    (
        "Apache-2.0",
        "The Apache Software License, Version 2.0",
        "http://apache.org/licenses/LICENSE-2.0",
    ),
    ("BSL-1.0", "Boost Software License 1.0", "https://www.boost.org/LICENSE_1_0.txt"),
    (
        "CC0-1.0",
        "Creative Commons Zero 1.0 Universal",
        "https://creativecommons.org/publicdomain/zero/1.0/",
    ),
    ("Copyfree", "Copyfree", "http://copyfree.org/"),
    ("EPL-1.0", "Eclipse Public License 1.0", "https://www.eclipse.org/legal/epl-v10.html"),
    ("EPL-2.0", "Eclipse Public License 2.0", "https://www.eclipse.org/legal/epl-2.0/"),
    (
        "GPL-2.0",
        "GNU General Public License, Version 2",
        "https://www.gnu.org/licenses/old-licenses/gpl-2.0.html",
    ),
    (
        "GPL-3.0",
        "GNU General Public License, Version 3",
        "https://www.gnu.org/licenses/gpl-3.0.html",
    ),
    ("ISC", "ISC License", "https://opensource.org/licenses/ISC"),
    (
        "LGPL-2.1",
        "GNU Lesser General Public License, Version 2.1",
        "https://www.gnu.org/licenses/old-licenses/lgpl-2.1.html",
    ),
    (
        "LGPL-3.0",
        "GNU Lesser General Public License, Version 3",
        "https://www.gnu.org/licenses/lgpl-3.0.html",
    ),
    ("MIT", "The MIT License", "https://opensource.org/licenses/MIT"),
    ("MPL-2.0", "Mozilla Public License 2.0", "https://www.mozilla.org/MPL/2.0/"),
    ("Unlicense", "The Unlicense", "https://unlicense.org/"),
    ("WTFPL", "Do What The Fuck You Want To Public License", "http://www.wtfpl.net/"),
];

/// Names of well-known licenses, sorted as the service listed them in 2020.
pub const KNOWN: &[&str] = &[
    "AFL-2.1",
    "AFL-3.0",
    "AGPL-V3",
    "APL-1.0",
    "Apache-1.0",
    "Apache-1.1",
    "Apache-2.0",
    "APSL-2.0",
    "Artistic-License-2.0",
    "Attribution",
    "Bouncy-Castle",
    "BSD",
    "BSD 2-Clause",
    "BSD 3-Clause",
    "BSD New",
    "BSD Simplified",
    "BSL-1.0",
    "CA-TOSL-1.1",
    "CC0-1.0",
    "CDDL-1.0",
    "CDDL-1.1",
    "CeCILL-1",
    "CeCILL-2",
    "CeCILL-2.1",
    "CeCILL-B",
    "CeCILL-C",
    "Codehaus",
    "Copyfree",
    "CPAL-1.0",
    "CPL-1.0",
    "CPOL",
    "CPOL-1.02",
    "CUAOFFICE-1.0",
    "Day",
    "Day-Addendum",
    "ECL2",
    "Eiffel-2.0",
    "Entessa-1.0",
    "EPL-1.0",
    "EPL-2.0",
    "EUDATAGRID",
    "EUPL-1.1",
    "EUPL-1.2",
    "Facebook-Platform",
    "Fair",
    "Frameworx-1.0",
    "Go",
    "GPL-2.0",
    "GPL-2.0+CE",
    "GPL-3.0",
    "GPL-3.0-only",
    "GPL-3.0-or-later",
    "Historical",
    "HSQLDB",
    "IBMPL-1.0",
    "IJG",
    "ImageMagick",
    "IPAFont-1.0",
    "ISC",
    "IU-Extreme-1.1.1",
    "JA-SIG",
    "JSON",
    "JTidy",
    "LGPL-2.0",
    "LGPL-2.1",
    "LGPL-3.0",
    "Libpng",
    "LPPL-1.0",
    "Lucent-1.02",
    "MirOS",
    "MIT",
    "Motosoto-0.9.1",
    "Mozilla-1.1",
    "MPL-2.0",
    "MS-PL",
    "MS-RL",
    "Mulan PSL v1",
    "Multics",
    "NASA-1.3",
    "NAUMEN",
    "NCSA",
    "Nethack",
    "Nokia-1.0a",
    "NOSL-3.0",
    "NTP",
    "NUnit-2.6.3",
    "NUnit-Test-Adapter-2.6.3",
    "OCLC-2.0",
    "Openfont-1.1",
    "Opengroup",
    "OpenLDAP",
    "OpenSSL",
    "OSL-3.0",
    "PHP-3.0",
    "PostgreSQL",
    "Public Domain",
    "Public Domain - SUN",
    "PythonPL",
    "PythonSoftFoundation",
    "QTPL-1.0",
    "Real-1.0",
    "RicohPL",
    "RPL-1.5",
    "Scala",
    "SimPL-2.0",
    "Sleepycat",
    "SUNPublic-1.0",
    "Sybase-1.0",
    "TMate",
    "Unicode-DFS-2015",
    "Unlicense",
    "UoI-NCSA",
    "UPL-1.0",
    "VIM License",
    "VovidaPL-1.0",
    "W3C",
    "WTFPL",
    "wxWindows",
    "Xnet",
    "ZLIB",
    "ZPL-2.0",
];

/// Whether a license of this name is well known.
#[must_use]
pub fn is_known(name: &str) -> bool {
    KNOWN.contains(&name)
}
