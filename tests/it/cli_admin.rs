//! Accounts, `doctor` and `sync --once` as a person runs them, against the twin over the network.

use std::{
    io::BufRead as _,
    process::{Child, Command, Stdio},
};

use halobridge::store::{SCHEMA_VERSION, lock_instance, migrate::migrator};
use serde_json::Value;
use sqlx::{Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::cli_config::{Desk, Told};

/// A running twin; it ends with the test.
struct TwinProcess {
    child: Child,
    told: Value,
}

impl TwinProcess {
    fn start(args: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_halobridge"))
            .args(["twin", "--listen", "127.0.0.1:0", "--json", "--limits", "off"])
            .args(args)
            .stdout(Stdio::piped())
            .spawn()
            .expect("starts");
        let mut line = String::new();
        let out = child.stdout.take().expect("piped");
        std::io::BufReader::new(out).read_line(&mut line).expect("one line");
        let told = serde_json::from_str(&line).expect("JSON");
        Self { child, told }
    }

    fn text(&self, pointer: &str) -> &str {
        self.told.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer} in {}", self.told))
    }

    /// The applied file of docs/TWIN.md, filled in as that page says.
    fn file(&self) -> String {
        let page = include_str!("../../docs/TWIN.md");
        let example = page.split("```toml\n# twin\n").nth(1).and_then(|rest| rest.split("```").next());
        let mut file = example.expect("an example in docs/TWIN.md").to_owned();
        for side in ["microsoft", "halo"] {
            for (name, value) in self.told[side].as_object().expect("members") {
                file = file.replace(&format!("{{{side}.{name}}}"), value.as_str().unwrap_or_default());
            }
        }
        let at = file.find("[[workspace]]").expect("a workspace");
        let workspace = file.split_off(at);
        for name in self.told["microsoft"]["workspaces"].as_array().expect("a list") {
            file += &workspace.replace("{microsoft.workspaces[0]}", name.as_str().expect("a name"));
        }
        assert!(!file.contains("{microsoft") && !file.contains("{halo"), "{file}");
        file
    }

    fn run(&self, desk: &Desk, args: &[&str]) -> Told {
        let mut command = desk.command(args);
        command.env("MS_SECRET", self.text("/microsoft/client_secret"));
        command.env("HALO_SECRET", self.text("/halo/client_secret"));
        let told = Told::of(&command.output().expect("runs"));
        for secret in ["/microsoft/client_secret", "/halo/client_secret"] {
            assert!(!told.all().contains(self.text(secret)), "a secret was printed: {}", told.all());
        }
        told
    }
}

impl Drop for TwinProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn from_nothing_to_tickets_by_the_command_line_alone() {
    let twin = TwinProcess::start(&["--incidents", "5", "--workspaces", "2"]);
    let desk = Desk::new();
    let file = desk.file("installation.toml", &twin.file());
    twin.run(&desk, &["config", "apply", &file]).ends(0);
    let told = twin.run(&desk, &["doctor"]).ends(0);
    assert!(told.out.contains("with every right the sync needs"), "{}", told.out);
    assert!(told.out.contains("every name it uses exists in Halo"), "{}", told.out);
    assert!(told.out.contains("the clocks agree") && told.out.ends_with("All is well.\n"), "{}", told.out);

    let told = twin.run(&desk, &["sync", "--once"]).ends(0);
    // Five tickets, and five comments that name them.
    assert!(told.out.starts_with("Read 3 workspace(s) and instance(s); carried out 10 operation(s)"), "{}", told.out);
    let told = twin.run(&desk, &["sync", "--once"]).ends(0);
    assert!(told.out.contains("carried out 0 operation(s)"), "nothing is done twice: {}", told.out);
    let told = twin.run(&desk, &["doctor"]).ends(0);
    assert!(!told.out.contains("need somebody"), "{}", told.out);

    // The export carries Halo's look-ups: a wrong name is found without asking anybody.
    let exported = twin.run(&desk, &["config", "export"]).ends(0).out;
    assert!(exported.contains("[catalogue.\"desk\"]"), "{exported}");
    let back = desk.file("back.toml", &exported);
    assert!(twin.run(&desk, &["config", "apply", &back, "--prune"]).ends(0).out.contains("Nothing changed"));
    let wrong = desk.file(
        "wrong.toml",
        &exported.replace("ticket_type = \"Security Incident\"", "ticket_type = \"Securty Incident\""),
    );
    let told = desk.run(&["config", "check", &wrong, "--offline"]).ends(1);
    assert!(told.err.contains("Did you mean \"Security Incident\"?"), "{}", told.err);
}

