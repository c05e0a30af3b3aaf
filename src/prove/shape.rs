//! What a seed decides before anything happens: how large a world is, how it is set up, what goes wrong in it.

use jiff::{SignedDuration, Timestamp};

use super::{clicks::desk, dice::Dice, mapping, nemesis::Fate, seldom};
use crate::{
    config::secret::sealed_identity,
    domain::policy::Policy,
    store::Store,
    twin::options::{Product, TwinOptions},
};
use secrecy::SecretString;
use serde_json::Value;

/// Address under which the twin lies.
pub const ORIGIN: &str = "http://twin.test";
/// The webhooks' secret.
pub const HOOK: &str = "hook-secret-of-the-simulation";
/// Every hundredth world is large.
const LARGE_EVERY: u64 = 100;

/// The first worlds all have policies that say little; of those from here on every other one is unusual.
const STOCK_BELOW: u64 = 100;

/// Clients by name, with a zone each.
pub const CLIENTS: [(&str, &str); 4] = [
    ("Northwind Traders", "Europe/London"),
    ("Contoso Retail", "America/New_York"),
    ("Fabrikam Logistics", "Europe/Berlin"),
    ("Adatum Clinics", "Australia/Sydney"),
];

/// When summer time begins or ends in 2026 in one of those zones, in UTC.
pub const ZONE_CHANGES: [&str; 6] = [
    "2026-03-08T07:00:00Z",
    "2026-03-29T01:00:00Z",
    "2026-04-04T16:00:00Z",
    "2026-10-03T16:00:00Z",
    "2026-10-25T01:00:00Z",
    "2026-11-01T06:00:00Z",
];

/// A workspace of a world.
#[derive(Debug, Clone)]
pub struct Place {
    /// Its name at Microsoft's.
    pub workspace: String,
    /// Number of its client.
    pub client: usize,
    /// What the engine may do.
    pub mode: &'static str,
}

/// Everything that is fixed before a world begins.
#[derive(Debug, Clone)]
pub struct Shape {
    /// The seed.
    pub seed: u64,
    /// One of the large ones.
    pub large: bool,
    /// Which Halo.
    pub product: Product,
    /// When it begins.
    pub begins: Timestamp,
    /// How long people act.
    pub span: SignedDuration,
    /// What they do, in number.
    pub acts: usize,
    /// Incidents to be raised, about.
    pub incidents: usize,
    /// Clients.
    pub clients: usize,
    /// Workspaces, each with its client and mode.
    pub places: Vec<Place>,
    /// Which notes cross.
    pub notes: &'static str,
    /// What happens without a verdict.
    pub missing_verdict: &'static str,
    /// Notes we write are hidden from the end user.
    pub notes_private: bool,
    /// Alerts and entities are read.
    pub evidence: bool,
    /// Owners are carried.
    pub carry_owner: bool,
    /// Severities are carried.
    pub carry_severity: bool,
    /// Seconds between polls of a workspace.
    pub poll_secs: i64,
    /// Seconds between polls of Halo.
    pub halo_poll_secs: i64,
    /// Seconds over which an unknown outcome is looked for.
    pub settle_secs: i64,
    /// Both clouds send webhooks.
    pub webhooks: bool,
    /// The workspaces are managed in the Defender portal.
    pub defender: bool,
    /// The outside systems keep their limits.
    pub limits: bool,
    /// What goes wrong.
    pub fate: Fate,
    /// What its policy chooses beside that: every other world's is an unusual one.
    pub choices: Vec<String>,
    /// The customer's own policy, instead of one drawn from the seed.
    pub own: Option<Policy>,
}

