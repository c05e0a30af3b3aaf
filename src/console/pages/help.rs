//! The documentation that comes with the program, drawn from its Markdown. Of that only what our own pages use is known.

use std::collections::HashSet;

use leptos::prelude::*;

use crate::{
    console::components::written::Written,
    domain::view::help::{HelpText, HelpView},
};

/// Beginnings of the console's addresses, and the section that tells of the pages there.
pub const SECTIONS: [(&str, &str); 23] = [
    ("/set-up/microsoft", "/help/set-up#microsoft"),
    ("/set-up/sign-in", "/help/set-up#sign-in-with-microsoft"),
    ("/set-up/halo", "/help/set-up#halo"),
    ("/set-up/clients", "/help/set-up#clients-and-workspaces"),
    ("/set-up/mapping", "/help/set-up#fields-and-priorities"),
    ("/set-up/check", "/help/set-up#check-your-answers"),
    ("/set-up/import", "/help/set-up#polling-and-webhooks"),
    ("/set-up/go-live", "/help/set-up#go-live"),
    ("/set-up", "/help/set-up"),
    ("/incidents", "/help/sync#which-incidents-become-tickets"),
    ("/pairs", "/help/sync#what-crosses"),
    ("/problems", "/help/operations#when-something-is-wrong"),
    ("/operations", "/help/sync#what-a-person-drops"),
    ("/runs", "/help/sync#when"),
    ("/connections", "/help/operations#watching-it"),
    ("/drift", "/help/sync#drift"),
    ("/approvals", "/help/sync#what-waits-for-approval"),
    ("/backfill", "/help/sync#backfill"),
    ("/shadow", "/help/sync#beside-halos-own-integration"),
    ("/accounts", "/help/operations#accounts"),
    ("/tokens", "/help/operations#programs-that-ask-for-something"),
    ("/ledger", "/help/sync#why-and-what-was"),
    ("/configuration", "/help/operations#going-back-to-an-earlier-configuration"),
];

/// The address of what tells of the page at `path`; the list of pages where none does.
pub fn about(path: &str) -> &'static str {
    SECTIONS.iter().find(|(begins, _)| path.starts_with(begins)).map_or("/help", |&(_, section)| section)
}

/// What stands in `<main>`.
pub fn body(view: &HelpView) -> AnyView {
    let here = view.open.as_ref().map(|open| open.slug.as_str());
    let rows = view
        .pages
        .iter()
        .map(|row| {
            let current = (here == Some(row.slug.as_str())).then_some("page");
            view! {
                <li>
                    <a href=format!("/help/{}", row.slug) aria-current=current>{row.title.clone()}</a>
                    ": "{row.about.clone()}
                </li>
            }
        })
        .collect_view();
    let pages: Vec<&str> = view.pages.iter().map(|row| row.slug.as_str()).collect();
    view! {
        <nav aria-label="Pages of help">
            <ul class="points">{rows}</ul>
        </nav>
        {view.open.as_ref().map(|open| article(&pages, open))}
    }
    .into_any()
}

fn article(pages: &[&str], open: &HelpText) -> AnyView {
    let mut drawn = Drawn { html: Written::default(), pages, ids: HashSet::new(), section: open.title.clone() };
    drawn.html.markup("<article class=\"doc\">");
    let lines: Vec<&str> = open.text.lines().collect();
    drawn.blocks(&lines);
    drawn.html.markup("</article>");
    drawn.html.view()
}

type Lines<'a> = &'a [&'a str];

/// The lines from the start for which it holds, and the others.
fn taken<'a>(lines: Lines<'a>, holds: impl Fn(&str) -> bool) -> (Lines<'a>, Lines<'a>) {
    let end = lines.iter().position(|line| !holds(line)).unwrap_or(lines.len());
    lines.split_at(end)
}

