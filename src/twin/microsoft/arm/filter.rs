//! `$filter` of the lists of incidents and comments: the subset that was seen to work.
//!
//! Comparisons on the two times, status, severity, number, title and a few more; `contains`,
//! `startswith`, `endswith`; `labels/any(…)` once and first; `and`, `or`, `not`, brackets. Anything
//! else is `OData query syntax error`. What a row has to compare is in [`super::filtered`].

use std::cmp::Ordering;

use jiff::Timestamp;

use super::filtered::Filtered;
use crate::twin::stamp;

/// Why a filter is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilterError {
    /// 400.
    Syntax,
    /// 500: `or` inside `any`.
    Server,
}

/// What a filter can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Modified,
    Created,
    FirstActivity,
    LastActivity,
    Status,
    Severity,
    Title,
    Number,
    Classification,
    Provider,
    ProviderIncident,
    OwnerName,
    OwnerMail,
    OwnerUpn,
    OwnerId,
    /// Of a comment.
    Message,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TextTest {
    Contains,
    Starts,
    Ends,
}

/// What a field is compared with.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Literal {
    Time(Timestamp),
    Text(String),
    Number(i64),
    Null,
}

/// A filter that was understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter(Expr);

#[derive(Debug, Clone, PartialEq)]
enum Expr {
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    Not(Box<Self>),
    Compare(Field, Comparison, Literal),
    Text(TextTest, Field, String),
    Label(Comparison, String),
    LabelText(TextTest, String),
}

impl Filter {
    /// Reads a filter of incidents.
    ///
    /// # Errors
    /// When it is outside the subset.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        Self::read(text, field)
    }

    /// Reads a filter of comments: their two times and their message (Sentinel sheet 1.2).
    ///
    /// # Errors
    /// When it is outside the subset.
    pub fn of_comments(text: &str) -> Result<Self, FilterError> {
        Self::read(text, comment_field)
    }

    fn read(text: &str, field: fn(&str) -> Result<Field, FilterError>) -> Result<Self, FilterError> {
        let words = words(text)?;
        let mut parser = Parser { words: &words, at: 0, field };
        let expr = parser.or()?;
        if parser.at != words.len() {
            return Err(FilterError::Syntax);
        }
        Ok(Self(expr))
    }

    /// Whether a row passes.
    pub(super) fn passes(&self, row: &impl Filtered) -> bool {
        passes(&self.0, row)
    }

    /// The earliest modification time that can pass, when the filter says one: it narrows the search.
    pub fn modified_from(&self) -> Option<Timestamp> {
        from(&self.0, Field::Modified)
    }

    /// The earliest creation time that can pass.
    pub fn created_from(&self) -> Option<Timestamp> {
        from(&self.0, Field::Created)
    }
}

fn from(expr: &Expr, field: Field) -> Option<Timestamp> {
    match expr {
        Expr::And(left, right) => from(left, field).max(from(right, field)),
        Expr::Compare(of, Comparison::Ge | Comparison::Gt | Comparison::Eq, Literal::Time(at)) if *of == field => {
            Some(*at)
        }
        _ => None,
    }
}

fn passes(expr: &Expr, row: &impl Filtered) -> bool {
    match expr {
        Expr::And(left, right) => passes(left, row) && passes(right, row),
        Expr::Or(left, right) => passes(left, row) || passes(right, row),
        Expr::Not(inner) => !passes(inner, row),
        Expr::Compare(field, comparison, literal) => comparison.holds(row.order(*field, literal)),
        Expr::Text(test, field, wanted) => row.text(*field).is_some_and(|text| test.holds(text, wanted)),
        Expr::Label(Comparison::Ne, wanted) => row.any_label(&|name| !name.eq_ignore_ascii_case(wanted)),
        Expr::Label(_, wanted) => row.any_label(&|name| name.eq_ignore_ascii_case(wanted)),
        Expr::LabelText(test, wanted) => row.any_label(&|name| test.holds(name, wanted)),
    }
}

impl TextTest {
    fn holds(self, text: &str, wanted: &str) -> bool {
        let (text, wanted) = (text.to_lowercase(), wanted.to_lowercase());
        match self {
            Self::Contains => text.contains(&wanted),
            Self::Starts => text.starts_with(&wanted),
            Self::Ends => text.ends_with(&wanted),
        }
    }
}

