//! What must hold when everything has come to rest: fifteen invariants, each a function with words of its own.
//!
//! They are asked of what an onlooker knows ([`super::scene`]) and of how it ended ([`ending`]), never of what
//! the program believes alone: of a simulated world by [`judge`], of a process by [`super::outside`].

pub mod ending;

mod apart;
mod copies;
mod crossing;
mod excused;
pub(in crate::prove) mod left;
mod older;
mod rest;
mod seldom;
mod tickets;
mod values;
mod writes;

use self::ending::Ending;
use super::{
    scene::Scene,
    world::{Broken, World},
};

/// An invariant that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which of the fifteen.
    pub number: u8,
    /// What is wrong, in words.
    pub text: String,
    /// What the story should be told about.
    pub about: Vec<String>,
}

impl Violation {
    fn new(number: u8, text: impl Into<String>, about: Vec<String>) -> Self {
        Self { number, text: text.into(), about }
    }
}

/// One invariant: its number, its sentence, and the function that looks whether it holds.
pub type Invariant = (u8, &'static str, fn(&Scene<'_>, &Ending) -> Vec<Violation>);

/// The fifteen. The eleventh needs the world to go on, see [`judge`].
pub const ALL: [Invariant; 15] = [
    (
        1,
        "Every incident that passes the filter has exactly one ticket, or an open item that names the reason.",
        tickets::one_each,
    ),
    (2, "Every ticket link points at an incident of the same client.", tickets::same_client),
    (
        3,
        "Every human comment allowed to cross is present once on the other side, in order, complete.",
        crossing::once_in_order,
    ),
    (4, "No write of ours ever comes back as a change.", crossing::no_echo),
    (5, "With no human input the system falls silent.", rest::falls_silent),
    (6, "No human value is overwritten by an older one.", values::not_overwritten),
    (7, "A merge alone closes nothing.", tickets::merge_closes_nothing),
    (8, "Sides agree, or the pair shows why not.", values::agree),
    (9, "Every write has a cause; every cause has an end.", writes::cause_and_end),
    (10, "Limits are never passed: rate, length, count.", writes::limits),
    (11, "Crash at any point, restart, same end state.", rest::ledger_whole),
    (12, "Restoring an old backup converges without duplicates.", crossing::restored_without_doubles),
    (13, "Clock skew and zone changes alter nothing.", crossing::times_are_true),
    (14, "Two instances by mistake make no duplicates.", copies::two_instances),
    (15, "No byte of client A reaches client B.", apart::clients_apart),
];

/// Asks every invariant that can be asked of what an onlooker knows and of how it ended. Gives those that do not hold.
pub fn ask(scene: &Scene<'_>, ending: &Ending) -> Vec<Violation> {
    ALL.iter().flat_map(|(_, _, holds)| holds(scene, ending)).collect()
}

/// Asks every invariant of a world that has come to rest. Gives those that do not hold, and the number of pairs.
///
/// # Errors
/// The simulation could not.
pub fn judge(world: &mut World) -> Result<(Vec<Violation>, u64), Broken> {
    let ending = ending::look(world)?;
    let mut found = {
        let scene = world.scene();
        let mut found = ask(&scene, &ending);
        found.extend(seldom::ask(world, &scene, &ending));
        found
    };
    if found.is_empty() {
        found.extend(rest::restart_changes_nothing(world)?);
    }
    world.people.seldom.left_late(ending.incidents.iter().map(|ended| ended.late.len()).sum());
    let pairs = ending.incidents.iter().filter(|ended| ended.row.is_some()).count();
    Ok((found, pairs as u64))
}
