//! Routes as data, and which of them a path means.

use std::collections::HashMap;
use std::fmt;

use futures::future::BoxFuture;

use crate::call::{Answer, Call};
use crate::failure::Failure;

/// A method that routes answer. `HEAD` is answered wherever `GET` is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs)]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    /// The method's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// What is asked of a request, in this order; the first that fails decides the answer. Data for
/// the coverage tests and for readers: the asking itself is done in core. Only that there are
/// credentials at all is asked before anything else of the request is read.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Gate {
    /// The caller must be somebody (401).
    Credentials,
    /// The caller must be an admin of the platform (403).
    Platform,
    /// The caller must be the named user or an admin of the platform (403).
    Oneself,
    /// The subject is there (404).
    Subject(Right),
    /// The repository is there and may be seen (404), and the right is held (403).
    Repository(Right),
    /// The package is there (404).
    Package,
    /// The version is there (404).
    Version,
    /// The file is there and may be seen (404, or 401 for anonymous callers).
    File,
    /// The folder is there: a file that is listed in it or below it (404).
    Folder,
    /// The product is there, and its subject (404).
    Product,
    /// The EULA of the product is there (404).
    Eula,
    /// The subject's own license is there (404).
    License,
    /// The team is there, for those who administer its subject; for others it is not (404).
    Team,
    /// The access key is there (404).
    AccessKey,
    /// The subject has OpenPGP keys (404).
    GpgKeys,
    /// The entitlement is there (404).
    Entitlement,
    /// What the query's scope names is there, and the caller owns its subject (403).
    Scope,
}

/// What must be allowed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Right {
    /// To read.
    Read,
    /// To publish: upload, change, delete, publish.
    Publish,
    /// To change a thing's nature, or to make things in it.
    Own,
}

/// Where the path of a route may have parameters after a `;`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Matrix {
    /// Nowhere.
    None,
    /// After its last segment.
    Last,
    /// There, and as a segment of their own before those of `{*name}`: Maven appends the path of a
    /// file to the address it was given, `…/;publish=1`.
    Folder,
}

/// One route.
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path: literal segments, `{name}` for one segment, `{*name}` for all that are left, up to
    /// the literal segments that may follow it. One that ends in a slash is asked for with it; the
    /// others with or without.
    pub path: &'static str,
    /// The operation, as `noun.verb`: the label of metrics and logs.
    pub operation: &'static str,
    /// What is asked, in this order.
    pub gates: &'static [Gate],
    /// Where its path may have parameters after a `;`. Elsewhere they are refused, so that a `;` of
    /// a name that was not encoded never names another thing.
    pub matrix: Matrix,
    pub(crate) handler: Handler,
}

pub(crate) type Handler = fn(Call) -> BoxFuture<'static, Answer>;

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({})", self.method.as_str(), self.path, self.operation)
    }
}

/// A group of routes that share the form of their errors.
pub(crate) struct Dialect {
    /// Literal segments before each path, as alternatives.
    pub(crate) prefixes: &'static [&'static [&'static str]],
    /// Whether its paths begin with the name of a subject: then none begins with a reserved one.
    pub(crate) of_subjects: bool,
    pub(crate) routes: &'static [Route],
    /// What a failure looks like.
    pub(crate) render: fn(&Failure) -> axum::response::Response,
}

/// The values of a path's parameters.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Params(Vec<(&'static str, String)>);

impl Params {
    /// The value of a parameter of the route.
    pub(crate) fn get(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(known, _)| *known == name);
        found.map_or("", |(_, value)| value.as_str())
    }
}

/// The routes of a dialect, taken apart once, by the first segment of their paths.
pub(crate) struct Table {
    by_first: HashMap<&'static str, Vec<Pattern>>,
    /// Those that begin with a parameter: all that a first segment can mean which is no literal.
    others: Vec<Pattern>,
}

impl Table {
    pub(crate) fn of(routes: &'static [Route]) -> Self {
        let patterns: Vec<Pattern> = routes.iter().map(Pattern::of).collect();
        let literals = patterns.iter().filter_map(Pattern::first);
        let by_first = literals.map(|literal| {
            let fits = |pattern: &&Pattern| pattern.first().is_none_or(|first| first == literal);
            (literal, patterns.iter().filter(fits).cloned().collect())
        });
        let others = patterns.iter().filter(|pattern| pattern.first().is_none()).cloned().collect();
        Self { by_first: by_first.collect(), others }
    }

    /// The routes that a path with this first segment can mean, in the order of the table.
    pub(crate) fn candidates(&self, first: Option<&String>) -> &[Pattern] {
        let literal = first.and_then(|first| self.by_first.get(first.as_str()));
        literal.unwrap_or(&self.others)
    }
}