impl Shape {
    /// The world of a seed.
    pub fn of(seed: u64) -> Self {
        let mut dice = Dice::of(seed, "shape");
        let large = seed % LARGE_EVERY == LARGE_EVERY - 1;
        let clients = if large { 4 } else { usize::try_from(dice.between(1, 3)).unwrap_or(1) };
        let workspaces = clients + usize::try_from(dice.below(2)).unwrap_or(0);
        let modes = [(14, "two-way"), (3, "sentinel-to-halo"), (1, "observe")];
        let places = (0..workspaces)
            .map(|n| Place {
                workspace: format!("law-contoso-{:03}", n + 1),
                client: n % clients,
                mode: if n == 0 { "two-way" } else { dice.weighted(&modes).unwrap_or("two-way") },
            })
            .collect();
        let calm = dice.chance(0.1);
        let fate = if calm { Fate::calm() } else { Fate::draw(&mut dice) };
        let span_hours = if large { 72.0 + dice.share() * 24.0 } else { dice.spread(1.0, 24.0) };
        let span = SignedDuration::from_secs((span_hours * 3600.0) as i64);
        // As many polls as a world of this length can afford.
        let polls = span.as_secs() / 80;
        let mut shape = Self {
            seed,
            large,
            product: if dice.chance(0.5) { Product::Itsm } else { Product::Psa },
            begins: begins(&mut dice),
            span,
            acts: if large { 2_000 + dice.place(600) } else { dice.spread(50.0, 500.0) as usize },
            incidents: if large { 200 + dice.place(60) } else { 3 + dice.place(18) },
            clients,
            places,
            notes: dice.pick(&["all", "public", "flagged", "outcomes", "none", "public"]).copied().unwrap_or("public"),
            missing_verdict: if dice.chance(0.5) {
                "\"ask\""
            } else {
                "{ classification = \"BenignPositive\", reason = \"SuspiciousButExpected\" }"
            },
            notes_private: dice.chance(0.7),
            evidence: dice.chance(0.4),
            carry_owner: dice.chance(0.85),
            carry_severity: dice.chance(0.85),
            poll_secs: dice.between(30, 600).max(polls).min(900),
            halo_poll_secs: dice.between(20, 300).max(polls / 2).min(600),
            settle_secs: dice.between(60, 180),
            webhooks: dice.chance(0.5),
            defender: dice.chance(0.4),
            limits: dice.chance(0.6),
            fate,
            choices: Vec::new(),
            own: None,
        };
        if seed >= STOCK_BELOW && seed % 2 == 1 {
            shape.choices = shape.unusual();
        }
        if seldom::happens(seed) {
            seldom::set_up(&mut shape);
        } else if desk::sees_to(seed) {
            shape.choices.extend(shape.asking());
        }
        shape
    }

