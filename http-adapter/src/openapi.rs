//! `GET /openapi.json`: every mounted route, from the tables.

use axum::response::Response;
use serde_json::{Map, Value, json};

use crate::call::{Answer, Call};
use crate::dispatch::DIALECTS;
use crate::failure::Failure;
use crate::route::{Dialect, Gate, Route, route};
use crate::support::reply;

pub(crate) static DIALECT: Dialect = Dialect {
    prefixes: &[&[]],
    of_subjects: false,
    routes: &[route!(Get "/openapi.json" => "openapi.show", show, [])],
    render,
};

fn render(failure: &Failure) -> Response {
    reply::failure(failure)
}

async fn show(_call: Call) -> Answer {
    Ok(reply::ok(&document()))
}

fn document() -> Value {
    let mut paths = Map::new();
    for dialect in DIALECTS {
        for route in dialect.routes {
            let path = route.path.replace("{*", "{");
            let item = paths.entry(path).or_insert_with(|| json!({"servers": servers(dialect)}));
            item[route.method.as_str().to_ascii_lowercase()] = operation(route);
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {"title": "Packhouse", "version": env!("CARGO_PKG_VERSION")},
        "paths": paths,
        "components": {"securitySchemes": {"basic": {"type": "http", "scheme": "basic"}}},
    })
}

/// Where the paths of a dialect begin.
fn servers(dialect: &Dialect) -> Value {
    dialect.prefixes.iter().map(|prefix| json!({"url": format!("/{}", prefix.join("/"))})).collect()
}

fn operation(route: &Route) -> Value {
    let parameters: Vec<Value> = route
        .path
        .split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| name.trim_start_matches('*'))
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
        .collect();
    let needed = route.gates.contains(&Gate::Credentials);
    let security = if needed { json!([{"basic": []}]) } else { json!([{}, {"basic": []}]) };
    json!({
        "operationId": route.operation,
        "parameters": parameters,
        "security": security,
        "responses": {"default": {"description": "See the documentation of the dialect."}},
    })
}