/// The path of a route, taken apart.
#[derive(Clone)]
pub(crate) struct Pattern {
    pub(crate) route: &'static Route,
    segments: Vec<Segment>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Segment {
    Literal(&'static str),
    One(&'static str),
    Rest(&'static str),
}

impl Pattern {
    fn of(route: &'static Route) -> Self {
        let segments = route.path.trim_end_matches('/').split('/').skip(1);
        Self { route, segments: segments.map(Segment::of).collect() }
    }

    /// The first segment, if it is a literal one.
    fn first(&self) -> Option<&'static str> {
        match self.segments.first() {
            Some(Segment::Literal(literal)) => Some(literal),
            _ => None,
        }
    }

    /// The values of the parameters, and how many segments stand before a `{*name}`; `None` if
    /// the path is another.
    pub(crate) fn match_path(&self, segments: &[String]) -> Option<(Params, Option<usize>)> {
        let rest = self.segments.iter().position(|segment| matches!(segment, Segment::Rest(_)));
        let Some(place) = rest else {
            let same = self.segments.len() == segments.len();
            return if same { Some((values(&self.segments, segments)?, None)) } else { None };
        };
        let (before, after) = self.segments.split_at(place);
        let (rest, after) = after.split_first()?;
        let (head, tail) = segments.split_at_checked(before.len())?;
        let (tail, last) = tail.split_at(tail.len().checked_sub(after.len())?);
        if tail.is_empty() {
            return None;
        }
        // No parameters follow.
        values(after, last)?;
        let mut params = values(before, head)?;
        if let Segment::Rest(name) = rest {
            params.0.push((name, tail.join("/")));
        }
        Some((params, Some(place)))
    }
}

/// The parameters of as many segments.
fn values(patterns: &[Segment], segments: &[String]) -> Option<Params> {
    let fits = |(pattern, segment): (&Segment, &String)| match pattern {
        Segment::Literal(literal) => segment == literal,
        Segment::One(_) | Segment::Rest(_) => true,
    };
    if !patterns.iter().zip(segments).all(fits) {
        return None;
    }
    let value = |(pattern, segment): (&Segment, &String)| match pattern {
        Segment::One(name) => Some((*name, segment.clone())),
        Segment::Literal(_) | Segment::Rest(_) => None,
    };
    Some(Params(patterns.iter().zip(segments).filter_map(value).collect()))
}

impl Segment {
    fn of(pattern: &'static str) -> Self {
        let name = pattern.strip_prefix('{').and_then(|pattern| pattern.strip_suffix('}'));
        match name.map(|name| (name, name.strip_prefix('*'))) {
            Some((_, Some(name))) => Self::Rest(name),
            Some((name, None)) => Self::One(name),
            None => Self::Literal(pattern),
        }
    }
}

/// Declares a route: `route!(Get "/repos/{subject}" => "repositories.list", repositories::list,
/// [Gate…])`, and the [`Matrix`] after the gates where parameters may follow a `;`.
macro_rules! route {
    ($method:ident $path:literal => $operation:literal, $handler:path, [$($gate:expr),*]) => {
        $crate::route::route!(@ $method $path, $operation, $handler, [$($gate),*], None)
    };
    ($method:ident $path:literal => $operation:literal, $handler:path, [$($gate:expr),*], $matrix:ident) => {
        $crate::route::route!(@ $method $path, $operation, $handler, [$($gate),*], $matrix)
    };
    (@ $method:ident $path:literal, $operation:literal, $handler:path, [$($gate:expr),*], $matrix:ident) => {
        $crate::route::Route {
            method: $crate::route::Method::$method,
            path: $path,
            operation: $operation,
            gates: &[$($gate),*],
            matrix: $crate::route::Matrix::$matrix,
            handler: |call| Box::pin($handler(call)),
        }
    };
}

/// Declares the handlers of `/orgs/…` and of `/users/…`.
macro_rules! of_both {
    ($($(#[$doc:meta])* $handler:ident => $of_org:ident, $of_user:ident;)*) => {$(
        $(#[$doc])*
        pub(super) async fn $of_org(call: $crate::call::Call) -> $crate::call::Answer {
            $handler(call, packhouse_core::model::subjects::SubjectKind::Organization).await
        }

        $(#[$doc])*
        pub(super) async fn $of_user(call: $crate::call::Call) -> $crate::call::Answer {
            $handler(call, packhouse_core::model::subjects::SubjectKind::User).await
        }
    )*};
}

pub(crate) use {of_both, route};

#[cfg(test)]
mod tests {
    use super::*;

    async fn nothing(_call: Call) -> Answer {
        unreachable!("no test calls it")
    }

    fn values(path: &'static str, segments: &[&str]) -> Option<Vec<(&'static str, String)>> {
        let handler: Handler = |call| Box::pin(nothing(call));
        let route = Route {
            method: Method::Get,
            path,
            operation: "x",
            gates: &[],
            matrix: Matrix::None,
            handler,
        };
        let table = Table::of(Vec::leak(vec![route]));
        let segments: Vec<String> = segments.iter().map(ToString::to_string).collect();
        let pattern = table.candidates(segments.first()).first()?;
        pattern.match_path(&segments).map(|(params, _)| params.0)
    }

    #[test]
    fn literals_and_parameters_match_segment_by_segment() {
        let one = |value: &str| Some(vec![("a", value.to_owned())]);
        assert_eq!(values("/x/{a}", &["x", "1"]), one("1"));
        assert_eq!(values("/x/{a}", &["y", "1"]), None);
        assert_eq!(values("/x/{a}", &["x"]), None);
        assert_eq!(values("/x/{a}", &["x", "1", "2"]), None);
        assert_eq!(values("/x/{*a}", &["x", "1", "2"]), one("1/2"));
        assert_eq!(values("/x/{*a}", &["x"]), None);
        assert_eq!(values("/x/{*a}/y", &["x", "1", "2", "y"]), one("1/2"));
        assert_eq!(values("/x/{*a}/y", &["x", "y", "y"]), one("y"));
        for other in [&["x", "1", "2"][..], &["x", "y"], &["x", "1", "y", "2"]] {
            assert_eq!(values("/x/{*a}/y", other), None, "{other:?}");
        }
    }
}
