//! Debian coordinates and box providers of uploads, in every place where clients put them.

use packhouse_core::model::files::{Contents, File};
use packhouse_core::names::{FilePath, RepoPath};
use serde_json::{Value, json};

use crate::app::{App, OWNER};

const MISSING: &str =
    "Unable to upload files: Debian distribution, component and architecture must be specified.";

async fn app(settings: Value) -> App {
    let app = App::new().await;
    app.user(OWNER, "enterprise").await;
    app.repo("acme/deb", settings).await;
    app.package("acme/deb", json!({"name": "p"})).await;
    app
}

impl App {
    /// What is known of a file of `acme/deb`.
    async fn contents(&self, path: &str) -> Contents {
        let location = RepoPath::parse("acme", "deb").unwrap().file(FilePath::parse(path).unwrap());
        self.record::<File>(File::key_of(&location)).await.contents
    }

    /// The distributions, components and architectures of a file, joined again.
    async fn coordinates(&self, path: &str) -> Option<[String; 3]> {
        let debian = self.contents(path).await.debian?;
        Some([debian.distributions, debian.components, debian.architectures].map(|it| it.join(",")))
    }
}

fn three(a: &str, b: &str, c: &str) -> Option<[String; 3]> {
    Some([a, b, c].map(str::to_owned))
}

#[tokio::test]
async fn coordinates_are_parameters_or_headers_and_lists() {
    let app = app(json!({"type": "deb"})).await;
    let put = |name: &str, matrix: &str| {
        app.put(&format!("/content/acme/deb/p/1/pool/main/p/{name}{matrix}")).by(OWNER).body("deb")
    };
    let matrix = ";deb_distribution=jessie,stretch;deb_component=main;deb_architecture=i386,amd64";
    put("a.deb", &format!("{matrix};publish=1?override=0")).await.is_success(201);
    let expected = three("jessie,stretch", "main", "i386,amd64");
    assert_eq!(app.coordinates("pool/main/p/a.deb").await, expected);
    let headers = |ask: crate::app::Ask| {
        ask.header("X-Bintray-Debian-Distribution", "jessie, stretch")
            .header("X-Bintray-Debian-Component", "main")
            .header("X-Bintray-Debian-Architecture", "i386,amd64")
    };
    headers(put("b.deb", "")).await.is_success(201);
    assert_eq!(app.coordinates("pool/main/p/b.deb").await, expected);
    // Some here and some there; encoded commas are commas.
    let mixed =
        put("c.deb", ";deb_distribution=sid;deb_component=main%2Ccontrib;deb_architecture=");
    mixed.header("X-Bintray-Debian-Architecture", "all").await.is_success(201);
    assert_eq!(app.coordinates("pool/main/p/c.deb").await, three("sid", "main,contrib", "all"));
    let conflict =
        put("d.deb", ";deb_distribution=sid").header("X-Bintray-Debian-Distribution", "x");
    conflict.await.refuses_saying(400, "conflicting_parameter: deb_distribution");
    // A query says none.
    let query = "?deb_distribution=sid&deb_component=main&deb_architecture=all";
    put("e.deb", query).await.refuses(400, MISSING);
    // The other forms of an upload say them too.
    let put = app.put("/content/acme/deb/f.deb;bt_package=p;bt_version=1;deb_distribution=sid;deb_architecture=all");
    put.by(OWNER).body("deb").await.is_success(201);
    assert_eq!(app.coordinates("f.deb").await, three("sid", "main", "all"));
}

#[tokio::test]
async fn what_is_not_said_is_the_repositorys_and_what_nobody_says_is_asked_for() {
    let bare = app(json!({"type": "debian"})).await;
    let before = bare.watch.changes();
    for matrix in ["", ";deb_component=main", ";deb_distribution=sid", ";deb_architecture=all"] {
        let put = bare.put(&format!("/content/acme/deb/p/1/a.deb{matrix}")).by(OWNER).body("deb");
        put.await.refuses(400, MISSING);
    }
    assert_eq!(bare.watch.changes(), before, "nothing was even begun");
    // What is no package needs none.
    for name in ["a.dsc", "a.tar.gz", "a.deb.asc"] {
        let put = bare.put(&format!("/content/acme/deb/p/1/{name}")).by(OWNER).body("x").await;
        put.is_success(201);
        assert_eq!(bare.coordinates(name).await, None);
    }
    let settings = json!({
        "type": "debian", "default_debian_distribution": "jessie",
        "default_debian_architecture": "amd64",
    });
    let app = app(settings).await;
    let put = |name: &str| app.put(&format!("/content/acme/deb/p/1/{name}")).by(OWNER).body("deb");
    put("a.deb").await.is_success(201);
    assert_eq!(app.coordinates("a.deb").await, three("jessie", "main", "amd64"));
    put("b.deb;deb_component=contrib").await.is_success(201);
    assert_eq!(app.coordinates("b.deb").await, three("jessie", "contrib", "amd64"));
    let bad = put("c.deb;deb_distribution=..%2Fx").await;
    bad.refuses_saying(400, "The Debian distribution '../x' cannot be used");
}

#[tokio::test]
async fn an_override_takes_its_coordinates_along_when_it_is_published() {
    let app = app(json!({"type": "debian"})).await;
    let put = |distribution: &str, query: &str| {
        let matrix = format!(";deb_distribution={distribution};deb_architecture=all{query}");
        app.put(&format!("/content/acme/deb/p/1/a.deb{matrix}")).by(OWNER).body("deb")
    };
    put("jessie", ";publish=1").await.is_success(201);
    put("sid", "").await.refuses_saying(409, "already exists");
    put("sid", ";override=1").await.is_success(201);
    assert_eq!(app.coordinates("a.deb").await, three("jessie", "main", "all"));
    let publish = app.post("/content/acme/deb/p/1/publish").by(OWNER).await;
    publish.is(200, &json!({"files": 1}));
    assert_eq!(app.coordinates("a.deb").await, three("sid", "main", "all"));
}

#[tokio::test]
async fn elsewhere_coordinates_are_passed_over_whatever_they_say() {
    for kind in ["generic", "maven", "rpm", "vagrant"] {
        let app = app(json!({"type": kind})).await;
        let put = app.put("/content/acme/deb/p/1/a.deb;deb_distribution=..%2Fx;deb_component=,");
        let put = put.by(OWNER).header("X-Bintray-Debian-Architecture", "a b").body("deb").await;
        put.is_success(201);
        assert_eq!(app.coordinates("a.deb").await, None);
    }
}

#[tokio::test]
async fn a_box_says_its_provider_in_a_vagrant_repository_alone() {
    for (kind, kept) in [("vagrant", Some("virtualbox")), ("generic", None)] {
        let app = app(json!({"type": kind})).await;
        for (place, parameters) in [
            "?box_provider=virtualbox",
            ";box_provider=virtualbox",
            ";box_provider=virtualbox?box_provider=virtualbox",
        ]
        .into_iter()
        .enumerate()
        {
            let path = format!("{place}.box");
            let put = app.put(&format!("/content/acme/deb/p/1/{path}{parameters}")).by(OWNER);
            put.body("box").await.is_success(201);
            assert_eq!(app.contents(&path).await.box_provider.as_deref(), kept);
        }
        let put = app.put("/content/acme/deb/p/1/x.box;box_provider=a?box_provider=b").by(OWNER);
        put.body("box").await.refuses_saying(400, "conflicting_parameter: box_provider");
    }
}
