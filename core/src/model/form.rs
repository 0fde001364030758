//! The version of a body's form.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Stands in a body as `"form": N` and refuses to read one of a later form, so that an older
/// program never misunderstands what a newer one wrote. A kind whose form changes reads the old
/// one too; the fixtures in `core/tests/forms` fail when a form changes unnoticed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Form<const N: u32>;

impl<const N: u32> Serialize for Form<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(N)
    }
}

impl<'de, const N: u32> Deserialize<'de> for Form<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u32::deserialize(deserializer)? {
            form if form <= N => Ok(Self),
            form => Err(D::Error::custom(format!("form {form} of a record, known up to {N}"))),
        }
    }
}
