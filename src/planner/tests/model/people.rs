//! What people may do. Each act takes an hour.

use super::{
    super::scene::{CLOSED, WORKING},
    Pairing, Second,
    state::{OURS, State, action, persons_comment, redirect, words},
};
use crate::domain::{
    closing::Classification,
    failure::Side,
    incident::{Comment, IncidentStatus, Severity},
    ticket::{Action, CustomField},
};

/// Something a person does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Another severity.
    Rate,
    Activate,
    Close,
    Reopen,
    Say,
    Reword,
    Unsay,
    /// The first incident goes into the second.
    Merge,
    /// The incident is deleted.
    Drop,
    /// Another priority.
    Prioritise,
    Work,
    CloseTicket,
    /// Without a classification.
    CloseBlank,
    ReopenTicket,
    Note,
    Rewrite,
    Erase,
    /// The ticket is deleted.
    Bin,
}

impl Deed {
    fn in_halo(self) -> bool {
        use Deed::{Bin, CloseBlank, CloseTicket, Erase, Note, Prioritise, ReopenTicket, Rewrite, Work};
        matches!(self, Prioritise | Work | CloseTicket | CloseBlank | ReopenTicket | Note | Rewrite | Erase | Bin)
    }
}

fn persons(comment: &Comment) -> bool {
    comment.author.is_some()
}

fn agents(action: &Action) -> bool {
    action.agent_id != Some(OURS)
}

impl Pairing {
    /// What people may do now: a deed and the number of the incident or ticket.
    pub fn people(&self, state: &State) -> impl Iterator<Item = (Deed, usize)> {
        let mut found = Vec::new();
        if state.left.acts > 0 {
            for deed in self.deeds {
                let records = if deed.in_halo() { state.desks.len() } else { state.clouds.len() };
                found.extend((0..records).filter(|of| self.may(state, *deed, *of)).map(|of| (*deed, of)));
            }
        }
        found.into_iter()
    }

    fn may(&self, state: &State, deed: Deed, of: usize) -> bool {
        if deed.in_halo() {
            let Some(desk) = state.desks.get(of).filter(|desk| !desk.ticket.deleted) else { return false };
            let closed = desk.ticket.closed;
            let said = desk.actions.iter().filter(|action| agents(action)).count();
            return match deed {
                Deed::Work => !closed && desk.ticket.status_id != Some(WORKING),
                Deed::CloseTicket | Deed::CloseBlank => !closed,
                Deed::ReopenTicket => closed,
                Deed::Note => said == 0,
                Deed::Rewrite | Deed::Erase => said > 0,
                _ => true,
            };
        }
        let Some(cloud) = state.clouds.get(of).filter(|cloud| !cloud.gone) else { return false };
        if cloud.incident.redirected() {
            // Late words alone still come.
            return deed == Deed::Say && !cloud.comments.iter().any(persons);
        }
        let closed = cloud.incident.closed();
        match deed {
            Deed::Activate => cloud.incident.status == IncidentStatus::New,
            Deed::Close => !closed,
            Deed::Reopen => closed,
            Deed::Say => !cloud.comments.iter().any(persons),
            Deed::Reword | Deed::Unsay => cloud.comments.iter().any(persons),
            Deed::Merge => of == 0 && !closed && self.second != Second::None,
            Deed::Drop => of == 0,
            _ => true,
        }
    }

    /// Does it, after an hour.
    pub fn act(&self, state: &mut State, deed: Deed, of: usize) {
        let rested = self.rests(state);
        state.left.acts -= 1;
        state.clock += 1;
        state.tick = 0;
        let clock = state.clock;
        if deed.in_halo() {
            let mut wanted = state.wanted.clone();
            let first = state.desks[of].of == 0;
            state.change_desk(of, |desk, now| {
                let ticket = &mut desk.ticket;
                match deed {
                    Deed::Prioritise => {
                        let (id, severity) =
                            if ticket.priority_id == Some(4) { (2, Severity::High) } else { (4, Severity::Low) };
                        ticket.priority_id = Some(id);
                        if first {
                            wanted.rated(Side::Halo, severity, rested);
                        }
                    }
                    Deed::Work | Deed::ReopenTicket => {
                        ticket.status_id = Some(WORKING);
                        ticket.closed = false;
                        if first {
                            wanted.moved(Side::Halo, IncidentStatus::Active, rested);
                        }
                    }
                    Deed::CloseTicket | Deed::CloseBlank => {
                        ticket.status_id = Some(CLOSED);
                        ticket.closed = true;
                        wanted.odd |= deed == Deed::CloseBlank;
                        let value = if deed == Deed::CloseTicket { 2.into() } else { serde_json::Value::Null };
                        ticket.custom_fields =
                            vec![CustomField { id: 112, name: "CFClass".into(), value, display: None }];
                        wanted.ticket_closed = true;
                        if first {
                            wanted.moved(Side::Halo, IncidentStatus::Closed, rested);
                        }
                    }
                    Deed::Note => {
                        let number = desk.actions.iter().map(|action| action.key.action).max().unwrap_or(0) + 1;
                        desk.actions.push(action(ticket.id, number, 5, now, format!("<p>{}</p>", words(deed, clock))));
                    }
                    Deed::Rewrite => {
                        if let Some(said) = desk.actions.iter_mut().find(|action| agents(action)) {
                            said.note_html = Some(format!("<p>{}</p>", words(deed, clock)));
                            said.updated = Some(now);
                        }
                        ticket.last_action = Some(now);
                    }
                    Deed::Erase => {
                        desk.actions.retain(|action| !agents(action));
                        ticket.last_action = Some(now);
                    }
                    Deed::Bin => {
                        ticket.deleted = true;
                        wanted.odd = true;
                    }
                    _ => {}
                }
            });
            state.wanted = wanted;
            return;
        }
        let mut wanted = state.wanted.clone();
        // What is wanted of the second incident is asked of nobody.
        let first = of == 0;
        state.change_cloud(of, |cloud, now| {
            let incident = &mut cloud.incident;
            match deed {
                Deed::Rate => {
                    incident.severity =
                        if incident.severity == Severity::High { Severity::Low } else { Severity::High };
                    if first {
                        wanted.rated(Side::Sentinel, incident.severity.clone(), rested);
                    }
                }
                Deed::Activate | Deed::Reopen => {
                    incident.status = IncidentStatus::Active;
                    incident.classification = None;
                    if first {
                        wanted.moved(Side::Sentinel, IncidentStatus::Active, rested);
                    }
                }
                Deed::Close => {
                    incident.status = IncidentStatus::Closed;
                    incident.classification = Some(Classification::Undetermined);
                    wanted.closed[of] = true;
                    if first {
                        wanted.moved(Side::Sentinel, IncidentStatus::Closed, rested);
                    }
                }
                Deed::Say => cloud.comments.push(persons_comment(of, clock, now, words(deed, clock))),
                Deed::Reword => {
                    if let Some(said) = cloud.comments.iter_mut().find(|comment| persons(comment)) {
                        said.message = words(deed, clock);
                        said.modified = Some(now);
                    }
                }
                Deed::Unsay => cloud.comments.retain(|comment| !persons(comment)),
                Deed::Merge => {
                    redirect(incident);
                    wanted.odd = true;
                }
                Deed::Drop => {
                    cloud.gone = true;
                    wanted.odd = true;
                }
                _ => {}
            }
        });
        state.wanted = wanted;
    }
}