#[tokio::test]
async fn a_newer_program_leaves_the_database_of_a_running_one_alone() {
    let desk = Desk::new();
    // For its key.
    desk.run(&["user", "add", "ann"]).ends(0);
    let database = desk.data().join("halobridge.db");
    std::fs::remove_file(&database).expect("removed");
    let connect = || {
        let options = SqliteConnectOptions::new().filename(&database).create_if_missing(true);
        async move { SqliteConnection::connect_with(&options).await.expect("opens") }
    };
    let version = || async {
        let mut connection = connect().await;
        let version = "SELECT max(version) FROM _sqlx_migrations";
        let found: i64 = sqlx::query_scalar(version).fetch_one(&mut connection).await.expect("read");
        connection.close().await.expect("closes");
        found
    };
    let mut earlier = connect().await;
    migrator(SCHEMA_VERSION - 1).run(&mut earlier).await.expect("migrated");
    earlier.close().await.expect("closes");

    let running = lock_instance(&desk.data()).expect("locked");
    for command in [&["user", "list"][..], &["serve", "--listen", "127.0.0.1:0"], &["config", "export"]] {
        let told = desk.run(command).ends(1);
        let pid = format!("(process {})", std::process::id());
        assert!(told.err.contains(&pid) && told.err.contains("Stop that one first"), "{command:?}: {}", told.err);
    }
    assert_eq!(version().await, SCHEMA_VERSION - 1);

    drop(running);
    desk.run(&["user", "list"]).ends(0);
    assert_eq!(version().await, SCHEMA_VERSION);
}

/// A running server; it ends with the test.
struct ServerProcess(Child);