/// What follows the mark of a list's item.
fn item(line: &str) -> Option<&str> {
    if let Some(rest) = line.strip_prefix("- ") {
        return Some(rest);
    }
    let (number, rest) = line.split_once(". ")?;
    (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())).then_some(rest)
}

/// The name by which others lead to a heading, as code hosts make it.
pub fn anchor(title: &str) -> String {
    let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// The cells of a table's row; `\|` is no border.
fn cells(row: &str) -> Vec<String> {
    let row = row.trim();
    let row = row.strip_prefix('|').unwrap_or(row);
    let row = row.strip_suffix('|').unwrap_or(row);
    let mut cells = Vec::new();
    let mut cell = String::new();
    let mut letters = row.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if letters.next_if_eq(&'|').is_some() => cell.push('|'),
            '|' => cells.push(std::mem::take(&mut cell)),
            letter => cell.push(letter),
        }
    }
    cells.push(cell);
    cells.into_iter().map(|cell| cell.trim().to_owned()).collect()
}

/// What stands between two marks at the start, and what follows.
fn between<'a>(text: &'a str, open: &str, close: &str) -> Option<(&'a str, &'a str)> {
    let (inside, after) = text.strip_prefix(open)?.split_once(close)?;
    (!inside.is_empty() && !inside.starts_with(' ')).then_some((inside, after))
}

/// The words of a link at the start, where it leads, and what follows.
fn link(text: &str) -> Option<(&str, &str, &str)> {
    let (words, rest) = text.strip_prefix('[')?.split_once("](")?;
    let (target, after) = rest.split_once(')')?;
    (!words.contains(['[', ']'])).then_some((words, target, after))
}

struct Drawn<'a> {
    html: Written,
    /// Pages that can be led to.
    pages: &'a [&'a str],
    /// Ids that are taken.
    ids: HashSet<String>,
    /// The heading above.
    section: String,
}

