//! Options whose values are a list in the library: clap takes the list and its names from there.

use clap::ValueEnum;
use clap::builder::PossibleValue;

use crate::data::{Missing, Scale, Separator};
use crate::doctor::Language;
use crate::gpu::Precision;
use crate::network::Activation;
use crate::step::optimizer::Algorithm;
use crate::step::schedule::Curve;

/// Values whose names explain them.
macro_rules! by_name {
    ($($list:ty),*) => {$(
        impl ValueEnum for $list {
            fn value_variants<'a>() -> &'a [Self] {
                &Self::ALL
            }

            fn to_possible_value(&self) -> Option<PossibleValue> {
                Some(PossibleValue::new(self.name()))
            }
        }
    )*};
}

by_name!(Activation, Algorithm, Curve, Language, Precision, Separator);

impl ValueEnum for Scale {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let help = match self {
            Self::Auto => {
                "Bytes are divided by 255, or by their largest if that is low; numbers that are scaled already stay; others are scaled \
                 as with `standard`"
            }
            Self::None => "No scaling",
            Self::Minmax => "Each column is scaled to 0..1",
            Self::Standard => "Each column is scaled to mean 0 and variance 1",
        };
        Some(PossibleValue::new(self.name()).help(help))
    }
}

impl ValueEnum for Missing {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let help = match self {
            Self::Auto => "As impute; a column that lacks more than 5 % gets an input that says where",
            Self::Error => "The first one is an error",
            Self::Drop => "Rows with a missing value are left out",
            Self::Impute => "The mean of the training rows, of words the most frequent one, stands for it",
        };
        Some(PossibleValue::new(self.name()).help(help))
    }
}
