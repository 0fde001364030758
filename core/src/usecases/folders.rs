//! Folders: what lies directly in one, a page at a time.
//!
//! A folder is no record: it is there while a file below it is that the caller sees. Files are
//! kept in the order of their paths, so that a listing goes along them and jumps over what lies
//! deeper. It must not read all that is below a folder.

use super::{files, restrictions};
use crate::access::policy::Rule;
use crate::access::{Caller, act};
use crate::engine::Packhouse;
use crate::error::Noun;
use crate::model::files::File;
use crate::names::{FilePath, RepoPath};
use crate::store::{Cursor, Filter, Query, Start};
use crate::work::decode;
use crate::{Error, Result, Timestamp};

/// The most entries in one page.
pub const MOST_ENTRIES: usize = 1_000;

/// A page of what lies directly in a folder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Folder {
    /// What is in the page, in the order of the bytes of [`Entry::name`].
    pub entries: Vec<Entry>,
    /// The name after which the next page begins, if there is more.
    pub next: Option<String>,
    /// Whether nothing of the caller's identity or place influenced the answer.
    pub public: bool,
}

/// Something that lies directly in a folder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Its name; that of a folder ends in a slash.
    pub name: String,
    /// What it is.
    pub kind: EntryKind,
}

/// What lies in a folder.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EntryKind {
    /// A folder.
    Folder,
    /// A file.
    File {
        /// Its size in bytes.
        size: u64,
        /// When its bytes were uploaded.
        modified: Timestamp,
        /// Whether it is published.
        published: bool,
    },
}

/// Lists the published files of a folder, or of a whole repository where `folder` is `None`, and
/// the folders in it that hold such files. Unpublished ones are among them only if they are asked
/// for by someone who may publish. The page begins after the name `after`, which need not be there
/// any more, and has up to `limit` entries ([`MOST_ENTRIES`] at the most).
///
/// Reads no more of the store than a small multiple of what it gives, whatever lies deeper.
///
/// # Errors
/// [`crate::ErrorKind::Restricted`]; as [`crate::downloads::find`] for a file that is not there: for a repository that the caller
/// may not read, and for a folder that has nothing after `after` that the caller may see.
pub async fn list(
    packhouse: &Packhouse,
    caller: &Caller,
    repo: &RepoPath,
    folder: Option<&FilePath>,
    include_unpublished: bool,
    after: Option<&str>,
    limit: usize,
) -> Result<Folder> {
    let permit = packhouse.permit::<act::Read, _>(caller, repo).await?;
    let place = permit.place();
    restrictions::admit(packhouse, &place.repo, caller.origin())?;
    let filter = files::listed(&place.repo, include_unpublished && place.publisher)?;
    let limit = limit.clamp(1, MOST_ENTRIES);
    let mut walk = Walk::new(packhouse, repo, folder, filter, limit);
    walk.begin_after(after)?;
    while walk.page().await? {}
    let mut entries = walk.entries;
    if let (Some(folder), true) = (folder, entries.is_empty()) {
        return Err(Error::not_found(Noun::File, folder));
    }
    let more = entries.len() > limit;
    entries.truncate(limit);
    let next = entries.last().filter(|_| more).map(|entry| entry.name.clone());
    let open = *permit.rule() == Rule::Public && place.repo.restrictions.is_empty();
    let public = open && caller.is_anonymous();
    Ok(Folder { entries, next, public })
}

/// A way along the files below a folder that jumps over what lies deeper.
struct Walk<'a> {
    packhouse: &'a Packhouse,
    repo: &'a RepoPath,
    /// The path of the folder with its slash; empty for the repository.
    prefix: String,
    query: Query,
    entries: Vec<Entry>,
    /// How many entries are wanted: one more than a page has tells that there is a next one.
    wanted: usize,
}

impl<'a> Walk<'a> {
    /// How many rows are read at first, and at the least: asking once costs about as much.
    const FEW: usize = 16;

    fn new(
        packhouse: &'a Packhouse,
        repo: &'a RepoPath,
        folder: Option<&FilePath>,
        filter: Filter,
        limit: usize,
    ) -> Self {
        let prefix = folder.map(|folder| format!("{folder}/")).unwrap_or_default();
        let query = Query::within(File::range_of(repo)).filter(filter).limit(Self::FEW);
        Self { packhouse, repo, prefix, query, entries: Vec::new(), wanted: limit + 1 }
    }

    /// Sets where the first page begins.
    fn begin_after(&mut self, after: Option<&str>) -> Result<()> {
        let Some(after) = after else {
            if !self.prefix.is_empty() {
                // No file has this path, and everything below the folder comes after it.
                self.start_after(&self.prefix.clone());
            }
            return Ok(());
        };
        let name = after.strip_suffix('/').unwrap_or(after);
        let is_name = !name.contains('/') && FilePath::parse(name).is_ok();
        if !is_name || self.prefix.len() + after.len() > FilePath::MAX_BYTES {
            let message = "after is no name: give the last one of the page before";
            return Err(Error::invalid(message));
        }
        self.skip(after);
        Ok(())
    }

    /// Reads some files on; `false` when there are enough entries, or no more files.
    async fn page(&mut self) -> Result<bool> {
        let page = self.packhouse.select(&self.query).await?;
        let (more, before) = (page.next.is_some(), self.entries.len());
        for record in page.into_records() {
            let file: File = decode(&record)?;
            let Some(rest) = file.path.as_str().strip_prefix(&self.prefix) else {
                return Ok(false);
            };
            self.take(entry(rest, &file));
            if self.entries.len() == self.wanted {
                return Ok(false);
            }
        }
        // Where much was jumped over, less is read at once; where nothing was, more.
        let found = self.entries.len() - before;
        self.query.limit = (2 * found).clamp(Self::FEW, MOST_ENTRIES);
        let last = self.entries.last().map(|entry| entry.name.clone());
        // What was jumped over does not come again, so that there is something new each time.
        match last.filter(|_| more && found > 0) {
            Some(name) => {
                self.skip(&name);
                Ok(true)
            }
            None => Ok(false),
        }
    }

    /// Takes an entry, unless it is the folder that the file before lies in as well.
    fn take(&mut self, entry: Entry) {
        if self.entries.last().is_none_or(|last| last.name != entry.name) {
            self.entries.push(entry);
        }
    }

    /// Goes on after an entry; after everything in it, if it is a folder.
    fn skip(&mut self, name: &str) {
        let mut path = format!("{}{name}", self.prefix);
        if name.ends_with('/') {
            // Greater than every path below the folder: it is longer than a segment may be, or
            // than a path may be.
            while path.len() <= FilePath::MAX_BYTES
                && path.len() <= self.prefix.len() + name.len() + FilePath::MAX_SEGMENT_BYTES
            {
                path.push(char::MAX);
            }
        }
        self.start_after(&path);
    }

    fn start_after(&mut self, path: &str) {
        let key = File::place_of(self.repo, path);
        self.query.start = Start::After(Cursor { value: None, key });
    }
}

/// The entry of a file, by its path within the folder.
fn entry(rest: &str, file: &File) -> Entry {
    match rest.split_once('/') {
        Some((folder, _)) => Entry { name: format!("{folder}/"), kind: EntryKind::Folder },
        None => Entry {
            name: rest.to_owned(),
            kind: EntryKind::File {
                size: file.contents.size,
                modified: file.contents.created,
                published: file.published.is_some(),
            },
        },
    }
}
