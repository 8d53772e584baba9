//! Puts a finished check on record, before anybody can see its verdict.

use super::{About, Checked, Task};
use crate::anchor::{Anchor, NotRecorded, OnRecord};
use crate::approval::Known;
use crate::commands::Context;
use crate::commands::live::ledger::Hosted;
use crate::git::Repo;
use crate::ledger::append::{Appended, Signer, Store, Writer};
use crate::ledger::local::Local;
use crate::ledger::signature::SigningKey;
use crate::ledger::{Ledger, LedgerError};
use crate::policy::ledger::Recording;
use crate::publish::{Place, Standing};
use crate::recording::{self, Finished};
use crate::untrusted::Untrusted;

impl Task<'_> {
    /// Records the check, and lets its report say what came of that. A run that may not publish
    /// any more does not record either: a newer one has, or will.
    pub(super) fn record(
        &self,
        checked: &mut Checked,
        about: &About,
        place: Option<&Place<'_>>,
        context: &mut Context<'_>,
    ) {
        let Some((branch, recording)) = checked.rules.ledger() else {
            return;
        };
        let may_write = |place: &Place<'_>| {
            let name = place.subject.status_name(checked.rules.status_name());
            matches!(place.may_write(&name, true), Ok(Standing::Current))
        };
        if !checked.report.governed || !place.map_or(self.args.record, may_write) {
            return;
        }
        let branch = branch.to_owned();
        let appended = self.append(checked, about, (place, &branch), context);
        tell(&appended, context);
        let entry = match appended {
            Ok(Appended { tip: Some(tip), .. }) => Ok(Anchor {
                seq: tip.seq,
                digest: tip.digest,
            }),
            // Nothing was to be said, and nothing ever was.
            Ok(Appended { tip: None, .. }) => return,
            Err(error) => Err(NotRecorded {
                why: error.to_string().into(),
                next: error.hint().map(Untrusted::from),
            }),
        };
        checked.report.recorded(OnRecord {
            branch: branch.into(),
            required: recording == Recording::Required,
            entry,
        });
    }

    fn append(
        &self,
        checked: &Checked,
        about: &About,
        (place, branch): (Option<&Place<'_>>, &str),
        context: &Context<'_>,
    ) -> Result<Appended, LedgerError> {
        let repo = Repo::open(&self.args.change.repo)?;
        let finished = Finished {
            report: &checked.report,
            subject: place.and(about.subject.as_ref()),
            observed: match &checked.approvals {
                Known::Observed(observed) => Some(observed),
                Known::Unknown(_) => None,
            },
            seen: self.seen.as_ref(),
            judged_at: checked.judged_at,
            environment: context.environment,
        };
        let store: Box<dyn Store> = match place {
            Some(place) => {
                let at = (place.session, place.subject);
                Box::new(Hosted::writable(at, (&repo, branch), context))
            }
            None => Box::new(Local::new(&repo, branch)),
        };
        let ledger = Ledger::open(&repo, branch)?;
        let drafts = recording::of(&finished, ledger.as_ref())?;
        let key = context.environment.signing_key.as_ref();
        let key = key.map(SigningKey::read).transpose()?;
        let writer = Writer {
            store: &*store,
            repo: &repo,
            signer: key.as_ref().map(|key| key as &dyn Signer),
            clock: &context.clock,
            pause: &context.pause,
        };
        writer.append(&drafts)
    }
}

/// Says what came of it.
fn tell(appended: &Result<Appended, LedgerError>, context: &mut Context<'_>) {
    match appended {
        Ok(Appended { added: 0, .. }) => context.note("ledger: nothing new"),
        Ok(Appended { added, .. }) => context.note(&format!("ledger: {added} new")),
        Err(error) => {
            context.note(&format!("note: not recorded: {error}"));
            if let Some(hint) = error.hint() {
                context.note(&format!("help: {hint}"));
            }
        }
    }
}
