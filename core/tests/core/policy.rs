//! The whole policy as one table that people review, and laws that hold for every decision.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use packhouse_core::Timestamp;
use packhouse_core::access::policy::{
    Decision, Denial, Part, Resource, Rule, Standing, Visibility, decide,
};
use packhouse_core::access::{Identity, SignedGrant, SystemCaller};
use packhouse_core::model::grants::{Action, Grant, Scope};
use packhouse_core::model::memberships::Role;
use packhouse_core::model::{AccessKeyId, ProductId, RepositoryId, SubjectId};
use packhouse_core::names::{AccessKeyName, FilePath, PackageName, SubjectName, VersionName};
use proptest::prelude::*;

use crate::golden;

const NOW: i64 = 1_000_000;
const OWNER: [u8; 16] = [1; 16];
const OTHER: [u8; 16] = [2; 16];

fn user(id: [u8; 16]) -> Identity {
    Identity::User { id: SubjectId::from_bytes(id), name: SubjectName::parse("someone").unwrap() }
}

fn access_key() -> Identity {
    Identity::AccessKey {
        id: AccessKeyId::from_bytes([3; 16]),
        name: AccessKeyName::parse("key").unwrap(),
        subject: SubjectName::parse("someone").unwrap(),
    }
}

fn signed_url() -> Identity {
    let read = grant(&[Action::Read], Scope::Path(FilePath::parse("x").unwrap()), None);
    let repository = RepositoryId::from_bytes([4; 16]);
    Identity::SignedUrl(Box::new(SignedGrant { repository, grant: read, callback_id: None }))
}

fn grant(actions: &[Action], scope: Scope, not_after: Option<i64>) -> Grant {
    let not_after = not_after.map(Timestamp::from_millis);
    Grant { id: "g".into(), actions: actions.to_vec(), scope, not_after }
}

fn standing(grants: &[Grant]) -> Standing {
    Standing { role: None, grants: grants.to_vec() }
}

fn part(package: &str, version: &str, path: &str) -> Part {
    Part {
        products: BTreeSet::new(),
        package: Some(PackageName::parse(package).unwrap()),
        version: Some(VersionName::parse(version).unwrap()),
        path: Some(FilePath::parse(path).unwrap()),
    }
}

