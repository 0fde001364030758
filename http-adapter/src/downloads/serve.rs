//! What a path of the download host leads to: a file, a folder's index page, a listing, or the
//! right spelling of the path.

use axum::body::Body;
use axum::response::Response;
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue, LOCATION, VARY};
use packhouse_core::folders::MOST_ENTRIES;
use packhouse_core::names::{FileLocation, FilePath, RepoPath};
use packhouse_core::signed_urls::SignedUrl;
use packhouse_core::{ErrorKind, folders};

use super::listing;
use super::view::{View, encoded};
use crate::call::{Answer, Call};
use crate::failure::Failure;
use crate::support::serving::{self, FilePermit};

/// The page that stands for its folder.
const INDEX: &str = "index.html";

/// A file, for those who may have it.
pub(super) async fn get(call: Call) -> Answer {
    // What cannot be the path of a file is not there.
    let location = call.file().map_err(|failure| not_found(&failure))?;
    if let Some(signed) = signed(&call, &location)? {
        return serving::signed(call, &signed).await;
    }
    let failure = match serving::file(&call, &location).await {
        Err(failure) if says_absence(&failure) => failure,
        answer => return answer,
    };
    let view = View::read(&call.query).unwrap_or_default();
    if has_something(&call, &location, view).await? {
        return redirect(&format!("{}/{}", encoded(location.path.name()), view.of_another()));
    }
    match without_colon(location.path.name()) {
        Some(name) => redirect(&format!("{}{}", encoded(name), view.of_another())),
        None => Err(failure),
    }
}

/// The signed URL that the request is of, if it is one.
fn signed(call: &Call, location: &FileLocation) -> Result<Option<SignedUrl>, Failure> {
    let single = |name| call.query.get_once(name);
    let (expiry, id, signature) = (single("expiry")?, single("id")?, single("signature")?);
    let Some(signature) = signature else { return Ok(None) };
    Ok(Some(SignedUrl {
        location: location.clone(),
        expiry: expiry.unwrap_or_default().to_owned(),
        id: id.unwrap_or_default().to_owned(),
        signature: signature.to_owned(),
        secret: None,
    }))
}

/// A folder of a repository: its index page or its listing.
pub(super) async fn folder(call: Call) -> Answer {
    let (repo, folder) = names(&call).map_err(|failure| not_found(&failure))?;
    match show(&call, &repo, Some(&folder)).await {
        Err(failure) if says_absence(&failure) => {
            let name = without_colon(folder.name()).ok_or(failure)?;
            let view = View::read(&call.query)?;
            redirect(&format!("../{}/{}", encoded(name), view.of_another()))
        }
        answer => answer,
    }
}

fn names(call: &Call) -> Result<(RepoPath, FilePath), Failure> {
    call.check_tail_is_single()?;
    Ok((call.repo()?, FilePath::parse(call.params.get("folder"))?))
}

/// The uppermost folder of a repository.
pub(super) async fn root(call: Call) -> Answer {
    let repo = call.repo().map_err(|failure| not_found(&failure))?;
    if call.trailing_slash {
        return show(&call, &repo, None).await;
    }
    // What a page of it refers to is looked for beside what follows the last slash.
    let view = View::read(&call.query)?;
    folders::list(&call.packhouse, &call.caller, &repo, None, false, None, 1).await?;
    redirect(&format!("{}/{}", encoded(repo.repo.as_str()), view.of_another()))
}

/// The index page of a folder, or what lies in it.
async fn show(call: &Call, repo: &RepoPath, folder: Option<&FilePath>) -> Answer {
    let view = View::read(&call.query)?;
    if !view.list
        && let Some(permit) = index(call, repo, folder).await?
    {
        return serving::found(call, &permit).await;
    }
    let View { include_unpublished, after, .. } = view;
    let (packhouse, caller) = (&call.packhouse, &call.caller);
    let listed =
        folders::list(packhouse, caller, repo, folder, include_unpublished, after, MOST_ENTRIES);
    Ok(listing::page(repo, folder, &listed.await?, view))
}

/// The published index page of a folder, if the caller sees one.
async fn index(
    call: &Call,
    repo: &RepoPath,
    folder: Option<&FilePath>,
) -> Result<Option<FilePermit>, Failure> {
    let path = folder.map_or(INDEX.to_owned(), |folder| format!("{folder}/{INDEX}"));
    let Ok(path) = FilePath::parse(&path) else { return Ok(None) };
    match serving::find(call, &repo.file(path)).await {
        Ok(permit) => Ok(Some(permit).filter(|permit| permit.place().file.published.is_some())),
        // Whether there is a folder at all is for the listing to say.
        Err(failure) if says_absence(&failure) => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// Whether there is something in a folder that the caller sees.
async fn has_something(
    call: &Call,
    location: &FileLocation,
    view: View<'_>,
) -> Result<bool, Failure> {
    let FileLocation { repo, path } = location;
    let (packhouse, caller) = (&call.packhouse, &call.caller);
    let listed =
        folders::list(packhouse, caller, repo, Some(path), view.include_unpublished, None, 1);
    match listed.await {
        Ok(_) => Ok(true),
        Err(error) if is_absence(error.kind()) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Whether something is not there, or not for this caller.
fn is_absence(kind: &ErrorKind) -> bool {
    matches!(kind, ErrorKind::NotFound(_) | ErrorKind::Unauthenticated)
}

fn says_absence(failure: &Failure) -> bool {
    matches!(failure.status, StatusCode::NOT_FOUND | StatusCode::UNAUTHORIZED)
}

/// What a link of a listing leads to where no script takes its colon off. It does so whatever is
/// there, so that it tells nothing.
fn without_colon(name: &str) -> Option<&str> {
    // Dots alone would lead out of the folder.
    name.strip_prefix(':').filter(|name| !matches!(*name, "" | "." | ".."))
}

/// To another spelling of the same path, relative to this one. Nobody else may keep it: what it
/// follows from is what this caller sees.
fn redirect(to: &str) -> Answer {
    let location = HeaderValue::from_str(to);
    let location = location.map_err(|_| Failure::new(StatusCode::NOT_FOUND, "no such address"))?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::FOUND;
    let headers = response.headers_mut();
    headers.insert(LOCATION, location);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(serving::FOR_ONE));
    headers.insert(VARY, HeaderValue::from_static("Authorization"));
    Ok(response)
}

fn not_found(failure: &Failure) -> Failure {
    Failure::new(StatusCode::NOT_FOUND, failure.message.clone())
}
