//! The query of an address: what a filter says, in a stable order.

/// Writes a query, pair by pair; empty values are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueryText(String);

impl QueryText {
    /// An empty query.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `name=value`, percent-encoded; nothing when `value` is empty.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        if !value.is_empty() {
            if !self.0.is_empty() {
                self.0.push('&');
            }
            self.0.push_str(&encode(name));
            self.0.push('=');
            self.0.push_str(&encode(value));
        }
        self
    }

    /// The query without its question mark.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `path`, or `path?query` when there is one.
    pub fn after(&self, path: &str) -> String {
        if self.0.is_empty() { path.to_owned() } else { format!("{path}?{}", self.0) }
    }
}

/// Percent-encodes everything but RFC 3986's unreserved characters; a space becomes `+`.
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            _ => {
                out.push('%');
                out.push_str(&hex::encode_upper([byte]));
            }
        }
    }
    out
}

/// The first value of `name`, trimmed, without control characters and cut to 200 characters; empty if there is none.
pub fn value(pairs: &[(String, String)], name: &str) -> String {
    let found = pairs.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.trim());
    found.chars().filter(|c| !c.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_leaves_out_what_is_empty_and_encodes_the_rest() {
        let query = QueryText::new().with("q", "a&b=ü 1").with("sync", "").with("page", "<2>");
        assert_eq!(query.after("/"), "/?q=a%26b%3D%C3%BC+1&page=%3C2%3E");
        assert_eq!(QueryText::new().after("/runs"), "/runs");
    }

    #[test]
    fn values_from_outside_are_cut() {
        let pairs = vec![("q".to_owned(), format!(" a\u{0}b{} ", "x".repeat(500)))];
        assert_eq!(value(&pairs, "q").chars().count(), 200);
        assert!(value(&pairs, "q").starts_with("ab"));
        assert_eq!(value(&pairs, "none"), "");
    }
}
