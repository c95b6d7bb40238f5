//! The dated table of prices.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::Range;
use crate::names::Region;
use crate::playbook::Playbook;

/// A table of prices in USD.
#[derive(Clone, Debug, Default, Deserialize)]
struct Prices {
    /// The day that they are of.
    as_of: String,
    /// The Region that they are of.
    region: String,
    /// Where they stand.
    source: String,
    /// By name.
    prices: BTreeMap<String, f64>,
}

static SHIPPED: LazyLock<Prices> = LazyLock::new(|| {
    // The file is part of the program, and a test holds that it can be read.
    serde_saphyr::from_str(include_str!("prices.yaml")).unwrap_or_default()
});

/// What a price of the table may be in another Region: the dearest, São Paulo, asks nearly twice as much for some.
const ELSEWHERE: Range = Range { low: 0.95, high: 2.0 };

/// The prices of one account and Region.
#[derive(Clone, Debug)]
pub(super) struct Asked<'a> {
    given: &'a BTreeMap<String, f64>,
    is_here: bool,
}

impl<'a> Asked<'a> {
    /// The shipped prices as they hold in a Region, and in their place those that a playbook gives.
    pub(super) fn of(playbook: &'a Playbook, region: Option<&Region>) -> Self {
        let is_here = region.is_some_and(|region| region.as_str() == SHIPPED.region);
        Self { given: &playbook.prices, is_here }
    }

    /// Returns a price, if it is known.
    pub(super) fn get(&self, name: &str) -> Option<Range> {
        if let Some(given) = self.given.get(name) {
            return Some(Range::of(*given));
        }
        let listed = *SHIPPED.prices.get(name)?;
        Some(if self.is_here { Range::of(listed) } else { ELSEWHERE.times(listed) })
    }

    /// Returns the price of what every table has, by a name of the shipped one.
    pub(super) fn of_known(&self, name: &str) -> Range {
        self.get(name).unwrap_or_default()
    }

    /// Says of when and where the prices are, and how they are read elsewhere.
    pub(super) fn origin(&self, region: Option<&Region>) -> String {
        let mut origin = format!("{} of {}: {}", SHIPPED.as_of, SHIPPED.region, SHIPPED.source);
        if !self.is_here {
            origin.push_str(&format!(
                "; in {} each is taken for {} to {} times that, where the playbook does not say",
                region.map_or("an unknown Region", |region| region.as_str()),
                ELSEWHERE.low,
                ELSEWHERE.high
            ));
        }
        origin
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_prices_are_dated_and_above_zero() {
        assert_eq!(SHIPPED.as_of.len(), 10);
        // Whatever has a price may be given another one.
        let prices = SHIPPED.prices.clone();
        let playbook = Playbook { prices, ..crate::readiness::cases::playbook() };
        assert_eq!(playbook.check(), []);
        assert!(SHIPPED.prices.len() > 10);
        assert!(SHIPPED.prices.values().all(|price| *price > 0.0));
    }
}
