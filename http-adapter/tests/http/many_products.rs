//! What a list of products costs those who may read little of it, and that a product that is hidden
//! costs what one costs that is not there.

use serde_json::json;

use crate::app::{App, OWNER, STRANGER};

/// `acme` with products of packages of the private repository, and one of the public one too.
async fn app(products: usize, packages: usize) -> App {
    let app = App::furnished().await;
    let mut members = Vec::new();
    for number in 0..packages {
        app.package("acme/vault", json!({"name": format!("p{number}")})).await;
        members.push(format!("vault/p{number}"));
    }
    for number in 0..products {
        let body = json!({"name": format!("hidden{number}"), "packages": members});
        let made = app.post("/products/acme").by(OWNER).json(&body).await;
        assert_eq!(made.status, 201, "{made:?}");
    }
    members.push("tools/app".to_owned());
    let body = json!({"name": "seen", "packages": members});
    assert_eq!(app.post("/products/acme").by(OWNER).json(&body).await.status, 201);
    app.product("acme", "empty").await;
    app.access_key(OWNER, "one").await;
    let body = json!({"access": "r", "access_keys": ["one"]});
    let entitled = app.post("/packages/acme/vault/app/entitlements").by(OWNER).json(&body).await;
    assert_eq!(entitled.status, 201, "{entitled:?}");
    app
}

/// How many records a request reads, or asks a list of.
async fn reads(app: &App, by: &str, target: &str) -> u64 {
    let before = app.watch.reads();
    let answer = app.get(target).by(by).await;
    assert!(matches!(answer.status, 200 | 404), "{answer:?}");
    app.watch.reads() - before
}

#[tokio::test]
async fn what_is_hidden_does_not_make_a_list_cost_more() {
    let (few, many) = (app(1, 1).await, app(20, 10).await);
    for by in [STRANGER, "one@acme"] {
        let target = "/products/acme";
        let listed = many.get(target).by(by).await;
        listed.is_page((1, 0, 0), &json!([{"name": "seen"}]));
        assert_eq!(reads(&many, by, target).await, reads(&few, by, target).await, "{by}");
    }
}

#[tokio::test]
async fn a_hidden_product_costs_the_same_reads_as_none() {
    let app = app(2, 3).await;
    for by in [STRANGER, "one@acme"] {
        let absent = reads(&app, by, "/products/acme/absent").await;
        for hidden in ["hidden0", "hidden1", "empty"] {
            let target = format!("/products/acme/{hidden}");
            assert_eq!(reads(&app, by, &target).await, absent, "{hidden} by {by}");
        }
    }
}
