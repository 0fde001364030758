//! A real release, published and downloaded with curl by `tests/release.sh`.

use std::process::Command;

use packhouse_tests::server::{ADMIN_KEY, Server, workspace};

#[test]
fn a_release_is_published_with_curl_and_downloaded_as_anonymous_and_as_owner() {
    if Command::new("curl").arg("--version").output().is_err() {
        println!("SKIPPED: curl is not installed");
        return;
    }
    let data = tempfile::tempdir().expect("a temporary folder");
    let work = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start(data.path());
    let output = Command::new("bash")
        .arg(workspace().join("tests/release.sh"))
        .env("PACKHOUSE_URL", format!("http://{}", server.address))
        .env("PACKHOUSE_ADMIN_KEY", ADMIN_KEY)
        .env("RELEASE_WORK", work.path())
        .output()
        .expect("bash runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    println!("{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "tests/release.sh failed");
    assert!(said.ends_with("the release is whole\n"), "it ran to its end");
}
