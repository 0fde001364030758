//! Packhouse blobs in a directory.
//!
//! [`FsBlobs`] is a `BlobStore` on a local file system: one file for each blob, and nothing else
//! that would have to be kept in step with it. A blob is durable when `finish` returns: its file
//! is synced, then named without replacing anything, then the folder that has the name is synced.
//! Directory syncs are shared by the blobs that were named before one began. A sync that failed is
//! final for them: it is never tried again and believed. Blobs that are named after it have a sync of
//! their own.
//!
//! The methods run their system calls on tokio's blocking threads, so they must be polled within
//! a tokio runtime. An open reader holds at most two chunks besides what its consumer holds, a
//! writer at most twice [`FsOptions::write_buffer`] and a chunk of its caller's: chunks are kept and
//! written as they came, so that those of some KiB and more are best.
//!
//! Blobs never take the last of the disk ([`FsOptions::min_free`]): records on the same one must be
//! writable for anything to be removed again. Each upload asks how much is free when it is created
//! and before each buffer is written; those that write at the same instant may together go below
//! by a buffer each.
//!
//! For Unix-like systems and local file systems. The directory belongs to one process at a time
//! and to its user: nobody else should be able to write there.

mod disk;
mod errors;
mod folder;
mod layout;
mod listing;
mod reader;
mod room;
mod staged;
mod store;
#[cfg(test)]
mod tests;
mod writer;

pub use layout::OpenError;
pub use store::{FsBlobs, FsOptions};
