//! Reads the steps of a query.

use jiff::{SignedDuration, Timestamp};
use serde_json::Number;

use super::kql::{Condition, Literal, Source, Step, Test};
use crate::twin::stamp;

pub(super) fn step(text: &str, now: Timestamp) -> Result<Step, String> {
    let wrong = || format!("A recognition error occurred in the query near '{text}'.");
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let rest = rest.trim();
    match word {
        "where" => Ok(Step::Where(conditions(rest, now).ok_or_else(wrong)?)),
        "take" | "limit" => rest.parse().map(Step::Take).map_err(|_| wrong()),
        "count" if rest.is_empty() => Ok(Step::CountBy { name: "Count".into(), by: None }),
        "distinct" => names(rest).map(Step::Distinct).ok_or_else(wrong),
        "extend" => cut(rest, ',')
            .into_iter()
            .map(|part| {
                let (name, from) = part.split_once('=')?;
                let from = from.trim();
                let source = match literal(from, now) {
                    Some(literal) => Source::Literal(literal),
                    None => Source::Column(names(from)?.pop()?),
                };
                Some((name.trim().to_owned(), source))
            })
            .collect::<Option<Vec<_>>>()
            .map(Step::Extend)
            .ok_or_else(wrong),
        "summarize" => summarize(rest).ok_or_else(wrong),
        "project" => Ok(Step::Project(
            cut(rest, ',')
                .into_iter()
                .map(|part| match part.split_once('=') {
                    Some((name, column)) => (name.trim().to_owned(), column.trim().to_owned()),
                    None => (part.trim().to_owned(), part.trim().to_owned()),
                })
                .collect(),
        )),
        "sort" | "order" => sort(rest.strip_prefix("by").ok_or_else(wrong)?.trim(), None).ok_or_else(wrong),
        "top" => {
            let (count, by) = rest.split_once(" by ").ok_or_else(wrong)?;
            sort(by.trim(), Some(count.trim().parse().map_err(|_| wrong())?)).ok_or_else(wrong)
        }
        _ => Err(wrong()),
    }
}

fn sort(text: &str, take: Option<usize>) -> Option<Step> {
    let mut words = text.split_whitespace();
    let column = words.next()?.to_owned();
    let ascending = match words.next() {
        None | Some("desc") => false,
        Some("asc") => true,
        Some(_) => return None,
    };
    // `nulls first`, `nulls last`, a second column: not understood here.
    if words.next().is_some() {
        return None;
    }
    Some(Step::Sort { column, ascending, take })
}

fn summarize(text: &str) -> Option<Step> {
    let compact: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (call, by) = compact.rsplit_once(')')?;
    let (head, inside) = call.split_once('(')?;
    let (name, function) = match head.split_once('=') {
        Some((name, function)) => (Some(name.trim().to_owned()), function.trim()),
        None => (None, head.trim()),
    };
    let by = match by.trim() {
        "" => None,
        by => match names(by.strip_prefix("by ")?)?.as_slice() {
            [one] => Some(one.clone()),
            _ => return None,
        },
    };
    match function {
        "count" if inside.trim().is_empty() => Some(Step::CountBy { name: name.unwrap_or("count_".into()), by }),
        "dcount" => {
            let column = names(inside)?.into_iter().next()?;
            Some(Step::Different { name: name.unwrap_or_else(|| format!("dcount_{column}")), column, by })
        }
        "arg_max" => {
            let (column, what) = inside.split_once(',')?;
            let kept = if what.trim() == "*" { None } else { Some(names(what)?) };
            Some(Step::Latest { by: by?, column: column.trim().to_owned(), kept })
        }
        _ => None,
    }
}

/// A list of column names.
fn names(text: &str) -> Option<Vec<String>> {
    let plain = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    text.split(',').map(|name| plain(name.trim()).then(|| name.trim().to_owned())).collect()
}

/// The text without what stands after `//`, outside quotes, on each line.
pub(super) fn without_comments(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    for line in text.lines() {
        let mut quote = None;
        let mut end = line.len();
        for (at, c) in line.char_indices() {
            match (c, quote) {
                (_, Some(open)) if c == open => quote = None,
                ('\'' | '"', None) => quote = Some(c),
                ('/', None) if line.get(at + 1..).is_some_and(|rest| rest.starts_with('/')) => {
                    end = at;
                    break;
                }
                _ => {}
            }
        }
        kept.push_str(line.get(..end).unwrap_or(line));
        kept.push('\n');
    }
    kept
}

