//! Small pieces of the twin's page.

/// Text made safe for HTML, also within attributes.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

/// A hidden field.
pub fn hidden(name: &str, value: &str) -> String {
    format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">", escape(value))
}

/// A text field that takes the room there is. `more` are further attributes.
pub fn text(name: &str, label: &str, more: &str) -> String {
    format!("<label class=\"grow\">{label}<input name=\"{name}\" autocomplete=\"off\" {more}></label>")
}

/// A choice of value and words; the first is chosen unless another is.
pub fn pick(name: &str, label: &str, choices: &[(String, String)], chosen: &str) -> String {
    let options: String = choices
        .iter()
        .map(|(value, words)| {
            let selected = if value == chosen { " selected" } else { "" };
            format!("<option value=\"{}\"{selected}>{}</option>", escape(value), escape(words))
        })
        .collect();
    format!("<label>{label}<select name=\"{name}\">{options}</select></label>")
}

/// Choices whose words are their values.
pub fn plain(values: &[&str]) -> Vec<(String, String)> {
    values.iter().map(|value| ((*value).to_owned(), (*value).to_owned())).collect()
}

/// A form that acts: hidden fields, then what is asked, then its button.
pub fn act(verb: &str, keys: &str, fields: &str, button: &str) -> String {
    format!("<form method=\"post\" action=\"/act/{verb}\">{keys}{fields}<button>{button}</button></form>")
}

/// A short fact beside a title.
pub fn tag(words: &str, class: &str) -> String {
    if words.is_empty() { String::new() } else { format!("<span class=\"tag {class}\">{}</span>", escape(words)) }
}

/// What people wrote: author, a word about it, the words.
pub fn talk(lines: impl Iterator<Item = (String, String, String)>) -> String {
    let items: String = lines
        .map(|(who, about, words)| {
            format!("<li><b>{}</b> <small>{}</small><br>{}</li>", escape(&who), escape(&about), escape(&words))
        })
        .collect();
    if items.is_empty() {
        "<p class=\"quiet\">Nobody has written anything yet.</p>".to_owned()
    } else {
        format!("<ol class=\"talk\">{items}</ol>")
    }
}

/// A record that opens.
pub struct Item<'a> {
    /// Its anchor.
    pub id: &'a str,
    /// Its number as people say it.
    pub number: String,
    /// Its title.
    pub title: &'a str,
    /// HTML of its facts.
    pub tags: String,
    /// HTML of what it opens to.
    pub inside: String,
}

/// Draws it, opened if it is the one that was acted on.
pub fn item(item: &Item<'_>, opened: &str) -> String {
    let open = if item.id == opened { " open" } else { "" };
    format!(
        "<li><details id=\"{id}\"{open}><summary><span class=\"title\"><span class=\"number\">{number}</span> {title}</span>\
         <span class=\"tags\">{tags}</span></summary><div class=\"inside\">{inside}</div></details></li>",
        id = escape(item.id),
        number = escape(&item.number),
        title = escape(item.title),
        tags = item.tags,
        inside = item.inside,
    )
}
