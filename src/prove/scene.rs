//! What the invariants are asked of, beside how it ended: what an onlooker knows. A simulated world fills it
//! ([`World::scene`]), and so does a program that ran in a process of its own ([`super::outside`]).

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{
    clicks::{self, desk::Decided},
    copies::Ran,
    nemesis::Nemesis,
    shape::Place,
    watch::{IncidentKey, Order, Watch, Write},
    world::World,
};

/// Nothing may be written in so much time before a world's end: it holds a full list of both sides.
const SILENT: SignedDuration = SignedDuration::from_hours(7);

/// How everything is set up.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// Workspaces, each with its client and mode.
    pub places: &'a [Place],
    /// Clients.
    pub clients: usize,
    /// The first one's number in Halo; the others' follow.
    pub first_client_id: i64,
    /// The workspaces are managed in the Defender portal.
    pub defender: bool,
}

/// What befell the database.
#[derive(Debug, Clone, Copy)]
pub struct Struck<'a> {
    /// Moments at which an old backup took its place.
    pub restored: &'a [Timestamp],
    /// The same moments in the order of things.
    pub restored_orders: &'a [u64],
    /// A copy that wrote beside the original.
    pub copy: Option<&'a Ran>,
}

/// What an admin did.
#[derive(Debug, Clone, Copy)]
pub struct Hands<'a> {
    /// Incidents whose pairs were rebuilt from both sides, and when in the order of things.
    pub rebuilt: &'a BTreeMap<IncidentKey, u64>,
    /// What they made of what waited for a person.
    pub decided: &'a Decided,
}

/// What an onlooker knows.
pub struct Scene<'a> {
    /// The onlooker's notes.
    pub watch: &'a Watch,
    /// How everything is set up.
    pub shape: Setting<'a>,
    /// What befell the database.
    pub strikes: Struck<'a>,
    /// What an admin did.
    pub people: Hands<'a>,
    /// Names of the units of work that never came to their end.
    pub unfinished: Vec<String>,
    /// From when on nothing may be written any more.
    pub silent_from: Timestamp,
    /// So many tokens of one side are plenty.
    pub tokens_max: u64,
    /// The true time.
    pub now: Timestamp,
}

impl Scene<'_> {
    /// The true time.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The client of this number in Halo.
    pub fn halo_client_id(&self, client: usize) -> i64 {
        self.shape.first_client_id + i64::try_from(client).unwrap_or(0)
    }

    /// Number of the client with this id in Halo.
    pub fn client_number(&self, halo_client_id: i64) -> Option<usize> {
        let number = usize::try_from(halo_client_id - self.shape.first_client_id).ok()?;
        (number < self.shape.clients).then_some(number)
    }

    /// Names of the units of work that never came to their end.
    pub fn unfinished(&self) -> &[String] {
        &self.unfinished
    }

    /// Whether a copy and the original may both have written then.
    pub fn both_wrote(&self, order: Order) -> bool {
        self.strikes.copy.is_some_and(|ran| ran.holds(order))
    }

    /// What was written in that time, by either.
    pub fn written_by_both(&self) -> impl Iterator<Item = &Write> {
        self.watch.writes.iter().filter(|write| write.status < 300 && self.both_wrote(write.order))
    }
}

impl World {
    /// What an onlooker knows of this world.
    pub fn scene(&self) -> Scene<'_> {
        Scene {
            watch: &self.watch,
            shape: Setting {
                places: &self.shape.places,
                clients: self.shape.clients,
                first_client_id: self.shape.product.first_client_id(),
                defender: self.shape.defender,
            },
            strikes: Struck {
                restored: &self.strikes.restored,
                restored_orders: &self.strikes.restored_orders,
                copy: self.strikes.beside.ran.as_ref(),
            },
            people: Hands { rebuilt: &self.people.rebuilt, decided: &self.people.decided },
            unfinished: self.unfinished(),
            silent_from: self.now() - SILENT,
            tokens_max: tokens_max(self),
            now: self.now(),
        }
    }
}

/// One token for its life, and for whatever may end it early.
fn tokens_max(world: &World) -> u64 {
    let hours = world.now().duration_since(world.shape.begins).as_hours().unsigned_abs();
    let deaths = world.coverage.count(Nemesis::TokenDeath) + world.coverage.count(Nemesis::SecretChange);
    // One that writes was copied with the secret it had, and goes on asking with that when it is replaced.
    let copy = world.strikes.beside.ran.as_ref().map_or(SignedDuration::ZERO, |ran| ran.lasted(world.now()));
    let starts = 2
        + world.strikes.crashes
        + 3 * world.strikes.beside.counted.ran()
        + 3 * world.strikes.restored.len() as u64
        + 2 * world.coverage.count(Nemesis::TwoInstances);
    // Each change of what is set up takes both sides' connections up anew.
    let set_up = world.people.hand.clicks.count(clicks::MODE);
    let jumps = world.coverage.count(Nemesis::ClockForward) + world.coverage.count(Nemesis::ClockBack);
    // An answer that is lost is asked for again.
    let lost: u64 = [Nemesis::Cut, Nemesis::HalfBody, Nemesis::BrokenJson, Nemesis::SlowDrip, Nemesis::WebPage]
        .iter()
        .map(|nemesis| world.coverage.count(*nemesis))
        .sum();
    // A refused sign-in is asked about every minute, by each workspace and by what waits.
    let refused = (world.strikes.without_secret + copy).as_mins().unsigned_abs() * 2;
    refused + 8 + 3 * hours + 6 * deaths + 4 * starts + 4 * jumps + 2 * set_up + lost
}