fn resources() -> [(&'static str, Resource); 4] {
    let owner = Some(SubjectId::from_bytes(OWNER));
    let products = BTreeSet::from([ProductId::from_bytes([7; 16])]);
    let part = Part { products, ..part("tool", "1.0", "a/b/c.bin") };
    let of = |visibility| Resource { owner, visibility, part: part.clone() };
    let platform = Resource { owner: None, visibility: Visibility::Public, part: Part::default() };
    [
        ("the platform", platform),
        ("public", of(Visibility::Public)),
        ("private", of(Visibility::Private)),
        ("unpublished", of(Visibility::Unpublished)),
    ]
}

/// Who asks, and what they are to the resource when the action is in question.
type Asker = (&'static str, Identity, fn(Action) -> Standing);

fn askers() -> Vec<Asker> {
    fn none(_: Action) -> Standing {
        Standing::default()
    }
    fn role(role: Role) -> Standing {
        Standing { role: Some(role), grants: Vec::new() }
    }
    fn path(folder: &str) -> Scope {
        Scope::Path(FilePath::parse(folder).unwrap())
    }
    fn named(package: &str, version: &str) -> Scope {
        let version = VersionName::parse(version).unwrap();
        Scope::Version(PackageName::parse(package).unwrap(), version)
    }
    vec![
        ("anonymous", Identity::Anonymous, none),
        ("anonymous, with a grant that is not theirs", Identity::Anonymous, |action| {
            standing(&[grant(&[action], Scope::Anchor, None)])
        }),
        ("a stranger", user(OTHER), none),
        ("the owner", user(OWNER), none),
        ("granted the action", user(OTHER), |action| {
            standing(&[grant(&[action], Scope::Anchor, None)])
        }),
        ("granted reading", user(OTHER), |_| {
            standing(&[grant(&[Action::Read], Scope::Anchor, None)])
        }),
        ("granted publishing", user(OTHER), |_| {
            standing(&[grant(&[Action::Publish], Scope::Anchor, None)])
        }),
        ("granted the action until now", user(OTHER), |action| {
            standing(&[grant(&[action], Scope::Anchor, Some(NOW))])
        }),
        ("granted the action until just after now", user(OTHER), |action| {
            standing(&[grant(&[action], Scope::Anchor, Some(NOW + 1))])
        }),
        ("granted the action for package tool", user(OTHER), |action| {
            standing(&[grant(&[action], Scope::Package(PackageName::parse("tool").unwrap()), None)])
        }),
        ("granted the action for package tools", user(OTHER), |action| {
            standing(&[grant(
                &[action],
                Scope::Package(PackageName::parse("tools").unwrap()),
                None,
            )])
        }),
        ("granted the action for version tool 1.0", user(OTHER), |action| {
            standing(&[grant(&[action], named("tool", "1.0"), None)])
        }),
        ("granted the action for version tool 1.0.1", user(OTHER), |action| {
            standing(&[grant(&[action], named("tool", "1.0.1"), None)])
        }),
        ("granted the action for folder a/b", user(OTHER), |action| {
            standing(&[grant(&[action], path("a/b"), None)])
        }),
        ("granted the action for folder a/b/c", user(OTHER), |action| {
            standing(&[grant(&[action], path("a/b/c"), None)])
        }),
        ("granted the action for the product of tool", user(OTHER), |action| {
            standing(&[grant(&[action], Scope::Product(ProductId::from_bytes([7; 16])), None)])
        }),
        ("granted the action for another product", user(OTHER), |action| {
            standing(&[grant(&[action], Scope::Product(ProductId::from_bytes([8; 16])), None)])
        }),
        ("an owner of the organization", user(OTHER), |_| role(Role::Owner)),
        ("an admin of the organization", user(OTHER), |_| role(Role::Admin)),
        ("a member of the organization", user(OTHER), |_| role(Role::Member)),
        ("an access key, without a grant", access_key(), none),
        ("an access key, granted the action", access_key(), |action| {
            standing(&[grant(&[action], Scope::Anchor, None)])
        }),
        ("an access key, as if it had a role", access_key(), |_| role(Role::Owner)),
        ("a signed URL for another file", signed_url(), none),
        ("a signed URL", signed_url(), |_| {
            standing(&[grant(&[Action::Read], path("a/b/c.bin"), None)])
        }),
        ("the set-up", Identity::System(SystemCaller::Setup), none),
        ("the janitor", Identity::System(SystemCaller::Janitor), none),
    ]
}

fn word(decision: &Decision) -> &'static str {
    match decision {
        Decision::Allowed(Rule::Public) => "yes, public",
        Decision::Allowed(Rule::Owner) => "yes, owner",
        Decision::Allowed(Rule::Role(_)) => "yes, role",
        Decision::Allowed(Rule::Grant(_)) => "yes, grant",
        Decision::Allowed(Rule::System(_)) => "yes, system",
        Decision::Denied(Denial::Authenticate) => "authenticate",
        Decision::Denied(Denial::Forbidden) => "forbidden",
        Decision::Denied(Denial::Hidden) => "hidden",
    }
}

#[test]
fn the_policy_is_the_reviewed_table() {
    let mut table = String::from(
        "The whole policy, as `access::policy::decide` gives it. Reviewed by people; written by\n\
         `UPDATE_GOLDEN=1 cargo test -p packhouse-core policy`.\n\n\
         The resource is the file a/b/c.bin of version 1.0 of package tool, in a public or a\n\
         private repository, or before its publication; or the platform itself.\n",
    );
    for (who, identity, standing) in askers() {
        write!(table, "\n{who}\n{:18}", "").unwrap();
        for (name, _) in resources() {
            write!(table, "{name:14}").unwrap();
        }
        table = table.trim_end().to_owned() + "\n";
        for action in Action::ALL {
            write!(table, "  {:16}", format!("{action:?}")).unwrap();
            for (_, resource) in resources() {
                let now = Timestamp::from_millis(NOW);
                let decision = decide(&identity, action, &resource, &standing(action), now);
                write!(table, "{:14}", word(&decision)).unwrap();
            }
            table = table.trim_end().to_owned() + "\n";
        }
    }
    golden::compare("policy.txt", &table);
}

fn any_name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "ab", "a.b"]).prop_map(str::to_owned)
}

