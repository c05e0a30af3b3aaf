//! How it all ended: the twin's records beside what our database says of them.

use std::collections::BTreeMap;

use super::super::{
    watch::{IncidentKey, IncidentValues, TicketValues, Where},
    world::{Broken, World},
};
use crate::{
    domain::{
        catalogue::Catalogue,
        ids::{IncidentId, PairId},
        operation::Operation,
        pair::Subject,
        policy::Policy,
    },
    store::{Installation, SituationRow, StoreError},
};

/// Name of our application in the twin's Halo.
const OUR_APPLICATION: &str = "Sentinel Bridge";
/// What stands between the notes of a digest.
const SEAM: &str = "――――――";
/// Operations of a pair that are looked at.
const OPERATIONS_MAX: u32 = 10_000;

/// A comment or a note at the twin.
#[derive(Debug, Clone)]
pub struct Text {
    /// The comment's GUID, or the action's number as text.
    pub name: String,
    /// All it says, as stored.
    pub text: String,
    /// A person wrote it.
    pub by_person: bool,
    /// Our own agent wrote it.
    pub ours: bool,
    /// Hidden from the end user.
    pub private: bool,
}

/// A raised incident and all that came of it.
#[derive(Debug)]
pub struct Ended {
    /// Which.
    pub key: IncidentKey,
    /// Number of its client.
    pub client: usize,
    /// What its workspace may do.
    pub mode: &'static str,
    /// How it stands at Microsoft's; `None` when it was deleted.
    pub incident: Option<IncidentValues>,
    /// Its comments, oldest first.
    pub comments: Vec<Text>,
    /// What our database says of it unlinked.
    pub subject: Option<Subject>,
    /// What our database says of its pair.
    pub row: Option<SituationRow>,
    /// Every operation of the pair, oldest first.
    pub operations: Vec<Operation>,
    /// The pair's ticket.
    pub ticket: Option<i64>,
    /// How that stands in Halo.
    pub values: Option<TicketValues>,
    /// Its notes, oldest first, without those Halo writes by itself.
    pub notes: Vec<Text>,
    /// The incident's number, for people.
    pub number: u32,
    /// Defender merged it into another one.
    pub merged_away: bool,
}

impl Ended {
    /// What stories about it name.
    pub fn about(&self) -> Vec<String> {
        let mut about = vec![self.key.1.clone()];
        about.extend(self.ticket.map(|ticket| format!("#{ticket}")));
        about
    }

    /// The pair that began its group, where the policy groups.
    pub fn group(&self) -> Option<PairId> {
        self.row.as_ref()?.pair.group.as_ref().map(|group| group.first)
    }

    /// In words.
    pub fn named(&self) -> String {
        match self.ticket {
            Some(ticket) => format!("incident {} (number {}, ticket #{ticket})", self.key.1, self.number),
            None => format!("incident {} (number {})", self.key.1, self.number),
        }
    }

    /// Whether something may be written to the ticket: it is there, whole, and its client's.
    pub fn ticket_reachable(&self, halo_client_id: i64) -> bool {
        self.values
            .as_ref()
            .is_some_and(|values| !values.deleted && values.merged_into == 0 && values.client_id == halo_client_id)
    }
}

/// Everything.
pub struct Ending {
    /// The installation.
    pub installation: Installation,
    /// Halo's look-ups as we read them.
    pub catalogue: Catalogue,
    /// Every incident that was raised.
    pub incidents: Vec<Ended>,
    /// Notes of tickets that belong to no pair: number, notes.
    pub strays: BTreeMap<i64, Vec<Text>>,
}

impl Ending {
    /// The policy of all workspaces of a world drawn from a seed.
    pub fn policy(&self, place: usize, world: &World) -> Option<&Policy> {
        let name = &world.shape.places.get(place)?.workspace;
        let workspace = self.installation.workspaces.iter().find(|w| w.name.eq_ignore_ascii_case(name))?;
        self.installation.policies.iter().find(|policy| policy.id == workspace.policy)
    }

    /// The incident of this key.
    pub fn of(&self, key: &IncidentKey) -> Option<&Ended> {
        self.incidents.iter().find(|ended| ended.key == *key)
    }

    /// The incidents whose pairs have this ticket: several when some were merged into the one that is left.
    pub fn of_ticket(&self, ticket: i64) -> impl Iterator<Item = &Ended> {
        self.incidents.iter().filter(move |ended| ended.ticket == Some(ticket))
    }
}

/// What one incident's rows in the database say.
type Rows = (Option<Subject>, Option<SituationRow>, Vec<Operation>);

