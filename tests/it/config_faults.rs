//! Faulty applied files: each fault with its place, its field and its remedy, and all of them at once.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use halobridge::{
    config::{
        self, Known, Reading,
        fault::Severity,
        secret::{SecretPlaces, Secrets},
    },
    domain::{
        catalogue::Ref,
        ids::PolicyId,
        policy::{NotesRule, Policy},
    },
};

/// Every variable but `UNSET…` is set; every file but `gone…` can be read.
struct Places;

impl SecretPlaces for Places {
    fn env_is_set(&self, name: &str) -> bool {
        !name.starts_with("UNSET")
    }

    fn file_is_readable(&self, path: &Path) -> Result<(), String> {
        if path.to_string_lossy().contains("gone") { Err("no such file".to_owned()) } else { Ok(()) }
    }

    fn sealed_opens(&self, identity: &str, text: &str) -> bool {
        identity == "applied-file/halo/h/client_secret" && text == "good"
    }
}

pub fn read(text: &str) -> Reading {
    read_beside(text, &Known::default())
}

pub fn read_beside(text: &str, known: &Known) -> Reading {
    config::read(text, known, &Secrets { folder: "/etc/hb".into(), places: Some(&Places) })
}

/// The `toml` example of the schema page that begins with `# which`.
pub fn example(which: &str) -> String {
    let page = include_str!("../../docs/CONFIGURATION.md");
    let start = page.find(&format!("```toml\n# {which}\n")).expect("the page has this example") + "```toml\n".len();
    let length = page[start..].find("```").expect("the example ends");
    page[start..start + length].to_owned()
}

const MICROSOFT: &str = r#"[[microsoft]]
name = "m"
tenant_id = "11111111-1111-1111-1111-111111111111"
oauth_client_id = "app"
client_secret = { env = "MS" }
"#;
const HALO: &str = r#"[[halo]]
name = "h"
resource_server = "https://a.haloitsm.com/api"
authorisation_server = "https://a.haloitsm.com/auth"
oauth_client_id = "app"
client_secret = { env = "HALO" }
"#;
const CLIENT: &str = "[[client]]\nname = \"c\"\nhalo_client_id = 1\n";
const POLICY: &str = r#"[[policy]]
name = "p"
ticket_type = "Security Incident"
notes = "none"
priorities = { High = 1, Medium = 2, Low = 3, Informational = 4 }
"#;
const WORKSPACE: &str = r#"[[workspace]]
arm_id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.OperationalInsights/workspaces/w"
"#;

/// A sound file (lines 1–5 microsoft, 6–11 halo, 12–14 client, 15–19 policy, 20–21 workspace) with one replacement.
fn sound_with(from: &str, to: &str) -> String {
    let sound = format!("{MICROSOFT}{HALO}{CLIENT}{POLICY}{WORKSPACE}");
    assert_eq!(sound.matches(from).count(), 1, "{from:?} stands once in the sound file");
    sound.replace(from, to)
}

