//! The set-up a new instance comes with.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    catalogue::{API_AGENT, Catalogue, UNASSIGNED_AGENT, UNKNOWN_CLIENT},
    product::{Product, SECURITY_TYPE},
    stock_more,
};

/// Names for clients that were asked for by number alone.
const CLIENT_NAMES: &[&str] = &[
    "Northwind Traders",
    "Contoso Retail",
    "Fabrikam Logistics",
    "Adatum Clinics",
    "Tailspin Freight",
    "Litware Legal",
    "Proseware Energy",
    "Wingtip Media",
    "Woodgrove Bank",
    "Alpine Ski House",
    "Lamna Healthcare",
    "Relecloud",
];

/// People of the stock set-up: name, mail address. The addresses are those of the Microsoft side's users.
pub const PEOPLE: &[(&str, &str)] = &[
    ("Amira Haddad", "amira.haddad@soc.example"),
    ("Jonas Weber", "jonas.weber@soc.example"),
    ("Li Chen", "li.chen@soc.example"),
];

/// `n` client names, all different.
pub fn client_names(n: usize) -> Vec<String> {
    (0..n)
        .map(|i| {
            let name = CLIENT_NAMES.get(i % CLIENT_NAMES.len()).copied().unwrap_or("Client");
            if i < CLIENT_NAMES.len() { name.to_owned() } else { format!("{name} {}", i / CLIENT_NAMES.len() + 1) }
        })
        .collect()
}

/// A GUID that is the same for the same thing of the same tenant.
pub(crate) fn guid(tenant: &str, kind: &str, id: i64) -> String {
    Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("halo-twin/{tenant}/{kind}/{id}").as_bytes()).to_string()
}

/// Builds the catalogue of a new instance.
pub(crate) fn catalogue(product: Product, tenant: &str, application: &str, clients: &[String]) -> Catalogue {
    let mut cat = Catalogue::default();
    people(&mut cat, product, application);
    rules(&mut cat, product, tenant);
    categories_and_outcomes(&mut cat, product);
    custom_fields(&mut cat, product, tenant);
    stock_more::fill(&mut cat, product, tenant);
    add_client(&mut cat, product, UNKNOWN_CLIENT, "Unknown");
    for (n, name) in clients.iter().enumerate() {
        add_client(&mut cat, product, product.first_client_id() + n as i64, name);
    }
    let list = |items: &[(i64, &str)]| items.iter().map(|(id, name)| (*id, (*name).to_owned())).collect::<Vec<_>>();
    cat.pick_lists.insert(
        11,
        list(&[(11, "Lookup Types"), (12, "Impact"), (17, "Charge Rates"), (22, "Request Sources"), (27, "Urgency")]),
    );
    cat.pick_lists
        .insert(12, list(&[(1, "Company Wide"), (2, "Multiple Users Affected"), (3, "Single User Affected")]));
    cat.pick_lists.insert(17, list(&[(1, "Standard"), (2, "Out of Hours")]));
    cat.pick_lists
        .insert(22, list(&[(0, "Manual"), (1, "Email"), (2, "Phone"), (3, "Self-Service Portal"), (21, "API")]));
    cat.pick_lists.insert(27, list(&[(1, "High"), (2, "Medium"), (3, "Low")]));
    cat
}

/// Adds a client with one site, a General User and two people.
pub(crate) fn add_client(cat: &mut Catalogue, product: Product, id: i64, name: &str) {
    let site = cat.sites.next_id();
    let slug: String = name.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
    cat.clients.put(id, json!({
        "id": id, "name": name, "toplevel_id": 1, "toplevel_name": "Customers", "inactive": false, "colour": "#4d4d4d",
        "main_site_id": site, "main_site_name": "Main", "main_phonenumber": "", "isvip": false, "is_account": false,
        "ref": if product.clients_numbered() { format!("C{id:05}") } else { String::new() },
        "sentinel_subscription_id": "", "sentinel_workspace_name": "", "sentinel_resource_group_name": "",
        "sentinel_tenant_id": 0, "sentinel_tenant_name": "", "sentinel_default_user_override": 0,
        "notes": "", "domain": "", "website": "", "use": "client",
    }));
    cat.sites.put(site, site_row(site, "Main", id, name));
    let people: &[&str] =
        if id == UNKNOWN_CLIENT { &["General User"] } else { &["General User", "Pat Morgan", "Sam Okafor"] };
    for person in people {
        let user = cat.users.next_id();
        let general = *person == "General User";
        let (first, last) = person.split_once(' ').unwrap_or((person, ""));
        let mail = if general {
            String::new()
        } else {
            format!("{}.{}@{slug}.example", first.to_lowercase(), last.to_lowercase())
        };
        cat.users.put(user, user_row(user, person, &mail, (site, "Main"), (id, name), general));
    }
}