/// Looks at everything.
///
/// # Errors
/// The simulation could not.
pub fn look(world: &World) -> Result<Ending, Broken> {
    let Some(store) = world.host(0).map(|host| host.store.clone()) else {
        return Err(Broken::Own("no process runs at the end".into()));
    };
    let keys: Vec<IncidentKey> = world.people.raised.clone();
    let names: Vec<String> = world.shape.places.iter().map(|place| place.workspace.clone()).collect();
    let asked = keys.clone();
    let read = world.with_store(&store, |store| async move {
        let installation = store.installation().await?;
        let mut catalogue = Catalogue::default();
        for halo in &installation.halo {
            if let Some((found, _)) = store.catalogue(halo.id).await? {
                catalogue = found;
            }
        }
        let mut rows: Vec<Rows> = Vec::with_capacity(asked.len());
        for (place, name) in &asked {
            let wanted = names.get(*place).map(String::as_str).unwrap_or_default();
            let workspace = installation.workspaces.iter().find(|w| w.name.eq_ignore_ascii_case(wanted));
            let Some(workspace) = workspace else {
                rows.push((None, None, Vec::new()));
                continue;
            };
            let id = IncidentId::new(name);
            let subject = store.subject(workspace.id, &id).await?;
            let mut row = None;
            let mut operations = Vec::new();
            if let Some(pair) = store.pair_of_incident(workspace.id, &id).await? {
                row = store.situation(pair.id).await?;
                operations = store.operations_of_pair(pair.id, OPERATIONS_MAX).await?;
                operations.reverse();
            }
            rows.push((subject, row, operations));
        }
        Ok::<_, StoreError>((installation, catalogue, rows))
    })?;
    let (installation, catalogue, rows) = read.map_err(|error| Broken::Program(format!("at the end: {error}")))?;
    let incidents: Vec<Ended> = keys.into_iter().zip(rows).map(|(key, rows)| ended(world, key, rows)).collect();
    let paired: Vec<i64> = incidents.iter().filter_map(|ended| ended.ticket).collect();
    let all: Vec<i64> = world.twin.with(|twin, _| {
        twin.halos.first().map(|one| one.halo.tickets().map(|ticket| ticket.id).collect()).unwrap_or_default()
    });
    let strays = all.into_iter().filter(|id| !paired.contains(id)).map(|id| (id, notes(world, id))).collect();
    Ok(Ending { installation, catalogue, incidents, strays })
}

fn ended(world: &World, key: IncidentKey, (subject, row, operations): Rows) -> Ended {
    let ticket = row.as_ref().and_then(|row| row.pair.ticket).map(|ticket| ticket.0);
    let place = world.shape.places.get(key.0);
    let deleted = world.watch.deleted.contains(&key);
    let incident = world.watch.incidents.get(&key).and_then(|versions| versions.last()).map(|v| v.value.clone());
    let values = ticket.and_then(|id| world.twin.with(|twin, _| super::super::watch::ticket_values(twin, id)));
    let number = world.twin.with(|twin, _| super::super::watch::incident_of(twin, &key).map_or(0, |i| i.number));
    Ended {
        client: place.map_or(0, |place| place.client),
        mode: place.map_or("off", |place| place.mode),
        incident: incident.filter(|_| !deleted),
        comments: comments(world, &key),
        notes: ticket.map(|id| notes(world, id)).unwrap_or_default(),
        subject,
        row,
        operations,
        ticket,
        values,
        number,
        merged_away: world.watch.incidents.get(&key).is_some_and(|all| all.iter().any(|v| v.value.redirected)),
        key,
    }
}

fn comments(world: &World, key: &IncidentKey) -> Vec<Text> {
    let by_person = |name: &str| {
        world
            .watch
            .said
            .iter()
            .any(|said| matches!(&said.place, Where::Comment(on, comment) if on == key && comment == name))
    };
    world.twin.with(|twin, _| {
        let incident = super::super::watch::incident_of(twin, key);
        incident
            .map(|incident| {
                incident
                    .comments
                    .iter()
                    .flat_map(|comment| {
                        let name = comment.name.to_lowercase();
                        let person = by_person(&name);
                        // A digest says what several notes say, one after another.
                        let digest = !person && comment.message.starts_with("Digest of notes ");
                        let pieces: Vec<&str> =
                            if digest { comment.message.split(SEAM).collect() } else { vec![&comment.message] };
                        let text = |piece: &str| Text {
                            by_person: person,
                            ours: !person,
                            private: true,
                            text: piece.to_owned(),
                            name: name.clone(),
                        };
                        pieces.into_iter().map(text).collect::<Vec<_>>()
                    })
                    .collect()
            })
            .unwrap_or_default()
    })
}

fn notes(world: &World, ticket: i64) -> Vec<Text> {
    let by_person = |action: i64| {
        world.watch.said.iter().any(|said| matches!(said.place, Where::Note(on, id) if on == ticket && id == action))
    };
    world.twin.with(|twin, _| {
        let Some(halo) = twin.halos.first() else { return Vec::new() };
        halo.halo
            .actions(ticket)
            .filter(|action| action.system_id == 0)
            .map(|action| {
                let html = if action.note_html.is_empty() { &action.note } else { &action.note_html };
                Text {
                    name: action.id.to_string(),
                    text: html.clone(),
                    by_person: by_person(action.id),
                    ours: action.application == OUR_APPLICATION,
                    private: action.private,
                }
            })
            .collect()
    })
}
