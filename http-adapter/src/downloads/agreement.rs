//! The page on which a person accepts the EULA of a product's version. It must not hold a text that
//! is not escaped, run anything, nor refer to anything else. Its form brings back a token: browsers
//! send the credentials with the forms of other sites' pages too, and those have none.

use std::fmt::Write;

use axum::body::Body;
use axum::response::Response;
use http::StatusCode;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, REFERRER_POLICY, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use packhouse_core::ErrorKind;
use packhouse_core::eulas::{self, Agreement, EulaView};
use packhouse_core::names::{ProductName, SubjectName, VersionName};

use super::listing::{RESOURCE_POLICY, escaped};
use crate::call::{Answer, Call};
use crate::failure::Failure;
use crate::support::query::Query;
use crate::support::serving::FOR_ONE;

const STYLE: &str = include_str!("agreement.css");

/// The hash is that of `agreement.css`: a test computes it.
const POLICY: &str = "default-src 'none'; \
    style-src 'sha256-RBCx+yYOB4uKK+vJ6FJwTNA1SGqVsPd8VJeQBScNWTI='; base-uri 'none'; \
    form-action 'self'; frame-ancestors 'none'";

/// What there is to accept.
pub(super) async fn show(call: Call) -> Answer {
    let (subject, product, version) = names(&call)?;
    let (packhouse, caller) = (&call.packhouse, &call.caller);
    let agreement = eulas::to_accept(packhouse, caller, &subject, &product, &version).await?;
    check_user(&call, &agreement)?;
    Ok(page(&agreement))
}

/// Accepts it.
pub(super) async fn accept(mut call: Call) -> Answer {
    let (subject, product, version) = names(&call)?;
    {
        let (packhouse, caller) = (&call.packhouse, &call.caller);
        let agreement = eulas::to_accept(packhouse, caller, &subject, &product, &version).await?;
        check_user(&call, &agreement)?;
    }
    let body = call.small_body().await?;
    let text = std::str::from_utf8(&body);
    let form = text.map_err(|_| Failure::bad_request("The form is not UTF-8 text"))?;
    let form = Query::parse(form)?;
    let token = form.get("token")?.unwrap_or_default();
    let (packhouse, caller) = (&call.packhouse, &call.caller);
    let accepted = eulas::accept(packhouse, caller, &subject, &product, &version, token).await;
    let accepted = accepted.map_err(|error| Failure {
        shown: *error.kind() == ErrorKind::Forbidden,
        ..Failure::from(error)
    });
    Ok(page(&accepted?))
}

fn names(call: &Call) -> Result<(SubjectName, ProductName, VersionName), Failure> {
    let version = VersionName::parse(call.params.get("version"))?;
    Ok((call.subject()?, call.product()?, version))
}

/// A link for one must not lead another to accept: the download would go on being refused.
fn check_user(call: &Call, agreement: &Agreement) -> Result<(), Failure> {
    let meant = call.query.get("username")?.filter(|name| !name.is_empty());
    let user = &agreement.user;
    match meant {
        Some(meant) if meant != user => {
            let message = format!("You are signed in as {user}: sign in as {meant} to accept this");
            Err(Failure { shown: true, ..Failure::new(StatusCode::FORBIDDEN, message) })
        }
        _ => Ok(()),
    }
}

fn page(agreement: &Agreement) -> Response {
    let mut response = Response::new(Body::from(html(agreement)));
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, FOR_ONE),
        (VARY, "Authorization"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (RESOURCE_POLICY, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn html(agreement: &Agreement) -> String {
    let Agreement { product, version, eulas, user, accepted, token } = agreement;
    let title = escaped(&format!("{} {version}", product.display_name()));
    let user = escaped(user);
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n\
         <p>You are signed in as <strong>{user}</strong>.</p>\n"
    );
    for EulaView { eula, text } in eulas {
        let (name, content) = (escaped(eula.name.as_str()), escaped(&text.content));
        // HTML drops a first line break within `pre`.
        let eula = write!(html, "<h2>{name}</h2>\n<pre>\n{content}</pre>\n");
        eula.expect("a text takes every text");
    }
    html.push_str(&match accepted {
        true => "<p>You have accepted this. Downloads work now.</p>\n".to_owned(),
        false => format!(
            "<form method=\"post\">\n<input type=\"hidden\" name=\"token\" value=\"{token}\">\n\
             <button type=\"submit\">I accept</button>\n</form>\n"
        ),
    });
    html.push_str("</body>\n</html>\n");
    html
}