    /// What its policy puts before the admin, where one sees to that.
    fn asking(&self) -> Vec<String> {
        let mut dice = Dice::of(self.seed, "asks");
        let mut lines = Vec::new();
        let kinds = ["close", "reopen", "severity-down"].into_iter().filter(|_| dice.chance(0.5));
        let kinds: Vec<String> = kinds.map(|kind| format!("\"{kind}\"")).collect();
        if !kinds.is_empty() {
            lines.push(format!("approve = [{}]", kinds.join(", ")));
        }
        // What a policy leaves out is asked about.
        let word = |dice: &mut Dice, words: &[&'static str]| dice.pick(words).copied().unwrap_or("ask");
        if dice.chance(0.6) {
            let sentinel = word(&mut dice, &["heal", "heal", "ask", "ignore"]);
            let halo = word(&mut dice, &["heal", "ask", "ignore"]);
            let client = word(&mut dice, &["ask", "ignore"]);
            lines.push(format!(
                "drift = {{ only_in_sentinel = \"{sentinel}\", only_in_halo = \"{halo}\", wrong_client = \"{client}\" }}"
            ));
        }
        lines
    }

    /// Choices of a policy that differ from what a policy says by itself.
    fn unusual(&self) -> Vec<String> {
        let mut dice = Dice::of(self.seed, "choices");
        let mut lines = Vec::new();
        let reopened = ["reopen", "note", "ask"];
        let after = ["cross", "note-only", "ignore"];
        let wins = ["newest", "sentinel", "halo", "ask"];
        let word = |dice: &mut Dice, words: &[&'static str]| dice.pick(words).copied().unwrap_or("ask");
        if dice.chance(0.4) {
            let (here, there) = (word(&mut dice, &reopened), word(&mut dice, &reopened));
            lines.push(format!("reopened = {{ in_sentinel = \"{here}\", in_halo = \"{there}\" }}"));
        }
        if dice.chance(0.4) {
            let (comments, fields) = (word(&mut dice, &after), word(&mut dice, &after));
            lines.push(format!("after_closing = {{ comments = \"{comments}\", fields = \"{fields}\" }}"));
        }
        if dice.chance(0.3) {
            lines.push(format!("status = {{ wins = \"{}\" }}", word(&mut dice, &wins)));
        }
        if self.carry_owner && dice.chance(0.3) {
            lines.push(format!("owner = {{ wins = \"{}\" }}", word(&mut dice, &wins)));
        }
        if self.carry_severity && dice.chance(0.3) {
            lines.push(format!("severity = {{ direction = \"both\", wins = \"{}\" }}", word(&mut dice, &wins)));
        }
        if dice.chance(0.3) {
            lines.push(format!("digest_from = {}", dice.between(3, 25)));
        }
        if dice.chance(0.2) {
            lines.push(format!("flips_per_hour = {}", dice.between(1, 3)));
        }
        if dice.chance(0.15) {
            lines.push(format!("tickets_per_hour = {}", dice.between(1, 4)));
        }
        if dice.chance(0.2) {
            lines.push("exclude = { severity = [\"Informational\"] }".to_owned());
        }
        if dice.chance(0.2) {
            lines.push("link_comment = false".to_owned());
        }
        lines
    }

    /// The world of a seed, with one of the customer's own policies where there are any.
    pub fn with(seed: u64, policies: &[Policy]) -> Self {
        let mut shape = Self::of(seed);
        let Some(own) = Dice::of(seed, "policy").pick(policies).cloned() else { return shape };
        shape.notes = own.notes.as_str();
        (shape.notes_private, shape.evidence) = (own.notes_private, own.evidence);
        shape.missing_verdict = "as the policy says";
        shape.own = Some(own);
        shape
    }

    /// Whether a note written like this may cross.
    pub fn crosses(&self, private: bool, flagged: bool, outcome: &str) -> bool {
        match (&self.own, self.notes) {
            (Some(own), _) => mapping::crosses(own, private, flagged, outcome),
            (None, "all") => true,
            (None, "public") => !private,
            (None, "flagged") => flagged,
            (None, "outcomes") => outcome == "Note",
            (None, _) => false,
        }
    }

    /// Statuses that agents give to open tickets.
    pub fn ticket_statuses(&self) -> Vec<String> {
        let stock = || ["New", "In Progress", "On Hold", "Resolved"].map(str::to_owned).to_vec();
        self.own.as_ref().map(mapping::open_statuses).filter(|own| !own.is_empty()).unwrap_or_else(stock)
    }

    /// The field in which agents choose a classification, and how many values it has.
    pub fn verdict_field(&self) -> Option<(String, i64)> {
        match &self.own {
            Some(own) => mapping::verdict_field(own),
            None => Some(("CFSentinelClassification".to_owned(), 5)),
        }
    }

    /// The twin it begins with.
    pub fn twin(&self) -> TwinOptions {
        let mut options = TwinOptions::new(self.seed, self.begins);
        options.workspaces = self.places.len();
        options.product = self.product;
        options.limits = if self.limits { crate::twin::limits::Limits::Real } else { crate::twin::limits::Limits::Off };
        // Nobody knows which of the two the service does.
        let bumps = Dice::of(self.seed, "edits").chance(0.5).to_string();
        options.switches.push(("comment_edit_bumps".into(), bumps.clone()));
        options.switches.push(("comment_delete_bumps".into(), bumps));
        if self.defender {
            options.switches.push(("defender".into(), "true".into()));
            options.switches.push(("defender_delay_s".into(), "0".into()));
            // What these worlds try is order and loss, not how long the portal waits.
            options.switches.push(("automation_delay_s".into(), "0".into()));
        }
        options
    }

    /// One line that says what kind of world it is.
    pub fn words(&self) -> String {
        let modes: Vec<&str> = self.places.iter().map(|place| place.mode).collect();
        let wrong = self.fate.words();
        format!(
            "{} from {}, {} acts within {:.1} h on about {} incidents; {} client(s), workspaces {}; notes \"{}\", missing \
             verdict {}, polls every {} s and {} s, webhooks {}, Defender {}, limits {}{}; goes wrong: {}",
            self.product.name(),
            self.begins,
            self.acts,
            self.span.as_secs_f64() / 3600.0,
            self.incidents,
            self.clients,
            modes.join(", "),
            self.notes,
            self.missing_verdict,
            self.poll_secs,
            self.halo_poll_secs,
            if self.webhooks { "on" } else { "off" },
            if self.defender { "on" } else { "off" },
            if self.limits { "on" } else { "off" },
            self.choices.iter().map(|line| format!(", {line}")).collect::<String>(),
            if wrong.is_empty() { "nothing".to_owned() } else { wrong.join(", ") },
        )
    }

    /// The policy's text, without its first line.
    fn policy(&self) -> String {
        if let Some(own) = &self.own {
            return mapping::lines(own);
        }
        let priorities = match self.product {
            Product::Itsm => {
                r#"{ High = "P2 - High", Medium = "P3 - Medium", Low = "P4 - Low", Informational = "P5 - Informational" }"#
            }
            Product::Psa => r#"{ High = "High", Medium = "Medium", Low = "Low", Informational = "Informational" }"#,
        };
        let note_outcomes = if self.notes == "outcomes" { "note_outcomes = [\"Note\"]\n" } else { "" };
        let agents: Vec<String> =
            PEOPLE.iter().map(|(analyst, agent)| format!("\"{analyst}\" = \"{agent}\"")).collect();
        format!(
            "name = \"standard\"\nticket_type = \"Security Incident\"\npriorities = {priorities}\n\
             statuses = {{ New = \"New\", Active = \"In Progress\", Closed = \"Closed\" }}\n\
             statuses_back = {{ \"On Hold\" = \"Active\", Resolved = \"Active\" }}\nagents = {{ {} }}\n\
             incident_id_field = \"CFSentinelIncidentId\"\n\
             fields = [\n  {{ field = \"CFSentinelSeverity\", path = \"$.properties.severity\", when = \"always\" }},\n]\n\
             classification_field = \"CFSentinelClassification\"\nmissing_verdict = {}\nnotes = \"{}\"\n{note_outcomes}\
             outcome = \"Private Note\"\nnotes_private = {}\nevidence = {}\n{}{}{}",
            agents.join(", "),
            self.missing_verdict,
            self.notes,
            self.notes_private,
            self.evidence,
            if self.carry_owner { "" } else { "owner = { direction = \"none\" }\n" },
            if self.carry_severity { "" } else { "severity = { direction = \"none\" }\n" },
            self.choices.iter().map(|line| format!("{line}\n")).collect::<String>(),
        )
    }

    /// The applied file that sets up an installation for this world; secrets are sealed in it.
    ///
    /// # Errors
    /// What the sealing key says.
    pub fn applied_file(&self, line: &Value, store: &Store, microsoft_secret: &str) -> Result<String, String> {
        let text = |pointer: &str| line.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let seal = |section: &str, key: &str, field: &str, secret: &str| {
            let identity = sealed_identity(section, key, field);
            store.seal_text(&identity, &SecretString::from(secret.to_owned())).map_err(|error| error.to_string())
        };
        let mut file = format!(
            "[[microsoft]]\nname = \"Sentinel\"\ntenant_id = \"{}\"\noauth_client_id = \"{}\"\n\
             client_secret = {{ sealed = \"{}\" }}\nauthority = \"{ORIGIN}/entra\"\narm = \"{ORIGIN}/arm\"\n\
             log_analytics = \"{ORIGIN}/loganalytics\"\ngraph = \"{ORIGIN}/graph\"\nallow_insecure = true\n{}\n\
             [[halo]]\nname = \"desk\"\nproduct = \"{}\"\nresource_server = \"{ORIGIN}/halo/api\"\n\
             authorisation_server = \"{ORIGIN}/halo/auth\"\ntenant = \"{}\"\noauth_client_id = \"{}\"\n\
             client_secret = {{ sealed = \"{}\" }}\nwebhook_secret = {{ sealed = \"{}\" }}\n\
             webhook_header = \"X-Halo-Signature\"\npoll_secs = {}\nsettle_secs = {}\nallow_insecure = true\n{}\n\
             [[policy]]\n{}\n",
            text("/microsoft/tenant_id"),
            text("/microsoft/client_id"),
            seal("microsoft", "Sentinel", "client_secret", microsoft_secret)?,
            if self.limits { "" } else { "writes_per_5min = 1000000\n" },
            self.product.word(),
            text("/halo/tenant"),
            text("/halo/client_id"),
            seal("halo", "desk", "client_secret", &text("/halo/client_secret"))?,
            seal("halo", "desk", "webhook_secret", HOOK)?,
            self.halo_poll_secs,
            self.settle_secs,
            if self.limits { "" } else { "requests_per_5min = 1000000\n" },
            self.policy(),
        );
        for ((name, zone), number) in CLIENTS.iter().take(self.clients).zip(self.product.first_client_id()..) {
            file.push_str(&format!(
                "[[client]]\nname = \"{name}\"\ntime_zone = \"{zone}\"\nhalo_client_id = {number}\n\n"
            ));
        }
        let details = line.pointer("/microsoft/workspace_details").and_then(Value::as_array);
        for place in &self.places {
            let of = |w: &&Value| w.get("name").and_then(Value::as_str) == Some(place.workspace.as_str());
            let found = details.into_iter().flatten().find(of).and_then(|w| w.get("id")).and_then(Value::as_str);
            let arm_id = found.ok_or_else(|| format!("the twin has no workspace {}", place.workspace))?;
            let (client, _) = CLIENTS.get(place.client).copied().unwrap_or_default();
            let hook = seal("workspace", &arm_id.to_lowercase(), "webhook_secret", HOOK)?;
            file.push_str(&format!(
                "[[workspace]]\narm_id = \"{arm_id}\"\nclient = \"{client}\"\nmode = \"{}\"\nsince = \"{}\"\n\
                 poll_secs = {}\npoll_fast_secs = {}\nportal = \"{}\"\nwebhook_secret = {{ sealed = \"{hook}\" }}\n\n",
                place.mode,
                seldom::starts_later(self).unwrap_or(self.begins),
                self.poll_secs,
                self.poll_secs,
                if self.defender { "defender" } else { "azure" },
            ));
        }
        Ok(file)
    }
}

/// Analysts at Microsoft's and the agents the policy maps them to.
pub const PEOPLE: [(&str, &str); 2] =
    [("ana.analyst@contoso.example", "Amira Haddad"), ("carla.contributor@contoso.example", "Jonas Weber")];

/// A moment of 2026; one in three lies shortly before some client's clocks change.
fn begins(dice: &mut Dice) -> Timestamp {
    let change = dice.pick(&ZONE_CHANGES).and_then(|text| text.parse::<Timestamp>().ok()).unwrap_or_default();
    let any: Timestamp = "2026-01-05T00:00:00Z".parse().unwrap_or_default();
    let at = if dice.chance(1.0 / 3.0) {
        change - SignedDuration::from_secs(dice.between(600, 6 * 3_600))
    } else {
        any + SignedDuration::from_secs(dice.between(0, 340 * 86_400))
    };
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}
