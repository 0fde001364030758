//! What means something to a database is text to those who search.

use std::ops::Bound;
use std::sync::Arc;

use packhouse_core::store::{Direction, Filter, Order, Query, Store, Term, TermValue};

use super::support::{COLOR, NAME, given, is, like, matching, named, names, text, things};

/// Nothing but `*` and `?` is special, and only ASCII letters have two cases.
pub async fn like_takes_quotes_and_signs_of_other_languages_literally(store: Arc<dyn Store>) {
    let texts = [
        "été 2020",
        "ÉTÉ 2020",
        "日本語テキスト",
        "a\0bcd",
        "abcd",
        "x\ny\nz",
        "\u{212a}elvin",
        "kelvin",
    ];
    let keys: Vec<String> = (0..texts.len()).map(|n| n.to_string()).collect();
    let records: Vec<(&str, Vec<Term>)> =
        keys.iter().zip(texts).map(|(key, name)| (key.as_str(), vec![text(&NAME, name)])).collect();
    given(&store, &records).await;
    for (pattern, expected) in [
        ("été*", &["0"][..]),
        ("*TÉ 2*", &["1"]),
        ("?T? 2020", &["0", "1"]),
        ("*本語テ*", &["2"]),
        ("a\0bcd", &["3"]),
        ("*bcd", &["3", "4"]),
        ("a*bcd", &["3", "4"]),
        ("abcd", &["4"]),
        ("x\ny\nz", &["5"]),
        ("kelv*", &["7"]),
        ("* OR *", &[]),
        ("NOT*", &[]),
        ("*\"*", &[]),
    ] {
        assert_eq!(matching(&store, like(&NAME, pattern)).await, expected, "{pattern:?}");
    }
}

/// T235, T236: what means something to a database is data, as a value, within a pattern, and as the
/// name of a field.
pub async fn signs_of_query_languages_are_text(store: Arc<dyn Store>) {
    let texts = [
        "'; DROP TABLE records; --",
        "x' OR '1'='1",
        "100%",
        "100 percent",
        "a_c",
        "abc",
        "\"abc\" OR \"x\"",
        "NEAR(abc x)",
        "^abc + {text}: -x y",
        "?1 :name @name $name",
        "\\' \\\" \\",
        "x'00'",
    ];
    let fields = texts.map(|name| named(name, 0, true));
    let keys: Vec<String> = (0..texts.len()).map(|n| format!("{n:02}")).collect();
    let terms =
        |n: usize| vec![text(&COLOR, texts[n]), text(&NAME, texts[n]), text(&fields[n], "")];
    let records: Vec<_> = (0..texts.len()).map(|n| (keys[n].as_str(), terms(n))).collect();
    given(&store, &records).await;
    for (n, sign) in texts.into_iter().enumerate() {
        let value = TermValue::text(sign);
        let between =
            Filter::Between(COLOR, Bound::Included(value.clone()), Bound::Included(value.clone()));
        for filter in [
            is(&COLOR, sign),
            is(&fields[n], ""),
            Filter::Contains(COLOR, vec![value]),
            between,
            like(&NAME, sign),
            like(&NAME, &format!("*{sign}")),
            like(&NAME, &format!("{sign}*")),
        ] {
            assert_eq!(matching(&store, filter.clone()).await, [keys[n].as_str()], "{filter:?}");
        }
        let ordered = Order::Term(fields[n].clone(), Direction::Ascending);
        assert_eq!(
            names(&store, &Query::within(things([])).order(ordered)).await,
            [keys[n].as_str()]
        );
    }
}
