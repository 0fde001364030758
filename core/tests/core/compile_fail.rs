//! What must not compile: permits and callers are not forged, and nobody reaches around them.

use std::process::Command;

/// The compiler whose words the `.stderr` files have.
const COMPILER: &str = "rustc 1.95.";

#[test]
fn the_types_refuse_what_the_policy_was_not_asked() {
    let version = Command::new("rustc").arg("--version").output().expect("the compiler runs");
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    if !version.starts_with(COMPILER) {
        println!("SKIPPED: {version} words its errors in its own way; {COMPILER} is known");
        return;
    }
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/compile_fail/*.rs");
}
