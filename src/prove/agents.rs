//! What agents do in Halo.

use serde_json::{Value, json};

use super::{
    nemesis::Nemesis,
    people::{Deed, SAID_MAX},
    story::Who,
    watch::{By, Said, TicketValues, Version, Where, Wording, ticket_values},
    words,
    world::World,
};

/// Agents that act; the last one is nobody's analyst.
const AGENTS: [&str; 3] = ["Amira Haddad", "Jonas Weber", "Li Chen"];

impl World {
    /// A ticket that is there and works like one: not deleted, not merged.
    pub(super) fn some_ticket(&mut self) -> Option<(i64, TicketValues)> {
        let there: Vec<(i64, TicketValues)> = self.twin.with(|world, _| {
            let ids: Vec<i64> =
                world.halos.first().map(|one| one.halo.tickets().map(|t| t.id).collect()).unwrap_or_default();
            ids.into_iter()
                .filter_map(|id| Some((id, ticket_values(world, id)?)))
                .filter(|(_, values)| !values.deleted && values.merged_into == 0)
                .collect()
        });
        self.people.dice.pick(&there).cloned()
    }

    pub(super) fn agent_acts(&mut self, verb: &str, ticket: i64, more: Value, told: &str) -> bool {
        let agent = self.people.dice.pick(&AGENTS).copied().unwrap_or_default();
        let mut body = json!({ "ticket_id": ticket, "agent": agent });
        if verb == "ticket.update" {
            // There the member names the ticket's agent, not who acts.
            body = json!({ "ticket_id": ticket });
        }
        if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
            body.extend(more.clone());
        }
        let done = self.done(verb, &body).is_some();
        if done {
            self.watch.ticket(&self.twin, ticket, By::Person);
            self.tell(Who::Agent, format!("{told} #{ticket}"));
        }
        done
    }

    pub(super) fn agent_does(&mut self, deed: Deed) {
        let Some((ticket, values)) = self.some_ticket() else { return };
        let open = !values.closed;
        match deed {
            Deed::Note => self.note(ticket, &values, false),
            Deed::NoteTwice => self.note(ticket, &values, true),
            Deed::EditNote | Deed::DeleteNote => self.change_note(ticket, deed == Deed::DeleteNote),
            Deed::Mail => {
                let mark = self.people.mark();
                self.agent_acts(
                    "ticket.mail",
                    ticket,
                    json!({ "text": format!("a user answers {mark}") }),
                    "gets a mail on",
                );
            }
            Deed::TicketStatus if open => {
                let statuses = self.shape.ticket_statuses();
                let status = self.people.dice.pick(&statuses).cloned().unwrap_or_default();
                self.agent_acts(
                    "ticket.status",
                    ticket,
                    json!({ "status": status }),
                    &format!("sets status {status} on"),
                );
            }
            Deed::Priority => {
                let priority = self.people.dice.between(1, 4);
                self.agent_acts(
                    "ticket.update",
                    ticket,
                    json!({ "priority_id": priority }),
                    &format!("sets priority {priority} on"),
                );
            }
            Deed::Agent => {
                let agent = self.people.dice.pick(&AGENTS).copied().unwrap_or_default();
                self.agent_acts("ticket.update", ticket, json!({ "agent_id": agent }), &format!("gives to {agent}"));
            }
            Deed::CloseTicket if open => self.close_ticket(ticket, &values),
            Deed::ReopenTicket if !open => {
                self.agent_acts("ticket.reopen", ticket, json!({}), "reopens");
            }
            Deed::OwnTicket => {
                let client = self.people.dice.place(self.shape.clients);
                let mark = self.people.mark();
                let body = json!({
                    "summary": format!("A ticket of the desk's own {mark} {}", words::client_mark(client)),
                    "client_id": self.shape.product.first_client_id() + i64::try_from(client).unwrap_or(0), "agent_by": "Li Chen",
                });
                if let Some(id) =
                    self.done("ticket.create", &body).and_then(|made| made.get("id").and_then(Value::as_i64))
                {
                    self.watch.ticket(&self.twin, id, By::Person);
                    self.tell(Who::Agent, format!("opens a ticket of the desk's own #{id}"));
                }
            }
            Deed::MoveTicket => {
                let client = self.shape.product.first_client_id() + self.people.dice.between(0, 5);
                if client != values.client_id
                    && self.agent_acts(
                        "ticket.move",
                        ticket,
                        json!({ "client": client }),
                        &format!("moves to client {client}"),
                    )
                {
                    self.coverage.struck(Nemesis::ClientMoved);
                }
            }
            Deed::MoveBack => self.move_back(),
            Deed::MergeTickets => {
                let Some((into, _)) = self.some_ticket().filter(|(other, _)| *other != ticket) else { return };
                if self.agent_acts(
                    "ticket.merge",
                    ticket,
                    json!({ "from": ticket, "into": into }),
                    &format!("merges into #{into}"),
                ) {
                    self.coverage.struck(Nemesis::TicketMerge);
                    self.watch.ticket(&self.twin, into, By::Person);
                }
            }
            Deed::DeleteTicket => {
                // Afterwards the act answers with a ticket that is gone.
                self.agent_acts("ticket.delete", ticket, json!({}), "deletes");
                if self.twin.with(|world, _| ticket_values(world, ticket)).is_some_and(|values| values.deleted) {
                    self.coverage.struck(Nemesis::TicketDeleted);
                    self.watch.ticket(&self.twin, ticket, By::Person);
                }
            }
            _ => {}
        }
    }

    /// A ticket that was moved away goes back to where it was made.
    fn move_back(&mut self) {
        let first = |versions: &Vec<Version<TicketValues>>| versions.first().map(|v| v.value.client_id);
        let last = |versions: &Vec<Version<TicketValues>>| versions.last().map(|v| v.value.clone());
        let moved: Vec<(i64, i64)> = self
            .watch
            .tickets
            .iter()
            .filter_map(|(id, versions)| {
                let (first, last) = (first(versions)?, last(versions)?);
                (first != last.client_id && !last.deleted && last.merged_into == 0).then_some((*id, first))
            })
            .collect();
        if let Some((ticket, client)) = self.people.dice.pick(&moved).copied() {
            self.agent_acts(
                "ticket.move",
                ticket,
                json!({ "client": client }),
                &format!("moves back to client {client}"),
            );
        }
    }

    fn note(&mut self, ticket: i64, values: &TicketValues, twice: bool) {
        let said =
            self.watch.said.iter().filter(|said| matches!(said.place, Where::Note(on, _) if on == ticket)).count();
        let Some(client) = self.client_number(values.client_id) else { return };
        if said >= SAID_MAX {
            return;
        }
        let mark = self.people.mark();
        let text = words::text(&mut self.people.dice, client, &mark, true);
        let private = self.people.dice.chance(0.3);
        let flagged = self.people.dice.chance(0.4);
        for _ in 0..if twice { 2 } else { 1 } {
            let member = if text.html { "html" } else { "text" };
            let mut more = json!({ "private": private, "sync_to_sentinel": flagged });
            if let Some(more) = more.as_object_mut() {
                more.insert(member.into(), text.typed.clone().into());
            }
            let kind = if private { "private note" } else { "note" };
            let flag = if flagged { ", flagged" } else { "" };
            let told = format!("writes a {kind}{flag} {} on", super::describe::short(&text.typed));
            if !self.agent_acts("ticket.note", ticket, more, &told) {
                return;
            }
            let outcome = if private { "Private Note" } else { "Note" };
            self.heard(ticket, client, (&mark, &text.words), (private, flagged, outcome));
        }
    }

    /// Notes that the newest action of a ticket was written by a person.
    fn heard(&mut self, ticket: i64, client: usize, (mark, words): (&str, &[String]), note: (bool, bool, &str)) {
        let (private, flagged, outcome) = note;
        let newest =
            self.twin.with(|world, _| world.halos.first()?.halo.actions(ticket).last().map(|action| action.id));
        let Some(action) = newest else { return };
        let crosses = self.shape.crosses(private, flagged, outcome);
        let (order, at) = (self.watch.next_order(), self.now());
        let wording = Wording { at, order, mark: mark.to_owned(), words: words.to_vec() };
        let place = Where::Note(ticket, action);
        self.watch.said.push(Said { place, versions: vec![wording], client, crosses, private, gone: None });
    }

    fn change_note(&mut self, ticket: i64, delete: bool) {
        let there: Vec<usize> = self
            .watch
            .said
            .iter()
            .enumerate()
            .filter(|(_, said)| said.gone.is_none() && matches!(said.place, Where::Note(on, _) if on == ticket))
            .map(|(n, _)| n)
            .collect();
        let Some(n) = self.people.dice.pick(&there).copied() else { return };
        let Some((Where::Note(_, action), client)) = self.watch.said.get(n).map(|s| (s.place.clone(), s.client)) else {
            return;
        };
        let mark = self.people.mark();
        let text = words::text(&mut self.people.dice, client, &mark, false);
        let verb = if delete { "note.delete" } else { "note.edit" };
        let told = if delete {
            "deletes a note".to_owned()
        } else {
            format!("edits a note to {}", super::describe::short(&text.typed))
        };
        if !self.agent_acts(verb, ticket, json!({ "id": action, "text": text.typed }), &format!("{told} ({action}) on"))
        {
            return;
        }
        let at = self.now();
        self.watch.reworded(n, at, (!delete).then_some((mark, text.words)));
    }

    fn close_ticket(&mut self, ticket: i64, values: &TicketValues) {
        let Some(client) = self.client_number(values.client_id) else { return };
        let mark = self.people.mark();
        let text = vec!["done".to_owned(), mark.clone(), words::client_mark(client)];
        let mut more = json!({ "text": text.join(" ") });
        let field = self.shape.verdict_field();
        let verdict = self.people.dice.chance(0.6) && field.is_some();
        if let (true, Some((name, count)), Some(more)) = (verdict, field, more.as_object_mut()) {
            let value = self.people.dice.between(1, count);
            more.insert("customfields".into(), json!([{ "name": name, "value": value }]));
        }
        let how = if verdict { "with a classification" } else { "without a classification" };
        if self.agent_acts("ticket.close", ticket, more, &format!("closes {how} ({mark})")) {
            self.heard(ticket, client, (&mark, &text), (false, false, "Close"));
        }
    }
}
