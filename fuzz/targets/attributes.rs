//! Any body is refused with a reason, or attributes that come back as they were stored and are
//! found by what they say.
#![no_main]

use libfuzzer_sys::fuzz_target;
use packhouse_core::model::attributes::{Attributes, Mixed};
use packhouse_core::store::{Field, TermValue};
use packhouse_http::fuzzing::given;

fuzz_target!(|body: &[u8]| {
    let refused = given::parse(body, Mixed::Refused);
    let attributes = match given::parse(body, Mixed::String) {
        Ok(attributes) => attributes,
        Err(why) => {
            assert!(!why.is_empty() && why.chars().count() < 2_100, "{why}");
            assert!(refused.is_err(), "what is taken strictly is taken leniently");
            return;
        }
    };
    if let Ok(strict) = refused {
        assert_eq!(strict, attributes);
    }
    let stored = serde_json::to_string(&attributes).expect("they have text keys");
    let read: Attributes = serde_json::from_str(&stored).expect("they are read again");
    assert_eq!(read, attributes);
    let field = Field::new("attribute", 0);
    let values: usize = attributes.iter().map(|attribute| attribute.values.len()).sum();
    let terms: Vec<_> = attributes.terms(&field).collect();
    assert!(terms.len() >= values && terms.len() <= 2 * values);
    assert!(terms.iter().all(|term| term.value.as_bytes().len() <= TermValue::MAX_BYTES));
});
