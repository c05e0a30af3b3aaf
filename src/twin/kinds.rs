//! A short name for each kind of call (`sentinel.comment.put`), by which calls are counted and faults chosen.

/// The kind of a call. `side` is `entra`, `arm`, `loganalytics`, `graph`, or a Halo instance's name
/// with `/auth` or `/api` still on the path.
pub fn of(side: &str, method: &str, path: &str) -> String {
    let lower = path.to_lowercase();
    let parts: Vec<&str> = lower.split('/').filter(|part| !part.is_empty()).collect();
    let verb = method.to_lowercase();
    match side {
        "entra" => entra(&parts),
        "arm" => arm(&parts, &verb),
        "loganalytics" => format!("loganalytics.{}", parts.last().copied().unwrap_or("query")),
        "graph" => format!("graph.{}.{verb}", parts.get(1).copied().unwrap_or("")),
        _ => halo(&parts, &verb),
    }
}

fn entra(parts: &[&str]) -> String {
    let what = match parts.last().copied() {
        Some("openid-configuration") => "metadata",
        Some(known @ ("authorize" | "token" | "keys" | "adminconsent" | "instance" | "logout")) => known,
        _ => "other",
    };
    format!("entra.{what}")
}

fn arm(parts: &[&str], verb: &str) -> String {
    let verb_for = |named: bool| if verb == "get" && !named { "list" } else { verb };
    let below = parts.iter().position(|part| *part == "microsoft.securityinsights").and_then(|at| parts.get(at + 1..));
    if let Some(below) = below {
        return match below {
            ["incidents"] => format!("sentinel.incident.{}", verb_for(false)),
            ["incidents", _] => format!("sentinel.incident.{verb}"),
            ["incidents", _, what @ ("alerts" | "entities" | "bookmarks" | "runplaybook")] => {
                format!("sentinel.{what}.{verb}")
            }
            ["incidents", _, child, rest @ ..] => {
                format!("sentinel.{}.{}", child.strip_suffix('s').unwrap_or(child), verb_for(!rest.is_empty()))
            }
            ["automationrules", rest @ ..] => format!("sentinel.rule.{}", verb_for(!rest.is_empty())),
            ["bookmarks", rest @ ..] => format!("sentinel.bookmark.{}", verb_for(!rest.is_empty())),
            ["onboardingstates", ..] => format!("sentinel.onboarding.{verb}"),
            [what, ..] => format!("sentinel.{what}.{verb}"),
            [] => format!("sentinel.other.{verb}"),
        };
    }
    match parts {
        ["tenants"] => format!("arm.tenants.{}", verb_for(false)),
        ["subscriptions"] => format!("arm.subscriptions.{}", verb_for(false)),
        ["subscriptions", _] => format!("arm.subscription.{verb}"),
        ["subscriptions", _, "resourcegroups"] => format!("arm.groups.{}", verb_for(false)),
        [.., "workspaces"] => format!("arm.workspaces.{}", verb_for(false)),
        [.., "workspaces", _] => format!("arm.workspace.{verb}"),
        [.., "query"] => format!("arm.query.{verb}"),
        [.., "microsoft.authorization", what] => format!("arm.{what}.{}", verb_for(false)),
        [.., "microsoft.authorization", what, _] => format!("arm.{what}.{verb}"),
        [.., "deployments" | "workflows" | "connections", _] => {
            format!("arm.{}.{verb}", parts.get(parts.len().saturating_sub(2)).copied().unwrap_or("resource"))
        }
        _ => format!("arm.other.{verb}"),
    }
}

fn halo(parts: &[&str], verb: &str) -> String {
    match parts {
        ["auth", ..] => "halo.auth.token".to_owned(),
        ["api", what] => format!("halo.{what}.{}", if verb == "get" { "list" } else { verb }),
        ["api", what, ..] => format!("halo.{what}.{verb}"),
        _ => format!("halo.other.{verb}"),
    }
}
