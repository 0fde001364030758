//! What must not compile: permits and callers are not forged, and nobody reaches around them.

#[test]
fn the_types_refuse_what_the_policy_was_not_asked() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/compile_fail/*.rs");
}
