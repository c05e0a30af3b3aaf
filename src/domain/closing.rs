//! Classifications and the reasons Microsoft allows with them (sentinel-api sheet, section 2).

use serde::{Deserialize, Serialize};

/// How an incident was judged when closed. An open enumeration: unknown texts are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Classification {
    /// `TruePositive`
    TruePositive,
    /// `BenignPositive`
    BenignPositive,
    /// `FalsePositive`
    FalsePositive,
    /// `Undetermined`
    Undetermined,
    /// Anything newer than this program.
    Other(String),
}

impl From<String> for Classification {
    fn from(text: String) -> Self {
        match text.as_str() {
            "TruePositive" => Self::TruePositive,
            "BenignPositive" => Self::BenignPositive,
            "FalsePositive" => Self::FalsePositive,
            "Undetermined" => Self::Undetermined,
            _ => Self::Other(text),
        }
    }
}

impl From<Classification> for String {
    fn from(value: Classification) -> Self {
        value.as_str().to_owned()
    }
}

impl Classification {
    /// Microsoft's spelling.
    pub fn as_str(&self) -> &str {
        match self {
            Self::TruePositive => "TruePositive",
            Self::BenignPositive => "BenignPositive",
            Self::FalsePositive => "FalsePositive",
            Self::Undetermined => "Undetermined",
            Self::Other(text) => text,
        }
    }

    /// In words, for people.
    pub fn words(&self) -> &str {
        match self {
            Self::TruePositive => "True positive",
            Self::BenignPositive => "Benign positive",
            Self::FalsePositive => "False positive",
            Self::Undetermined => "Undetermined",
            Self::Other(text) => text,
        }
    }
}

/// Classification, reason and comment as one verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// How the incident was judged.
    pub classification: Classification,
    /// Microsoft's reason; `None` only with `Undetermined`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

impl Verdict {
    /// Classification and reason in words, for people.
    pub fn words(&self) -> String {
        let reason = self.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
        format!("{}{reason}", self.classification.words())
    }
}

/// The five pairs Microsoft's portal and API accept.
pub const ALLOWED: [(Classification, Option<&str>); 5] = [
    (Classification::TruePositive, Some("SuspiciousActivity")),
    (Classification::BenignPositive, Some("SuspiciousButExpected")),
    (Classification::FalsePositive, Some("IncorrectAlertLogic")),
    (Classification::FalsePositive, Some("InaccurateData")),
    (Classification::Undetermined, None),
];

/// Why a pair of classification and reason is refused, with the remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PairRefused {
    /// The classification needs one of Microsoft's reasons.
    #[error("classification {0} needs a reason: {1}")]
    ReasonMissing(String, String),
    /// The reason does not belong to the classification.
    #[error("reason {1} does not belong to classification {0}; allowed: {2}")]
    WrongReason(String, String, String),
    /// Not one of the four classifications.
    #[error("{0} is not a classification; allowed: TruePositive, BenignPositive, FalsePositive, Undetermined")]
    Unknown(String),
}

impl Verdict {
    /// Checks the pair before it is ever sent. A reason that is the only one possible is filled in.
    ///
    /// # Errors
    /// Says which pair is not allowed and what is.
    pub fn checked(mut self) -> Result<Self, PairRefused> {
        let reasons: Vec<&str> =
            ALLOWED.iter().filter(|(c, _)| *c == self.classification).filter_map(|(_, r)| *r).collect();
        let name = self.classification.as_str().to_owned();
        if matches!(self.classification, Classification::Other(_)) {
            return Err(PairRefused::Unknown(name));
        }
        let given = self.reason.take().filter(|r| !r.trim().is_empty());
        self.reason = match (given, reasons.as_slice()) {
            (None, []) => None,
            (None, [only]) => Some((*only).to_owned()),
            (None, many) => return Err(PairRefused::ReasonMissing(name, many.join(" or "))),
            (Some(reason), allowed) => {
                let found = allowed.iter().find(|a| a.eq_ignore_ascii_case(&reason));
                match found {
                    Some(exact) => Some((*exact).to_owned()),
                    None => {
                        let list = if allowed.is_empty() { "none".to_owned() } else { allowed.join(" or ") };
                        return Err(PairRefused::WrongReason(name, reason, list));
                    }
                }
            }
        };
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(classification: &str, reason: Option<&str>) -> Verdict {
        Verdict {
            classification: Classification::from(classification.to_owned()),
            reason: reason.map(str::to_owned),
            comment: None,
        }
    }

    #[test]
    fn only_microsofts_pairs_pass() {
        let reasons = [
            None,
            Some("SuspiciousActivity"),
            Some("SuspiciousButExpected"),
            Some("IncorrectAlertLogic"),
            Some("InaccurateData"),
        ];
        for classification in ["TruePositive", "BenignPositive", "FalsePositive", "Undetermined", "Nonsense"] {
            for reason in reasons {
                let result = verdict(classification, reason).checked();
                if let Ok(v) = &result {
                    assert!(
                        ALLOWED.iter().any(|(c, r)| *c == v.classification && *r == v.reason.as_deref()),
                        "{classification} {reason:?}"
                    );
                }
                let expected = matches!(
                    (classification, reason),
                    ("TruePositive", None | Some("SuspiciousActivity"))
                        | ("BenignPositive", None | Some("SuspiciousButExpected"))
                        | ("FalsePositive", Some("IncorrectAlertLogic" | "InaccurateData"))
                        | ("Undetermined", None)
                );
                assert_eq!(result.is_ok(), expected, "{classification} {reason:?}");
            }
        }
    }
}
