//! The dated table of prices.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::playbook::Playbook;

/// A table of prices in USD.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Prices {
    /// The day that they are of.
    pub(super) as_of: String,
    /// The Region that they are of.
    pub(super) region: String,
    /// Where they stand.
    pub(super) source: String,
    /// By name.
    pub(super) prices: BTreeMap<String, f64>,
}

static SHIPPED: LazyLock<Prices> = LazyLock::new(|| {
    // The file is part of the program, and a test holds that it can be read.
    serde_saphyr::from_str(include_str!("prices.yaml")).unwrap_or_default()
});

impl Prices {
    /// The shipped prices, and in their place those that a playbook gives.
    pub(super) fn of(playbook: &Playbook) -> Self {
        let mut prices = SHIPPED.clone();
        prices.prices.extend(playbook.prices.clone());
        prices
    }

    /// Returns a price, if it is known.
    pub(super) fn get(&self, name: &str) -> Option<f64> {
        self.prices.get(name).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_prices_are_dated_and_above_zero() {
        assert_eq!(SHIPPED.as_of.len(), 10);
        assert!(SHIPPED.prices.len() > 10);
        assert!(SHIPPED.prices.values().all(|price| *price > 0.0));
    }
}
