//! From a request to its handler: the path's one meaning, the route, the caller, the answer.

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::response::Response;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_LENGTH, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::{StatusCode, request};
use packhouse_core::Packhouse;
use packhouse_core::access::{Caller, authenticate};
use packhouse_core::names::RESERVED_SUBJECTS;

use crate::call::{Answer, Call};
use crate::failure::Failure;
use crate::route::{Dialect, Gate, Matrix, Method, Params, Pattern, Route, Table};
use crate::support::credentials;
use crate::support::path::{BadPathKind, CanonicalPath, canonicalise};
use crate::support::query::Query;
use crate::support::sites;
use crate::{Options, bintray, downloads, management, openapi, origin};

/// The dialects in the order in which they are tried. Downloads come last: their path is any.
pub(crate) static DIALECTS: [&Dialect; 4] =
    [&openapi::DIALECT, &management::DIALECT, &bintray::DIALECT, &downloads::DIALECT];

/// The routes of the dialects, in the same order.
static TABLES: LazyLock<[Table; 4]> =
    LazyLock::new(|| DIALECTS.map(|dialect| Table::of(dialect.routes)));

/// The operation that answered a request, such as `packages.show`; for logs and metrics.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Operation(pub &'static str);

#[derive(Clone, Debug)]
struct Adapter {
    packhouse: Packhouse,
    options: Arc<Options>,
}

pub(crate) fn router(packhouse: Packhouse, options: Options) -> Router {
    let options = Arc::new(options);
    Router::new().fallback(answer).with_state(Adapter { packhouse, options })
}

async fn answer(State(adapter): State<Adapter>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let is_head = head.method == http::Method::HEAD;
    let found = canonicalise(head.uri.path())
        .map_err(|bad| {
            let long = bad.kind == BadPathKind::TooLong;
            let status = if long { StatusCode::URI_TOO_LONG } else { StatusCode::BAD_REQUEST };
            (&bintray::DIALECT, Failure::new(status, bad.message))
        })
        .and_then(|path| find(path, &head.method));
    let (mut response, operation) = match found {
        Ok(found) => {
            let (render, operation) = (found.dialect.render, found.route.operation);
            let answer = found.call(adapter, head, body).await;
            (answer.unwrap_or_else(|failure| failed(render, &failure)), operation)
        }
        Err((dialect, failure)) => (failed(dialect.render, &failure), "none"),
    };
    response.extensions_mut().insert(Operation(operation));
    if is_head { without_body(response) } else { response }
}

/// A route that answers the request, with what its path says.
struct Found {
    dialect: &'static Dialect,
    route: &'static Route,
    params: Params,
    matrix: Query,
    trailing_slash: bool,
    doubled_tail: bool,
}

/// Finds the route of a path and a method.
fn find(path: CanonicalPath, method: &http::Method) -> Result<Found, (&'static Dialect, Failure)> {
    let method_name = if method == http::Method::HEAD { "GET" } else { method.as_str() };
    for (dialect, table) in DIALECTS.into_iter().zip(&*TABLES) {
        let matching = dialect.matching(table, &path);
        if matching.is_empty() {
            continue;
        }
        let same = |matched: &&Matched| matched.route.method.as_str() == method_name;
        let Some(matched) = matching.iter().find(same) else {
            return Err((dialect, method_not_allowed(&matching)));
        };
        if let Some(message) = matrix_problem(&path, matched) {
            return Err((dialect, Failure::bad_request(message)));
        }
        return Ok(Found {
            dialect,
            route: matched.route,
            params: matched.params.clone(),
            trailing_slash: path.trailing_slash,
            doubled_tail: matched
                .tail
                .is_some_and(|tail| path.doubled.is_some_and(|at| at >= tail)),
            matrix: Query::from_pairs(path.matrix),
        });
    }
    let message = "There is no such resource: see /openapi.json for all";
    Err((&bintray::DIALECT, Failure::new(StatusCode::NOT_FOUND, message)))
}

fn matrix_problem(path: &CanonicalPath, matched: &Matched) -> Option<&'static str> {
    match matched.route.matrix {
        Matrix::None if !path.matrix.is_empty() => Some(NO_MATRIX),
        Matrix::Folder if path.matrix_folder.is_none_or(|at| Some(at) == matched.tail) => None,
        _ if path.matrix_folder.is_none() => None,
        _ => Some(MATRIX_ELSEWHERE),
    }
}

