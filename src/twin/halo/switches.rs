//! The switches: where the sources about Halo disagree, and what a tenant may be set up to do.
//!
//! Each has a name, a default and a sentence; [`Switches::set`] takes them as text.

use serde_json::Value;

/// A switch as shown to people.
#[derive(Debug, Clone)]
pub struct Switch {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
    /// Its present value.
    pub value: Value,
}

trait SwitchValue: Sized {
    fn read(text: &str) -> Option<Self>;
    fn show(&self) -> Value;
}

impl SwitchValue for bool {
    fn read(text: &str) -> Option<Self> {
        match text.trim().to_ascii_lowercase().as_str() {
            "true" | "on" | "1" | "yes" => Some(true),
            "false" | "off" | "0" | "no" | "" => Some(false),
            _ => None,
        }
    }
    fn show(&self) -> Value {
        Value::Bool(*self)
    }
}

impl SwitchValue for u64 {
    fn read(text: &str) -> Option<Self> {
        text.trim().parse().ok()
    }
    fn show(&self) -> Value {
        Value::from(*self)
    }
}

/// What stands beside the access token of a grant that has neither: `refresh_token` and `id_token`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extras {
    /// Text.
    Text,
    /// Empty text, which strict OAuth libraries refuse.
    Empty,
    /// Nothing.
    Absent,
}

impl Extras {
    /// The text where there is none to give.
    pub(crate) fn other(self) -> Option<String> {
        (self == Self::Empty).then(String::new)
    }
}

impl SwitchValue for Extras {
    fn read(text: &str) -> Option<Self> {
        match text.trim().to_ascii_lowercase().as_str() {
            "text" => Some(Self::Text),
            "empty" => Some(Self::Empty),
            "absent" => Some(Self::Absent),
            _ => None,
        }
    }
    fn show(&self) -> Value {
        Value::from(match self {
            Self::Text => "text",
            Self::Empty => "empty",
            Self::Absent => "absent",
        })
    }
}

