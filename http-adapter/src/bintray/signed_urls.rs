//! Bintray REST API, "URL Signing", and dynamic downloads, which lead to such a URL.

use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderName, HeaderValue, LOCATION, VARY};
use packhouse_core::access::Secret;
use packhouse_core::model::calls::CallMethod;
use packhouse_core::names::{FileLocation, FilePath, PackageName};
use packhouse_core::signed_urls::{self, Callback, End, NewSignedUrl, SignedUrl};
use packhouse_core::{Timestamp, versions};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::json;

use crate::call::{Answer, Call};
use crate::failure::Failure;
use crate::support::{address, json, reply, serving};

const SECRET: HeaderName = HeaderName::from_static("x-bintray-secret");
/// What stands for the latest version in the path of a dynamic download.
const LATEST: &str = "$latest";
/// What needs no encoding in a path.
const PATH: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// What needs no encoding in the value of a parameter.
const VALUE: &AsciiSet = &PATH.add(b'/');

#[derive(Deserialize, Default)]
#[serde(default)]
struct NewUrl {
    #[serde(deserialize_with = "json::integer")]
    expiry: Option<i64>,
    #[serde(deserialize_with = "json::integer")]
    valid_for_secs: Option<i64>,
    callback_id: Option<String>,
    callback_email: Option<String>,
    callback_url: Option<String>,
    callback_method: Option<String>,
    secret: Option<String>,
}

/// "URL Signing".
pub(super) async fn create(mut call: Call) -> Answer {
    let (location, encrypt) = (call.file()?, call.query.switch("encrypt")?.unwrap_or(false));
    signed_urls::check_new(&call.packhouse, &call.caller, &location).await?;
    let body: NewUrl = call.json().await?;
    let new = NewSignedUrl { encrypt, ..body.read()? };
    let signed = signed_urls::create(&call.packhouse, &call.caller, &location, &new).await?;
    let mut response =
        reply::ok(&json!({"url": format!("{}{}", address::base(&call)?, path_of(&signed))}));
    if let Some(secret) = &signed.secret {
        let value = HeaderValue::from_bytes(secret.expose());
        let value = value.map_err(|_| Failure::bad_request("the secret is no ASCII text"))?;
        response.headers_mut().insert(SECRET, value);
    }
    Ok(response)
}

impl NewUrl {
    fn read(self) -> Result<NewSignedUrl, Failure> {
        let end = match (self.expiry, self.valid_for_secs) {
            (Some(_), Some(_)) => {
                let message = "expiry and valid_for_secs exclude each other: give one of them";
                return Err(Failure::bad_request(message));
            }
            (Some(millis), None) => Some(End::At(Timestamp::from_millis(millis))),
            (None, Some(secs)) => {
                let secs = u64::try_from(secs).ok().filter(|secs| *secs > 0);
                let secs = secs.ok_or_else(|| {
                    Failure::bad_request("valid_for_secs is no positive number of seconds")
                })?;
                Some(End::After(Duration::from_secs(secs)))
            }
            (None, None) => None,
        };
        let callback = self.callback()?;
        Ok(NewSignedUrl {
            end,
            callback,
            encrypt: false,
            secret: self.secret.filter(|secret| !secret.is_empty()).map(Secret::new),
        })
    }

    fn callback(&self) -> Result<Option<Callback>, Failure> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let (id, url) = (given(&self.callback_id), given(&self.callback_url));
        let Some(id) = id else {
            if url.is_some() || given(&self.callback_email).is_some() {
                let message = "callback_url and callback_email need a callback_id: give one";
                return Err(Failure::bad_request(message));
            }
            return Ok(None);
        };
        if given(&self.callback_email).is_some() {
            let message = "callback_email is not offered: this installation sends no mail; use \
                           callback_url";
            return Err(Failure::bad_request(message));
        }
        let method = match given(&self.callback_method).as_deref().map(str::to_ascii_uppercase) {
            None => CallMethod::Post,
            Some(method) => match method.as_str() {
                "GET" => CallMethod::Get,
                "HEAD" => CallMethod::Head,
                "POST" => CallMethod::Post,
                "PUT" => CallMethod::Put,
                _ => {
                    return Err(Failure::bad_request(format!(
                        "callback_method is '{method}': use GET, POST, PUT or HEAD"
                    )));
                }
            },
        };
        Ok(Some(Callback { id, url, method }))
    }
}

/// "Dynamic Download": a file of the latest version of a package, by a URL that holds for
/// seconds; or any other file.
pub(super) async fn dynamic(call: Call) -> Answer {
    let location = call.file()?;
    if !location.path.as_str().contains(LATEST) {
        return serving::file(&call, &location).await;
    }
    let package = package(&call)?;
    let (packhouse, caller) = (&call.packhouse, &call.caller);
    let path = location.repo.package(package);
    let latest = versions::show_latest(packhouse, caller, &path).await?.version.name;
    let resolved = location.path.as_str().replace(LATEST, latest.as_str());
    let location = FileLocation { path: FilePath::parse(&resolved)?, ..location };
    let permit = serving::find(&call, &location).await?;
    let signed = signed_urls::create_dynamic(packhouse, &permit).await?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::FOUND;
    let to = HeaderValue::from_str(&path_of(&signed));
    let to = to.map_err(|_| Failure::new(StatusCode::NOT_FOUND, "no such address"))?;
    let headers = response.headers_mut();
    headers.insert(LOCATION, to);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(serving::FOR_ONE));
    headers.insert(VARY, HeaderValue::from_static("Authorization"));
    Ok(response)
}

/// The package that a dynamic download is of.
fn package(call: &Call) -> Result<PackageName, Failure> {
    const HEADER: HeaderName = HeaderName::from_static("x-bintray-package");
    let said =
        [call.query.get("bt_package")?, call.matrix.get("bt_package")?, call.header(&HEADER)?];
    let said = said.into_iter().flatten().find(|name| !name.is_empty());
    let name = said.ok_or_else(|| {
        Failure::bad_request(
            "$latest is the latest version of a package: name it as bt_package or in \
             X-Bintray-Package",
        )
    })?;
    Ok(PackageName::parse(name)?)
}

/// The path and the parameters of a signed URL.
fn path_of(signed: &SignedUrl) -> String {
    let FileLocation { repo, path } = &signed.location;
    let value = |text: &str| utf8_percent_encode(text, VALUE).to_string();
    let path = utf8_percent_encode(path.as_str(), PATH);
    let (expiry, id, signature) = (&signed.expiry, value(&signed.id), value(&signed.signature));
    format!("/{repo}/{path}?expiry={expiry}&id={id}&signature={signature}")
}

/// "Regenerate Subject URL signing key".
pub(super) async fn renew_key(call: Call) -> Answer {
    signed_urls::renew_key(&call.packhouse, &call.caller, &call.subject()?).await?;
    Ok(reply::with_status(StatusCode::CREATED, &json!({"message": "success"})))
}
