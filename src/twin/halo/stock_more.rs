//! Rows of the modules that public clients read and the bridge does not: a few of each.

use serde_json::{Value, json};

use super::{catalogue::Catalogue, product::Product, stock::guid};

/// Fills those modules that the product has.
pub(super) fn fill(cat: &mut Catalogue, product: Product, tenant: &str) {
    let mut put = |module: &str, rows: Vec<Value>| {
        let table = cat.others.entry(module.to_owned()).or_default();
        for (n, mut row) in rows.into_iter().enumerate() {
            let id = n as i64 + 1;
            if let Some(members) = row.as_object_mut() {
                members.insert("id".into(), id.into());
                members.insert("guid".into(), guid(tenant, module, id).into());
            }
            table.put(id, row);
        }
    };
    let named = |names: &[&str], use_: &str| -> Vec<Value> {
        names.iter().enumerate().map(|(n, name)| json!({ "name": name, "sequence": n + 1, "use": use_ })).collect()
    };
    put("roles", named(&["Administrator", "Agent", "Read Only"], "roles"));
    put("customtable", named(&["Locations", "On Call Rota"], "customtable"));
    put(
        "workflow",
        ["Incident Handling", "Security Incident Handling"]
            .iter()
            .map(|name| json!({ "name": name, "inactive": false, "access_control_level": 2, "steps": [], "use": "workflow" }))
            .collect(),
    );
    put(
        "field",
        ["summary", "details", "status", "priority", "team", "agent"]
            .iter()
            .map(|name| json!({ "name": name, "label": name, "type": 0, "custom": false, "mandatory": false, "use": "field" }))
            .collect(),
    );
    put(
        "toplevel",
        vec![json!({ "name": "Customers", "inactive": false, "type": 0, "client_count": 0, "use": "toplevel" })],
    );
    let workday = |name: &str, all_day: bool| {
        json!({
            "name": name, "alldayssame": true, "start": if all_day { "00:00" } else { "09:00" },
            "end": if all_day { "24:00" } else { "17:30" }, "incsaturday": all_day, "incsunday": all_day, "timezone": "UTC", "use": "workday",
        })
    };
    put("workday", vec![workday("Office Hours", false), workday("24x7", true)]);
    if product != Product::Psa {
        put("cab", named(&["Change Advisory Board"], "cab"));
        return;
    }
    let currency = |name: &str, code: &str, symbol: &str, rate: f64| json!({ "name": name, "code": code, "symbol": symbol, "conversion_rate": rate, "inactive": false, "use": "currency" });
    put("currency", vec![currency("Euro", "EUR", "€", 1.0), currency("US Dollar", "USD", "$", 1.08)]);
    put(
        "projects",
        ["Firewall Renewal", "Mail Migration"]
            .iter()
            .map(|name| {
                json!({
                    "summary": name, "details": "", "client_id": product.first_client_id(), "tickettype_id": 22, "status_id": 2,
                    "agent_id": 1, "team": "Projects", "priority_id": 4, "dateoccurred": "2026-01-05T09:00:00", "use": "projects",
                })
            })
            .collect(),
    );
}
