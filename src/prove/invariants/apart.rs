//! Clients apart: what is one client's never reaches another's records.

use super::{
    super::{
        scene::Scene,
        watch::{Order, Where, Write},
        words,
    },
    Violation,
    ending::Ending,
};

/// Whether each strange word was written in a ticket while it was another client's, and people moved that ticket back with
/// the word in it, before any of our answers (or any that a restored backup has not forgotten) showed it there. The ticket
/// has one client at every moment that we saw, and it is the incident's.
///
/// A backup from before the ticket was made does not know it as ours: a list of changed tickets shows it like one of
/// anybody's. What such a list says of its client counts from when we have found it again and read it by its number.
fn brought_back(world: &Scene<'_>, write: &Write, body: &str) -> bool {
    let restores: Vec<(Order, Order)> =
        world.strikes.restored_orders.iter().copied().zip(world.watch.backups.iter().copied()).collect();
    let restored = restores.iter().copied().filter(|(order, _)| *order < write.order).max();
    let mut strange = world.watch.said.iter().filter(|said| {
        Some(said.client) != write.client && said.versions.iter().any(|wording| body.contains(&wording.mark))
    });
    let mut any = false;
    let all = strange.all(|said| {
        any = true;
        let Where::Note(ticket, _) = said.place else { return false };
        let Some(versions) = world.watch.tickets.get(&ticket) else { return false };
        let home = versions.iter().rev().find(|version| version.order < write.order);
        let at_home = home.and_then(|version| world.client_number(version.value.client_id)) == write.client;
        // From the first word of it to the write: nothing that we still know of showed the ticket elsewhere.
        let from = said.versions.first().map_or(0, |wording| wording.order);
        let moved = versions
            .iter()
            .rev()
            .find(|version| version.order < from && world.client_number(version.value.client_id) == write.client);
        let looks = world.watch.looks.get(&format!("#{ticket}")).map_or(&[][..], Vec::as_slice);
        let made_at = versions.first().map_or(0, |version| version.order);
        let knows = restored.map_or(0, |(order, made)| {
            let found = || looks.iter().copied().find(|look| *look > order);
            if known_at(&restores, (made_at, looks), made) { order } else { found().unwrap_or(write.order) }
        });
        let left = moved.map_or(0, |version| version.order).max(knows);
        let looks = world.watch.away.get(&(write.host, ticket));
        at_home && !looks.is_some_and(|looks| looks.iter().any(|look| (left..write.order).contains(look)))
    });
    any && all
}

/// Whether a database knew a ticket as ours at a moment: it was made before that, or found again (read by its number) after
/// the last backup that took its place. A backup may be one of a database that had been restored itself.
fn known_at(restores: &[(Order, Order)], (made_at, looks): (Order, &[Order]), at: Order) -> bool {
    match restores.iter().copied().filter(|(order, _)| *order < at).max() {
        None => made_at <= at,
        Some((order, made)) => {
            let found = looks.iter().any(|look| *look > order && *look <= at);
            found || known_at(restores, (made_at, looks), made)
        }
    }
}

/// 15. No byte of client A reaches client B.
pub fn clients_apart(world: &Scene<'_>, _: &Ending) -> Vec<Violation> {
    let mut found = Vec::new();
    for write in world.watch.writes.iter().filter(|write| write.status < 300) {
        // Moved after we looked: nobody can see that before writing.
        if write.moved_unseen {
            continue;
        }
        let body = write.body.to_string();
        let strangers: Vec<usize> =
            words::clients_in(&body).into_iter().filter(|client| Some(*client) != write.client).collect();
        if strangers.is_empty() || brought_back(world, write, &body) {
            continue;
        }
        let mut about: Vec<String> = write.incident.iter().map(|(_, name)| name.clone()).collect();
        about.extend(write.ticket.map(|ticket| format!("#{ticket}")));
        let text = format!(
            "words about client(s) {strangers:?} were written to a record of {} ({} at {})",
            write.client.map_or("another client".to_owned(), |client| format!("client {client}")),
            write.kind,
            write.at
        );
        found.push(Violation::new(15, text, about));
    }
    found
}
