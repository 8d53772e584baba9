//! What only the prompt version can tell of a call: which parameters and variables it owed.
//! And what only the policy can: the price.

use super::calls::{Coverage, Group};
use super::fields::{Field, Mask};
use crate::policy::Price;
use crate::prompt::Prompt;
use crate::units::Usd;

/// The fields that a call of this prompt owes beside those that every call owes.
pub(crate) fn owed(prompt: &Prompt) -> Mask {
    let mut owed = Mask::default();
    owed.set(Field::Variables, !prompt.variables.is_empty());
    for parameter in prompt
        .draft
        .models
        .iter()
        .flat_map(|each| each.parameters.keys())
    {
        let field = match parameter.as_str() {
            "temperature" => Field::Temperature,
            "max_tokens" => Field::MaxTokens,
            // How the endpoint is called is no parameter of the model.
            "api" => continue,
            _ => Field::Parameters,
        };
        owed.set(field, true);
    }
    owed
}

impl Group {
    /// Adds fields that these calls owe.
    pub(crate) fn owe(&mut self, owed: Mask) {
        let masks = std::mem::take(&mut self.masks);
        for ((present, applicable), count) in masks {
            *self
                .masks
                .entry((present, applicable.with(owed)))
                .or_default() += count;
        }
    }

    /// Estimates the cost of the calls that have tokens and no recorded cost.
    fn price(&mut self, price: Price) {
        let (input, output, calls) = std::mem::take(&mut self.unpriced);
        if calls == 0 {
            return;
        }
        let nanos = u128::from(input) * u128::from(price.input)
            + u128::from(output) * u128::from(price.output);
        let nanos = u64::try_from(nanos / 1_000_000).unwrap_or(u64::MAX);
        self.cost = self.cost.plus(Usd::from_nanos(nanos));
        self.estimated += calls;
        let masks = std::mem::take(&mut self.masks);
        for ((mut present, applicable), count) in masks {
            if applicable.has(Field::Cost) && present.has(Field::Tokens) {
                present.set(Field::Cost, true);
            }
            *self.masks.entry((present, applicable)).or_default() += count;
        }
    }
}

impl Coverage {
    /// Estimates costs from the policy's prices.
    pub(crate) fn price(&mut self, price_of: impl Fn(&str, &str) -> Option<Price>) {
        for (key, group) in &mut self.groups {
            let provider = key.provider.as_deref().unwrap_or_default();
            let price = key
                .model
                .as_deref()
                .and_then(|model| price_of(provider, model));
            if let Some(price) = price {
                group.price(price);
            }
        }
    }
}
