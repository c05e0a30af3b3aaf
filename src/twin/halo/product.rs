//! Everything in which the HaloITSM twin and the HaloPSA twin differ: the one place.
//!
//! The two products are one code base with one API; what changes is which modules are there, the
//! stock set-up, some words and the shape of one list (sheet, sections 2 and 5).

pub use crate::twin::options::Product;

/// A status of the stock set-up.
#[derive(Debug, Clone, Copy)]
pub struct StatusSpec {
    /// Status id.
    pub id: i64,
    /// Its name.
    pub name: &'static str,
    /// Whether a ticket in it counts as closed (no member says so; `excludeclosed` shows it).
    pub closed: bool,
    /// Whether it stops the SLA clock.
    pub on_hold: bool,
}

/// A ticket type of the stock set-up.
#[derive(Debug, Clone, Copy)]
pub struct TypeSpec {
    /// Ticket type id.
    pub id: i64,
    /// Its name.
    pub name: &'static str,
    /// Built-in kind (`itil_requesttype_id`): 1 incident, 2 change, 3 service request, 4 problem, 21 other.
    pub itil: i64,
    /// The SLA its tickets get.
    pub sla_id: i64,
    /// The priority its tickets get when none was sent.
    pub priority_id: i64,
    /// The team its tickets get when none was sent.
    pub team: &'static str,
    /// Whether a template of the type overwrites what the API sent (sheet 7.3, 15).
    pub template: bool,
}

/// An SLA of the stock set-up with its priorities (`priorityid`, name, colour).
#[derive(Debug, Clone, Copy)]
pub struct SlaSpec {
    /// SLA id.
    pub id: i64,
    /// Its name.
    pub name: &'static str,
    /// Its priorities.
    pub priorities: &'static [(i64, &'static str, &'static str)],
}

/// An outcome (kind of action) of the stock set-up.
#[derive(Debug, Clone, Copy)]
pub struct OutcomeSpec {
    /// Outcome id.
    pub id: i64,
    /// Its name.
    pub name: &'static str,
    /// Whether a note of this kind is private unless the call says otherwise.
    pub private: bool,
    /// Whether it mails the user.
    pub mails: bool,
    /// The status it puts the ticket in; 0 = none.
    pub new_status: i64,
    /// Whether the bound agent may use it.
    pub allowed: bool,
    /// Above 0 for kinds that Halo writes by itself.
    pub system_id: i64,
}

const fn outcome(id: i64, name: &'static str, private: bool, new_status: i64) -> OutcomeSpec {
    OutcomeSpec { id, name, private, mails: false, new_status, allowed: true, system_id: 0 }
}

const fn status(id: i64, name: &'static str, closed: bool, on_hold: bool) -> StatusSpec {
    StatusSpec { id, name, closed, on_hold }
}

/// The name of the ticket type meant for Sentinel incidents, in both products.
pub const SECURITY_TYPE: &str = "Security Incident";

