//! Cases for implementors of `BlobStore`.