impl Comparison {
    fn holds(self, order: Option<Ordering>) -> bool {
        match self {
            Self::Eq => order == Some(Ordering::Equal),
            Self::Ne => order.is_some_and(|order| order != Ordering::Equal),
            Self::Gt => order == Some(Ordering::Greater),
            Self::Ge => order.is_some_and(|order| order != Ordering::Less),
            Self::Lt => order == Some(Ordering::Less),
            Self::Le => order.is_some_and(|order| order != Ordering::Greater),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Word {
    Name(String),
    Quoted(String),
    Open,
    Close,
    Comma,
    Colon,
}

fn words(text: &str) -> Result<Vec<Word>, FilterError> {
    let mut words = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(&next) = chars.peek() {
        match next {
            ' ' | '\t' => {
                chars.next();
            }
            '(' | ')' | ',' => {
                chars.next();
                words.push(match next {
                    '(' => Word::Open,
                    ')' => Word::Close,
                    _ => Word::Comma,
                });
            }
            '\'' => {
                chars.next();
                words.push(Word::Quoted(quoted(&mut chars)?));
            }
            _ => {
                let mut name = String::new();
                while let Some(&c) = chars.peek() {
                    if matches!(c, ' ' | '\t' | '(' | ')' | ',' | '\'') {
                        break;
                    }
                    name.push(c);
                    chars.next();
                }
                split_colon(name, &mut words);
            }
        }
    }
    Ok(words)
}

/// `l:` in `any(l: …)`; a colon inside a time stays.
fn split_colon(name: String, words: &mut Vec<Word>) {
    match name.split_once(':') {
        Some((variable, rest)) if variable.len() <= 8 && variable.chars().all(char::is_alphabetic) => {
            words.push(Word::Name(variable.to_owned()));
            words.push(Word::Colon);
            if !rest.is_empty() {
                words.push(Word::Name(rest.to_owned()));
            }
        }
        _ => words.push(Word::Name(name)),
    }
}

fn quoted(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<String, FilterError> {
    let mut text = String::new();
    loop {
        match chars.next() {
            // Two quotes stand for one.
            Some('\'') if chars.peek() == Some(&'\'') => {
                chars.next();
                text.push('\'');
            }
            Some('\'') => return Ok(text),
            Some(c) => text.push(c),
            None => return Err(FilterError::Syntax),
        }
    }
}

struct Parser<'a> {
    words: &'a [Word],
    at: usize,
    /// The field of a name, among those that the rows have.
    field: fn(&str) -> Result<Field, FilterError>,
}

impl Parser<'_> {
    fn next(&mut self) -> Option<&Word> {
        let word = self.words.get(self.at);
        self.at += 1;
        word
    }

    fn name(&mut self) -> Result<String, FilterError> {
        match self.next() {
            Some(Word::Name(name)) => Ok(name.to_lowercase()),
            _ => Err(FilterError::Syntax),
        }
    }

    fn expect(&mut self, wanted: &Word) -> Result<(), FilterError> {
        if self.next() == Some(wanted) { Ok(()) } else { Err(FilterError::Syntax) }
    }

    fn is_next(&self, keyword: &str) -> bool {
        matches!(self.words.get(self.at), Some(Word::Name(name)) if name.eq_ignore_ascii_case(keyword))
    }

    fn or(&mut self) -> Result<Expr, FilterError> {
        let mut left = self.and()?;
        while self.is_next("or") {
            self.at += 1;
            left = Expr::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Expr, FilterError> {
        let mut left = self.term()?;
        while self.is_next("and") {
            self.at += 1;
            left = Expr::And(Box::new(left), Box::new(self.term()?));
        }
        Ok(left)
    }

    fn term(&mut self) -> Result<Expr, FilterError> {
        if self.words.get(self.at) == Some(&Word::Open) {
            self.at += 1;
            let inner = self.or()?;
            self.expect(&Word::Close)?;
            return Ok(inner);
        }
        if self.is_next("not") {
            self.at += 1;
            return Ok(Expr::Not(Box::new(self.term()?)));
        }
        let first = self.at == 0;
        let name = self.name()?;
        match name.as_str() {
            "contains" => self.function(TextTest::Contains),
            "startswith" => self.function(TextTest::Starts),
            "endswith" => self.function(TextTest::Ends),
            // Reported: only as the very first term, so also only once.
            "properties/labels/any" if first && (self.field)("properties/status").is_ok() => self.any(),
            _ => {
                let field = (self.field)(&name)?;
                let comparison = comparison(&self.name()?)?;
                let literal = self.literal(field)?;
                Ok(Expr::Compare(field, comparison, literal))
            }
        }
    }

    fn function(&mut self, test: TextTest) -> Result<Expr, FilterError> {
        self.expect(&Word::Open)?;
        let name = self.name()?;
        let field = (self.field)(&name)?;
        self.expect(&Word::Comma)?;
        let Some(Word::Quoted(text)) = self.next().cloned() else { return Err(FilterError::Syntax) };
        self.expect(&Word::Close)?;
        Ok(Expr::Text(test, field, text))
    }

    fn any(&mut self) -> Result<Expr, FilterError> {
        self.expect(&Word::Open)?;
        let variable = self.name()?;
        self.expect(&Word::Colon)?;
        let label = format!("{variable}/labelname");
        let word = self.name()?;
        let expr = if word == label {
            let comparison = comparison(&self.name()?)?;
            let Some(Word::Quoted(text)) = self.next().cloned() else { return Err(FilterError::Syntax) };
            Expr::Label(comparison, text)
        } else {
            let test = match word.as_str() {
                "contains" => TextTest::Contains,
                "startswith" => TextTest::Starts,
                _ => return Err(FilterError::Syntax),
            };
            self.expect(&Word::Open)?;
            if self.name()? != label {
                return Err(FilterError::Syntax);
            }
            self.expect(&Word::Comma)?;
            let Some(Word::Quoted(text)) = self.next().cloned() else { return Err(FilterError::Syntax) };
            self.expect(&Word::Close)?;
            Expr::LabelText(test, text)
        };
        if self.is_next("or") {
            return Err(FilterError::Server);
        }
        self.expect(&Word::Close)?;
        Ok(expr)
    }

    fn literal(&mut self, field: Field) -> Result<Literal, FilterError> {
        let literal = match self.next().cloned() {
            Some(Word::Name(name)) if name.eq_ignore_ascii_case("null") => Literal::Null,
            Some(Word::Name(name)) if field == Field::Number => {
                Literal::Number(name.parse().map_err(|_| FilterError::Syntax)?)
            }
            Some(Word::Name(name)) if field.is_time() => Literal::Time(stamp::parse(&name).ok_or(FilterError::Syntax)?),
            Some(Word::Quoted(text)) if !field.is_time() && field != Field::Number => Literal::Text(text),
            _ => return Err(FilterError::Syntax),
        };
        Ok(literal)
    }
}

impl Field {
    fn is_time(self) -> bool {
        matches!(self, Self::Modified | Self::Created | Self::FirstActivity | Self::LastActivity)
    }
}

fn field(name: &str) -> Result<Field, FilterError> {
    Ok(match name.strip_prefix("properties/").ok_or(FilterError::Syntax)? {
        "lastmodifiedtimeutc" => Field::Modified,
        "createdtimeutc" => Field::Created,
        "firstactivitytimeutc" => Field::FirstActivity,
        "lastactivitytimeutc" => Field::LastActivity,
        "status" => Field::Status,
        "severity" => Field::Severity,
        "title" => Field::Title,
        "incidentnumber" => Field::Number,
        "classification" => Field::Classification,
        "providername" => Field::Provider,
        "providerincidentid" => Field::ProviderIncident,
        "owner/assignedto" => Field::OwnerName,
        "owner/email" => Field::OwnerMail,
        "owner/userprincipalname" => Field::OwnerUpn,
        "owner/objectid" => Field::OwnerId,
        _ => return Err(FilterError::Syntax),
    })
}

fn comment_field(name: &str) -> Result<Field, FilterError> {
    Ok(match name {
        "properties/message" => Field::Message,
        "properties/createdtimeutc" => Field::Created,
        "properties/lastmodifiedtimeutc" => Field::Modified,
        _ => return Err(FilterError::Syntax),
    })
}

fn comparison(word: &str) -> Result<Comparison, FilterError> {
    Ok(match word {
        "eq" => Comparison::Eq,
        "ne" => Comparison::Ne,
        "gt" => Comparison::Gt,
        "ge" => Comparison::Ge,
        "lt" => Comparison::Lt,
        "le" => Comparison::Le,
        _ => return Err(FilterError::Syntax),
    })
}