impl ServerProcess {
    fn start(twin: &TwinProcess, desk: &Desk) -> Self {
        let mut command = desk.command(&["serve", "--listen", "127.0.0.1:0"]);
        command.env("MS_SECRET", twin.text("/microsoft/client_secret"));
        command.env("HALO_SECRET", twin.text("/halo/client_secret"));
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("starts");
        let out = child.stdout.take().expect("piped");
        let mut lines = std::io::BufReader::new(out).lines().map_while(Result::ok);
        assert!(lines.any(|line| line.contains("Halobridge serves http://")), "it says where it serves");
        Self(child)
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn beside_a_running_server_commands_ask_it_or_leave_it_alone() {
    let twin = TwinProcess::start(&["--incidents", "3", "--workspaces", "1"]);
    let desk = Desk::new();
    let text = twin.file();
    let observe = desk.file("observe.toml", &text.replace("mode = \"two-way\"", "mode = \"observe\""));
    twin.run(&desk, &["config", "apply", &observe]).ends(0);
    let server = ServerProcess::start(&twin, &desk);
    let pid = format!("process {}", server.0.id());
    let asked = format!("The running server ({pid}) read 2 workspace(s) and instance(s)");
    assert!(twin.run(&desk, &["sync", "--once"]).ends(0).out.starts_with(&asked));

    // Applied beside it, and carried out by it.
    let live = desk.file("live.toml", &text);
    twin.run(&desk, &["config", "apply", &live]).ends(0);
    assert!(twin.run(&desk, &["sync", "--once"]).ends(0).out.starts_with(&asked));
    let told = twin.run(&desk, &["doctor", "--offline"]).ends(0);
    assert!(told.out.contains(&format!("running ({pid})")), "{}", told.out);
    let backup = desk.dir.path().join("beside.db").display().to_string();
    desk.run(&["backup", &backup]).ends(0);
    let told = desk.run(&["restore", &backup]).ends(1);
    assert!(told.err.contains(&pid) && told.err.contains("Stop it first"), "{}", told.err);
    let told = twin.run(&desk, &["serve", "--listen", "127.0.0.1:0"]).ends(1);
    assert!(told.err.contains(&pid), "a second server names the first: {}", told.err);
}

#[test]
fn doctor_says_what_to_do() {
    let twin = TwinProcess::start(&["--workspaces", "1"]);
    let desk = Desk::new();
    let told = desk.run(&["doctor"]).ends(1);
    assert!(told.out.contains("FAULT") && told.out.contains("config apply"), "{}", told.out);

    let text = twin
        .file()
        .replace("High = \"P1 - Critical\"", "High = \"P1 - Kritical\"")
        // A priority there is, but not in the SLA of the ticket type.
        .replace("Low = \"P3 - Medium\"", "Low = \"Medium\"")
        .replace("halo_client_id = 12", "halo_client_id = 99999");
    let file = desk.file("installation.toml", &text);
    twin.run(&desk, &["config", "apply", &file]).ends(0);
    let told = twin.run(&desk, &["doctor"]).ends(1);
    assert!(told.out.contains("Did you mean \"P1 - Critical\"?"), "{}", told.out);
    let elsewhere = "priorities names “Medium”, a priority of another SLA than the ticket type's.";
    assert!(told.out.contains(elsewhere), "{}", told.out);
    assert!(told.out.contains("halo_client_id names 99999"), "{}", told.out);
    twin.run(&desk, &["doctor", "--offline"]).ends(0);

    // The secrets are not where this process runs.
    let told = desk.run(&["doctor"]).ends(1);
    assert!(told.out.contains("MS_SECRET") && told.out.contains("HALO_SECRET"), "{}", told.out);
    let output =
        desk.command(&["doctor"]).env("MS_SECRET", "hunter2").env("HALO_SECRET", "hunter2").output().expect("runs");
    let told = Told::of(&output).ends(1);
    assert!(told.out.contains("FAULT  workspace law-") && told.out.contains("refuses"), "{}", told.out);
    assert!(told.out.contains("FAULT  Halo desk"), "{}", told.out);

    drop(twin);
    let output =
        desk.command(&["doctor"]).env("MS_SECRET", "hunter2").env("HALO_SECRET", "hunter2").output().expect("runs");
    assert!(Told::of(&output).ends(1).out.contains("cannot be reached"), "nobody listens there any more");
}

#[test]
fn accounts_by_the_command_line() {
    let desk = Desk::new();
    let told = desk.run(&["user", "add", "ann"]).ends(0);
    assert!(
        told.out.contains("ann (admin)") && told.out.contains("shown this once: "),
        "the first is an admin: {}",
        told.out
    );
    let password = |told: &Told| told.out.rsplit("shown this once: ").next().unwrap_or_default().trim().to_owned();
    let first = password(&told);
    assert_eq!(first.len(), 27, "24 signs in four groups");
    let told = desk.run(&["user", "add", "vera"]).ends(0);
    assert!(told.out.contains("vera (viewer)"), "{}", told.out);
    assert_ne!(password(&told), first);
    assert!(desk.run(&["user", "add", "ANN"]).ends(1).err.contains("taken"));
    assert!(
        desk.run(&["user", "add", "bob", "--client", "Nobody"]).ends(1).err.contains("There is no client “Nobody”")
    );
    assert!(desk.run(&["user", "reset", "nobody"]).ends(1).err.contains("user list"));

    let weak = desk.file("weak", "password1\n");
    assert!(desk.run(&["user", "add", "bob", "--password-file", &weak]).ends(1).err.contains("most common"));
    let output = desk
        .command(&["user", "reset", "vera", "--password-env", "NEW_PASSWORD"])
        .env("NEW_PASSWORD", "hunter2 sings softly at night")
        .output()
        .expect("runs");
    let told = Told::of(&output).ends(0);
    assert!(told.out.contains("sessions have ended") && !told.out.contains("shown this once"), "{}", told.out);
    assert!(desk.run(&["user", "change", "vera"]).ends(1).err.contains("Say what is to change"));
    assert!(desk.run(&["user", "change", "nobody", "--off"]).ends(1).err.contains("user list"));
    assert!(desk.run(&["user", "change", "ann", "--off"]).ends(1).err.contains("last admin"));
    desk.run(&["user", "change", "Vera", "--role", "operator", "--off"]).ends(0);
    let told = desk.run(&["user", "list"]).ends(0);
    assert!(told.out.contains("vera\toperator") && told.out.contains("switched off"), "{}", told.out);
    desk.run(&["user", "change", "vera", "--role", "viewer", "--on"]).ends(0);
    let told = desk.run(&["user", "list"]).ends(0);
    assert!(!told.out.contains("switched off"), "{}", told.out);
    assert!(told.out.contains("ann\tadmin\tall clients") && told.out.contains("vera\tviewer"), "{}", told.out);
}

#[test]
fn the_switches_of_an_account_are_taken_from_the_environment_as_any_other() {
    let desk = Desk::new();
    for name in ["ann", "vera"] {
        desk.run(&["user", "add", name]).ends(0);
    }
    let change = |more: &[&str], variables: &[(&str, &str)]| {
        let mut command = desk.command(&["user", "change", "vera"]);
        Told::of(&command.args(more).envs(variables.iter().copied()).output().expect("runs"))
    };
    let off = || desk.run(&["user", "list"]).ends(0).out.contains("switched off");
    change(&[], &[("HALOBRIDGE_USER_OFF", "1")]).ends(0);
    assert!(off());
    change(&["--on"], &[("HALOBRIDGE_USER_OFF", "no")]).ends(0);
    assert!(!off());
    change(&["--off"], &[("HALOBRIDGE_USER_ON", "false")]).ends(0);
    assert!(off());
    change(&[], &[("HALOBRIDGE_USER_ON", "yes"), ("HALOBRIDGE_USER_ALL_CLIENTS", "on")]).ends(0);
    assert!(!off());
    let told = change(&["--client", "Nobody"], &[("HALOBRIDGE_USER_ALL_CLIENTS", "0")]).ends(1);
    assert!(told.err.contains("There is no client “Nobody”"), "{}", told.err);
    // What contradicts itself is still refused.
    assert!(change(&["--on", "--off"], &[]).ends(1).err.contains("Say --off or --on, not both."));
    let told = change(&["--client", "Nobody", "--all-clients"], &[]).ends(1);
    assert!(told.err.contains("Say --client or --all-clients, not both."), "{}", told.err);
}

#[test]
fn the_first_account_is_no_admin_of_one_client_alone() {
    let desk = Desk::new();
    let told = desk.run(&["user", "add", "ann", "--client", "Contoso"]).ends(1);
    assert!(told.err.contains("Make an admin of all clients first, or say --role"), "{}", told.err);
    assert!(desk.run(&["user", "list"]).ends(0).out.contains("No accounts yet"));
    // whoever never was the admin of all clients can be changed while there is none
    desk.run(&["user", "add", "vera", "--role", "viewer"]).ends(0);
    desk.run(&["user", "change", "vera", "--off"]).ends(0);
    let told = desk.run(&["user", "add", "ann"]).ends(0);
    assert!(told.out.contains("ann (admin)"), "{}", told.out);
}

#[test]
fn sync_says_that_it_runs_once() {
    let desk = Desk::new();
    assert!(desk.run(&["sync"]).ends(2).err.contains("sync --once"));
    assert!(desk.run(&["sync", "--once"]).ends(1).err.contains("There is no installation"));
}

#[test]
fn sync_says_how_many_incidents_need_somebody() {
    let twin = TwinProcess::start(&["--incidents", "3", "--workspaces", "1"]);
    let desk = Desk::new();
    let text = twin.file().lines().fold(String::new(), |text, line| match line.strip_prefix("priorities = ") {
        Some(_) => {
            text + "priorities = { High = \"None\", Medium = \"None\", Low = \"None\", Informational = \"None\" }\n"
        }
        None => text + line + "\n",
    });
    let file = desk.file("installation.toml", &text);
    twin.run(&desk, &["config", "apply", &file]).ends(0);
    // It did what can be done: that is no failure of the command.
    let told = twin.run(&desk, &["sync", "--once"]).ends(0);
    assert!(told.out.ends_with("3 incident(s) need somebody: see Problems in the console.\n"), "{}", told.out);
    let _server = ServerProcess::start(&twin, &desk);
    let told = twin.run(&desk, &["sync", "--once"]).ends(0);
    assert!(told.out.ends_with("3 incident(s) need somebody: see Problems in the console.\n"), "{}", told.out);
}
