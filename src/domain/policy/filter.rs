//! Which incidents become tickets: filters of a policy, joined by AND across kinds, by OR within one.

use serde::{Deserialize, Serialize};

/// Patterns of each kind; a kind without patterns asks for nothing. `*` stands for any run of characters, `?` for
/// one; letter case does not matter.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Filter {
    /// `High`, `Medium`, `Low`, `Informational`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub severity: Vec<String>,
    /// `New`, `Active`, `Closed`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub status: Vec<String>,
    /// Labels (tags).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub label: Vec<String>,
    /// Products that raised its alerts (`additionalData.alertProductNames`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub product: Vec<String>,
    /// Analytics rules, by GUID (the last part of the rule's resource id) or whole resource id.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub analytics_rule: Vec<String>,
    /// Owner by object id, UPN, mail or display name; [`Filter::UNASSIGNED`] for none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub owner: Vec<String>,
    /// The whole title.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub title: Vec<String>,
}

impl Filter {
    /// The owner of an incident that nobody holds.
    pub const UNASSIGNED: &str = "unassigned";
    /// Names of the kinds, in the order in which they are asked.
    pub const KINDS: [&str; 7] = ["severity", "status", "label", "product", "analytics_rule", "owner", "title"];

    /// What a filter is called on the page on which it is set: `Only: severity` of `include.severity`.
    pub fn shown(filter: &str) -> String {
        match filter.split_once('.') {
            Some(("include", kind)) => format!("Only: {}", kind.replace('_', " ")),
            Some(("exclude", kind)) => format!("Not: {}", kind.replace('_', " ")),
            _ => filter.to_owned(),
        }
    }

    /// The patterns of a kind of [`Filter::KINDS`].
    pub fn kind(&self, name: &str) -> &[String] {
        match name {
            "severity" => &self.severity,
            "status" => &self.status,
            "label" => &self.label,
            "product" => &self.product,
            "analytics_rule" => &self.analytics_rule,
            "owner" => &self.owner,
            "title" => &self.title,
            _ => &[],
        }
    }

    /// Sets the patterns of a kind of [`Filter::KINDS`].
    pub fn set(&mut self, name: &str, patterns: Vec<String>) {
        match name {
            "severity" => self.severity = patterns,
            "status" => self.status = patterns,
            "label" => self.label = patterns,
            "product" => self.product = patterns,
            "analytics_rule" => self.analytics_rule = patterns,
            "owner" => self.owner = patterns,
            "title" => self.title = patterns,
            _ => {}
        }
    }

    /// Whether it asks for nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Whether a text fits a pattern as a whole: `*` any run, `?` one character, letter case set aside.
pub fn fits(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.trim().to_lowercase().chars().collect();
    let text: Vec<char> = text.trim().to_lowercase().chars().collect();
    let (mut p, mut t) = (0, 0);
    // Where the last star stood, and how much of the text it has taken so far.
    let mut star: Option<(usize, usize)> = None;
    while let Some(character) = text.get(t) {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(wanted) if *wanted == '?' || wanted == character => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    p = at + 1;
                    t = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(p).all(|rest| *rest == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_the_whole_text() {
        let table = [
            ("High", "high", true),
            ("High", "Highest", false),
            ("*phish*", "A phishing mail", true),
            ("phish*", "A phishing mail", false),
            ("*mail", "A phishing mail", true),
            ("*mail", "mailbox", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*", "", true),
            ("", "", true),
            ("", "x", false),
            ("a*b*c", "a--b--b--c", true),
            ("a*b*c", "a--c--b", false),
            ("e*", "Été", false),
            ("É*", "été", true),
            ("**x**", "x", true),
        ];
        for (pattern, text, expected) in table {
            assert_eq!(fits(pattern, text), expected, "{pattern} on {text}");
        }
    }
}
