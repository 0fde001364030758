//! What Bintray's web pages did and its API did not: users, organizations, and the server's own
//! state.

mod explain;
mod gpg_keys;
mod health;
mod orgs;
mod users;

use axum::response::Response;

use crate::failure::Failure;
use crate::route::Gate::{Credentials, GpgKeys, Oneself, Platform, Subject};
use crate::route::Right::{Own, Read};
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

    // Why someone may do something: for who administers the subject that the body names.
    route!(Post "/management/v1/explain" => "explain.explain", explain::explain,
        [Credentials, Subject(Own)]),
    route!(Put "/management/v1/users/{subject}/following/{followed}" => "users.follow", users::follow,
        [Credentials, Oneself, Subject(Read)]),
    route!(Delete "/management/v1/users/{subject}/following/{followed}" => "users.unfollow", users::unfollow,
        [Credentials, Oneself, Subject(Read)]),

    // Organizations and who is in them.
    route!(Get "/management/v1/orgs" => "orgs.list", orgs::list, [Credentials, Platform]),
    route!(Get "/management/v1/orgs/{subject}" => "orgs.show", orgs::show, [Credentials, Subject(Own)]),
    route!(Put "/management/v1/orgs/{subject}" => "orgs.put", orgs::put, [Credentials, Platform]),
    route!(Patch "/management/v1/orgs/{subject}" => "orgs.update", orgs::update, [Credentials, Subject(Own)]),
    route!(Delete "/management/v1/orgs/{subject}" => "orgs.delete", orgs::delete, [Credentials, Platform, Subject(Read)]),
    route!(Post "/management/v1/orgs/{subject}/api_key" => "orgs.renew_key", orgs::renew_key,
        [Credentials, Subject(Own)]),
    route!(Get "/management/v1/orgs/{subject}/members" => "orgs.members", orgs::members, [Credentials, Subject(Own)]),
    route!(Put "/management/v1/orgs/{subject}/members/{user}" => "orgs.put_member", orgs::put_member,
        [Credentials, Subject(Own)]),
    route!(Delete "/management/v1/orgs/{subject}/members/{user}" => "orgs.delete_member", orgs::delete_member,
        [Credentials, Subject(Own)]),

    // The keys that subjects sign with.
    route!(Get "/management/v1/users/{subject}/keys/gpg" => "gpg_keys.show_of_user", gpg_keys::show_of_user,
        [Credentials, Subject(Own), GpgKeys]),
    route!(Put "/management/v1/users/{subject}/keys/gpg" => "gpg_keys.put_of_user", gpg_keys::put_of_user,
        [Credentials, Subject(Own)]),
    route!(Delete "/management/v1/users/{subject}/keys/gpg" => "gpg_keys.delete_of_user",
        gpg_keys::delete_of_user, [Credentials, Subject(Own), GpgKeys]),
    route!(Get "/management/v1/orgs/{subject}/keys/gpg" => "gpg_keys.show_of_org", gpg_keys::show_of_org,
        [Credentials, Subject(Own), GpgKeys]),
    route!(Put "/management/v1/orgs/{subject}/keys/gpg" => "gpg_keys.put_of_org", gpg_keys::put_of_org,
        [Credentials, Subject(Own)]),
    route!(Delete "/management/v1/orgs/{subject}/keys/gpg" => "gpg_keys.delete_of_org",
        gpg_keys::delete_of_org, [Credentials, Subject(Own), GpgKeys]),

    // Whoever watches the server.
    route!(Get "/management/v1/health" => "health.live", health::live, []),
    route!(Get "/management/v1/ready" => "health.ready", health::ready, []),
];

fn render(failure: &Failure) -> Response {
    reply::failure(failure)
}