fn any_path() -> impl Strategy<Value = FilePath> {
    prop::collection::vec(any_name(), 1..4)
        .prop_map(|segments| FilePath::parse(&segments.join("/")).unwrap())
}

fn any_package() -> impl Strategy<Value = PackageName> {
    any_name().prop_map(|name| PackageName::parse(&name).unwrap())
}

fn any_version() -> impl Strategy<Value = VersionName> {
    any_name().prop_map(|name| VersionName::parse(&name).unwrap())
}

fn any_action() -> impl Strategy<Value = Action> {
    prop::sample::select(Action::ALL.to_vec())
}

fn any_scope() -> impl Strategy<Value = Scope> {
    prop_oneof![
        Just(Scope::Anchor),
        any_path().prop_map(Scope::Path),
        any_package().prop_map(Scope::Package),
        (any_package(), any_version())
            .prop_map(|(package, version)| Scope::Version(package, version)),
    ]
}

fn any_grant() -> impl Strategy<Value = Grant> {
    let end = prop::option::of(NOW - 2..NOW + 3);
    (prop::collection::vec(any_action(), 0..4), any_scope(), end)
        .prop_map(|(actions, scope, end)| grant(&actions, scope, end))
}

fn any_resource() -> impl Strategy<Value = Resource> {
    let owner = prop::option::of(prop::sample::select(vec![OWNER, OTHER]));
    let visibility = prop::sample::select(vec![
        Visibility::Public,
        Visibility::Private,
        Visibility::Unpublished,
    ]);
    let part = (
        prop::option::of(any_package()),
        prop::option::of(any_version()),
        prop::option::of(any_path()),
    )
        .prop_map(|(package, version, path)| Part {
            products: BTreeSet::new(),
            package,
            version,
            path,
        });
    (owner, visibility, part).prop_map(|(owner, visibility, part)| Resource {
        owner: owner.map(SubjectId::from_bytes),
        visibility,
        part,
    })
}

