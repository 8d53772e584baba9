//! The statistics of comparing a baseline with a candidate. Pure functions of plain values,
//! tested against published or independently computed values; `docs/statistics.md` says which
//! is used where and why.

mod binomial;
pub(crate) mod bootstrap;
pub(crate) mod generator;
mod holm;
pub(crate) mod kappa;
mod mcnemar;
pub(crate) mod non_inferiority;
mod normal;
mod pairs;
pub(crate) mod permutation;
pub(crate) mod power;
#[cfg(test)]
pub(crate) mod published;
pub(crate) mod quantile;
mod solve;
mod tango;
pub(crate) mod wilson;

pub(crate) use holm::{holm, holm_levels};
pub(crate) use mcnemar::mcnemar_exact;
pub(crate) use pairs::Pairs;
pub(crate) use tango::tango;
