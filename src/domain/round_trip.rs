//! What becomes of a value that crosses to the other side and back again.

use serde::{Deserialize, Serialize};

use super::{failure::Side, view::probe::Level};

/// One value on one side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// Whose value.
    pub side: Side,
    /// As people read it.
    pub value: String,
}

/// How a way ends that does not lead back to where it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// The last value has no counterpart.
    Hole,
    /// It leads to another value, and stays there.
    Elsewhere,
    /// It goes from value to value and never rests; the last one is the first again.
    Cycle,
    /// The ticket status of a closed incident is not one that Halo itself counts as closed.
    NotClosed,
    /// A ticket status that Halo counts as open closes the incident, which then moves the ticket on.
    Closes,
    /// The policy says that a ticket status is an open one, and Halo counts it as closed: what it says is not heeded.
    Unheeded,
}

/// A way that does not lead back to where it began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoundTrip {
    /// `severity`, `status`, `classification` or `owner`.
    pub field: String,
    /// The values on the way, in turn of one side and the other.
    pub stops: Vec<Stop>,
    /// How it ends.
    pub end: End,
}

impl RoundTrip {
    fn first(&self) -> Option<&Stop> {
        self.stops.first()
    }

    /// Whether a matter that is open on one side becomes closed on the way, or the other way round.
    fn closes(&self) -> bool {
        let closed = |stop: &Stop| stop.value == "Closed";
        let of_sentinel = || self.stops.iter().filter(|stop| stop.side == Side::Sentinel);
        self.field == "status" && of_sentinel().any(closed) && !of_sentinel().all(closed)
    }

    /// How grave it is: what keeps a value from crossing to Halo or never rests has to be put right; the rest is worth
    /// knowing.
    pub fn level(&self) -> Level {
        let from_sentinel = self.first().is_some_and(|stop| stop.side == Side::Sentinel);
        match self.end {
            End::Cycle | End::Closes | End::Unheeded => Level::Fault,
            End::Hole if from_sentinel && self.field != "classification" => Level::Fault,
            End::Elsewhere if self.closes() => Level::Fault,
            _ => Level::Note,
        }
    }

    /// The way in words: `Low → “P4 - Low” → Informational`.
    pub fn way(&self) -> String {
        let shown = |stop: &Stop| match stop.side {
            Side::Sentinel => stop.value.clone(),
            Side::Halo => format!("“{}”", stop.value),
        };
        self.stops.iter().map(shown).collect::<Vec<_>>().join(" → ")
    }

    /// What it means: a sentence.
    pub fn says(&self) -> String {
        let way = self.way();
        let side = self.first().map_or(Side::Sentinel, |stop| stop.side);
        match (self.end, side) {
            (End::Hole, Side::Sentinel) => match self.field.as_str() {
                "owner" => format!("{way}: no agent of that name is in Halo."),
                "classification" => format!("{way}: no choice of the classification field stands for it."),
                field => format!("{way}: this {field} has no counterpart in Halo."),
            },
            (End::Hole, Side::Halo) => match self.field.as_str() {
                "owner" => format!("{way}: this agent has no mail address and is nobody in Sentinel."),
                "classification" => format!("{way}: this choice gives no classification that Microsoft accepts."),
                "status" => format!("{way}: this ticket status has no counterpart in Sentinel."),
                _ => format!("{way}: this priority has no counterpart in Sentinel."),
            },
            (End::Elsewhere, _) if self.closes() => {
                format!("{way}: what is open becomes closed on the way, or the other way round.")
            }
            (End::Elsewhere, _) => format!("{way}: the value does not come back as it went."),
            (End::Cycle, _) => format!("{way}: the value would change for ever."),
            (End::Closes, _) => {
                format!(
                    "{way}: the ticket is open in Halo, its incident is closed, and the ticket is moved on by that."
                )
            }
            (End::Unheeded, _) => {
                format!("{way}: Halo counts this status as closed, so the incident is closed, whatever stands here.")
            }
            (End::NotClosed, _) => {
                format!("{way}: Halo itself does not count this status as closed, so its clocks go on.")
            }
        }
    }

    /// What to do: a sentence.
    pub fn fix(&self) -> String {
        let side = self.first().map_or(Side::Sentinel, |stop| stop.side);
        match (self.end, self.field.as_str(), side) {
            (End::Hole, "severity", Side::Sentinel) => {
                "Choose a priority for it, one that the ticket type's SLA has.".to_owned()
            }
            (End::Hole, "status", Side::Sentinel) => "Choose a ticket status for it.".to_owned(),
            (End::Hole, "owner", Side::Sentinel) => {
                "Choose an agent of Halo for this owner, or take the row out.".to_owned()
            }
            (End::Hole, "classification", Side::Sentinel) => {
                "Add a choice for it to the field in Halo, or map one of the choices to it.".to_owned()
            }
            (End::Hole, "severity", Side::Halo) => {
                "Choose the severity that it means on the way back, or let severity cross to Halo only.".to_owned()
            }
            (End::Hole, "status", Side::Halo) => {
                "Choose New, Active or Closed for it on the way back; until then the incident stays as it is."
                    .to_owned()
            }
            (End::Hole, "owner", Side::Halo) => {
                "Give the agent a mail address in Halo, or a row of its own in the table.".to_owned()
            }
            (End::Hole, ..) => {
                "Map it to a classification with its reason; until then closing asks for one.".to_owned()
            }
            (End::Elsewhere, "status", _) if self.closes() => {
                "Map New and Active to open ticket statuses, and Closed to a closed one.".to_owned()
            }
            (End::Elsewhere, "severity", _) => {
                "Give each severity a priority of its own, or choose what the shared one means on the way back."
                    .to_owned()
            }
            (End::Elsewhere, "owner", _) => {
                "Give each owner an agent of its own, if both are to be told apart.".to_owned()
            }
            (End::Elsewhere, ..) => {
                "It is never rewritten by itself; map it one to one if that matters to you.".to_owned()
            }
            (End::Cycle, ..) => "Make the way back lead to where the way there began.".to_owned(),
            (End::Closes, ..) => {
                "Choose New or Active for it on the way back, or add it to the statuses that count as closed."
                    .to_owned()
            }
            (End::Unheeded, ..) => {
                "Choose Closed for it on the way back, or make it an open status in Halo.".to_owned()
            }
            (End::NotClosed, ..) => "Choose a status that Halo counts as closed.".to_owned(),
        }
    }
}