fn any_identity() -> impl Strategy<Value = Identity> {
    prop::sample::select(vec![
        Identity::Anonymous,
        user(OWNER),
        user(OTHER),
        access_key(),
        signed_url(),
        Identity::System(SystemCaller::Setup),
        Identity::System(SystemCaller::Janitor),
    ])
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// What a scope holds, said another way than the policy says it: lists of segments.
fn reference_holds(scope: &Scope, part: &Part) -> bool {
    let segments =
        |path: &FilePath| path.as_str().split('/').map(str::to_owned).collect::<Vec<_>>();
    match scope {
        Scope::Anchor => true,
        Scope::Product(product) => part.products.contains(product),
        Scope::Package(package) => Some(package) == part.package.as_ref(),
        Scope::Version(package, version) => {
            (Some(package), Some(version)) == (part.package.as_ref(), part.version.as_ref())
        }
        Scope::Path(folder) => match &part.path {
            None => false,
            Some(path) => {
                let (folder, path) = (segments(folder), segments(path));
                path.len() >= folder.len() && folder.iter().zip(&path).all(|(a, b)| a == b)
            }
        },
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn one_more_grant_never_takes_a_right_away(
        identity in any_identity(), action in any_action(), resource in any_resource(),
        grants in prop::collection::vec(any_grant(), 0..4), more in any_grant(), place in 0usize..4,
    ) {
        let before = decide(&identity, action, &resource, &standing(&grants), at(NOW));
        let mut with = grants.clone();
        with.insert(place.min(grants.len()), more);
        let after = decide(&identity, action, &resource, &standing(&with), at(NOW));
        if matches!(before, Decision::Allowed(_)) {
            prop_assert!(matches!(after, Decision::Allowed(_)), "{before:?} then {after:?}");
        }
        if before == Decision::Denied(Denial::Forbidden) {
            prop_assert_ne!(after, Decision::Denied(Denial::Hidden));
        }
    }

    #[test]
    fn the_passing_of_time_never_gives_a_right(
        identity in any_identity(), action in any_action(), resource in any_resource(),
        grants in prop::collection::vec(any_grant(), 0..4), later in 0i64..5,
    ) {
        let after = decide(&identity, action, &resource, &standing(&grants), at(NOW + later));
        if matches!(after, Decision::Allowed(_)) {
            let before = decide(&identity, action, &resource, &standing(&grants), at(NOW));
            prop_assert!(matches!(before, Decision::Allowed(_)));
        }
    }

    #[test]
    fn a_grant_gives_its_actions_within_its_scope_until_it_ends_and_nothing_else(
        action in any_action(), held in any_grant(), part in any_resource().prop_map(|r| r.part),
        now in NOW - 4..NOW + 4,
    ) {
        // Owned by someone else and private: nothing but the grant can allow it.
        let owner = Some(SubjectId::from_bytes(OWNER));
        let resource = Resource { owner, visibility: Visibility::Private, part };
        let expected = held.actions.contains(&action)
            && reference_holds(&held.scope, &resource.part)
            && held.not_after.is_none_or(|end| now < end.as_millis());
        let decision = decide(&user(OTHER), action, &resource, &standing(std::slice::from_ref(&held)), at(now));
        prop_assert_eq!(matches!(decision, Decision::Allowed(_)), expected, "{:?}", decision);
    }

    #[test]
    fn the_anonymous_are_asked_to_sign_in_and_told_nothing_else(
        action in any_action(), resource in any_resource(),
        grants in prop::collection::vec(any_grant(), 0..4),
    ) {
        let decision = decide(&Identity::Anonymous, action, &resource, &standing(&grants), at(NOW));
        let public = action == Action::Read && resource.visibility == Visibility::Public;
        let expected = if public {
            Decision::Allowed(Rule::Public)
        } else {
            Decision::Denied(Denial::Authenticate)
        };
        prop_assert_eq!(decision, expected);
    }

    #[test]
    fn what_someone_may_not_read_is_hidden_and_what_they_may_is_forbidden(
        action in any_action(), resource in any_resource(),
        grants in prop::collection::vec(any_grant(), 0..4),
    ) {
        let reading = decide(&user(OTHER), Action::Read, &resource, &standing(&grants), at(NOW));
        let sees = matches!(reading, Decision::Allowed(_));
        match decide(&user(OTHER), action, &resource, &standing(&grants), at(NOW)) {
            Decision::Allowed(_) => {}
            Decision::Denied(Denial::Forbidden) => prop_assert!(sees),
            Decision::Denied(Denial::Hidden) => prop_assert!(!sees),
            Decision::Denied(Denial::Authenticate) => prop_assert!(false, "a user is signed in"),
        }
    }

    #[test]
    fn only_those_who_may_publish_see_what_is_unpublished(
        identity in any_identity(), resource in any_resource(),
        grants in prop::collection::vec(any_grant(), 0..4),
    ) {
        let resource = Resource { visibility: Visibility::Unpublished, ..resource };
        let decided = |action| {
            matches!(decide(&identity, action, &resource, &standing(&grants), at(NOW)), Decision::Allowed(_))
        };
        prop_assert_eq!(decided(Action::Read), decided(Action::Publish));
    }
}

#[test]
fn a_system_caller_has_its_own_work_and_no_other() {
    for (name, resource) in resources() {
        for action in Action::ALL {
            for (system, own) in [
                (SystemCaller::Setup, Action::ManageResources),
                (SystemCaller::Janitor, Action::Delete),
                (SystemCaller::Messenger, Action::Annotate),
                (SystemCaller::Notary, Action::Annotate),
            ] {
                let identity = Identity::System(system);
                let decision = decide(&identity, action, &resource, &Standing::default(), at(NOW));
                let by_system = decision == Decision::Allowed(Rule::System(system));
                assert_eq!(by_system, action == own, "{system:?} {action:?} {name}");
            }
        }
    }
}
