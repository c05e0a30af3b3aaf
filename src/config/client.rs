//! `[[client]]`: a customer, and where its tickets go.

use super::{
    reader::{Place, Table},
    write::Lines,
};

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Natural key.
    pub name: String,
    /// IANA time zone.
    pub time_zone: String,
    /// Place in Halo; without one its incidents wait and say so.
    pub halo: Option<Binding>,
}

/// Where a client's tickets go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// Name of the Halo instance; empty until the only one is filled in.
    pub halo: String,
    /// Halo's client id.
    pub halo_client_id: i64,
    /// Site, when fixed.
    pub site_id: Option<i64>,
    /// Team, by name; overrides the policy's.
    pub team: Option<String>,
}

/// Reads one entry; what is wrong goes to the table's sink.
pub fn read(table: Table<'_, '_>) -> (Client, Place) {
    let name = table.required("name", "Give the client its name, e.g. name = \"Contoso Ltd\".").value;
    let time_zone = match table.text("time_zone") {
        Some(found) => {
            if jiff::tz::TimeZone::get(&found.value).is_err() {
                let problem = format!("is \"{}\", which is no time zone", found.value);
                let remedy = "Use an IANA name such as \"Europe/Berlin\", \"America/New_York\" or \"UTC\".";
                table.sink.wrong(found.at, table.field("time_zone"), problem, remedy);
            }
            found.value
        }
        None => "UTC".to_owned(),
    };
    let halo = table.text("halo").map(|t| t.value);
    let id = table.integer("halo_client_id", 1, i64::MAX).map(|n| n.value);
    let site_id = table.integer("site_id", 1, i64::MAX).map(|n| n.value);
    let team = table.text("team").map(|t| t.value);
    if !table.has("halo_client_id") {
        if halo.is_some() || site_id.is_some() || team.is_some() {
            let remedy = "Write halo_client_id = <number>: the client's id in Halo.";
            table.absent_here("halo_client_id", "is missing", remedy);
        } else {
            let remedy = "Write halo_client_id = <number> when it is known.";
            let problem = "is missing, so this client's incidents will wait";
            table.warn_here("halo_client_id", problem, remedy);
        }
    }
    // Without an id nothing is applied; the instance's name is checked all the same.
    let bound = id.is_some() || halo.is_some();
    let halo = bound.then(|| Binding {
        halo: halo.unwrap_or_default(),
        halo_client_id: id.unwrap_or_default(),
        site_id,
        team,
    });
    (Client { name, time_zone, halo }, table.done())
}

impl Client {
    /// The entry as lines of the file, in the schema's order.
    pub fn lines(&self) -> Lines {
        let mut lines = Lines::default();
        lines.text("name", &self.name);
        lines.text("time_zone", &self.time_zone);
        if let Some(binding) = &self.halo {
            lines.text("halo", &binding.halo);
            lines.number("halo_client_id", binding.halo_client_id);
            if let Some(site) = binding.site_id {
                lines.number("site_id", site);
            }
            if let Some(team) = &binding.team {
                lines.text("team", team);
            }
        }
        lines
    }
}
