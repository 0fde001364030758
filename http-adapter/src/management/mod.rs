//! What Bintray's web pages did and its API did not: users, and the server's own state.

mod health;
mod users;

use axum::response::Response;

use crate::failure::Failure;
use crate::route::Gate::{Credentials, Oneself, Platform, Subject};
use crate::route::Right::Read;
use crate::route::{Dialect, Route, route};
use crate::support::reply;

pub(crate) static DIALECT: Dialect =
    Dialect { prefixes: &[&["management", "v1"]], routes: ROUTES, render };

#[rustfmt::skip]
static ROUTES: &[Route] = &[
    route!(Get "/users" => "users.list", users::list, [Credentials, Platform]),
    route!(Get "/users/{subject}" => "users.show", users::show, [Credentials, Oneself, Subject(Read)]),
    route!(Put "/users/{subject}" => "users.put", users::put, [Credentials, Platform]),
    route!(Patch "/users/{subject}" => "users.update", users::update, [Credentials, Platform, Subject(Read)]),
    route!(Delete "/users/{subject}" => "users.delete", users::delete, [Credentials, Platform, Subject(Read)]),
    route!(Post "/users/{subject}/api_key" => "users.renew_key", users::renew_key,
        [Credentials, Subject(Read), Oneself]),

    // Whoever watches the server.
    route!(Get "/health" => "health.live", health::live, []),
    route!(Get "/ready" => "health.ready", health::ready, []),
];

fn render(failure: &Failure) -> Response {
    reply::failure(failure)
}
