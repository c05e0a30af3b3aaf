//! Whose workspace is whose, as a CSV file: for hundreds of them. A file that comes back is shown before it is kept.

/// The file's columns. Reading needs `workspace_id` and `client`; their order does not matter. `suggested_client` is a guess
/// that nobody has looked at: it is not read.
pub const COLUMNS: [&str; 7] = ["link", "workspace", "workspace_id", "tenant", "client", "suggested_client", "portal"];

/// One line of a file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Line of the file, from 1.
    pub line: usize,
    /// ARM id.
    pub arm_id: String,
    /// Name of the Halo client; may be empty.
    pub client: String,
    /// Whether links lead to the Defender portal; `None` when the file does not say.
    pub defender: Option<bool>,
    /// Whether it is to be linked: when the file does not say, those with a client are.
    pub link: bool,
}

/// Reads a file. Its cells are separated by commas, semicolons or tabs, as the first line shows.
///
/// # Errors
/// One sentence with the line, the cause and the fix.
pub fn read(text: &str) -> Result<Vec<Row>, String> {
    let text = text.trim_start_matches('\u{feff}');
    let head = text.lines().next().unwrap_or_default();
    let separator = [',', ';', '\t'].into_iter().max_by_key(|c| head.matches(*c).count()).unwrap_or(',');
    let mut lines = cells(text, separator)?.into_iter();
    let head: Vec<String> = lines.next().map(|(_, cells)| cells).unwrap_or_default();
    let place = |name: &str| head.iter().position(|cell| cell.trim().eq_ignore_ascii_case(name));
    let (Some(arm), Some(client)) = (place("workspace_id"), place("client")) else {
        return Err(format!(
            "The first line must name the columns workspace_id and client. Download the file here to see one: {}.",
            COLUMNS.join(", ")
        ));
    };
    let (portal, link) = (place("portal"), place("link"));
    let mut rows: Vec<Row> = Vec::new();
    for (line, cells) in lines {
        let cell = |at: usize| plain(cells.get(at).map_or("", String::as_str).trim()).to_owned();
        let (arm_id, client) = (cell(arm), cell(client));
        if arm_id.is_empty() && client.is_empty() {
            continue;
        }
        let defender = match portal.map(cell).unwrap_or_default().to_ascii_lowercase().as_str() {
            "" => None,
            "azure" => Some(false),
            "defender" => Some(true),
            other => return Err(format!("Line {line}: portal is “{other}”. Write azure or defender.")),
        };
        let chosen = match link.map(cell).unwrap_or_default().to_ascii_lowercase().as_str() {
            "" => !client.is_empty(),
            "yes" | "true" | "1" | "x" => true,
            "no" | "false" | "0" => false,
            other => return Err(format!("Line {line}: link is “{other}”. Write yes or no.")),
        };
        let row = Row { line, arm_id: arm_id.to_lowercase(), client, defender, link: chosen };
        match rows.iter().find(|before| before.arm_id == row.arm_id) {
            Some(before) if (Row { line, ..before.clone() }) == row => {}
            Some(before) => {
                return Err(format!(
                    "Lines {} and {line}: both name the workspace {}, and say different things of it. Keep one of them.",
                    before.line, row.arm_id
                ));
            }
            None => rows.push(row),
        }
    }
    if rows.is_empty() {
        return Err("The file has no line below its first. Write one for each workspace.".to_owned());
    }
    Ok(rows)
}

/// Without the apostrophe by which a spreadsheet is kept from taking a value for a formula.
fn plain(text: &str) -> &str {
    match text.strip_prefix('\'') {
        Some(rest) if rest.starts_with(['=', '+', '-', '@']) => rest,
        _ => text,
    }
}

/// Lines of cells with the number of the line each begins at (RFC 4180: quotes, doubled inside, may hold anything).
fn cells(text: &str, separator: char) -> Result<Vec<(usize, Vec<String>)>, String> {
    let mut lines = Vec::new();
    let (mut cells, mut cell, mut quoted) = (Vec::new(), String::new(), false);
    let (mut line, mut begun) = (1, 1);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                cell.push('"');
            }
            '"' if quoted || cell.trim().is_empty() => {
                quoted = !quoted;
                if quoted {
                    cell.clear();
                }
            }
            '\n' => {
                line += 1;
                if quoted {
                    cell.push('\n');
                } else {
                    cells.push(std::mem::take(&mut cell));
                    lines.push((begun, std::mem::take(&mut cells)));
                    begun = line;
                }
            }
            '\r' if !quoted => {}
            other if other == separator && !quoted => cells.push(std::mem::take(&mut cell)),
            other => cell.push(other),
        }
    }
    if quoted {
        return Err(format!(
            "Line {begun}: a quote is opened and never closed. Close it, or double it inside a value."
        ));
    }
    if !cell.is_empty() || !cells.is_empty() {
        cells.push(cell);
        lines.push((begun, cells));
    }
    lines.retain(|(_, cells)| cells.iter().any(|cell| !cell.trim().is_empty()));
    Ok(lines)
}