impl SwitchValue for String {
    fn read(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
    fn show(&self) -> Value {
        Value::from(self.as_str())
    }
}

/// Switches that take one of a few words.
const WORDS: &[(&str, &[&str])] = &[
    ("search_in", &["all", "summary", "ignored"]),
    ("record_count_form", &["number", "text", "missing"]),
    ("closed_flag", &["follows", "stays", "missing"]),
    ("numbers", &["int", "float", "text", "mixed"]),
    ("agents_shape", &["", "array", "results", "empty"]),
];

macro_rules! switches {
    ($($name:ident: $ty:ty = $default:expr, $about:literal;)*) => {
        /// All switches of one Halo instance.
        #[derive(Debug, Clone)]
        pub struct Switches { $(#[doc = $about] pub $name: $ty,)* }

        impl Default for Switches {
            fn default() -> Self {
                Self { $($name: $default,)* }
            }
        }

        impl Switches {
            /// Every switch with its sentence and present value.
            pub fn list(&self) -> Vec<Switch> {
                vec![$(Switch { name: stringify!($name), about: $about, value: self.$name.show() },)*]
            }

            /// Sets one; `Ok(false)` when there is none of that name, an error when the value is of the wrong kind.
            pub fn set(&mut self, name: &str, value: &str) -> Result<bool, String> {
                if let Some((_, words)) = WORDS.iter().find(|(one, _)| *one == name).filter(|(_, w)| !w.contains(&value)) {
                    return Err(format!("{name} takes one of {words:?}, not {value:?}"));
                }
                match name {
                    $(stringify!($name) => {
                        self.$name = <$ty as SwitchValue>::read(value)
                            .ok_or_else(|| format!("{name} takes a {}, not {value:?}", stringify!($ty)))?;
                        Ok(true)
                    })*
                    _ => Ok(false),
                }
            }
        }
    };
}

switches! {
    rate_limit: u64 = 300, "Calls allowed in a rolling window (section 7.1); 0 = no limit.";
    rate_window_ms: u64 = 300_000, "Length of that window in milliseconds.";
    rate_retry_after: bool = false, "A 429 carries Retry-After in seconds.";
    token_lifetime_s: u64 = 3600, "Lifetime of an access token in seconds.";
    token_revokes_earlier: bool = false, "A new token makes the application's earlier ones invalid (section 1.2).";
    token_extras: Extras = Extras::Text, "What a token answer has as id_token, and as refresh_token where the grant has none: text, empty or absent (section 1.2).";
    forbidden: String = String::new(), "Comma list of path words (Tickets, Actions, Webhook …) the bound agent has no right to: 403 with an empty body.";
    stale_ms: u64 = 0, "GET /Tickets/{id} without nocache shows the ticket as it was so many milliseconds ago (7.3, 13).";
    list_stale_ms: u64 = 0, "GET /Tickets shows rows as of so many milliseconds ago; a ticket made since is not found.";
    search_in: String = "all".to_owned(), "Where search looks: all (subject, details, and with searchactions notes), summary, or ignored (an unknown filter: everything is listed, 3.1).";
    update_filter_ignored: bool = false, "lastupdatefromdate is ignored as an unknown parameter is (open question 1).";
    ticket_order_ignored: bool = false, "order and orderdesc are ignored as unknown parameters are: tickets come by id, the oldest first (3.1).";
    rows_tell_last_update: bool = true, "Rows of a list carry last_update; otherwise only tickets read by id do.";
    default_view: bool = true, "A list without any filter shows open tickets and those closed in the last seven days (3.1).";
    page_cap: u64 = 100, "Largest page of tickets; larger page_size is trimmed without a word.";
    actions_cap: u64 = 0, "Most actions handed out at once, whatever count or page_size asks for; 0 = all.";
    page_repeats: bool = false, "Every page_no hands back the first page (S3 met this).";
    record_count_lies: bool = false, "record_count holds the rows of this page instead of all matching ones.";
    record_count_form: String = "number".to_owned(), "record_count of tickets and actions: number, text or missing.";
    post_answer_array: bool = false, "POST answers with a one-element array instead of the bare object (3.3).";
    writes_refused: String = String::new(), "Text with which every write of a ticket or an action is refused; empty: none is.";
    refused_with_200: bool = false, "That refusal comes with status 200, as an error in the place of the record.";
    unknown_ticket_404: bool = false, "An update with an unknown id answers 404 instead of 400.";
    unknown_client_refused: bool = false, "An unknown client_id is refused instead of landing on client 1 \"Unknown\" (7.3, 5).";
    unknown_ids_refused: bool = false, "An unknown ticket type, status, agent or team is refused instead of falling back to a default.";
    bad_priority_refused: bool = false, "A priority that is not in the ticket's SLA is refused instead of falling back to the default.";
    update_needs_type_and_client: bool = false, "An update without tickettype_id and client_id answers \"Record not found\" (S4's tenant).";
    team_id_accepted: bool = false, "team_id is taken in ticket writes (S5's build); otherwise only the team's name is.";
    template_on_security_type: bool = false, "The Security Incident type has a template too, which overwrites what was sent.";
    mandatory_fields: String = String::new(), "Comma list of members and custom field names that a new ticket must carry unless _novalidate.";
    mandatory_text: String = "{} is required".to_owned(), "Text of that refusal; {} stands for the first one that is missing.";
    mandatory_closure: String = String::new(), "Comma list of members and custom field names that must be filled before a ticket may close.";
    close_ignored: bool = false, "A closing POST succeeds but leaves the status as it was (3.8).";
    close_becomes: String = String::new(), "Name of the status into which a rule puts a ticket that a POST closes; empty: none.";
    closed_flag: String = "follows".to_owned(), "hasbeenclosed: follows the status, stays (true once closed, 3.8 infers that it does not), or missing, dateclosed too.";
    priority_rule: u64 = 0, "Priority that a rule gives a ticket after each POST that names one; 0 = none.";
    rules_after_answer: bool = false, "That rule runs after the answer, which does not tell of it (7.3, 16).";
    concurrent_create_ms: u64 = 0, "A create that begins within so many milliseconds of the one before answers 500 (7.3, 14); 0 = never.";
    warn_on_success: bool = false, "A successful ticket POST carries a text in _warning.";
    numbers: String = "int".to_owned(), "How ids are spelled in answers: int, float (3.0), text (\"3\") or mixed (7.3, 6).";
    unset_fields_left_out: bool = false, "A whole ticket shows only the custom fields in which something stands.";
    empty_date: String = "1900-01-01T00:00:00".to_owned(), "What stands for no date (1899-12-30T00:00:00 and 0001-01-01T00:00:00 are seen too).";
    private_notes_move_last_update: bool = true, "A private note moves last_update; otherwise only lastactiondate (open question 1).";
    notes_move_last_update: bool = true, "Any note moves last_update.";
    deleted_readable: bool = false, "A deleted ticket can still be read by id, with deleted true; otherwise 404.";
    who_impersonates: bool = false, "who in a posted action names its author, as S3 does; otherwise the bound agent always is.";
    system_actions_marked: bool = true, "Actions that Halo writes by itself carry action_systemid (4.5).";
    application_name_shown: bool = true, "actionby_application_id holds the API application's name (4.6).";
    outcomes_denied: String = String::new(), "Comma list of outcome names or ids the bound agent may not use, beside the stock one.";
    agents_shape: String = String::new(), "GET /Agent: array, results, or empty (also no word at all): an array, but results with includedetails (5.1).";
    action_added_eventno: u64 = 0, "Number of the webhook event for an added action; 0 = no such event (its number is not known).";
    notes_fire_updated: bool = false, "A note also fires event 61, ticket updated.";
    update_event_needs_condition: bool = false, "Event 61 of a webhook, ticket updated, is refused without a condition (6.2).";
    webhook_delay_ms: u64 = 200, "How long after the change a webhook is sent.";
    webhook_duplicate_percent: u64 = 0, "Share of deliveries sent twice.";
    webhook_loss_percent: u64 = 0, "Share of deliveries never sent.";
    webhook_reorder_ms: u64 = 0, "Deliveries wait up to so many milliseconds more, at random, so that they overtake one another.";
    webhook_batch_ms: u64 = 0, "Deliveries of that long are sent as one array, for every webhook.";
}