impl Drawn<'_> {
    fn blocks(&mut self, mut rest: Lines) {
        while let Some((line, after)) = rest.split_first() {
            rest = if line.trim().is_empty() {
                after
            } else if line.starts_with("```") {
                self.code(after)
            } else if line.starts_with('#') {
                self.heading(line);
                after
            } else if line.starts_with('|') {
                self.table(rest)
            } else if item(line).is_some() {
                self.list(rest)
            } else {
                self.paragraph(rest)
            };
        }
    }

    /// The lines after a fence.
    fn code<'a>(&mut self, rest: Lines<'a>) -> Lines<'a> {
        let (code, after) = taken(rest, |line| !line.starts_with("```"));
        self.html.markup("<pre>").text(&code.join("\n")).markup("</pre>");
        after.get(1..).unwrap_or_default()
    }

    fn heading(&mut self, line: &str) {
        let title = line.trim_start_matches('#').trim();
        let (open, close) = if line.starts_with("###") { ("<h3 id=\"", "</h3>") } else { ("<h2 id=\"", "</h2>") };
        let name = anchor(title);
        let mut id = name.clone();
        let mut times = 0;
        while !self.ids.insert(id.clone()) {
            times += 1;
            id = format!("{name}-{times}");
        }
        self.html.markup(open).text(&id).markup("\">");
        self.inline(title);
        self.html.markup(close);
        self.section = title.replace('`', "");
    }

    fn table<'a>(&mut self, rest: Lines<'a>) -> Lines<'a> {
        let (rows, after) = taken(rest, |line| line.starts_with('|'));
        let section = self.section.clone();
        self.html.markup("<div class=\"scroll\" role=\"group\" tabindex=\"0\" aria-label=\"").text(&section);
        self.html.markup("\"><table><caption class=\"unseen\">").text(&section).markup("</caption><thead><tr>");
        for cell in rows.first().map(|row| cells(row)).unwrap_or_default() {
            self.html.markup("<th scope=\"col\">");
            if cell.is_empty() {
                self.html.markup("<span class=\"unseen\">What</span>");
            }
            self.inline(&cell);
            self.html.markup("</th>");
        }
        self.html.markup("</tr></thead><tbody>");
        let mut name = String::new();
        // the second line only rules off the head
        for row in rows.iter().skip(2) {
            let mut cells = cells(row).into_iter();
            let first = cells.next().unwrap_or_default();
            self.html.markup("<tr><th scope=\"row\">");
            if first.is_empty() {
                // it goes on with the one above
                self.html.markup("<span class=\"unseen\">").text(&name.replace('`', "")).markup("</span>");
            } else {
                self.inline(&first);
                name = first;
            }
            self.html.markup("</th>");
            for cell in cells {
                self.html.markup("<td class=\"tall\">");
                self.inline(&cell);
                self.html.markup("</td>");
            }
            self.html.markup("</tr>");
        }
        self.html.markup("</tbody></table></div>");
        after
    }

    fn list<'a>(&mut self, rest: Lines<'a>) -> Lines<'a> {
        let (lines, after) = taken(rest, |line| item(line).is_some() || line.starts_with(' '));
        let mut items: Vec<String> = Vec::new();
        for line in lines {
            if let Some(begun) = item(line) {
                items.push(begun.trim().to_owned());
            } else if let Some(last) = items.last_mut() {
                last.push(' ');
                last.push_str(line.trim());
            }
        }
        let numbered = rest.first().is_some_and(|line| !line.starts_with("- "));
        let (open, close) = if numbered { ("<ol>", "</ol>") } else { ("<ul>", "</ul>") };
        self.html.markup(open);
        for text in items {
            self.html.markup("<li>");
            self.inline(&text);
            self.html.markup("</li>");
        }
        self.html.markup(close);
        after
    }

    fn paragraph<'a>(&mut self, rest: Lines<'a>) -> Lines<'a> {
        let goes_on = |line: &str| !line.trim().is_empty() && !line.starts_with(['|', '#']) && !line.starts_with("```");
        let (lines, after) = taken(rest, goes_on);
        self.html.markup("<p>");
        self.inline(&lines.join(" "));
        self.html.markup("</p>");
        after
    }

    fn inline(&mut self, mut text: &str) {
        while let Some(at) = text.find(['`', '*', '[']) {
            let (before, rest) = text.split_at(at);
            self.html.text(before);
            text = if let Some((code, after)) = between(rest, "`", "`") {
                self.html.markup("<code>").text(code).markup("</code>");
                after
            } else if let Some((words, after)) = between(rest, "**", "**") {
                self.html.markup("<b>");
                self.inline(words);
                self.html.markup("</b>");
                after
            } else if let Some((words, after)) = between(rest, "*", "*") {
                self.html.markup("<em>");
                self.inline(words);
                self.html.markup("</em>");
                after
            } else if let Some((words, target, after)) = link(rest) {
                self.linked(words, target);
                after
            } else {
                let mut letters = rest.chars();
                let letter = letters.next().map(String::from).unwrap_or_default();
                self.html.text(&letter);
                letters.as_str()
            };
        }
        self.html.text(text);
    }

    /// What leads to a page that does not come with the program stays words.
    fn linked(&mut self, words: &str, target: &str) {
        let Some(href) = self.address(target) else { return self.inline(words) };
        self.html.markup("<a href=\"").text(&href).markup("\" rel=\"noreferrer\">");
        self.inline(words);
        self.html.markup("</a>");
    }

    fn address(&self, target: &str) -> Option<String> {
        if target.starts_with('#') || target.starts_with("https://") {
            return Some(target.to_owned());
        }
        let (file, section) = target.split_once('#').map_or((target, None), |(file, section)| (file, Some(section)));
        let slug = file.strip_suffix(".md")?.to_lowercase();
        let section = section.map(|section| format!("#{section}")).unwrap_or_default();
        self.pages.contains(&slug.as_str()).then(|| format!("/help/{slug}{section}"))
    }
}
