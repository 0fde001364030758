//! How many files and connections the process may have open.
//!
//! It belongs to a process of its own: an embedding host decides about its limits itself.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files besides those of connections: the database, the log, the runtime.
const OWN: u64 = 64;

/// Raises the soft limit of open files to the hard one, and says in the log what it is. A soft
/// limit of 1024, as is usual, is for programs that use `select`, which this one does not.
pub fn raise(max_connections: usize) {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    let open_files = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => raised.current,
        Err(error) => {
            tracing::warn!(%error, "the limit of open files cannot be raised");
            limit.current
        }
    };
    tracing::info!(open_files = in_words(open_files), was = in_words(limit.current), "limits");
    let wanted = wanted(max_connections);
    if open_files.is_some_and(|most| most < wanted) {
        tracing::warn!(
            open_files,
            wanted,
            "too few open files for max_connections: raise `ulimit -Hn`, or lower max_connections"
        );
    }
}

/// A connection has its socket, and its request a file at a time.
fn wanted(max_connections: usize) -> u64 {
    u64::try_from(max_connections).unwrap_or(u64::MAX).saturating_mul(2).saturating_add(OWN)
}

fn in_words(limit: Option<u64>) -> String {
    limit.map_or_else(|| "unlimited".to_owned(), |limit| limit.to_string())
}
