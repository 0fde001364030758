//! Any body is refused with a reason or a query that every store takes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use packhouse_core::model::attributes::Clauses;
use packhouse_core::store::{Field, KeyRange, Kind, Query};
use packhouse_http::fuzzing::clauses;

fuzz_target!(|body: &[u8]| {
    let query = match clauses::parse(body) {
        Ok(query) => query,
        Err(why) => {
            assert!(!why.is_empty() && why.chars().count() < 2_100, "{why}");
            return;
        }
    };
    let field = Field::new("attribute", 0);
    for clauses in [Clauses::Every, Clauses::AtLeastOne] {
        let filter = query.filter(&field, clauses, true);
        let within = KeyRange::within(Kind::new("thing"), []);
        Query::within(within).filter(filter).check().expect("stores take it");
    }
});
