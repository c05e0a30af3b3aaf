//! Clients apart: what is one client's never reaches another's records.

use super::{
    super::{words, world::World},
    Violation,
    ending::Ending,
};

/// 15. No byte of client A reaches client B.
pub fn clients_apart(world: &World, _: &Ending) -> Vec<Violation> {
    let mut found = Vec::new();
    for write in world.watch.writes.iter().filter(|write| write.status < 300) {
        // Moved after we looked: nobody can see that before writing.
        if write.moved_unseen {
            continue;
        }
        let strangers: Vec<usize> = words::clients_in(&write.body.to_string())
            .into_iter()
            .filter(|client| Some(*client) != write.client)
            .collect();
        if strangers.is_empty() {
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
