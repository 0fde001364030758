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
    Dialect { prefixes: &[&[]], of_subjects: false, routes: ROUTES, render };

#[rustfmt::skip]
static ROUTES: &[Route] = &[
    route!(Get "/management/v1/users" => "users.list", users::list, [Credentials, Platform]),
    route!(Get "/management/v1/users/{subject}" => "users.show", users::show, [Credentials, Oneself, Subject(Read)]),
    route!(Put "/management/v1/users/{subject}" => "users.put", users::put, [Credentials, Platform]),
    route!(Patch "/management/v1/users/{subject}" => "users.update", users::update, [Credentials, Platform, Subject(Read)]),
    route!(Delete "/management/v1/users/{subject}" => "users.delete", users::delete, [Credentials, Platform, Subject(Read)]),
    route!(Post "/management/v1/users/{subject}/api_key" => "users.renew_key", users::renew_key,
        [Credentials, Oneself, Subject(Read)]),

    // Whoever watches the server.
    route!(Get "/management/v1/health" => "health.live", health::live, []),
    route!(Get "/management/v1/ready" => "health.ready", health::ready, []),
];

fn render(failure: &Failure) -> Response {
    reply::failure(failure)
}
