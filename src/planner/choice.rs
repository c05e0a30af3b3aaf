//! What a person may decide about a pair as it stands, from the open items of its plan and from what was rejected.

use crate::domain::{
    decision::Decision,
    failure::Side,
    merge::Candidate,
    pair::{Kept, KeptName, RefusedOwner},
    policy::ReopenRule,
    reason::Reason,
};

use super::{approval::Waiting, drift, fields::mapped, plan, situation::Situation};

/// One question with its answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What it is about.
    pub reason: Reason,
    /// The answers, each with what is written on its button.
    pub answers: Vec<(String, Decision)>,
}

/// The questions that wait on a pair, and after them what nobody is asked about any more and may still be decided otherwise.
pub fn choices(s: &Situation<'_>) -> Vec<Choice> {
    let plan = plan::plan(s);
    let asked = plan.items().iter().filter_map(|reason| {
        let answers = answers(s, &plan, reason);
        (!answers.is_empty()).then(|| Choice { reason: reason.clone(), answers })
    });
    asked.chain(plan.rejected.iter().map(|rejected| after_all(s, rejected))).collect()
}

/// Who rejected a write by mistake need not wait for another change.
fn after_all(s: &Situation<'_>, rejected: &Waiting) -> Choice {
    let (what, write) = (rejected.what(s), rejected.write.clone());
    let approve = Decision::Approve { write, what: what.clone(), after_all: true };
    Choice { reason: Reason::Rejected { what }, answers: vec![("Approve it after all".to_owned(), approve)] }
}

fn answers(s: &Situation<'_>, found: &plan::Plan, reason: &Reason) -> Vec<(String, Decision)> {
    match reason {
        Reason::Conflict { field, sentinel, halo } => [(Side::Sentinel, sentinel), (Side::Halo, halo)]
            .into_iter()
            .map(|(side, value)| {
                let (field, sentinel, halo) = (field.clone(), sentinel.clone(), halo.clone());
                let whose = if side == Side::Sentinel { "incident" } else { "ticket" };
                (format!("Take the {whose}'s: {value}"), Decision::Take { field, side, sentinel, halo })
            })
            .collect(),
        Reason::Reopened { side, at, .. } => {
            let rules: &[(ReopenRule, &str)] = match side {
                Side::Sentinel => &[
                    (ReopenRule::Reopen, "Open the ticket again"),
                    (ReopenRule::NewTicket, "Make a new ticket"),
                    (ReopenRule::Note, "Leave it closed, with a note"),
                ],
                Side::Halo => &[
                    (ReopenRule::Reopen, "Open the incident again"),
                    (ReopenRule::Note, "Leave it closed, with a comment"),
                ],
            };
            let answer = |(rule, label): &(ReopenRule, &str)| {
                ((*label).to_owned(), Decision::Reopening { side: *side, at: at.clone(), rule: *rule })
            };
            rules.iter().map(answer).collect()
        }
        Reason::SurvivorUnknown { candidates } => {
            let into = |candidate: &Candidate| {
                let decision = Decision::MergedInto { incident: candidate.incident.clone() };
                (format!("It went into {}", candidate.name), decision)
            };
            let leave = ("Leave its ticket as it is".to_owned(), Decision::KeepApart);
            candidates.iter().map(into).chain([leave]).collect()
        }
        Reason::TicketsMeet { .. } => vec![("Leave both tickets as they are".to_owned(), Decision::KeepApart)],
        Reason::RecordGone { .. } => {
            // Where its client has another place in Halo by now no ticket is made for the pair.
            let displaced = plan::displaced(s.client, s.pair);
            let answer = |side| {
                let label = if side == Side::Halo { "Make a new ticket" } else { "Tell the ticket and leave it" };
                let decision = |heal| Decision::Gone { side, ticket: s.pair.ticket, heal };
                let both = [(label.to_owned(), decision(true)), ("Leave it as it is".to_owned(), decision(false))];
                both.into_iter().skip(usize::from(displaced && side == Side::Halo))
            };
            drift::lost(s).into_iter().flat_map(answer).collect()
        }
        Reason::CopyLost { comment, .. } => [("Write it again", true), ("Leave it", false)]
            .map(|(label, again)| (label.to_owned(), Decision::Copy { comment: comment.clone(), again }))
            .into(),
        Reason::AwaitsApproval { what, write } => vec![
            ("Approve".to_owned(), Decision::Approve { write: write.clone(), what: what.clone(), after_all: false }),
            ("Reject".to_owned(), Decision::Reject { write: write.clone(), what: what.clone() }),
        ],
        Reason::OwnerUnknown { .. } => {
            let again =
                |refused: &RefusedOwner| ("Try this owner again".to_owned(), Decision::TryOwner { at: refused.at });
            s.pair.base.refused_owner.iter().map(again).collect()
        }
        Reason::HaloKept { what, .. } => {
            let leave = |Kept { sent, kept }: &Kept| {
                let decision = Decision::LeaveKept { what: what.clone(), sent: *sent, kept: *kept };
                (format!("Leave the {what} as Halo has it"), decision)
            };
            let leave_name = |KeptName { sent, kept }: &KeptName| {
                let decision = Decision::LeaveName { what: what.clone(), sent: sent.clone(), kept: kept.clone() };
                (format!("Leave the {what} as Halo has it"), decision)
            };
            let base = &s.pair.base;
            let named = || base.kept_names.get(what).or_else(|| mapped::kept_of(s, what)).map(leave_name);
            base.kept.get(what).map(leave).or_else(named).into_iter().collect()
        }
        Reason::CommentsFull => {
            let decision = Decision::LeaveUntold { words: found.untold.clone() };
            vec![("Leave it untold where there is no room".to_owned(), decision)]
        }
        Reason::Flapping { .. } => {
            let thaw = |at| ("Let it go on".to_owned(), Decision::Thaw { at });
            s.pair.base.frozen.map(thaw).into_iter().collect()
        }
        _ => Vec::new(),
    }
}
