//! `gatecard evidence`: saves what the policy's sources name on GitHub.

use super::check::Prepared;
use super::live::evidence::{self, Asked, Gathered};
use super::live::one::Live;
use super::live::{reviews, supply};
use super::{Context, policy_path};
use crate::cli::EvidenceArgs;
use crate::error::Error;
use crate::evidence::saved::{self, About};
use crate::evidence::supply::{Supplies, Supply};
use crate::files;
use crate::github::attestation::Verifier;
use crate::policy::sources::Source;
use crate::rules::Rules;

/// Runs the command.
pub(super) fn run(args: &EvidenceArgs, context: &mut Context<'_>) -> Result<u8, Error> {
    let Some(live) = Live::find(args.pull, &args.change, context)? else {
        return Err(Error::Unset {
            lacking: String::from("nothing says which pull request the evidence is for"),
            set: "GITHUB_TOKEN, and name the pull request with --pull or --event",
        });
    };
    let Live {
        session,
        subject,
        seen,
    } = &live;
    let (base, head) = (subject.base(), subject.head());
    supply::complete(&args.change.repo, (base, head), subject, context);
    let named = args.change.policy.as_deref().map(policy_path).transpose()?;
    let revisions = (base.as_str(), head.as_str());
    let mut prepared = Prepared::of(&args.change.repo, revisions, |repo, range| {
        Ok(Rules::find(repo, &range.base, &range.head, named.as_ref())?)
    })?;
    let pulls = reviews::pulls(session, subject, &mut prepared, context)?;
    let asked = Asked {
        session,
        subject,
        pulls: &pulls,
        seen: seen.as_ref(),
        server_url: &context.environment.server_url,
        verifier: &Verifier::new(context.environment),
        run: context.environment.run.id,
        now: context.now,
    };
    files::create_folder(&args.out)?;
    let supplies = match evidence::gather(&asked, &prepared, &args.out) {
        Gathered::All(supplies) => supplies,
        Gathered::Wait(what) => return Err(Error::Waiting(what)),
    };
    let sources = &prepared.rules.policy.evidence.sources;
    let repo = subject.repo().to_string();
    let about = About {
        repo: &repo,
        head,
        sources,
    };
    saved::write(&args.out, &about, &supplies)?;
    context.print(&listing(&supplies, sources))?;
    let needed = |(at, supply): (usize, &Supply)| {
        let optional = sources.get(at).is_some_and(|source| source.optional);
        matches!(supply, Supply::Absent(_)) && !optional
    };
    Ok(if supplies.iter().any(needed) { 3 } else { 0 })
}

/// What came of each source, one a line.
fn listing(supplies: &Supplies, sources: &[Source]) -> String {
    let mut text = String::new();
    for (at, supply) in supplies.iter() {
        let words = sources.get(at).map(Source::words);
        let came = match supply {
            Supply::Files(files) => match files.as_slice() {
                [one] => format!("saved, {}", one.provenance.id()),
                several => format!("{} files saved", several.len()),
            },
            Supply::Absent(absence) => format!("{}: {}", absence.lack.id(), absence.found),
        };
        text.push_str(&format!("{}: {came}\n", words.unwrap_or_default()));
    }
    if supplies.iter().next().is_none() {
        text.push_str("the policy names no source on GitHub\n");
    }
    text
}
