//! `[[workspace]]`: a Sentinel workspace, whose it is, and what the engine may do for it.

use jiff::Timestamp;
use toml::{Value, de::DeValue};

use super::{
    address::ARM_FORM,
    reader::{At, Place, Table},
    secret::{SecretRef, Secrets},
    write::Lines,
};
use crate::domain::{
    time,
    workspace::{Mode, POLL_FAST_SECS, Portal, WorkspaceAddress},
};

/// Seconds between polls unless the file says otherwise.
pub const POLL_SECS: u32 = 900;

/// One entry. Names of other entries are empty until the only one is filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// Natural key: the lower-cased ARM id.
    pub arm_id: String,
    /// Name shown and used in webhook addresses; by default the ARM id's last part as written.
    pub name: String,
    /// Name of its client.
    pub client: String,
    /// Name of the sign-in that reaches it.
    pub microsoft: String,
    /// Its home tenant; `None` is the connection's.
    pub tenant_id: Option<String>,
    /// Name of its policy.
    pub policy: String,
    /// What the engine may do.
    pub mode: Mode,
    /// Start; `None` keeps what is stored, at first the moment of applying.
    pub since: Option<Timestamp>,
    /// Seconds between polls while it is quiet.
    pub poll_secs: u32,
    /// Seconds until the next one after a change.
    pub poll_fast_secs: u32,
    /// Target of the link in the ticket.
    pub portal: Portal,
    /// Secret of Sentinel's webhook.
    pub webhook_secret: Option<SecretRef>,
    /// Whether Halo's own integration is compared with.
    pub shadow: bool,
}

const MODES: [&str; 5] = ["off", "observe", "comment-only", "sentinel-to-halo", "two-way"];

/// Reads one entry; what is wrong goes to the table's sink.
pub fn read(table: Table<'_, '_>, secrets: &Secrets<'_>) -> (Workspace, Place) {
    let arm = table.required("arm_id", &format!("Write arm_id = \"{ARM_FORM}\"."));
    let address = arm_address(&table, &arm);
    let own_name = address.as_ref().map_or_else(String::new, |a| a.workspace.clone());
    let name = table.text("name").map_or(own_name, |t| {
        if t.value.contains(['/', '?', '#', '%']) {
            let remedy = "Leave / ? # % out: the name stands in the webhook's address.";
            table.sink.wrong(t.at, table.field("name"), format!("cannot be \"{}\"", t.value), remedy);
        }
        t.value
    });
    let tenant_id = table.text("tenant_id").map(|found| super::address::tenant(&table, "tenant_id", found));
    let mode = table.choice("mode", &MODES).and_then(|m| Mode::parse(m.value)).unwrap_or(Mode::Observe);
    let portal = table.choice("portal", &["azure", "defender"]);
    let workspace = Workspace {
        arm_id: address.map_or_else(String::new, |a| a.arm_id().to_lowercase()),
        name,
        client: table.text("client").map_or_else(String::new, |t| t.value),
        microsoft: table.text("microsoft").map_or_else(String::new, |t| t.value),
        tenant_id,
        policy: table.text("policy").map_or_else(String::new, |t| t.value),
        mode,
        since: since(&table),
        poll_secs: table.count("poll_secs", 30, 86_400, POLL_SECS),
        poll_fast_secs: table.count("poll_fast_secs", 30, 86_400, POLL_FAST_SECS),
        portal: if portal.is_some_and(|p| p.value == "defender") { Portal::Defender } else { Portal::Azure },
        webhook_secret: secrets.read(&table, "webhook_secret"),
        shadow: table.flag("shadow", false),
    };
    if let Some(found) = table.value("shadow").filter(|_| workspace.shadow && mode != Mode::Observe) {
        let remedy = "Write mode = \"observe\": beside Halo's own integration nothing is written.";
        table.sink.wrong(found.at, table.field("shadow"), "is only possible in mode \"observe\"", remedy);
    }
    (workspace, table.done())
}

fn arm_address(table: &Table<'_, '_>, arm: &At<String>) -> Option<WorkspaceAddress> {
    if arm.value.is_empty() {
        return None;
    }
    let plain = |text: &str| text.chars().all(|c| c.is_alphanumeric() || "-_.()".contains(c));
    let address = WorkspaceAddress::parse(&arm.value)
        .filter(|a| plain(&a.subscription) && plain(&a.resource_group) && plain(&a.workspace));
    if address.is_none() {
        let remedy = format!("Write {ARM_FORM} (Log Analytics workspace → Properties → Resource ID).");
        table.sink.wrong(arm.at, table.field("arm_id"), "is not the ARM id of a workspace", remedy);
    }
    address
}

fn since(table: &Table<'_, '_>) -> Option<Timestamp> {
    let found = table.value("since")?;
    let text = match found.value {
        DeValue::Datetime(date) => date.to_string(),
        DeValue::String(text) => text.trim().to_owned(),
        other => {
            table.wrong_type("since", found.at, other, "a moment with its zone, like 2026-05-01T00:00:00Z");
            return None;
        }
    };
    // A TOML date may have a space where RFC 3339 has a T.
    let moment = text.replacen(' ', "T", 1).parse::<Timestamp>().ok();
    if moment.is_none() {
        let problem = format!("is \"{text}\", which is no moment with a zone");
        table.sink.wrong(found.at, table.field("since"), problem, "Write it like 2026-05-01T00:00:00Z.");
    }
    // Kept in whole milliseconds, as stored.
    moment.map(|m| time::from_ms(time::to_ms(m)))
}

impl Workspace {
    /// The entry as lines of the file, in the schema's order.
    pub fn lines(&self) -> Lines {
        let mut lines = Lines::default();
        lines.text("arm_id", &self.arm_id);
        lines.text("name", &self.name);
        lines.text("client", &self.client);
        lines.text("microsoft", &self.microsoft);
        if let Some(tenant) = &self.tenant_id {
            lines.text("tenant_id", tenant);
        }
        lines.text("policy", &self.policy);
        lines.text("mode", self.mode.as_str());
        if let Some(since) = self.since {
            match time::iso(since).parse() {
                Ok(date) => lines.put("since", Value::Datetime(date)),
                Err(_) => lines.text("since", &time::iso(since)),
            }
        }
        lines.number("poll_secs", i64::from(self.poll_secs));
        lines.number("poll_fast_secs", i64::from(self.poll_fast_secs));
        lines.text("portal", if self.portal == Portal::Defender { "defender" } else { "azure" });
        lines.secret("webhook_secret", self.webhook_secret.as_ref());
        if self.shadow {
            lines.put("shadow", Value::Boolean(true));
        }
        lines
    }
}
