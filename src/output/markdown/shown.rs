//! What a template is given: each value with its meaning, from which the docs are written.

/// Declares a shape that templates see.
macro_rules! shown {
    ($(#[doc = $about:literal])+ $name:ident {
        $($(#[doc = $doc:literal])+ $field:ident: $type:ty,)*
    }) => {
        $(#[doc = $about])+
        #[derive(serde::Serialize)]
        pub(super) struct $name {
            $($(#[doc = $doc])+ pub(super) $field: $type,)*
        }

        impl $name {
            /// Each value with its meaning.
            #[cfg(test)]
            pub(super) const VALUES: &[(&str, &str)] =
                &[$((stringify!($field), concat!($($doc),+)),)*];
        }
    };
}

pub(super) use shown;