/// (replaced, by, line, column, field, part of the problem, part of the remedy)
type Case = (&'static str, &'static str, usize, usize, &'static str, &'static str, &'static str);

const CASES: &[Case] = &[
    // unknown keys, wrong types, missing fields
    (
        "workspaces/w\"\n",
        "workspaces/w\"\nmode = \"two-way\"\nshadow = true\n",
        23,
        10,
        "workspace.shadow",
        "is only possible in mode \"observe\"",
        "nothing is written",
    ),
    (
        "tenant_id = \"1",
        "tennant_id = \"1",
        3,
        1,
        "microsoft.tennant_id",
        "is not known",
        "Did you mean \"tenant_id\"?",
    ),
    (
        "tenant_id = \"11111111-1111-1111-1111-111111111111\"\n",
        "",
        1,
        1,
        "microsoft.tenant_id",
        "is missing",
        "Write tenant_id =",
    ),
    (
        "tenant_id = \"11111111-1111-1111-1111-111111111111\"",
        "tenant_id = 7",
        3,
        13,
        "microsoft.tenant_id",
        "is a whole number, but must be text",
        "Write text in quotes",
    ),
    (
        "\"11111111-1111-1111-1111-111111111111\"",
        "\"common\"",
        3,
        13,
        "microsoft.tenant_id",
        "is \"common\"",
        "own GUID or domain",
    ),
    (
        "\"11111111-1111-1111-1111-111111111111\"",
        "\"Contoso Ltd\"",
        3,
        13,
        "microsoft.tenant_id",
        "neither a GUID nor a domain",
        "Tenant ID",
    ),
    ("name = \"m\"", "name = \"\"", 2, 8, "microsoft.name", "is empty", "Give it a value"),
    ("name = \"m\"\n", "", 1, 1, "microsoft.name", "is missing", "Give the connection a name"),
    ("client_secret = { env = \"MS\" }\n", "", 1, 1, "microsoft.client_secret", "is missing", "client_secret = { env"),
    (
        "{ env = \"MS\" }",
        "\"hunter2\"",
        5,
        17,
        "microsoft.client_secret",
        "is given in plain text",
        "environment variable or a file",
    ),
    (
        "{ env = \"MS\" }",
        "{ env = \"UNSET_MS\" }",
        5,
        25,
        "microsoft.client_secret",
        "UNSET_MS, which is not set",
        "Set it where",
    ),
    (
        "{ env = \"MS\" }",
        "{ file = \"gone.txt\" }",
        5,
        26,
        "microsoft.client_secret",
        "/etc/hb/gone.txt, which cannot be used (no such file)",
        "Correct the path",
    ),
    (
        "{ env = \"MS\" }",
        "{ env = \"A\", file = \"b\" }",
        5,
        17,
        "microsoft.client_secret",
        "must name one place",
        "exactly one",
    ),
    (
        "{ env = \"MS\" }",
        "{ value = \"hunter2\" }",
        5,
        19,
        "microsoft.client_secret.value",
        "is not known",
        "known here: env, file, sealed",
    ),
    (
        "{ env = \"MS\" }",
        "{ env = \"hunter2~!\" }",
        5,
        25,
        "microsoft.client_secret",
        "does not name an environment variable",
        "not its value",
    ),
    (
        "{ env = \"MS\" }",
        "{ env = \"MS\" }\nidentity = \"device\"",
        6,
        12,
        "microsoft.identity",
        "cannot be \"device\"",
        "\"service-principal\" or \"delegated\"",
    ),
    (
        "client_secret = { env = \"MS\" }",
        "certificate = { env = \"C\" }",
        5,
        1,
        "microsoft.certificate",
        "without private_key",
        "Give both",
    ),
    (
        "{ env = \"MS\" }",
        "{ env = \"MS\" }\ncertificate = { env = \"C\" }\nprivate_key = { env = \"K\" }",
        5,
        1,
        "microsoft.client_secret",
        "beside a certificate",
        "Remove one",
    ),
    (
        "{ env = \"MS\" }",
        "{ env = \"MS\" }\ncloud = \"us-gov\"",
        6,
        9,
        "microsoft.cloud",
        "cannot be \"us-gov\"",
        "Did you mean \"usgov\"?",
    ),
    (
        "{ env = \"MS\" }",
        "{ env = \"MS\" }\narm = \"management\"",
        6,
        7,
        "microsoft.arm",
        "is not a web address",
        "https://name.example/path",
    ),
    (
        "{ env = \"MS\" }",
        "{ env = \"MS\" }\narm = \"http://arm.example\"",
        6,
        7,
        "microsoft.arm",
        "is not https",
        "allow_insecure = true",
    ),
    (
        "{ env = \"MS\" }",
        "{ env = \"MS\" }\ngraph = \"https://10.0.0.8\"",
        6,
        9,
        "microsoft.graph",
        "10.0.0.8, which is not a public host",
        "allow_insecure = true",
    ),
    (
        "{ env = \"MS\" }",
        "{ env = \"MS\" }\nauthority = \"https://login.microsoftonline.com/common\"",
        6,
        13,
        "microsoft.authority",
        "ends with /common",
        "Write the base alone",
    ),
    (
        "{ env = \"MS\" }",
        "{ env = \"MS\" }\narm = \"https://u:hunter2@arm.example\"",
        6,
        7,
        "microsoft.arm",
        "user name or password",
        "Remove them",
    ),
    (
        "{ env = \"MS\" }",
        "{ env = \"MS\" }\napi_version = \"latest\"",
        6,
        15,
        "microsoft.api_version",
        "cannot be \"latest\"",
        "2025-09-01",
    ),
    (
        "{ env = \"MS\" }",
        "{ env = \"MS\" }\nallow_insecure = \"yes\"",
        6,
        18,
        "microsoft.allow_insecure",
        "is text, but must be true or false",
        "Write true or false",
    ),
    ("[[microsoft]]", "[microsoft]", 1, 1, "microsoft", "is a table", "[[microsoft]]"),
    ("[[client]]", "[[clients]]", 12, 3, "clients", "is not known", "Did you mean \"client\"?"),
    // Halo
    (
        "https://a.haloitsm.com/api\"",
        "https://a.haloitsm.com/api/Tickets\"",
        8,
        19,
        "halo.resource_server",
        "goes on after /api with /Tickets",
        "End it with /api",
    ),
    (
        "https://a.haloitsm.com/api\"",
        "https://a.haloitsm.com/auth/\"",
        8,
        19,
        "halo.resource_server",
        "of the Authorisation Server",
        "ends with /api",
    ),
    (
        "https://a.haloitsm.com/auth\"",
        "https://a.haloitsm.com/auth/token\"",
        9,
        24,
        "halo.authorisation_server",
        "ends with /token",
        "Leave /token out",
    ),
    (
        "https://a.haloitsm.com/auth\"",
        "https://a.haloitsm.com/api\"",
        9,
        24,
        "halo.authorisation_server",
        "of the Resource Server",
        "/auth",
    ),
    (
        "https://a.haloitsm.com/auth\"",
        "https://a.haloitsm.com/auth?tenant=a\"",
        9,
        24,
        "halo.authorisation_server",
        "holds a query",
        "base address alone",
    ),
    (
        "{ env = \"HALO\" }",
        "{ env = \"HALO\" }\nproduct = \"servicedesk\"",
        12,
        11,
        "halo.product",
        "cannot be \"servicedesk\"",
        "\"itsm\" or \"psa\"",
    ),
    (
        "{ env = \"HALO\" }",
        "{ env = \"HALO\" }\nrequests_per_5min = 0",
        12,
        21,
        "halo.requests_per_5min",
        "is 0, but must be between 10",
        "whole number",
    ),
    (
        "{ env = \"HALO\" }",
        "{ env = \"HALO\" }\nwebhook_header = \"X Bad\"",
        12,
        18,
        "halo.webhook_header",
        "cannot be \"X Bad\"",
        "letters, digits and hyphens",
    ),
    (
        "{ env = \"HALO\" }",
        "{ sealed = \"bad\" }",
        11,
        28,
        "halo.client_secret",
        "sealed with another installation's key",
        "HALOBRIDGE_KEY",
    ),
    ("client_secret = { env = \"HALO\" }\n", "", 6, 1, "halo.client_secret", "is missing", "{ env = \"NAME\" }"),
    ("name = \"h\"", "name = \"m\"", 7, 8, "halo.name", "\"m\" stands twice", "Rename"),
    ("name = \"h\"", "name = \"M\"", 7, 8, "halo.name", "differ in case alone", "Rename"),
    // clients
    (
        "halo_client_id = 1",
        "halo_client_id = 1\ntime_zone = \"Berlin\"",
        15,
        13,
        "client.time_zone",
        "is \"Berlin\", which is no time zone",
        "Europe/Berlin",
    ),
    (
        "halo_client_id = 1",
        "halo_client_id = \"1\"",
        14,
        18,
        "client.halo_client_id",
        "is text, but must be a whole number",
        "whole number",
    ),
    ("halo_client_id = 1", "halo = \"h\"", 12, 1, "client.halo_client_id", "is missing", "the client's id in Halo"),
    (
        "halo_client_id = 1",
        "halo_client_id = 1\nhalo = \"desk\"",
        15,
        8,
        "client.halo",
        "names \"desk\", which does not exist",
        "Use \"h\"",
    ),
    (
        "halo_client_id = 1",
        "halo_client_id = 1\n[[client]]\nname = \"d\"\nhalo_client_id = 1",
        17,
        18,
        "client.halo_client_id",
        "already the place of client \"c\"",
        "of its own",
    ),
    // policies
    ("notes = \"none\"\n", "", 15, 1, "policy.notes", "is missing", "\"public\""),
    ("notes = \"none\"", "notes = \"private\"", 18, 9, "policy.notes", "cannot be \"private\"", "\"flagged\""),
    (
        "notes = \"none\"",
        "notes = \"outcomes\"",
        15,
        1,
        "policy.note_outcomes",
        "is missing with notes = \"outcomes\"",
        "note_outcomes = [",
    ),
    (
        "notes = \"none\"\n",
        "notes = \"none\"\ngroup = { by = [\"hosts\"] }\n",
        19,
        17,
        "policy.group.by",
        "holds \"hosts\"",
        "\"main-entity\"",
    ),
    (
        "notes = \"none\"\n",
        "notes = \"none\"\nlate_alerts = \"maybe\"\n",
        19,
        15,
        "policy.late_alerts",
        "maybe",
        "\"ignore\"",
    ),
    (
        "ticket_type = \"Security Incident\"",
        "ticket_type = true",
        17,
        15,
        "policy.ticket_type",
        "is true or false, but must be a name",
        "id (whole number)",
    ),
    ("{ High = 1,", "{ Hihg = 1,", 19, 16, "policy.priorities.Hihg", "is not known", "Did you mean High?"),
    (
        "notes = \"none\"",
        "notes = \"none\"\nmissing_verdict = { classification = \"FalsePositive\" }",
        19,
        38,
        "policy.missing_verdict.classification",
        "needs a reason",
        "Microsoft allows",
    ),
    (
        "notes = \"none\"",
        "notes = \"none\"\nclassification_field = \"CFx\"\nclassifications = { \"Bad\" = { classification = \"TruePositive\", reason = \"InaccurateData\" } }",
        20,
        73,
        "policy.classifications.Bad.reason",
        "does not belong to classification TruePositive",
        "FalsePositive + InaccurateData",
    ),
    (
        "notes = \"none\"",
        "notes = \"none\"\nclassifications = { \"Bad\" = { classification = \"TruePositive\" } }",
        15,
        1,
        "policy.classification_field",
        "is missing beside classifications",
        "classification_field = ",
    ),
    (
        "notes = \"none\"",
        "notes = \"none\"\nmissing_verdict = { classification = \"True\" }",
        19,
        38,
        "policy.missing_verdict.classification",
        "cannot be \"True\"",
        "\"TruePositive\"",
    ),
    (
        "notes = \"none\"",
        "notes = \"none\"\nfields = [{ field = \"CFa\", path = \"title\" }]",
        19,
        35,
        "policy.fields.path",
        "which begins with no root",
        "$.properties.title",
    ),
    (
        "notes = \"none\"",
        "notes = \"none\"\nfields = [{ field = \"CFa\" }]",
        19,
        11,
        "policy.fields.path",
        "exactly one source",
        "template =",
    ),
    (
        "notes = \"none\"",
        "notes = \"none\"\nfields = [{ path = \"$.id\" }]",
        19,
        11,
        "policy.fields.field",
        "is missing",
        "custom field",
    ),
    (
        "notes = \"none\"",
        "notes = \"none\"\nstatuses_back = { \"On Hold\" = \"Waiting\" }",
        19,
        31,
        "policy.statuses_back.On Hold",
        "is not an incident status",
        "\"Active\"",
    ),
    (
        "notes = \"none\"",
        "notes = \"none\"\nclosed_statuses = \"Closed\"",
        19,
        19,
        "policy.closed_statuses",
        "is text, but must be a list",
        "[ … ]",
    ),
    // workspaces
    (
        "/workspaces/w\"",
        "/workspace/w\"",
        21,
        10,
        "workspace.arm_id",
        "is not the ARM id of a workspace",
        "Resource ID",
    ),
    (
        "arm_id = ",
        "poll_secs = 10\narm_id = ",
        21,
        13,
        "workspace.poll_secs",
        "is 10, but must be between 30 and 86400",
        "whole number",
    ),
    (
        "arm_id = ",
        "mode = \"twoway\"\narm_id = ",
        21,
        8,
        "workspace.mode",
        "cannot be \"twoway\"",
        "Did you mean \"two-way\"?",
    ),
    (
        "arm_id = ",
        "since = 2026-05-01\narm_id = ",
        21,
        9,
        "workspace.since",
        "no moment with a zone",
        "2026-05-01T00:00:00Z",
    ),
    (
        "arm_id = ",
        "policy = \"P1\"\narm_id = ",
        21,
        10,
        "workspace.policy",
        "names \"P1\", which does not exist",
        "Did you mean \"p\"?",
    ),
    (
        "arm_id = ",
        "client = \"nobody\"\narm_id = ",
        21,
        10,
        "workspace.client",
        "names \"nobody\", which does not exist",
        "add a [[client]] entry",
    ),
    (
        "arm_id = ",
        "portal = \"m365\"\narm_id = ",
        21,
        10,
        "workspace.portal",
        "cannot be \"m365\"",
        "\"azure\" or \"defender\"",
    ),
    // policies that build on others
    (
        "ticket_type = ",
        "base = \"q\"\nticket_type = ",
        17,
        8,
        "policy.base",
        "names \"q\", which does not exist",
        "Add a [[policy]] entry",
    ),
    (
        "ticket_type = ",
        "base = \"p\"\nticket_type = ",
        17,
        8,
        "policy.base",
        "names the policy itself",
        "leave base out",
    ),
    ("ticket_type = ", "base = 7\nticket_type = ", 17, 8, "policy.base", "is a whole number", "Write text in quotes"),
    (
        "[[workspace]]",
        "[[policy]]\nname = \"q\"\nbase = \"p\"\n[[policy]]\nname = \"r\"\nbase = \"q\"\n[[workspace]]",
        25,
        8,
        "policy.base",
        "names \"q\", which builds on \"p\" itself",
        "Write base = \"p\" here",
    ),
    (
        "[[workspace]]",
        "[[policy]]\nname = \"q\"\nbase = \"P\"\n[[workspace]]",
        22,
        8,
        "policy.base",
        "names \"P\", which does not exist",
        "Did you mean \"p\"?",
    ),
    (
        "[[workspace]]",
        "[[policy]]\nname = \"q\"\nbase = \"p\"\nwithout = [\"notes\", \"teem\"]\n[[workspace]]",
        23,
        12,
        "policy.without",
        "which every policy needs",
        "another value",
    ),
    (
        "[[workspace]]",
        "[[policy]]\nname = \"q\"\nbase = \"p\"\nwithout = [\"notes\", \"teem\"]\n[[workspace]]",
        23,
        21,
        "policy.without",
        "no key of a policy",
        "Did you mean \"team\"?",
    ),
    (
        "[[workspace]]",
        "[[policy]]\nname = \"q\"\nbase = \"p\"\nteam = \"SOC\"\nwithout = [\"team\"]\n[[workspace]]",
        24,
        12,
        "policy.without",
        "which has a value here",
        "Remove one of the two",
    ),
    (
        "[[workspace]]",
        "[[policy]]\nname = \"q\"\nbase = \"p\"\nnotes = \"outcomes\"\n[[workspace]]",
        20,
        1,
        "policy.note_outcomes",
        "is missing with notes",
        "note_outcomes = [",
    ),
    // not TOML
    ("name = \"c\"", "name = c", 13, 8, "The file", "is not TOML here", "quotes"),
    ("name = \"c\"", "name = \"c\"\nname = \"d\"", 14, 1, "The file", "duplicate key", "CONFIGURATION.md"),
];

#[test]
fn each_fault_has_its_place_its_field_and_its_remedy() {
    let sound = read(&sound_with("name = \"m\"", "name = \"m\""));
    assert_eq!(sound.faults, [], "the sound file has no fault");
    assert!(CASES.len() >= 40);
    for (from, to, line, column, field, problem, remedy) in CASES {
        let reading = read(&sound_with(from, to));
        let all: Vec<String> = reading.faults.iter().map(ToString::to_string).collect();
        assert!(reading.applied.is_none(), "{to:?} must not be applied");
        let found = reading.faults.iter().any(|fault| {
            fault.severity == Severity::Error
                && (fault.line, fault.column) == (*line, *column)
                && fault.field == *field
                && fault.problem.contains(problem)
                && fault.remedy.contains(remedy)
        });
        assert!(found, "{to:?}: want {line}:{column} {field} {problem} / {remedy}; got\n{}", all.join("\n"));
        assert!(!all.join("\n").contains("hunter2"), "{to:?}: a secret is repeated");
    }
}

#[test]
fn all_faults_are_reported_at_once_in_the_order_of_the_text() {
    let text = sound_with("name = \"m\"\n", "")
        .replace("notes = \"none\"", "notes = \"some\"")
        .replace("arm_id = ", "mode = \"on\"\npoll_secs = 1\narm_id = ");
    let fields: Vec<String> = read(&text).faults.into_iter().map(|f| f.field).collect();
    assert_eq!(fields, ["microsoft.name", "policy.notes", "workspace.mode", "workspace.poll_secs"]);
}

#[test]
fn a_broken_line_hides_neither_other_faults_nor_invents_missing_ones() {
    let text = sound_with("tenant_id = \"1", "tenant_id = 1").replace("notes = \"none\"", "notes = \"some\"");
    let faults = read(&text).faults;
    assert!(faults.iter().any(|f| f.field == "The file" && f.line == 3), "{faults:?}");
    assert!(!faults.iter().any(|f| f.problem.contains("missing,") || f.problem == "is missing"), "{faults:?}");
}

#[test]
fn a_broken_line_hides_nothing_of_other_tables() {
    let text = sound_with("tenant_id = \"1", "tenant_id = 1")
        .replace("ticket_type = \"Security Incident\"\n", "")
        .replace("arm_id = ", "client = \"nobody\"\narm_id = ");
    let faults = read(&text).faults;
    let told = |field: &str, words: &str| faults.iter().any(|f| f.field == field && f.problem.contains(words));
    assert!(told("policy.ticket_type", "missing"), "{faults:?}");
    assert!(told("workspace.client", "\"nobody\""), "{faults:?}");
    assert!(!told("microsoft.tenant_id", "missing"), "it may be what could not be read: {faults:?}");
}

#[test]
fn a_broken_header_may_hide_what_is_named() {
    let text = sound_with("[[client]]", "[[client").replace("arm_id = ", "client = \"c\"\narm_id = ");
    let faults = read(&text).faults;
    assert!(faults.iter().any(|f| f.field == "The file"), "{faults:?}");
    assert!(!faults.iter().any(|f| f.field == "workspace.client"), "{faults:?}");
}

#[test]
fn an_unreadable_client_id_hides_no_unknown_instance() {
    let text = sound_with("halo_client_id = 1", "halo_client_id = \"12\"\nhalo = \"dsk\"");
    let fields: Vec<String> = read(&text).faults.into_iter().map(|f| f.field).collect();
    assert_eq!(fields, ["client.halo_client_id", "client.halo"]);
}

#[test]
fn an_unknown_table_is_told_each_known_one_once() {
    let faults = read(&sound_with("[[client]]", "[sundries]\n[[client]]")).faults;
    let [fault] = faults.as_slice() else { panic!("one: {faults:?}") };
    assert_eq!(fault.remedy.matches("microsoft").count(), 1, "{fault}");
}

#[test]
fn what_is_stored_keeps_its_places() {
    let stored = Known {
        bound: BTreeMap::from([(("h".to_owned(), 1), "Contoso".to_owned())]),
        named: vec![("w".to_owned(), "/another".to_owned(), true)],
        ..Known::default()
    };
    let faults = read_beside(&sound_with("[[client]]", "[[client]]"), &stored).faults;
    let told: Vec<(&str, bool)> = faults
        .iter()
        .map(|f| (f.field.as_str(), f.problem.contains("Contoso") || f.problem.contains("another")))
        .collect();
    assert_eq!(told, [("client.halo_client_id", true), ("workspace.name", true)], "{faults:?}");
    // The client of that name, and the workspace of that ARM id, are those of the file themselves.
    let arm_id = "/subscriptions/s/resourcegroups/g/providers/microsoft.operationalinsights/workspaces/w";
    let same = Known {
        bound: BTreeMap::from([(("h".to_owned(), 1), "c".to_owned())]),
        named: vec![("w".to_owned(), arm_id.to_owned(), true)],
        ..Known::default()
    };
    assert_eq!(read_beside(&sound_with("[[client]]", "[[client]]"), &same).errors(), 0);
}

#[test]
fn a_workspace_in_the_place_of_one_with_another_id_is_told_to_start_now() {
    let sound = sound_with("[[client]]", "[[client]]");
    let arm_id = |group: &str, name: &str| {
        format!("/subscriptions/s/resourcegroups/{group}/providers/microsoft.operationalinsights/workspaces/{name}")
    };
    let since: jiff::Timestamp = "2026-01-05T08:00:00Z".parse().unwrap();
    let beside = |text: &str, stored: &[(String, &str)]| {
        let started = stored.iter().map(|(id, client)| (id.clone(), (*client).to_owned(), Some(since))).collect();
        read_beside(text, &Known { started, ..Known::default() })
    };
    let reading = beside(&sound, &[(arm_id("former", "w"), "c")]);
    let [fault] = reading.faults.as_slice() else { panic!("one warning: {:?}", reading.faults) };
    assert_eq!((fault.severity, fault.field.as_str()), (Severity::Warning, "workspace.arm_id"));
    assert!(fault.problem.contains("/former/") && fault.remedy.contains("since = 2026-01-05T08:00:00Z"), "{fault}");
    assert!(reading.applied.is_some(), "a warning does not hinder applying");
    // Its own id, another name, another client's, several that it may be, and a start that is said.
    let two = [(arm_id("former", "w"), "c"), (arm_id("other", "w"), "c")];
    for stored in
        [&[(arm_id("g", "w"), "c")][..], &[(arm_id("former", "v"), "c")], &[(arm_id("former", "w"), "d")], &two]
    {
        let faults = beside(&sound, stored).faults;
        assert!(faults.is_empty(), "{stored:?}: {faults:?}");
    }
    let told = sound_with("workspaces/w\"\n", "workspaces/w\"\nsince = 2026-01-05T08:00:00Z\n");
    assert_eq!(beside(&told, &[(arm_id("former", "w"), "c")]).faults, []);
}

#[test]
fn holes_in_the_severities_are_a_warning() {
    let reading = read(&sound_with(", Low = 3, Informational = 4", ""));
    let [fault] = reading.faults.as_slice() else { panic!("one warning: {:?}", reading.faults) };
    assert_eq!((fault.severity, fault.line, fault.column), (Severity::Warning, 19, 14));
    assert!(fault.problem.contains("Low, Informational"), "{fault}");
    assert!(reading.applied.is_some(), "a warning does not hinder applying");
}

#[test]
fn references_may_lead_into_the_data_directory() {
    let alone = format!("{WORKSPACE}client = \"c\"\nmicrosoft = \"m\"\npolicy = \"p\"\n");
    assert_eq!(read(&alone).errors(), 3, "nothing is known yet");
    let set = |name: &str| BTreeSet::from([name.to_owned()]);
    let policy = Policy::new(PolicyId(uuid::Uuid::nil()), "p", Ref::Id(1), NotesRule::None);
    let policy = config::policy::PolicyEntry::whole(policy);
    let known = Known {
        microsoft: set("m"),
        halo: set("h"),
        clients: set("c"),
        policies: BTreeMap::from([("p".to_owned(), policy)]),
        ..Known::default()
    };
    assert_eq!(read_beside(&alone, &known).faults, []);
    assert_eq!(read_beside(WORKSPACE, &known).faults, [], "the only one needs no name");
}

#[test]
fn a_base_may_lie_in_the_data_directory_and_has_no_base_itself() {
    let entry = |name: &str, base: Option<&str>| {
        let mut policy = Policy::new(PolicyId(uuid::Uuid::nil()), name, Ref::Id(1), NotesRule::All);
        policy.tickets_per_hour = 7;
        let entry =
            config::policy::PolicyEntry { base: base.map(str::to_owned), ..config::policy::PolicyEntry::whole(policy) };
        (name.to_owned(), entry)
    };
    let known = Known { policies: BTreeMap::from([entry("b", None), entry("d", Some("b"))]), ..Known::default() };
    let reading = read_beside("[[policy]]\nname = \"n\"\nbase = \"b\"\nevidence = false\n", &known);
    assert_eq!(reading.faults, []);
    let found = reading.applied.expect("sound").policies.remove(0);
    assert_eq!((found.policy.tickets_per_hour, found.policy.notes, found.policy.evidence), (7, NotesRule::All, false));
    for (text, words) in [
        ("[[policy]]\nname = \"n\"\nbase = \"d\"\n", "names \"d\", which builds on \"b\" itself"),
        // the one on which another builds gets a base
        (
            "[[policy]]\nname = \"b\"\nbase = \"c\"\n[[policy]]\nname = \"c\"\nticket_type = 1\nnotes = \"all\"\n",
            "on which \"d\" builds",
        ),
    ] {
        let faults: Vec<String> = read_beside(text, &known).faults.iter().map(ToString::to_string).collect();
        assert!(
            faults.iter().any(|fault| fault.starts_with("3:8: error: policy.base") && fault.contains(words)),
            "{faults:?}"
        );
    }
}

#[test]
fn offline_looks_no_secret_up() {
    let text = sound_with("{ env = \"MS\" }", "{ env = \"UNSET_MS\" }");
    let offline = Secrets { folder: "/etc/hb".into(), places: None };
    assert_eq!(config::read(&text, &Known::default(), &offline).faults, []);
}

#[test]
fn the_examples_of_the_schema_page_are_sound_and_survive_writing() {
    for which in ["smallest", "full"] {
        let reading = read(&example(which));
        assert_eq!(reading.faults, [], "{which}");
        let applied = reading.applied.expect("no faults");
        let written = applied.to_toml();
        let again = read(&written);
        assert_eq!(again.faults, [], "{which} as written:\n{written}");
        assert_eq!(again.applied.as_ref(), Some(&applied), "{which}");
        assert_eq!(again.applied.expect("no faults").to_toml(), written, "{which}");
    }
}

#[test]
fn the_schema_page_names_every_field() {
    let page = include_str!("../../docs/CONFIGURATION.md");
    let full = read(&example("full")).applied.expect("sound");
    let mut keys: BTreeSet<&'static str> = BTreeSet::new();
    keys.extend(full.microsoft.iter().flat_map(|e| e.lines().0).map(|(k, _)| k));
    keys.extend(full.halo.iter().flat_map(|e| e.lines().0).map(|(k, _)| k));
    keys.extend(full.clients.iter().flat_map(|e| e.lines().0).map(|(k, _)| k));
    keys.extend(full.policies.iter().flat_map(|e| e.lines().0).map(|(k, _)| k));
    keys.extend(full.workspaces.iter().flat_map(|e| e.lines().0).map(|(k, _)| k));
    let missing: Vec<_> = keys.iter().filter(|key| !page.contains(&format!("`{key}`"))).collect();
    assert!(missing.is_empty(), "docs/CONFIGURATION.md lacks {missing:?}");
    assert!(keys.len() > 50, "the full example is full: {}", keys.len());
}

#[test]
fn a_catalogue_in_the_file_finds_names_that_halo_lacks() {
    let catalogue = r#"
[catalogue.h]
ticket_types = [{ id = 21, name = "Security Incidents", default_sla = 1 }]
statuses = [{ id = 1, name = "New" }, { id = 2, name = "In Progress" }, { id = 9, name = "Closed" }]
priorities = [{ id = 1, name = "Critical" }, { id = 2, name = "High" }, { id = 3, name = "Medium" }]
outcomes = [{ id = 7, name = "Private Note" }]
clients = [{ id = 2, name = "Other" }]
"#;
    let text = format!("{MICROSOFT}{HALO}{CLIENT}{POLICY}{WORKSPACE}{catalogue}");
    let faults: Vec<String> = read(&text).faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        faults,
        [
            "14:18: error: client.halo_client_id names 1, but Halo has no such active client. Use \"Other\".",
            "17:15: error: policy.ticket_type names “Security Incident”, but Halo has no such ticket type. Did you mean \
             \"Security Incidents\"?",
            "19:14: error: policy.priorities names 4, but Halo has no such priority. Use \"Critical\", \"High\" or \
             \"Medium\".",
        ]
    );
}

