//! How it all ended: the twin's records beside what our database says of them.

use std::collections::BTreeMap;

use super::{
    super::{
        scene::Scene,
        shape::Place,
        watch::{IncidentKey, IncidentValues, TicketValues, Watch, Where, incident_of, ticket_values},
        world::{Broken, World},
    },
    left,
};
use crate::{
    domain::{
        account::Scope,
        catalogue::Catalogue,
        drift::{DriftClass, DriftRule},
        ids::{IncidentId, PairId},
        operation::Operation,
        pair::Subject,
        policy::Policy,
    },
    store::{DriftFilter, Installation, SituationRow, Store, StoreError},
    twin::Twin,
};

/// Name of our application in the twin's Halo.
pub(in crate::prove) const OUR_APPLICATION: &str = "Sentinel Bridge";
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
    /// What of it showed late and was left as it is, in words.
    pub late: Vec<String>,
    /// The pair's ticket.
    pub ticket: Option<i64>,
    /// Closed tickets that its matter has left for that one, oldest first.
    pub left: Vec<i64>,
    /// How that stands in Halo.
    pub values: Option<TicketValues>,
    /// Its notes, behind those of the tickets that were left, oldest first, without those Halo writes by itself.
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

    /// The pair's ticket after those that people took away, and that it took the place of.
    pub fn tickets(&self) -> Vec<i64> {
        let former = self.row.iter().flat_map(|row| &row.pair.base.replaced).map(|ticket| ticket.0);
        former.chain(self.ticket).collect()
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
    /// What is wrong with the database as such.
    pub damage: Vec<String>,
    /// The second process that was noticed, in words.
    pub second_writer: Option<String>,
}

