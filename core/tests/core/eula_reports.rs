//! What is told of who accepted what, and what cannot be kept.

use std::time::Duration;

use packhouse_core::access::Caller;
use packhouse_core::eulas::{self, NewEula, SignedFilter};
use packhouse_core::model::eulas::{EulaSyntax, EulaText, Eulas, SignedEula};
use packhouse_core::{ErrorKind, Listed, Paging, Result, Timestamp, products, users};

use crate::eulas::{accept, customer, eula, make_eula, versions, world};
use crate::products::{make, name};
use crate::world::{FIRST, World, forbidden, refusal, refused, run, subject};

fn report(
    world: &World,
    by: &Caller,
    product: Option<&str>,
    filter: &SignedFilter,
    paging: Paging,
) -> Result<Listed<String>> {
    let product = product.map(name);
    let anna = subject("anna");
    let listed = run(eulas::signed(&world.sound, by, &anna, product.as_ref(), filter, paging))?;
    Ok(listed.map(|it| format!("{} {} {} {}", it.product, it.user, it.version, it.eula)))
}

#[test]
fn reports_are_filtered_and_paged_and_for_admins() {
    let (world, anna) = world();
    make(&world, &anna, "more", &["repo/tool"]).unwrap();
    make_eula(&world, "Suite", "terms", false, &["1.0", "2.0"]);
    make_eula(&world, "more", "other", false, &["1.0"]);
    let (bert, customer) = (world.user("bert"), customer(&world, &anna, "k"));
    let mut when = Vec::<Timestamp>::new();
    for (by, of, version) in [
        (&bert, "Suite", "1.0"),
        (&customer, "Suite", "1.0"),
        (&bert, "Suite", "2.0"),
        (&bert, "more", "1.0"),
    ] {
        world.clock.advance(Duration::from_secs(60));
        accept(&world, by, of, version).unwrap();
        when.push(world.all::<SignedEula>().iter().map(|signed| signed.signed).max().unwrap());
    }
    let all = [
        "more bert 1.0 other",
        "Suite bert 2.0 terms",
        "Suite k@anna 1.0 terms",
        "Suite bert 1.0 terms",
    ];
    let told = |product, filter: &SignedFilter, paging| {
        let listed = report(&world, &anna, product, filter, paging).unwrap();
        (listed.items, listed.total.unwrap())
    };
    let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
    let any = SignedFilter::default();
    assert_eq!(told(None, &any, FIRST), (texts(&all), 4));
    assert_eq!(told(Some("Suite"), &any, FIRST), (texts(&all[1..]), 3));
    assert_eq!(told(None, &any, Paging::new(1, 2)), (texts(&all[1..3]), 4));
    let by = SignedFilter { user: Some("bert".into()), ..any.clone() };
    assert_eq!(told(Some("Suite"), &by, FIRST), (texts(&[all[1], all[3]]), 2));
    let of = SignedFilter { eula: Some(eula("other")), ..any.clone() };
    assert_eq!(told(None, &of, FIRST), (texts(&all[..1]), 1));
    let from = SignedFilter { from: Some(when[2]), ..any.clone() };
    assert_eq!(told(None, &from, FIRST), (texts(&all[..2]), 2));
    let between = SignedFilter { from: Some(when[1]), to: Some(when[2]), ..any.clone() };
    assert_eq!(told(None, &between, FIRST), (texts(&all[1..3]), 2));
    let none = SignedFilter { to: Some(when[0].before(Duration::from_millis(1))), ..any.clone() };
    assert_eq!(told(None, &none, FIRST), (Vec::new(), 0));

    assert_eq!(refused(report(&world, &bert, None, &any, FIRST)), forbidden());
    assert_eq!(refused(report(&world, &bert, Some("Suite"), &any, FIRST)), forbidden());
    assert_eq!(refused(report(&world, &customer, None, &any, FIRST)), forbidden());

    // What is deleted meanwhile is told of, as long as the product is there.
    let (name_of_anna, suite) = (subject("anna"), name("Suite"));
    run(eulas::delete(&world.sound, &anna, &name_of_anna, &suite, &eula("terms"))).unwrap();
    run(users::delete(&world.sound, &world.admin, &subject("bert"))).unwrap();
    assert_eq!(told(None, &any, FIRST), (texts(&all), 4));
    run(products::delete(&world.sound, &anna, &name_of_anna, &suite)).unwrap();
    assert_eq!(told(None, &any, FIRST), (texts(&all[..1]), 1));
    make(&world, &anna, "Suite", &["repo/tool"]).unwrap();
    assert_eq!(told(Some("Suite"), &any, FIRST), (Vec::new(), 0));
}

#[test]
fn what_cannot_be_kept_is_said() {
    let (world, anna) = world();
    let create = |named: &str, content: &str, for_versions: &[String]| {
        let for_versions: Vec<&str> = for_versions.iter().map(String::as_str).collect();
        let new = NewEula {
            name: eula(named),
            syntax: EulaSyntax::PlainText,
            content: content.to_owned(),
            default: false,
            versions: versions(&for_versions),
        };
        run(eulas::create(&world.sound, &anna, &subject("anna"), &name("Suite"), &new)).map(drop)
    };
    let invalid = |message: &str| refusal(ErrorKind::Invalid, message);
    let no_text = invalid("The EULA has no text: give it as \"content\"");
    assert_eq!(refused(create("a", " \n", &[])), no_text);
    let long = "x".repeat(EulaText::MAX_BYTES + 1);
    let message = "content has 262145 bytes: at most 262144 are kept";
    assert_eq!(refused(create("a", &long, &[])), invalid(message));
    let many: Vec<String> = (0..600).map(|number| format!("{number}")).collect();
    create("a", "x", &many).unwrap();
    create("b", "x", &many).unwrap();
    let more: Vec<String> = (600..1_001).map(|number| format!("{number}")).collect();
    let message = "The EULAs of the product name 1001 versions: at most 1000 are kept, so make \
                   one the default";
    assert_eq!(refused(create("c", "x", &more)), invalid(message));
    let exists = refusal(ErrorKind::AlreadyExists, "Eula 'a' already exists");
    assert_eq!(refused(create("a", "x", &[])), exists);
    for number in 2..Eulas::MAX {
        create(&format!("e{number}"), "x", &[]).unwrap();
    }
    let most = invalid("A product has at most 100 EULAs: delete one");
    assert_eq!(refused(create("one more", "x", &[])), most);
}