/// What a `where` asks: brackets, then `and`, then `or`.
fn conditions(text: &str, now: Timestamp) -> Option<Condition> {
    let text = text.replace(char::is_whitespace, " ");
    either(text.trim(), now)
}

fn either(text: &str, now: Timestamp) -> Option<Condition> {
    for (word, make) in [(" or ", Condition::Any as fn(Vec<Condition>) -> Condition), (" and ", Condition::All)] {
        let parts = cut_word(text, word);
        if parts.len() > 1 {
            return parts.into_iter().map(|part| either(part.trim(), now)).collect::<Option<Vec<_>>>().map(make);
        }
    }
    match text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) {
        Some(inner) => either(inner.trim(), now),
        None => test(text, now).map(Condition::One),
    }
}

fn test(text: &str, now: Timestamp) -> Option<Test> {
    for operator in ["isnotempty", "isempty"] {
        if let Some(inside) = text.strip_prefix(operator).and_then(|rest| rest.trim().strip_prefix('(')) {
            let column = names(inside.strip_suffix(')')?)?.pop()?;
            return Some(Test { column, operator: operator.to_owned(), values: Vec::new() });
        }
    }
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_')?;
    let (column, rest) = (text.get(..end)?, text.get(end..)?.trim());
    const OPERATORS: [&str; 14] =
        ["==", "!=", ">=", "<=", "=~", ">", "<", "between", "in~", "!in", "in", "has", "contains", "startswith"];
    let operator = OPERATORS.iter().find(|operator| rest.starts_with(**operator))?;
    let rest = rest.get(operator.len()..)?.trim();
    let list = rest.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    let parts = match (*operator, list) {
        ("between", Some(list)) => cut_word(list, ".."),
        ("in" | "!in" | "in~", Some(list)) => cut(list, ','),
        _ => vec![rest],
    };
    let values = parts.into_iter().map(|part| literal(part.trim(), now)).collect::<Option<Vec<_>>>()?;
    Some(Test { column: column.to_owned(), operator: (*operator).to_owned(), values })
}

fn literal(text: &str, now: Timestamp) -> Option<Literal> {
    for quote in ['\'', '"'] {
        if let Some(inner) = text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote)) {
            // A text that ends earlier, or has an escape, is not understood here.
            return (!inner.contains([quote, '\\'])).then(|| Literal::Text(inner.to_owned()));
        }
    }
    if let Some(inner) = text.strip_prefix("datetime(").and_then(|text| text.strip_suffix(')')) {
        return stamp::parse(inner.trim_matches(['\'', '"'])).map(Literal::Time);
    }
    if let Some(inner) = text.strip_prefix("ago(").and_then(|text| text.strip_suffix(')')) {
        return now.checked_sub(length(inner)?).ok().map(Literal::Time);
    }
    match text {
        "now()" => Some(Literal::Time(now)),
        "true" => Some(Literal::Truth(true)),
        "false" => Some(Literal::Truth(false)),
        // A whole number is a long, any other a real.
        _ => match text.parse::<i64>() {
            Ok(whole) => Some(Literal::Number(whole.into())),
            Err(_) => text.parse().ok().and_then(Number::from_f64).map(Literal::Number),
        },
    }
}

fn length(text: &str) -> Option<SignedDuration> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let number: i64 = text.get(..digits)?.parse().ok()?;
    let seconds = match text.get(digits..)? {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    Some(SignedDuration::from_secs(number.checked_mul(seconds)?))
}

/// Cuts at a mark outside quotes and brackets.
pub(super) fn cut(text: &str, mark: char) -> Vec<&str> {
    cut_at(text, &mark.to_string())
}

fn cut_word<'a>(text: &'a str, word: &str) -> Vec<&'a str> {
    cut_at(text, word)
}

fn cut_at<'a>(text: &'a str, mark: &str) -> Vec<&'a str> {
    let (mut parts, mut from, mut depth, mut quote) = (Vec::new(), 0, 0_i32, None);
    let mut skip_to = 0;
    for (at, c) in text.char_indices() {
        if at < skip_to {
            continue;
        }
        match (c, quote) {
            (_, Some(open)) if c == open => quote = None,
            (_, Some(_)) => {}
            ('\'' | '"', None) => quote = Some(c),
            _ if depth == 0 && text.get(at..).is_some_and(|rest| rest.starts_with(mark)) => {
                parts.push(text.get(from..at).unwrap_or(""));
                from = at + mark.len();
                skip_to = from;
            }
            ('(', None) => depth += 1,
            (')', None) => depth -= 1,
            _ => {}
        }
    }
    parts.push(text.get(from..).unwrap_or(""));
    parts
}