const MATRIX_ELSEWHERE: &str = "This resource takes parameters (';') after the last segment of its \
                                path only";
const NO_MATRIX: &str = "This resource takes no parameters after a ';': write a ';' that is part \
                         of a name as %3B";

/// Whether no subject has this name, so that what is below it is a dialect's and no download.
fn is_reserved(segment: &str) -> bool {
    RESERVED_SUBJECTS.iter().any(|name| name.eq_ignore_ascii_case(segment))
}

fn method_not_allowed(matching: &[Matched]) -> Failure {
    let mut allow: Vec<&str> =
        matching.iter().map(|matched| matched.route.method.as_str()).collect();
    if allow.contains(&Method::Get.as_str()) {
        allow.push("HEAD");
    }
    allow.sort_unstable();
    allow.dedup();
    let allow = allow.join(", ");
    let message = format!("This resource has the methods {allow}");
    Failure { allow: Some(allow), ..Failure::new(StatusCode::METHOD_NOT_ALLOWED, message) }
}

/// A route whose path matches.
struct Matched {
    route: &'static Route,
    params: Params,
    /// How many segments stand before those that `{*name}` took.
    tail: Option<usize>,
}

impl Dialect {
    /// The routes whose path is this one. The first is the most literal, as the table has them.
    fn matching(&self, table: &Table, path: &CanonicalPath) -> Vec<Matched> {
        let mut matching = Vec::new();
        for prefix in self.prefixes {
            let Some(rest) = strip_prefix(&path.segments, prefix) else { continue };
            if self.of_subjects && rest.first().is_some_and(|first| is_reserved(first)) {
                continue;
            }
            let fits =
                |pattern: &&Pattern| path.trailing_slash || !pattern.route.path.ends_with('/');
            for pattern in table.candidates(rest.first()).iter().filter(fits) {
                if let Some((params, tail)) = pattern.match_path(rest) {
                    let tail = tail.map(|tail| tail + prefix.len());
                    matching.push(Matched { route: pattern.route, params, tail });
                }
            }
        }
        matching
    }
}

fn strip_prefix<'a>(segments: &'a [String], prefix: &[&str]) -> Option<&'a [String]> {
    let (head, rest) = segments.split_at_checked(prefix.len())?;
    (head == prefix).then_some(rest)
}

impl Found {
    async fn call(self, adapter: Adapter, head: request::Parts, body: Body) -> Answer {
        if self.route.method != Method::Get {
            sites::check(&head.headers)?;
        }
        let caller = caller(&adapter, &head).await?;
        if caller.is_anonymous() && self.route.gates.contains(&Gate::Credentials) {
            return Err(credentials::missing());
        }
        let call = Call {
            packhouse: adapter.packhouse,
            options: adapter.options,
            caller,
            head: head.method == http::Method::HEAD,
            params: self.params,
            query: Query::parse(head.uri.query().unwrap_or_default())?,
            matrix: self.matrix,
            trailing_slash: self.trailing_slash,
            doubled_tail: self.doubled_tail,
            headers: head.headers,
            body: std::sync::Mutex::new(body),
        };
        (self.route.handler)(call).await
    }
}

async fn caller(adapter: &Adapter, head: &request::Parts) -> Result<Caller, Failure> {
    let origin = origin::of(head, &adapter.options.trusted_proxies);
    let credentials = credentials::read(&head.headers)?;
    Ok(authenticate(&adapter.packhouse, &credentials, origin).await?)
}

/// Gives a failure the form of its dialect, and the headers that all have.
fn failed(render: fn(&Failure) -> Response, failure: &Failure) -> Response {
    let mut response = render(failure);
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if failure.status == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static("Basic realm=\"Bintray API Realm\"");
        headers.insert(WWW_AUTHENTICATE, challenge);
    }
    if let Some(seconds) = failure.retry_after() {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let Some(allow) = failure.allow.as_ref().and_then(|allow| HeaderValue::from_str(allow).ok())
    {
        headers.insert(ALLOW, allow);
    }
    response
}

/// The head alone, with the length that the body has. A 304 has no length: it would be said of the
/// file.
fn without_body(response: Response) -> Response {
    if response.status() == StatusCode::NOT_MODIFIED {
        return response;
    }
    let (mut head, body) = response.into_parts();
    if let Some(length) = HttpBody::size_hint(&body).exact()
        && !head.headers.contains_key(CONTENT_LENGTH)
    {
        head.headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    Response::from_parts(head, Body::empty())
}
