//! Markup written as text: what stands in every row of a list, or hundreds of times on a page, costs a fraction of what it
//! costs as views. The same bytes come out.

use leptos::{prelude::*, tachys::html::InertElement};

/// An element as text. Only markup that stands in our code gets in as it is; all else is escaped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written(String);

impl Written {
    /// Markup of ours.
    pub fn markup(&mut self, html: &'static str) -> &mut Self {
        self.0.push_str(html);
        self
    }

    /// Text, or the value of an attribute between double quotes.
    pub fn text(&mut self, text: &str) -> &mut Self {
        if !text.bytes().any(|byte| matches!(byte, b'&' | b'<' | b'>' | b'"')) {
            self.0.push_str(text);
            return self;
        }
        for letter in text.chars() {
            match letter {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                letter => self.0.push(letter),
            }
        }
        self
    }

    /// What was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As a part of a page: one whole element.
    pub fn view(self) -> AnyView {
        InertElement::new(self.0).into_any()
    }
}