/// A site row; `client_id` is a decimal there, as in the real service (sheet 5.1).
pub(crate) fn site_row(id: i64, name: &str, client_id: i64, client_name: &str) -> Value {
    json!({
        "id": id, "name": name, "client_id": client_id as f64, "client_name": client_name, "clientsite_name": format!("{client_name}/{name}"),
        "inactive": false, "active": true, "sla_id": 1, "phonenumber": "", "phone_number": "", "colour": "#4d4d4d", "timezone": "",
        "invoice_address_isdelivery": false, "delivery_address_line1": "", "delivery_address_line2": "", "delivery_address_line3": "",
        "delivery_address_line4": "", "delivery_address_line5": "", "notes": "", "use": "site",
    })
}

/// A user row.
pub(crate) fn user_row(
    id: i64,
    name: &str,
    mail: &str,
    site: (i64, &str),
    client: (i64, &str),
    general: bool,
) -> Value {
    let (first, last) = name.split_once(' ').unwrap_or((name, ""));
    json!({
        "id": id, "name": name, "firstname": first, "surname": last, "initials": initials(name), "emailaddress": mail,
        "site_id": site.0, "site_name": site.1, "client_id": client.0, "client_name": client.1, "inactive": false,
        "isgeneraluser": general, "isserviceaccount": false, "isimportantcontact": false, "isimportantcontact2": false,
        "neversendemails": general, "azureoid": "", "login": "", "linked_agent_id": 0, "phonenumber": "", "mobilenumber": "",
        "mobilenumber2": "", "homenumber": "", "telpref": 0, "colour": "#4d4d4d", "notes": "", "use": "user",
    })
}

fn initials(name: &str) -> String {
    name.split_whitespace().filter_map(|word| word.chars().next()).collect()
}

fn people(cat: &mut Catalogue, product: Product, application: &str) {
    for (id, name, department) in product.teams() {
        cat.teams.put(*id, json!({
            "id": id, "guid": guid(product.word(), "team", *id), "name": name, "department_id": 1, "department_name": department,
            "inactive": false, "forrequests": true, "foropps": false, "forprojects": false, "sequence": id, "ticket_count": 0, "use": "team",
        }));
    }
    let team = product.security_team();
    let teams: Vec<Value> = product
        .teams()
        .iter()
        .filter(|(_, name, _)| *name == team)
        .map(|(id, name, _)| json!({ "team_id": id, "team_name": name }))
        .collect();
    let mut agent = |id: i64, name: &str, mail: &str, disabled: bool, api: bool| {
        let (first, last) = name.split_once(' ').unwrap_or((name, ""));
        cat.agents.put(id, json!({
            "id": id, "name": name, "firstname": first, "surname": last, "initials": initials(name), "email": mail,
            "isdisabled": disabled, "is_api_agent": api, "onlinestatus": 0, "jobtitle": "", "colour": "#2b5c8a", "costprice": 0.0,
            "team": if id == UNASSIGNED_AGENT { "" } else { team }, "teams": if id == UNASSIGNED_AGENT { json!([]) } else { json!(teams) },
            "client_id": 0, "workday_id": 1, "use": "agent",
        }));
    };
    agent(UNASSIGNED_AGENT, "Unassigned", "", false, false);
    agent(API_AGENT, &format!("{application} API"), "", false, true);
    for (n, (name, mail)) in PEOPLE.iter().enumerate() {
        agent(3 + n as i64, name, mail, false, false);
    }
    agent(3 + PEOPLE.len() as i64, "Robin Former", "robin.former@soc.example", true, false);
}

fn rules(cat: &mut Catalogue, product: Product, tenant: &str) {
    for (n, status) in product.statuses().iter().enumerate() {
        cat.statuses.put(status.id, json!({
            "id": status.id, "guid": guid(tenant, "status", status.id), "name": status.name, "shortname": status.name, "type": 0,
            "sequence": n + 1, "colour": "#3a78c2", "slaaction": if status.on_hold { "H" } else { "N" }, "use": "status",
            "_closed": status.closed, "_onhold": status.on_hold,
        }));
    }
    // A status of another object: the list holds it too and cannot be filtered by type (sheet 5.3).
    cat.statuses.put(60, json!({
        "id": 60, "guid": guid(tenant, "status", 60), "name": "Awaiting Approval", "shortname": "Approval", "type": 2, "sequence": 60,
        "colour": "#7a7a7a", "slaaction": "N", "use": "status", "_closed": false, "_onhold": false,
    }));
    let mut number = 1;
    for sla in product.slas() {
        let mut priorities = Vec::new();
        for (id, name, colour) in sla.priorities {
            let row = json!({
                "id": guid(tenant, &format!("priority-{}", sla.id), *id), "priorityid": id, "slaid": sla.id, "name": name,
                "ishidden": false, "colour": colour, "fixtime": 8.0 * *id as f64, "fixunits": "H", "responsetime": *id as f64,
                "responseunits": "H", "enddateonly": false, "use": "priority",
            });
            priorities.push(row.clone());
            cat.priorities.put(number, row);
            number += 1;
        }
        cat.slas.put(sla.id, json!({
            "id": sla.id, "guid": guid(tenant, "sla", sla.id), "name": sla.name, "hoursaretechslocaltime": false, "responsereset": false,
            "response_reset_approval": false, "trackslafixbytime": true, "trackslaresponsetime": true, "workday_id": 1,
            "autoreleaselimit": 0, "autoreleaseoption": false, "statusafterfirstwarning": 0, "statusaftersecondwarning": 0,
            "statusafterautorelease": 0, "use": "sla", "priorities": priorities,
        }));
    }
    for (n, kind) in product.ticket_types().iter().enumerate() {
        cat.ticket_types.put(kind.id, json!({
            "id": kind.id, "guid": guid(tenant, "tickettype", kind.id), "name": kind.name, "use": "ticket", "inactive": false,
            "active": true, "group_id": 1, "group": "Default", "sequence": n + 1, "colour": "#2b5c8a", "description": "", "cancreate": true,
            "agentscanselect": true, "enduserscanselect": kind.name != SECURITY_TYPE, "allowattachments": true,
            "copyattachmentstochild": false, "copyattachmentstorelated": false, "itilrequesttype": kind.itil,
            "default_sla": kind.sla_id, "default_priority": kind.priority_id, "default_team": kind.team, "default_agent": UNASSIGNED_AGENT,
            "initial_status": 1, "workflow_id": 0, "default_summary": "", "_template": kind.template,
        }));
    }
}

