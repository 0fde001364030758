//! Reports of who accepted which EULA, for those who administer the subject.

use std::ops::Bound;

use crate::access::{Caller, act};
use crate::engine::Packhouse;
use crate::model::Stored;
use crate::model::eulas::SignedEula;
use crate::model::products::Product;
use crate::names::{EulaName, ProductName, SubjectName};
use crate::store::{Direction, Filter, Order, Query, TermValue};
use crate::usecases::products::{self, Seen};
use crate::usecases::{Listed, Paging};
use crate::{Result, Timestamp};

/// Which of them to report.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SignedFilter {
    /// From this instant on.
    pub from: Option<Timestamp>,
    /// Up to this instant.
    pub to: Option<Timestamp>,
    /// By who signed in with this name.
    pub user: Option<String>,
    /// Of EULAs of this name.
    pub eula: Option<EulaName>,
}

/// What was accepted of a product, or of all products of a subject, the latest first.
///
/// Implements the Bintray REST API, "Get Signed EULAs".
///
/// # Errors
/// As [`products::check`].
pub async fn signed(
    packhouse: &Packhouse,
    caller: &Caller,
    subject: &SubjectName,
    product: Option<&ProductName>,
    filter: &SignedFilter,
    paging: Paging,
) -> Result<Listed<SignedEula>> {
    let product = match product {
        Some(name) => Some(products::find(packhouse, caller, subject, name).await?),
        None => None,
    };
    packhouse.permit::<act::Administer, _>(caller, subject).await?;
    let range = match &product {
        Some(Seen { product, .. }) => SignedEula::range_of(subject, product.id),
        None => SignedEula::range_of_subject(subject),
    };
    // Of a product that is being deleted some may be left.
    let mut filters = vec![Filter::Of(Product::KIND, Box::new(Filter::everything()))];
    let instant = |at: &Timestamp| Bound::Included(TermValue::instant(*at));
    if filter.from.is_some() || filter.to.is_some() {
        let [from, to] =
            [&filter.from, &filter.to].map(|at| at.as_ref().map_or(Bound::Unbounded, instant));
        filters.push(Filter::Between(SignedEula::SIGNED, from, to));
    }
    let is = |field, text: &str| Filter::Is(field, TermValue::text(text));
    filters.extend(filter.user.as_ref().map(|user| is(SignedEula::USER, user)));
    filters.extend(filter.eula.as_ref().map(|eula| is(SignedEula::EULA, eula.as_str())));
    let order = Order::Term(SignedEula::SIGNED, Direction::Descending);
    packhouse.list(Query::within(range).filter(Filter::All(filters)).order(order), paging).await
}
