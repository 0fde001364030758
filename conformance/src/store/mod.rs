//! Cases for implementors of `Store`.
//!
//! [`store_suite!`](crate::store_suite) makes a test of each case, all or nothing. What a case
//! says, a caller may rely on; nothing here knows how a backend does it.

pub mod attribute_queries;
pub mod committing;
pub mod counters_and_streams;
pub mod filtering;
pub mod ordering_and_paging;
pub mod races;
pub mod random_differential;
pub mod reading;
pub mod selecting;
pub mod signs;
mod support;
pub mod totals;
pub mod whole_texts;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use packhouse_core::store::Store;

/// Makes a test of every case for one backend.
///
/// `$make` names an async function without arguments that gives a fresh, empty store: an
/// `Arc<dyn Store>`, or a pair of something to keep until the end (a temporary directory) and the
/// store.
#[macro_export]
macro_rules! store_suite {
    ($make:path) => {
        $crate::store_suite! { @stamp $make;
            reading {
                a_record_comes_back_as_it_was_put
                terms_come_back_sorted_and_without_doubles
                an_absent_record_is_none
                records_come_in_the_order_asked_for
                reading_nothing_gives_nothing
                keys_that_look_alike_are_different_records
                the_longest_key_is_taken
                a_large_body_comes_back
                many_keys_are_read_from_one_snapshot
            }
            selecting {
                a_page_holds_its_range_alone
                a_range_holds_the_record_at_its_own_parts
                keys_alone_come_without_records
                a_query_that_breaks_a_bound_is_refused
                a_scan_gives_everything_whatever_the_page
                a_scan_is_filtered_and_ordered
                a_scan_keeps_its_snapshot_while_writes_go_on
                a_scan_may_be_dropped_early
            }
            filtering {
                is_finds_the_value_and_no_other
                a_field_with_several_values_matches_by_any
                contains_wants_every_value
                between_respects_each_bound
                types_do_not_mix
                all_and_any_of_none
                any_joins_and_not_inverts
                like_matches_wildcards_in_either_case
                of_asks_the_owner
                of_an_absent_owner_is_false
                of_looks_at_the_owner_as_it_is_now
                replaced_and_deleted_terms_are_not_found
                a_field_is_searched_within_its_scope
                cut_texts_are_found_whole
                a_record_with_very_many_terms_is_found_by_each
            }
            ordering_and_paging {
                by_key_in_both_directions
                by_term_with_ties_by_key
                records_without_the_field_are_left_out
                pages_join_to_the_whole
                a_full_last_page_has_no_cursor
                a_cursor_outlives_its_record
                what_stays_is_given_once_while_others_come_and_go
                skipping_leaves_out_the_first
                a_rare_match_and_a_common_one_are_both_paged
            }
            totals {
                an_unfiltered_total_follows_every_change
                a_filtered_total_counts_past_the_page
                a_limit_of_zero_just_counts
                a_total_of_an_order_by_term_counts_who_has_it
                a_failed_batch_changes_no_total
            }
            committing {
                put_makes_and_writes_anew
                a_record_made_again_is_born_again
                revisions_grow_and_are_never_used_again
                delete_and_delete_within_remove
                changes_are_applied_in_their_order
                a_failed_expectation_changes_nothing
                every_expectation_holds_and_fails_as_it_says
                the_failed_expectation_is_named
                expectations_see_the_state_before_the_batch
                the_same_batch_again_changes_nothing
                a_conflict_may_be_tried_again_with_the_same_id
                a_batch_that_breaks_a_bound_is_refused
                a_batch_of_very_many_changes_is_taken
                a_dropped_commit_leaves_all_or_nothing
            }
            counters_and_streams {
                counters_add_and_raise
                counters_saturate
                a_counter_is_a_record
                streams_number_from_one_without_gaps
                stream_numbers_survive_deletion
                appended_records_are_plain
            }
            races {
                of_many_who_expect_a_revision_those_acknowledged_count
                adders_never_conflict
                a_reader_of_a_stream_never_sees_a_gap
                one_of_many_creators_wins
                readers_see_what_was_acknowledged
            }
            random_differential {
                random_pages_agree_with_the_meaning
            }
            attribute_queries {
                random_attribute_queries_agree_with_their_meaning
            }
            signs {
                like_takes_quotes_and_signs_of_other_languages_literally
                signs_of_query_languages_are_text
            }
            whole_texts {
                like_matches_a_long_text_to_its_end
                a_term_over_the_bound_of_its_field_is_refused
            }
        }
    };
    (@stamp $make:path; $($aspect:ident { $($case:ident)* })*) => {
        $(mod $aspect {
            use super::*;
            $(
                #[test]
                fn $case() {
                    $crate::store::run($make, $crate::store::$aspect::$case);
                }
            )*
        })*
    };
}

/// How long a case may take before it fails.
const PATIENCE: Duration = Duration::from_secs(300);

/// What a backend's constructor gives: a store, perhaps with something to keep until the end.
pub trait Fresh {
    /// What to keep.
    type Guard;

    /// Takes it apart.
    fn split(self) -> (Self::Guard, Arc<dyn Store>);
}

impl Fresh for Arc<dyn Store> {
    type Guard = ();

    fn split(self) -> ((), Arc<dyn Store>) {
        ((), self)
    }
}

impl<G> Fresh for (G, Arc<dyn Store>) {
    type Guard = G;

    fn split(self) -> (G, Arc<dyn Store>) {
        self
    }
}

/// Runs one case on a fresh store, with several threads.
///
/// # Panics
/// When the case fails, hangs, or leaves something behind that holds the store.
pub fn run<F: Fresh>(make: impl AsyncFnOnce() -> F, case: impl AsyncFnOnce(Arc<dyn Store>)) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .expect("a runtime starts");
    runtime.block_on(async {
        let (guard, store) = make().await.split();
        within(PATIENCE, case(Arc::clone(&store))).await;
        assert_eq!(Arc::strong_count(&store), 1, "the case left something running");
        drop(store);
        drop(guard);
    });
}

async fn within(limit: Duration, case: impl Future<Output = ()>) {
    tokio::time::timeout(limit, case).await.expect("the case ends in time");
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    /// A case that is written and not listed would never run.
    #[test]
    fn every_case_is_in_the_suite() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store");
        let list = std::fs::read_to_string(folder.join("mod.rs")).unwrap();
        let mut cases = 0;
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            let aspect = path.file_stem().unwrap().to_str().unwrap();
            if matches!(aspect, "mod" | "support") {
                continue;
            }
            let (_, section) = list.split_once(&format!(" {aspect} {{\n")).unwrap();
            let (section, _) = section.split_once('}').unwrap();
            let listed: Vec<&str> = section.split_whitespace().collect();
            let text = std::fs::read_to_string(&path).unwrap();
            for case in text.split("pub async fn ").skip(1) {
                let (case, _) = case.split_once('(').unwrap();
                assert!(listed.contains(&case), "{aspect}::{case} is not in the suite");
                cases += 1;
            }
        }
        assert!(cases > 60, "found {cases} cases");
    }
}
