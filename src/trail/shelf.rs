//! The entries that were looked up, with those that they rely on and those that correct them.

use std::collections::BTreeMap;

use crate::ledger::{Body, Key, Ledger, LedgerError, Stored};

/// Entries by their numbers.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    entries: BTreeMap<u64, Stored>,
    /// The corrections, by the number of what they correct.
    amends: BTreeMap<u64, Stored>,
}

impl Shelf {
    /// Everything that the ledger has.
    pub(crate) fn all(ledger: &Ledger<'_>) -> Result<Self, LedgerError> {
        let mut shelf = Self::default();
        for stored in ledger.entries()? {
            shelf.put(stored);
        }
        Ok(shelf)
    }

    /// What some keys find, and what a merge among it relies on.
    pub(crate) fn about(ledger: &Ledger<'_>, keys: &[Key]) -> Result<Self, LedgerError> {
        let mut shelf = Self::default();
        for key in keys {
            for stored in ledger.about(key)? {
                shelf.put(stored);
            }
        }
        let relied: Vec<u64> = shelf.relied().collect();
        for seq in relied {
            if !shelf.entries.contains_key(&seq) {
                for stored in ledger.numbered(seq)? {
                    shelf.put(stored);
                }
            }
        }
        let numbers: Vec<u64> = shelf.entries.keys().copied().collect();
        for seq in numbers {
            for stored in ledger.about(&Key::Amends(seq))? {
                shelf.put(stored);
            }
        }
        Ok(shelf)
    }

    fn put(&mut self, stored: Stored) {
        if let Body::Amend(amend) = &stored.entry.body {
            self.amends.insert(amend.amends, stored);
        } else {
            self.entries.insert(stored.entry.seq, stored);
        }
    }

    fn relied(&self) -> impl Iterator<Item = u64> {
        self.entries.values().flat_map(|stored| {
            let relied: &[u64] = match &stored.entry.body {
                Body::Merge(merge) => &merge.relies_on,
                _ => &[],
            };
            relied.to_vec()
        })
    }

    /// Whether an entry names a prompt, by its id or by the id it had.
    pub(crate) fn names(&self, id: &str) -> bool {
        let key = Key::Prompt(id.to_owned());
        self.entries().any(|stored| key.finds(&stored.entry))
    }

    /// Every entry that is no correction, oldest first.
    pub(crate) fn entries(&self) -> impl DoubleEndedIterator<Item = &Stored> {
        self.entries.values()
    }

    /// Every entry that still supports something, oldest first.
    pub(crate) fn standing(&self) -> impl DoubleEndedIterator<Item = &Stored> {
        self.entries()
            .filter(|stored| self.amend(stored.entry.seq).is_none())
    }

    /// What corrects an entry.
    pub(crate) fn amend(&self, seq: u64) -> Option<&Stored> {
        self.amends.get(&seq)
    }
}