fn categories_and_outcomes(cat: &mut Catalogue, product: Product) {
    let paths = [
        (1, "Security"),
        (1, "Security>Malware"),
        (1, "Security>Phishing"),
        (1, "Security>Identity"),
        (1, "Security>Data Loss"),
        (1, "Hardware"),
        (1, "Software"),
        (2, "Resolved"),
        (2, "Resolved>No Action Needed"),
        (3, "Internal"),
        (4, "Escalated"),
    ];
    for (n, (level, path)) in paths.iter().enumerate() {
        let id = n as i64 + 1;
        cat.categories.put(id, json!({
            "id": id, "value": path, "category_name": path.rsplit('>').next().unwrap_or(path), "type_id": level, "parent_id": 0,
            "sla_id": 0, "priority_id": 0, "sequence": id, "inactive": false, "use": "category",
        }));
    }
    for (n, o) in product.outcomes().iter().enumerate() {
        cat.outcomes.put(o.id, json!({
            "id": o.id, "outcome": o.name, "buttonname": o.name, "labellong": o.name, "sequence": n + 1, "icon": "fas fa-comment",
            "newstatus": o.new_status, "hidden": false, "hidefromuser": o.private, "sendemail": o.mails, "systemid": o.system_id,
            "respondtype": 0, "colour": "#2b5c8a", "use": "outcome", "_allowed": o.allowed,
        }));
    }
}

fn custom_fields(cat: &mut Catalogue, product: Product, tenant: &str) {
    // Types: 0 text, 1 memo, 2 single select, 3 multi select, 4 date, 6 checkbox, 10 rich text (sheet 5.7).
    let classifications = [
        "True Positive - Suspicious Activity",
        "Benign Positive - Suspicious But Expected",
        "False Positive - Incorrect Alert Logic",
        "False Positive - Inaccurate Data",
        "Undetermined",
    ];
    let plain = |names: &[&str]| -> Vec<Value> {
        names.iter().enumerate().map(|(n, name)| json!({ "id": n + 1, "name": name })).collect()
    };
    let fields: [(&str, &str, i64, Vec<Value>); 11] = [
        ("CFSentinelIncidentId", "Sentinel Incident Id", 0, vec![]),
        ("CFSentinelIncidentNumber", "Sentinel Incident Number", 0, vec![]),
        ("CFSentinelSeverity", "Sentinel Severity", 2, plain(&["High", "Medium", "Low", "Informational"])),
        ("CFSentinelLink", "Sentinel Link", 0, vec![]),
        ("CFSentinelClassification", "Sentinel Classification", 2, plain(&classifications)),
        (
            "CFSentinelTactics",
            "Sentinel Tactics",
            3,
            plain(&[
                "Initial Access",
                "Execution",
                "Persistence",
                "Credential Access",
                "Lateral Movement",
                "Exfiltration",
                "Impact",
            ]),
        ),
        ("CFSentinelEvidence", "Sentinel Evidence", 1, vec![]),
        ("CFSentinelFirstActivity", "First Activity", 4, vec![]),
        ("CFSentinelSync", "Push to Sentinel", 6, vec![]),
        ("CFSentinelReport", "Sentinel Report", 10, vec![]),
        ("CFAffectedAsset", "Affected Asset", 0, vec![]),
    ];
    for (n, (name, label, kind, values)) in fields.into_iter().enumerate() {
        let id = product.first_field_id() + n as i64;
        cat.fields.put(id, json!({
            "id": id, "guid": guid(tenant, "field", id), "name": name, "label": label, "summary": "", "type": kind, "inputtype": 0,
            "usage": 1, "custom": true, "searchable": true, "characterlimit": 0, "inactive": false, "seq": n + 1, "extratype": 0,
            "use": "field", "values": values,
        }));
    }
}
