//! The JSON forms of products, EULAs, licenses and restrictions.

use packhouse_core::geo::Country;
use packhouse_core::model::eulas::{Eula, EulaSyntax, EulaText, Eulas, SignedEula, Signer};
use packhouse_core::model::jobs::{ForgottenProduct, Job, Task};
use packhouse_core::model::licenses::{CustomLicense, LicenseSettings};
use packhouse_core::model::packages::{Package, PackageSettings};
use packhouse_core::model::products::{Product, ProductSettings, ProductTomb};
use packhouse_core::model::repositories::{
    Repository, RepositoryKind, RepositorySettings, Restrictions,
};
use packhouse_core::model::{AccessKeyId, EulaId, Form, ProductId, RepositoryId};
use packhouse_core::names::{EulaName, LicenseName, ProductName};
use packhouse_core::networks::Network;

use crate::forms::{anna, at, keeps, one, repo, tool, user_id};

fn product_id() -> ProductId {
    ProductId::from_bytes([0x10; 16])
}

fn eula_id() -> EulaId {
    EulaId::from_bytes([0x11; 16])
}

fn suite() -> ProductName {
    ProductName::parse("Suite").unwrap()
}

fn terms() -> EulaName {
    EulaName::parse("Terms of use").unwrap()
}

#[test]
fn products_keep_their_form() {
    let plain = Product {
        form: Form,
        id: product_id(),
        subject: anna(),
        subject_id: user_id(),
        name: suite(),
        settings: ProductSettings::default(),
        packages: vec![],
        created: at(20),
    };
    let described = Product {
        settings: ProductSettings {
            display_name: Some("The Suite".to_owned()),
            desc: Some("things".to_owned()),
            website_url: Some("https://example.org".to_owned()),
            vcs_url: Some("git:x".to_owned()),
            sign_url_expiry: Some(10),
        },
        packages: vec![(repo(), tool())],
        ..plain.clone()
    };
    keeps("product", &plain);
    keeps("product.described", &described);
    let tomb = ProductTomb { form: Form, id: product_id(), subject: anna(), name: suite() };
    keeps("product_tomb", &tomb);
    let forgotten = ForgottenProduct { subject: anna(), name: suite(), id: product_id() };
    let task = Task::ForgetProduct(forgotten);
    let job = Job { form: Form, id: "0d".repeat(16), task, due: at(10), attempts: 2 };
    keeps("job.forget_product", &job);
    let package = Package {
        form: Form,
        subject: anna(),
        repo: repo(),
        name: tool(),
        created: at(3),
        updated: at(4),
        settings: PackageSettings::default(),
        attributes: Default::default(),
        products: [product_id()].into(),
        system_ids: Default::default(),
    };
    keeps("package.of_product", &package);
}

#[test]
fn eulas_keep_their_form() {
    let eula = Eula {
        id: eula_id(),
        name: terms(),
        created: at(21),
        versions: vec![one()],
        default_since: None,
    };
    let default = Eula { versions: vec![], default_since: Some(at(22)), ..eula.clone() };
    let eulas = Eulas {
        form: Form,
        subject: anna(),
        product_id: product_id(),
        product: suite(),
        eulas: vec![eula, default],
    };
    keeps("eulas", &eulas);
    let text = EulaText {
        form: Form,
        subject: anna(),
        product_id: product_id(),
        id: eula_id(),
        syntax: EulaSyntax::PlainText,
        content: "Be good.\n".to_owned(),
    };
    keeps("eula_text", &text);
    let signed = SignedEula {
        form: Form,
        subject: anna(),
        product_id: product_id(),
        product: suite(),
        signer: Signer::User(user_id()),
        user: "Anna".to_owned(),
        version: one(),
        eula_id: eula_id(),
        eula: terms(),
        signed: at(23),
    };
    let by_key = SignedEula {
        signer: Signer::AccessKey(AccessKeyId::from_bytes([0x0f; 16])),
        user: "key.1@Anna".to_owned(),
        ..signed.clone()
    };
    keeps("signed_eula", &signed);
    keeps("signed_eula.by_key", &by_key);
}

#[test]
fn licenses_keep_their_form() {
    let license = CustomLicense {
        form: Form,
        subject: anna(),
        name: LicenseName::parse("my license").unwrap(),
        settings: LicenseSettings {
            description: "mine".to_owned(),
            url: "https://example.org/license".to_owned(),
        },
        created: at(24),
    };
    keeps("custom_license", &license);
}

#[test]
fn restrictions_keep_their_form() {
    let networks = |text| vec![Network::parse(text).unwrap()];
    let repository = Repository {
        form: Form,
        id: RepositoryId::from_bytes([0x0c; 16]),
        subject: anna(),
        owner: user_id(),
        name: repo(),
        kind: RepositoryKind::Generic,
        private: false,
        restrictions: Restrictions {
            white_countries: vec![Country::parse("US").unwrap()],
            black_countries: vec![Country::parse("fr").unwrap()],
            white_networks: networks("10.0.0.1/8"),
            black_networks: networks("2001:db8::/32"),
        },
        created: at(2),
        settings: RepositorySettings::default(),
        has_products: true,
        closing: Default::default(),
    };
    keeps("repository.restricted", &repository);
}