impl Product {
    /// `itsm` or `psa`, as in options and addresses.
    pub fn word(self) -> &'static str {
        match self {
            Self::Itsm => "itsm",
            Self::Psa => "psa",
        }
    }

    /// The product's name as `InstanceInfo` gives it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Itsm => "HaloITSM",
            Self::Psa => "HaloPSA",
        }
    }

    /// The hosted address' domain.
    pub fn domain(self) -> &'static str {
        match self {
            Self::Itsm => "haloitsm.com",
            Self::Psa => "halopsa.com",
        }
    }

    /// The product version announced.
    pub fn version(self) -> &'static str {
        match self {
            Self::Itsm => "2.196.12",
            Self::Psa => "2.204.3",
        }
    }

    /// Number of the instance's first ticket.
    pub fn first_ticket_id(self) -> i64 {
        match self {
            Self::Itsm => 1001,
            Self::Psa => 2215,
        }
    }

    /// Whether clients carry a customer number (`ref`), as an MSP's billing needs.
    pub fn clients_numbered(self) -> bool {
        self == Self::Psa
    }

    /// Modules of this product alone: path word (lower case) and the list's key (empty = bare array).
    pub fn own_modules(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Itsm => &[("release", ""), ("cab", "")],
            Self::Psa => &[
                ("clientcontract", "contracts"),
                ("currency", ""),
                ("invoice", "invoices"),
                ("item", "items"),
                ("opportunities", "tickets"),
                ("projects", "tickets"),
                ("quotation", "quotes"),
                ("recurringinvoice", "invoices"),
                ("salesorder", "salesorders"),
            ],
        }
    }

    /// The stock statuses.
    pub fn statuses(self) -> &'static [StatusSpec] {
        const ITSM: &[StatusSpec] = &[
            status(1, "New", false, false),
            status(2, "In Progress", false, false),
            status(4, "Awaiting User", false, true),
            status(5, "On Hold", false, true),
            status(8, "Resolved", false, false),
            status(9, "Closed", true, false),
            status(26, "Cancelled", true, false),
        ];
        const PSA: &[StatusSpec] = &[
            status(1, "New", false, false),
            status(2, "In Progress", false, false),
            status(3, "Action Required", false, false),
            status(4, "With User", false, true),
            status(23, "On Hold", false, true),
            status(8, "Resolved", false, false),
            status(9, "Closed", true, false),
            status(31, "Closed - Duplicate", true, false),
        ];
        match self {
            Self::Itsm => ITSM,
            Self::Psa => PSA,
        }
    }

    /// The stock ticket types; the first is the default.
    pub fn ticket_types(self) -> &'static [TypeSpec] {
        const fn kind(
            id: i64,
            name: &'static str,
            itil: i64,
            sla_id: i64,
            priority_id: i64,
            team: &'static str,
        ) -> TypeSpec {
            TypeSpec { id, name, itil, sla_id, priority_id, team, template: false }
        }
        const ITSM: &[TypeSpec] = &[
            kind(1, "Incident", 1, 1, 3, "Service Desk"),
            kind(2, "Change Request", 2, 1, 4, "Change Management"),
            kind(3, "Service Request", 3, 1, 4, "Service Desk"),
            kind(4, "Problem", 4, 1, 3, "Service Desk"),
            kind(29, SECURITY_TYPE, 1, 2, 3, "Security Operations"),
            TypeSpec { template: true, ..kind(30, "Phishing Report", 1, 2, 4, "Security Operations") },
        ];
        const PSA: &[TypeSpec] = &[
            kind(1, "Incident", 1, 1, 3, "1st Line Support"),
            kind(3, "Service Request", 3, 1, 4, "1st Line Support"),
            kind(21, "Alert", 21, 1, 3, "1st Line Support"),
            kind(22, "Project", 22, 1, 4, "Projects"),
            kind(31, SECURITY_TYPE, 1, 4, 3, "SOC"),
            TypeSpec { template: true, ..kind(33, "Phishing Report", 1, 4, 4, "SOC") },
        ];
        match self {
            Self::Itsm => ITSM,
            Self::Psa => PSA,
        }
    }

    /// The stock SLAs.
    pub fn slas(self) -> &'static [SlaSpec] {
        const STANDARD: &[(i64, &str, &str)] =
            &[(1, "Critical", "#d92f2f"), (2, "High", "#ed8a19"), (3, "Medium", "#f1c232"), (4, "Low", "#6aa84f")];
        const ITSM: &[SlaSpec] = &[
            SlaSpec { id: 1, name: "Standard SLA", priorities: STANDARD },
            SlaSpec {
                id: 2,
                name: "Security SLA",
                priorities: &[
                    (1, "P1 - Critical", "#a61c00"),
                    (2, "P2 - High", "#d92f2f"),
                    (3, "P3 - Medium", "#ed8a19"),
                    (4, "P4 - Low", "#f1c232"),
                    (6, "P5 - Informational", "#9fc5e8"),
                ],
            },
        ];
        const PSA: &[SlaSpec] = &[
            SlaSpec { id: 1, name: "Default SLA", priorities: STANDARD },
            SlaSpec {
                id: 4,
                name: "SOC Response",
                priorities: &[
                    (1, "Critical", "#a61c00"),
                    (2, "High", "#d92f2f"),
                    (3, "Medium", "#ed8a19"),
                    (4, "Low", "#f1c232"),
                    (5, "Informational", "#9fc5e8"),
                ],
            },
        ];
        match self {
            Self::Itsm => ITSM,
            Self::Psa => PSA,
        }
    }

    /// The stock teams: id, name, department.
    pub fn teams(self) -> &'static [(i64, &'static str, &'static str)] {
        match self {
            Self::Itsm => {
                &[(1, "Service Desk", "IT"), (2, "Change Management", "IT"), (5, "Security Operations", "Security")]
            }
            Self::Psa => &[
                (1, "1st Line Support", "Support"),
                (2, "2nd Line Support", "Support"),
                (3, "Projects", "Delivery"),
                (6, "SOC", "Security"),
            ],
        }
    }

    /// The team of the people who work on security tickets.
    pub fn security_team(self) -> &'static str {
        match self {
            Self::Itsm => "Security Operations",
            Self::Psa => "SOC",
        }
    }

    /// The stock outcomes.
    pub fn outcomes(self) -> &'static [OutcomeSpec] {
        const ITSM: &[OutcomeSpec] = &[
            OutcomeSpec { mails: true, ..outcome(1, "Email User", false, 0) },
            outcome(7, "Private Note", true, 0),
            outcome(8, "Note", false, 0),
            outcome(9, "Resolve", false, 8),
            outcome(11, "Close", false, 9),
            outcome(12, "Re-open", false, 2),
            outcome(13, "Internal Note", true, 0),
            OutcomeSpec { allowed: false, ..outcome(14, "Escalate to Supplier", false, 0) },
            OutcomeSpec { system_id: 1, ..outcome(50, "Opened", false, 0) },
            OutcomeSpec { system_id: 2, ..outcome(51, "Changed", true, 0) },
            OutcomeSpec { system_id: 3, ..outcome(52, "User Update", false, 0) },
            OutcomeSpec { system_id: 4, ..outcome(53, "Merged", true, 0) },
        ];
        const PSA: &[OutcomeSpec] = &[
            OutcomeSpec { mails: true, ..outcome(1, "Email User", false, 0) },
            outcome(7, "Private Note", true, 0),
            outcome(16, "Note", false, 0),
            outcome(17, "Resolve", false, 8),
            outcome(18, "Close", false, 9),
            outcome(19, "Re-open", false, 2),
            outcome(20, "Internal Note", true, 0),
            OutcomeSpec { allowed: false, ..outcome(23, "Escalate to Supplier", false, 0) },
            OutcomeSpec { system_id: 1, ..outcome(80, "Opened", false, 0) },
            OutcomeSpec { system_id: 2, ..outcome(81, "Changed", true, 0) },
            OutcomeSpec { system_id: 3, ..outcome(82, "User Update", false, 0) },
            OutcomeSpec { system_id: 4, ..outcome(83, "Merged", true, 0) },
        ];
        match self {
            Self::Itsm => ITSM,
            Self::Psa => PSA,
        }
    }

    /// Number of the first stock custom field.
    pub fn first_field_id(self) -> i64 {
        match self {
            Self::Itsm => 170,
            Self::Psa => 241,
        }
    }

    /// Number of the first client after the built-in "Unknown" (1).
    pub fn first_client_id(self) -> i64 {
        match self {
            Self::Itsm => 2,
            Self::Psa => 12,
        }
    }
}
