//! Patches: what was said is changed, what was not is left alone.

/// Declares a patch type with an optional field for each field of a settings type.
macro_rules! patch {
    ($(#[$doc:meta])* $patch:ident of $settings:ty { $($field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Debug, Default)]
        #[allow(missing_docs)]
        pub struct $patch {
            $(pub $field: Option<$type>,)*
        }

        impl $patch {
            /// The settings with what the patch says.
            #[must_use]
            pub fn apply(self, mut settings: $settings) -> $settings {
                $(if let Some(value) = self.$field { settings.$field = value; })*
                settings
            }
        }
    };
}

pub(super) use patch;
