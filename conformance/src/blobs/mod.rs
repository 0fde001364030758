//! Cases for implementors of `BlobStore`.
//!
//! A case is an async function over an empty store, and its name is the promise it checks. The
//! cases know the port only; what a backend has besides (its folders, its limits) is for its own
//! tests.
//!
//! Left open on purpose: whether an id can be created again after its writer was dropped or its
//! blob removed (the engine never uses an id twice), and what `remove` does to a blob that is
//! being written (it is not there yet).

pub mod listing;
pub mod reading;
pub mod removing;
mod support;
pub mod suspending;
pub mod writing;

pub use support::{Fixture, run};

/// Makes a test of each case. Its argument names an async function that gives a [`Fixture`] with
/// an empty store; the tests run on tokio, which the calling crate must have with its `macros`
/// and `rt-multi-thread` features.
///
/// [`Fixture`]: crate::blobs::Fixture
#[macro_export]
macro_rules! blob_suite {
    ($make:path) => {
        $crate::blob_suite! { @stamp $make:
            listing::exactly_the_finished_blobs_are_listed,
            listing::many_blobs_are_listed_once_each,
            listing::the_address_of_an_absent_blob_is_not_found,
            reading::a_large_blob_comes_in_pieces_of_bounded_size,
            reading::a_range_outside_the_blob_is_refused,
            reading::an_absent_blob_is_not_found,
            reading::every_range_gives_exactly_its_bytes,
            reading::many_readers_read_one_blob,
            reading::ranges_of_a_large_blob_give_exactly_their_bytes,
            reading::readers_that_are_given_up_disturb_nobody,
            removing::a_reader_that_is_open_reads_a_removed_blob_to_its_end,
            removing::a_removed_blob_is_gone,
            removing::a_suspended_blob_can_be_removed,
            removing::many_removals_at_once_remove_all,
            removing::removing_one_blob_leaves_the_others,
            removing::removing_what_is_not_there_is_no_error,
            suspending::a_blob_may_be_suspended_many_times,
            suspending::a_blob_suspended_before_its_first_byte_goes_on,
            suspending::a_resumed_blob_is_finished_whole,
            suspending::a_resumed_writer_that_is_dropped_leaves_the_blob_suspended,
            suspending::a_suspended_blob_cannot_be_created,
            suspending::a_suspended_blob_is_not_there,
            suspending::bytes_after_the_suspended_offset_are_forgotten,
            suspending::more_than_was_suspended_cannot_be_resumed,
            suspending::the_suspended_state_is_plain_json,
            suspending::what_is_not_suspended_cannot_be_resumed,
            writing::a_dropped_writer_leaves_nothing,
            writing::a_finished_blob_cannot_be_created_again,
            writing::a_finished_blob_is_read_back,
            writing::a_blob_being_written_cannot_be_created,
            writing::a_write_that_is_given_up_leaves_nothing,
            writing::an_empty_blob_is_a_blob,
            writing::an_unfinished_blob_is_not_there,
            writing::chunks_of_any_size_are_joined,
            writing::finishing_tells_what_the_list_tells,
            writing::many_writers_write_at_once,
            writing::of_many_creations_of_one_id_one_succeeds,
        }
    };
    (@stamp $make:path: $($module:ident::$case:ident),* $(,)?) => {$(
        #[::tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $case() {
            $crate::blobs::run($make().await, $crate::blobs::$module::$case).await;
        }
    )*};
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_case_is_in_the_suite() {
        let list = include_str!("mod.rs");
        for (module, source) in [
            ("listing", include_str!("listing.rs")),
            ("reading", include_str!("reading.rs")),
            ("removing", include_str!("removing.rs")),
            ("suspending", include_str!("suspending.rs")),
            ("writing", include_str!("writing.rs")),
        ] {
            let cases = source.lines().filter_map(|line| line.strip_prefix("pub async fn "));
            let names = cases.map(|rest| rest.split('(').next().unwrap());
            let mut count = 0;
            for name in names {
                let entry = format!(" {module}::{name},\n");
                assert!(list.contains(&entry), "{module}::{name} is in no suite");
                count += 1;
            }
            assert!(count > 0, "{module} has no cases");
        }
    }
}
