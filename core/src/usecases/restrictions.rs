//! Restrictions: the countries and networks that the files of a repository may be downloaded from.
//!
//! They hold for every caller, owners and signed URLs among them, and are asked after the permit, so
//! that a stranger learns nothing of a private repository. Metadata is not restricted. What was set
//! stays in force after a change of plan.

use std::net::IpAddr;

use crate::access::{Caller, Origin, Permit, RepoPlace, act};
use crate::engine::Packhouse;
use crate::geo::Country;
use crate::model::repositories::{Repository, Restrictions};
use crate::model::subjects::{Plan, Subject};
use crate::names::RepoPath;
use crate::networks::{Network, admits};
use crate::work::Work;
use crate::{Error, ErrorKind, Result};

/// What changes about the networks of a repository: first what is removed, then what is added.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NetworksPatch {
    /// The white ones to add.
    pub add_white: Vec<String>,
    /// The black ones to add.
    pub add_black: Vec<String>,
    /// The white ones to remove, if they are there.
    pub remove_white: Vec<String>,
    /// The black ones to remove, if they are there.
    pub remove_black: Vec<String>,
}

/// Which restrictions are meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Restricted {
    /// Those of countries: for the enterprise plan.
    Countries,
    /// Those of networks: for premium plans.
    Networks,
}

impl Restricted {
    fn is_offered(self, subject: &Subject) -> bool {
        match self {
            Self::Countries => subject.plan == Plan::Enterprise,
            Self::Networks => subject.plan.is_premium(),
        }
    }

    const fn refusal(self) -> &'static str {
        match self {
            Self::Countries => {
                "Account Plan is not suitable for repo geo restriction. Your current plan does not \
                 support geo restrictions."
            }
            Self::Networks => "Your repo commercial type does not support IP restrictions.",
        }
    }
}

/// Whether the caller may restrict the downloads of a repository: asked before a body is read.
///
/// # Errors
/// [`ErrorKind::NotFound`]; [`ErrorKind::Forbidden`] for those who do not administer it, and for
/// plans that do not have it.
pub async fn check(
    packhouse: &Packhouse,
    caller: &Caller,
    path: &RepoPath,
    what: Restricted,
) -> Result<()> {
    let permit = packhouse.permit::<act::Administer, _>(caller, path).await?;
    gate(&permit.place().subject, what)
}

fn gate(subject: &Subject, what: Restricted) -> Result<()> {
    if what.is_offered(subject) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Forbidden, what.refusal()))
}

/// Shows where the files of a repository may be downloaded from. Networks are shown whatever the
/// plan.
///
/// Implements the Bintray REST API, "Get Geo Restrictions" and "Get IP Restrictions".
///
/// # Errors
/// As [`check`].
pub async fn show(
    packhouse: &Packhouse,
    caller: &Caller,
    path: &RepoPath,
    what: Restricted,
) -> Result<Restrictions> {
    let permit = packhouse.permit::<act::Administer, _>(caller, path).await?;
    if what == Restricted::Countries {
        gate(&permit.place().subject, what)?;
    }
    Ok(permit.place().repo.restrictions.clone())
}

/// Says the countries that the files of a repository may be downloaded from, or those that they may
/// not be. Each is two letters of ISO 3166-1; what was said before is replaced.
///
/// Implements the Bintray REST API, "Update Geo Restrictions".
///
/// # Errors
/// As [`check`]; [`ErrorKind::Invalid`] for both, and for what is no country.
pub async fn set_countries(
    packhouse: &Packhouse,
    caller: &Caller,
    path: &RepoPath,
    white: &[String],
    black: &[String],
) -> Result<()> {
    change(packhouse, caller, path, Restricted::Countries, |restrictions| {
        if !white.is_empty() && !black.is_empty() {
            return Err(Error::invalid("The update can be done on one list only."));
        }
        restrictions.white_countries = countries("white_list", white)?;
        restrictions.black_countries = countries("black_list", black)?;
        Ok(())
    })
    .await
    .map(drop)
}

fn countries(field: &str, codes: &[String]) -> Result<Vec<Country>> {
    let mut countries = Vec::new();
    for code in codes {
        let country = Country::parse(code).ok_or_else(|| {
            let code: String = code.chars().take(100).collect();
            let code = code.escape_debug();
            Error::invalid(format!(
                "{field}: '{code}' is no country code: use two letters of ISO 3166, such as US"
            ))
        })?;
        if !countries.contains(&country) {
            countries.push(country);
        }
    }
    Ok(countries)
}

/// Says the networks that the files of a repository may be downloaded from, and those that they may
/// not be. What was said before is replaced.
///
/// Implements the Bintray REST API, "Set IP Restrictions".
///
/// # Errors
/// As [`check`]; [`ErrorKind::Invalid`] for what is no network, and for one that is in both lists.
pub async fn set_networks(
    packhouse: &Packhouse,
    caller: &Caller,
    path: &RepoPath,
    white: &[String],
    black: &[String],
) -> Result<Restrictions> {
    change(packhouse, caller, path, Restricted::Networks, |restrictions| {
        restrictions.white_networks = without_doubles(Network::parse_all(WHITE, white)?);
        restrictions.black_networks = without_doubles(Network::parse_all(BLACK, black)?);
        check_both(restrictions)
    })
    .await
}

