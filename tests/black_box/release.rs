//! What users do, with curl and with the clients that they have: each a script of its own.

use std::process::Command;

use packhouse_tests::server::{ADMIN_KEY, Server, workspace};

/// Runs a script against a server, to its last words.
#[allow(clippy::print_stdout, reason = "a failed step is found in what the script said")]
fn run(script: &str, server: &[(&str, &str)], last: &str) {
    if Command::new("curl").arg("--version").output().is_err() {
        println!("SKIPPED: curl is not installed");
        return;
    }
    let data = tempfile::tempdir().expect("a temporary folder");
    let work = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start_with(data.path(), server);
    let output = Command::new("bash")
        .arg(workspace().join("tests").join(script))
        .env("PACKHOUSE_URL", format!("http://{}", server.address))
        .env("PACKHOUSE_ADMIN_KEY", ADMIN_KEY)
        .env("RELEASE_WORK", work.path())
        .env("SALE_WORK", work.path())
        .output()
        .expect("bash runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    println!("{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "tests/{script} failed");
    assert!(said.ends_with(last), "it ran to its end");
}

#[test]
fn a_release_is_published_with_curl_and_downloaded_as_anonymous_and_as_owner() {
    run("release.sh", &[], "the release is whole\n");
}

#[test]
fn an_organization_sells_a_product_to_customers_with_access_keys() {
    let may_call = [("PACKHOUSE_ALLOW_OUTBOUND_TO", "127.0.0.1/32")];
    run("sale.sh", &may_call, "the product is sold\n");
}

#[test]
fn a_key_pair_that_gpg_made_is_kept_and_others_verify_with_it() {
    run("keys.sh", &[], "the key is known\n");
}