impl Ending {
    /// The policy of all workspaces of a world drawn from a seed.
    pub fn policy(&self, place: usize, world: &Scene<'_>) -> Option<&Policy> {
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

/// How both sides' records stand, whoever looks at them.
pub trait Sides {
    /// An incident's number, for people; 0 when there is none.
    fn number(&self, key: &IncidentKey) -> u32;
    /// GUID and text of an incident's comments, oldest first.
    fn comments(&self, key: &IncidentKey) -> Vec<(String, String)>;
    /// How a ticket stands.
    fn ticket(&self, id: i64) -> Option<TicketValues>;
    /// A ticket's notes, oldest first, without those Halo writes by itself; who wrote them is not asked.
    fn notes(&self, ticket: i64) -> Vec<Text>;
    /// Numbers of all tickets.
    fn tickets(&self) -> Vec<i64>;
}

impl Sides for Twin {
    fn number(&self, key: &IncidentKey) -> u32 {
        self.with(|twin, _| incident_of(twin, key).map_or(0, |incident| incident.number))
    }

    fn comments(&self, key: &IncidentKey) -> Vec<(String, String)> {
        self.with(|twin, _| {
            let comments = incident_of(twin, key).into_iter().flat_map(|incident| &incident.comments);
            comments.map(|comment| (comment.name.to_lowercase(), comment.message.clone())).collect()
        })
    }

    fn ticket(&self, id: i64) -> Option<TicketValues> {
        self.with(|twin, _| ticket_values(twin, id))
    }

    fn notes(&self, ticket: i64) -> Vec<Text> {
        self.with(|twin, _| {
            let Some(halo) = twin.halos.first() else { return Vec::new() };
            halo.halo
                .actions(ticket)
                .filter(|action| action.system_id == 0)
                .map(|action| {
                    let html = if action.note_html.is_empty() { &action.note } else { &action.note_html };
                    Text {
                        name: action.id.to_string(),
                        text: html.clone(),
                        by_person: false,
                        ours: action.application == OUR_APPLICATION,
                        private: action.private,
                    }
                })
                .collect()
        })
    }

    fn tickets(&self) -> Vec<i64> {
        self.with(|twin, _| {
            twin.halos.first().map(|one| one.halo.tickets().map(|ticket| ticket.id).collect()).unwrap_or_default()
        })
    }
}

/// What one incident's rows in the database say.
type Rows = (Option<Subject>, Option<SituationRow>, Vec<Operation>, Vec<String>);

/// What the database says.
pub struct Known {
    installation: Installation,
    catalogue: Catalogue,
    /// One row for each incident that was asked about.
    rows: Vec<Rows>,
    damage: Vec<String>,
    second_writer: Option<String>,
}

/// Reads what a database says of incidents, in workspaces of these names by place.
///
/// # Errors
/// What the database says.
pub async fn read(store: &Store, names: &[String], asked: &[IncidentKey]) -> Result<Known, StoreError> {
    let installation = store.installation().await?;
    let mut catalogue = Catalogue::default();
    for halo in &installation.halo {
        if let Some((found, _)) = store.catalogue(halo.id).await? {
            catalogue = found;
        }
    }
    let showed_late = DriftFilter { class: Some(DriftClass::Value), workspace: None, scope: Scope::All };
    let drifts = store.drifts_page(&showed_late, None, OPERATIONS_MAX).await?.rows;
    let mut rows: Vec<Rows> = Vec::with_capacity(asked.len());
    for (place, name) in asked {
        let wanted = names.get(*place).map(String::as_str).unwrap_or_default();
        let workspace = installation.workspaces.iter().find(|w| w.name.eq_ignore_ascii_case(wanted));
        let Some(workspace) = workspace else {
            rows.push((None, None, Vec::new(), Vec::new()));
            continue;
        };
        let id = IncidentId::new(name);
        let subject = store.subject(workspace.id, &id).await?;
        let mut row = None;
        let (mut operations, mut late) = (Vec::new(), Vec::new());
        if let Some(pair) = store.pair_of_incident(workspace.id, &id).await? {
            row = store.situation(pair.id).await?;
            operations = store.operations_of_pair(pair.id, OPERATIONS_MAX).await?;
            operations.reverse();
            let left = drifts.iter().filter(|one| one.pair == pair.id && one.drift.rule == DriftRule::Ignore);
            late.extend(left.map(|one| one.drift.what.clone()));
        }
        rows.push((subject, row, operations, late));
    }
    let second_writer = store.second_writer().await?.map(|found| format!("{}, {}", found.words(), found.at));
    let damage = damage(store).await;
    Ok(Known { installation, catalogue, rows, damage, second_writer })
}

/// What is wrong with a database as such.
async fn damage(store: &Store) -> Vec<String> {
    if let Err(error) = store.verify_ledger().await {
        return vec![format!("the ledger is not whole: {error}")];
    }
    match store.integrity_check().await {
        Ok(faults) if faults.is_empty() => Vec::new(),
        Ok(faults) => vec![format!("the database is damaged: {}", faults.join("; "))],
        Err(error) => vec![format!("the database cannot be checked: {error}")],
    }
}

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
    let known = world.with_store(&store, |store| async move { read(&store, &names, &asked).await })?;
    let known = known.map_err(|error| Broken::Program(format!("at the end: {error}")))?;
    Ok(gather(&world.watch, &world.shape.places, &world.twin, keys, known))
}

/// Puts both sides and the database beside one another, for the incidents that the database was asked about.
pub fn gather(
    watch: &Watch,
    places: &[Place],
    sides: &impl Sides,
    keys: Vec<IncidentKey>,
    Known { installation, catalogue, rows, damage, second_writer }: Known,
) -> Ending {
    let incidents: Vec<Ended> =
        keys.into_iter().zip(rows).map(|(key, rows)| ended(watch, places, sides, key, rows)).collect();
    let paired: Vec<i64> = incidents.iter().filter_map(|ended| ended.ticket).collect();
    let others = sides.tickets().into_iter().filter(|id| !paired.contains(id));
    let strays = others.map(|id| (id, notes(watch, sides, id))).collect();
    Ending { installation, catalogue, incidents, strays, damage, second_writer }
}

fn ended(
    watch: &Watch,
    places: &[Place],
    sides: &impl Sides,
    key: IncidentKey,
    (subject, row, operations, late): Rows,
) -> Ended {
    let ticket = row.as_ref().and_then(|row| row.pair.ticket).map(|ticket| ticket.0);
    let left = ticket.map(|ticket| left::of(watch, ticket)).unwrap_or_default();
    let place = places.get(key.0);
    let deleted = watch.deleted.contains(&key);
    let incident = watch.incidents.get(&key).and_then(|versions| versions.last()).map(|v| v.value.clone());
    Ended {
        client: place.map_or(0, |place| place.client),
        mode: place.map_or("off", |place| place.mode),
        incident: incident.filter(|_| !deleted),
        comments: comments(watch, sides, &key),
        notes: left.iter().copied().chain(ticket).flat_map(|id| notes(watch, sides, id)).collect(),
        left,
        subject,
        row,
        operations,
        late,
        ticket,
        values: ticket.and_then(|id| sides.ticket(id)),
        number: sides.number(&key),
        merged_away: watch.incidents.get(&key).is_some_and(|all| all.iter().any(|v| v.value.redirected)),
        key,
    }
}

fn comments(watch: &Watch, sides: &impl Sides, key: &IncidentKey) -> Vec<Text> {
    let by_person = |name: &str| {
        let on_it = |place: &Where| matches!(place, Where::Comment(on, comment) if on == key && comment == name);
        watch.said.iter().any(|said| on_it(&said.place))
    };
    let mut found = Vec::new();
    for (name, message) in sides.comments(key) {
        let person = by_person(&name);
        // A digest says what several notes say, one after another.
        let digest = !person && message.starts_with("Digest of notes ");
        let pieces: Vec<&str> = if digest { message.split(SEAM).collect() } else { vec![&message] };
        found.extend(pieces.into_iter().map(|piece| Text {
            by_person: person,
            ours: !person,
            private: true,
            text: piece.to_owned(),
            name: name.clone(),
        }));
    }
    found
}

fn notes(watch: &Watch, sides: &impl Sides, ticket: i64) -> Vec<Text> {
    let by_person = |name: &str| {
        let on_it = |place: &Where| matches!(place, Where::Note(on, id) if *on == ticket && id.to_string() == name);
        watch.said.iter().any(|said| on_it(&said.place))
    };
    let mut found = sides.notes(ticket);
    for text in &mut found {
        text.by_person = by_person(&text.name);
    }
    found
}
