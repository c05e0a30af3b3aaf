//! What a call came to follows from what was known when it set out: that goes with it, so that what was learnt meanwhile
//! stays.

use crate::{domain::pair::Base, ledger::fact::Fact, store::SituationRow};

use super::execute::Attempt;

/// What was agreed on when these facts were found, where they say what is.
pub(super) fn grounds(row: &SituationRow, facts: &[Fact]) -> Option<Box<Base>> {
    let agreed = facts.iter().any(|fact| matches!(fact, Fact::BaseAgreed { .. }));
    agreed.then(|| Box::new(row.pair.base.clone()))
}

impl Attempt {
    /// With what was agreed on when it set out.
    pub(super) fn since(mut self, row: &SituationRow) -> Self {
        match &mut self {
            Self::Done(_, facts, reading) | Self::Withdrawn(_, facts, reading) | Self::Refused(_, facts, reading) => {
                reading.grounds = grounds(row, facts);
            }
            Self::Stale(..) | Self::Failed(_) | Self::Held => {}
        }
        self
    }
}