/// Halo takes a priority only from the SLA of the ticket type: a name of another one fits no ticket.
#[test]
fn a_catalogue_in_the_file_finds_priorities_of_another_sla() {
    let catalogue = r#"
[catalogue.h]
ticket_types = [{ id = 21, name = "Security Incident", default_sla = 2 }]
priorities = [
    { id = 4, name = "Low", sla_id = 1 },
    { id = 1, name = "P1", sla_id = 2 },
    { id = 2, name = "P2", sla_id = 2 },
    { id = 3, name = "P3", sla_id = 2 },
]
"#;
    let text = format!("{MICROSOFT}{HALO}{CLIENT}{POLICY}{WORKSPACE}{catalogue}");
    let found: Vec<String> = read(&text).faults.iter().map(ToString::to_string).collect();
    let [fault] = found.as_slice() else { panic!("one: {found:?}") };
    let says = "policy.priorities names 4, a priority of another SLA than the ticket type's. Use one of the ticket type's \
                SLA: \"P1\", \"P2\" or \"P3\".";
    assert!(fault.contains(says), "{fault}");
}

#[test]
fn a_catalogue_in_the_file_finds_names_that_several_of_halos_rows_have() {
    let catalogue = r#"
[catalogue.h]
ticket_types = [{ id = 21, name = "Security Incident", default_sla = 1 }]
agents = [{ id = 4, name = "Bob Smith" }, { id = 5, name = "Amira" }, { id = 9, name = "Bob Smith" }]
"#;
    let faults = |agent: &str| -> Vec<String> {
        let text = format!("{MICROSOFT}{HALO}{CLIENT}{POLICY}agent = {agent}\n{WORKSPACE}{catalogue}");
        read(&text).faults.iter().map(ToString::to_string).collect()
    };
    let found = faults("\"bob smith\"");
    let [fault] = found.as_slice() else { panic!("one: {found:?}") };
    let says = "policy.agent names “bob smith”, and Halo has more than one agent of that name. Write the id of the one \
                that is meant: 4, 9.";
    assert!(fault.contains(says), "{fault}");
    assert!(faults("9").is_empty() && faults("\"Amira\"").is_empty());
}