const WHITE: &str = "white_cidrs";
const BLACK: &str = "black_cidrs";

/// Adds networks and removes them.
///
/// Implements the Bintray REST API, "Update IP Restrictions".
///
/// # Errors
/// As [`set_networks`].
pub async fn change_networks(
    packhouse: &Packhouse,
    caller: &Caller,
    path: &RepoPath,
    patch: &NetworksPatch,
) -> Result<Restrictions> {
    change(packhouse, caller, path, Restricted::Networks, |restrictions| {
        let NetworksPatch { add_white, add_black, remove_white, remove_black } = patch;
        for (field, list, add, remove) in [
            (WHITE, &mut restrictions.white_networks, add_white, remove_white),
            (BLACK, &mut restrictions.black_networks, add_black, remove_black),
        ] {
            let (add, remove) =
                (Network::parse_all(field, add)?, Network::parse_all(field, remove)?);
            list.retain(|held| !remove.iter().any(|gone| gone.is_same(held)));
            list.extend(add);
            *list = without_doubles(std::mem::take(list));
            Network::check_count(field, list.len())?;
        }
        check_both(restrictions)
    })
    .await
}

/// The first of each network, however others are spelt.
fn without_doubles(networks: Vec<Network>) -> Vec<Network> {
    let mut kept = Vec::<Network>::new();
    for network in networks {
        if !kept.iter().any(|held| held.is_same(&network)) {
            kept.push(network);
        }
    }
    kept
}

fn check_both(restrictions: &Restrictions) -> Result<()> {
    Network::check_apart(&restrictions.white_networks, &restrictions.black_networks)
}

/// Removes the restrictions of countries or of networks. Those that a subject set before it went
/// over to another plan can be removed.
///
/// Implements the Bintray REST API, "Delete Geo Restrictions" and "Delete IP Restrictions".
///
/// # Errors
/// As [`check`].
pub async fn clear(
    packhouse: &Packhouse,
    caller: &Caller,
    path: &RepoPath,
    what: Restricted,
) -> Result<()> {
    packhouse
        .change::<act::Administer, _, _, _, _>(caller, path, |permit, work| async move {
            let RepoPlace { subject, mut repo, .. } = permit.place().clone();
            let kept = match what {
                Restricted::Countries => Restrictions {
                    white_countries: Vec::new(),
                    black_countries: Vec::new(),
                    ..repo.restrictions.clone()
                },
                Restricted::Networks => Restrictions {
                    white_networks: Vec::new(),
                    black_networks: Vec::new(),
                    ..repo.restrictions.clone()
                },
            };
            if kept == repo.restrictions {
                return gate(&subject, what);
            }
            repo.restrictions = kept;
            work.put(&permit, &repo);
            Ok(())
        })
        .await
}

async fn change(
    packhouse: &Packhouse,
    caller: &Caller,
    path: &RepoPath,
    what: Restricted,
    change: impl Fn(&mut Restrictions) -> Result<()> + Send + Sync,
) -> Result<Restrictions> {
    let change = &change;
    let decide = |permit: Permit<act::Administer, RepoPlace>, work: Work| async move {
        let RepoPlace { subject, mut repo, .. } = permit.place().clone();
        gate(&subject, what)?;
        change(&mut repo.restrictions)?;
        work.put(&permit, &repo);
        Ok(repo.restrictions)
    };
    packhouse.change::<act::Administer, _, _, _, _>(caller, path, decide).await
}

/// Whether files of a repository may be downloaded from where the caller is.
///
/// # Errors
/// [`ErrorKind::Restricted`].
pub(super) fn admit(packhouse: &Packhouse, repo: &Repository, origin: &Origin) -> Result<()> {
    let restrictions = &repo.restrictions;
    if restrictions.is_empty() {
        return Ok(());
    }
    let refused = |from: &str| {
        let path = repo.path();
        let message = format!("The repository '{path}' allows no downloads from {from}");
        Err(Error::new(ErrorKind::Restricted, message))
    };
    let Restrictions { white_networks, black_networks, .. } = restrictions;
    if !admits(white_networks, black_networks, origin.address) {
        return refused("your network");
    }
    if restrictions.are_countries() {
        let country = |address: IpAddr| packhouse.geo().country(address.to_canonical());
        if !admits_country(restrictions, origin.address.and_then(country)) {
            return refused("your country");
        }
    }
    Ok(())
}

/// An unknown country is none of the right ones, and may be one of the wrong ones.
fn admits_country(restrictions: &Restrictions, country: Option<Country>) -> bool {
    let Restrictions { white_countries: white, black_countries: black, .. } = restrictions;
    country.is_some_and(|country| {
        (white.is_empty() || white.contains(&country)) && !black.contains(&country)
    })
}