#[test]
fn a_priority_must_be_one_of_the_ticket_types_sla() {
    // Two SLAs with names of their own for the same priorities, as Halo allows (its sheet, 5.4).
    let catalogue = r#"
[catalogue.h]
ticket_types = [
  { id = 21, name = "Security Incident", default_sla = 2 },
  { id = 22, name = "Phishing", default_sla = 1 },
]
priorities = [
  { id = 1, name = "Critical", sla_id = 1 },
  { id = 9, name = "Whenever", sla_id = 1 },
  { id = 1, name = "P1 - Critical", sla_id = 2 },
  { id = 2, name = "P2 - High", sla_id = 2 },
]
"#;
    let faults = |high: &str| -> Vec<String> {
        let policy =
            POLICY.replace("High = 1, Medium = 2, Low = 3, Informational = 4", &format!("High = {high}, Medium = 2"));
        let text = format!("{MICROSOFT}{HALO}{CLIENT}{policy}{WORKSPACE}{catalogue}");
        let faults = read(&text).faults;
        faults
            .iter()
            .map(ToString::to_string)
            .filter(|fault| fault.contains("of another SLA") || fault.contains("but Halo has no such"))
            .collect()
    };
    let found = faults("\"Critical\"");
    let [fault] = found.as_slice() else { panic!("one: {found:?}") };
    let says = "policy.priorities names “Critical”, a priority of another SLA than the ticket type's.";
    assert!(fault.contains(says) && fault.contains("P1 - Critical"), "{fault}");
    assert_eq!(faults("9").len(), 1, "an id of another SLA is none of this one's either");
    assert!(faults("\"P1 - Critical\"").is_empty() && faults("1").is_empty());
    // A policy that takes its priorities over, and has another type.
    let base = POLICY.replace("High = 1, Medium = 2, Low = 3, Informational = 4", "High = \"P1 - Critical\"");
    let other = "[[policy]]\nname = \"q\"\nbase = \"p\"\nticket_type = \"Phishing\"\n";
    let workspace = format!("{WORKSPACE}policy = \"p\"\n");
    let text = format!("{MICROSOFT}{HALO}{CLIENT}{base}{other}{workspace}{catalogue}");
    let found: Vec<String> = read(&text).faults.iter().map(ToString::to_string).collect();
    let told = found.iter().filter(|fault| fault.contains("priorities names “P1 - Critical”")).count();
    assert_eq!(told, 1, "{found:#?}");
}
