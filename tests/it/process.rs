//! Starting and stopping the real program: what it refuses, with which sentence, and that it stops in time.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Command, Output},
};

use halobridge::{ledger::fact::Fact, store::LedgerFilter};
use serde_json::json;
use sqlx::{ConnectOptions as _, Connection as _};

use crate::outside::{Installation, Process, Wanted, program, until};

fn error_of(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    let errors: Vec<&str> = text.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(errors.len(), 1, "one clear sentence: {text}");
    errors[0].to_owned()
}

#[track_caller]
fn says(output: &Output, parts: &[&str]) {
    let error = error_of(output);
    for part in parts {
        assert!(error.contains(part), "{part:?} is not in {error:?}");
    }
}

fn small() -> Installation {
    Installation::new(&["--workspaces", "1"], &Wanted::default())
}

#[tokio::test]
async fn sigterm_in_the_moment_of_readiness_is_a_stop_too() {
    let place = small();
    for _ in 0..5 {
        let (mut server, _) = place.serve();
        assert_eq!(server.stop().await.code(), Some(0), "the server");
        let mut command = program();
        command.args(["twin", "--listen", "127.0.0.1:0", "--json"]);
        let mut twin = Process::start(command, &place.folder.path().join("twin.log"));
        twin.line("{").expect("says that it is ready");
        assert_eq!(twin.stop().await.code(), Some(0), "the twin");
    }
}

#[tokio::test]
async fn sigterm_ends_it_although_calls_hang_and_a_client_dawdles() {
    let place = small();
    let workspace = place.workspaces().remove(0);
    let (mut server, address) = place.serve();
    // Every answer of the clouds now takes ten minutes: far longer than anything here waits.
    place.twin.post(&place.http, "faults", &json!({"effect": "slow", "side": "arm", "ms": 600_000})).await;
    let incident = place.raise(&workspace).await;
    assert!(place.announce(&address, &workspace, &incident, "one").await);
    until("a call hangs", 60, async || {
        let calls = place.twin.get(&place.http, "calls?kind=sentinel.incident.list").await;
        calls["calls"].as_array().expect("calls").iter().any(|call| call["note"] == "slow ").then_some(())
    })
    .await;
    // And a client that announced more than it sends.
    let mut dawdler = TcpStream::connect(address.trim_start_matches("http://")).expect("connects");
    let head = format!("POST /hooks/sentinel/{workspace} HTTP/1.1\r\nhost: here\r\ncontent-length: 100\r\n\r\nhalf");
    dawdler.write_all(head.as_bytes()).expect("sent");
    let mut ended = server.stop().await;
    assert_eq!(ended.code(), Some(0), "after SIGTERM it ends by itself, and well");
    let mut rest = Vec::new();
    let _ = dawdler.read_to_end(&mut rest);

    // What was acknowledged before is taken up by the next one.
    place.twin.delete(&place.http, "faults").await;
    let (mut next, _) = place.serve();
    until("the ticket is there", 60, async || {
        let state = place.twin.get(&place.http, "state").await;
        (!state["halo"]["halo"]["tickets"].as_array().expect("tickets").is_empty()).then_some(())
    })
    .await;
    ended = next.stop().await;
    assert_eq!(ended.code(), Some(0));
}

#[tokio::test]
async fn a_data_directory_that_is_moved_away_is_noticed_and_said_until_it_is_back() {
    const SENTENCE: &str = "The database file is gone from its place";
    let place = small();
    let workspace = place.workspaces().remove(0);
    let (_server, address) = place.serve();
    let mut visitor = place.signed_in(&address, "ada").await;
    let incident = place.raise(&workspace).await;
    assert!(place.announce(&address, &workspace, &incident, "before").await);
    let aside = place.folder.path().join("aside");
    std::fs::rename(place.data(), &aside).expect("moved away");
    assert!(!place.announce(&address, &workspace, &incident, "meanwhile").await, "not acknowledged: it is not kept");
    let (ready, why) = visitor.get("/readyz").await;
    assert!(ready == 503 && why.contains(SENTENCE), "{ready} {why}");
    assert!(visitor.get("/").await.1.contains(SENTENCE), "and the page says so");
    std::fs::rename(&aside, place.data()).expect("put back");
    until("it is over", 60, async || (visitor.get("/readyz").await.0 == 200).then_some(())).await;
    assert!(place.announce(&address, &workspace, &incident, "after").await);
    let log = std::fs::read_to_string(place.log()).expect("the log");
    let said = log.lines().filter(|line| line.contains(SENTENCE)).count();
    assert_eq!(said, 1, "once, not with every webhook: {log}");
}

#[tokio::test]
async fn connections_that_say_nothing_leave_room_for_those_that_do() {
    let place = small();
    let workspace = place.workspaces().remove(0);
    // With so few file handles as few connections as a test can hold are too many.
    let plain = place.command(&["serve", "--listen", "127.0.0.1:0"]);
    let mut limited = Command::new("/bin/sh");
    limited.env_clear().current_dir(place.folder.path());
    limited.args(["-c", "ulimit -n 128 && exec \"$0\" \"$@\""]).arg(plain.get_program()).args(plain.get_args());
    limited.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut server = Process::start(limited, &place.log());
    let line = server.line("Halobridge serves ").expect("it serves");
    let address = line.trim_start_matches("Halobridge serves ").trim().trim_end_matches('/').to_owned();
    let silent: Vec<TcpStream> = (0..140)
        .map(|_| TcpStream::connect(address.trim_start_matches("http://")).expect("the system takes it"))
        .collect();
    let asked = place.http.send("GET", &format!("{address}/healthz"), &[], Vec::new()).await.expect("an answer");
    assert_eq!(asked.0, 200, "{}", String::from_utf8_lossy(&asked.1));
    let incident = place.raise(&workspace).await;
    assert!(place.announce(&address, &workspace, &incident, "one").await);
    until("the engine has handles of its own: the ticket is there", 60, async || {
        let state = place.twin.get(&place.http, "state").await;
        (!state["halo"]["halo"]["tickets"].as_array().expect("tickets").is_empty()).then_some(())
    })
    .await;
    assert_eq!(server.stop().await.code(), Some(0), "and none of them holds up the stop");
    drop(silent);
}

#[tokio::test]
async fn a_second_process_names_the_first() {
    let place = small();
    let (server, _) = place.serve();
    let second = place.command(&["serve", "--listen", "127.0.0.1:0"]).output().expect("runs");
    says(&second, &[&format!("process {}", server.pid()), "already runs", "Stop it first"]);
}

/// The copy alone may have noticed that two write.
#[tokio::test]
async fn a_confirmation_is_written_down_also_where_nothing_was_noticed() {
    let place = small();
    let (mut server, _) = place.serve();
    assert_eq!(server.stop().await.code(), Some(0));
    assert_eq!(place.store().await.forgotten_until().await.expect("it is read"), None);
    let command = place.command(&["serve", "--listen", "127.0.0.1:0", "--confirm-instance"]);
    let mut server = Process::start(command, &place.log());
    server.line("Halobridge serves ").expect("it serves");
    assert_eq!(server.stop().await.code(), Some(0));
    let store = place.store().await;
    assert!(store.forgotten_until().await.expect("it is read").is_some());
    let filter = LedgerFilter { fact: Some("human-act".into()), ..LedgerFilter::default() };
    let entries = store.ledger_page(&filter, None, 100).await.expect("the ledger");
    let confirmed = |fact: &Fact| matches!(fact, Fact::HumanAct { act, .. } if act == "confirm-instance");
    assert_eq!(entries.iter().filter(|item| item.fact.as_ref().is_some_and(confirmed)).count(), 1);
    let log = std::fs::read_to_string(place.log()).expect("the log");
    assert_eq!(log.lines().filter(|line| line.contains("was confirmed as the one to go on with")).count(), 1, "{log}");
}

#[tokio::test]
async fn before_the_first_admin_only_loopback_is_listened_on() {
    let place = small();
    let refused = place.command(&["serve", "--listen", "0.0.0.0:0"]).output().expect("runs");
    says(&refused, &["no admin yet", "loopback", "127.0.0.1", "user add"]);
    let listening = place.command(&["serve", "--listen", "[::]:0"]).output().expect("runs");
    says(&listening, &["loopback"]);
}

#[tokio::test]
async fn a_port_in_use_is_named_with_the_remedy() {
    let place = small();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let refused = place.command(&["serve", "--listen", &address]).output().expect("runs");
    says(&refused, &[&format!("Cannot listen on {address}"), "--listen"]);
}

#[test]
fn a_data_directory_that_cannot_be_written_is_named_with_the_remedy() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    std::fs::write(&file, "in the way").expect("written");
    let serve = |data: &std::path::Path| {
        program().args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(data).output().expect("runs")
    };
    says(&serve(&file.join("data")), &["The data directory", "cannot be used", "--data-dir"]);

    use std::os::unix::fs::PermissionsExt as _;
    let rights = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode));
    let shut = folder.path().join("shut");
    std::fs::create_dir(&shut).expect("made");
    rights(&shut, 0o500).expect("shut");
    let words = ["The data directory", "cannot be used", "the right to write", "--data-dir"];
    if !rustix::process::geteuid().is_root() {
        says(&serve(&shut), &words);
        return;
    }
    // No permission stops the superuser: the program runs as somebody else, who owns the directory.
    rights(folder.path(), 0o755).expect("open");
    std::os::unix::fs::chown(&shut, Some(NOBODY), Some(NOBODY)).expect("given away");
    let own = folder.path().join("halobridge");
    let built = program().get_program().to_owned();
    std::fs::hard_link(&built, &own).or_else(|_| std::fs::copy(&built, &own).map(drop)).expect("a copy in reach");
    let mut somebody = Command::new("setpriv");
    somebody.args([format!("--reuid={NOBODY}"), format!("--regid={NOBODY}"), "--clear-groups".into()]).arg(&own);
    let refused = somebody.env_clear().args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(&shut).output();
    says(&refused.expect("setpriv is part of util-linux"), &words);
    assert_eq!(std::fs::read_dir(&shut).expect("listed").count(), 0, "nothing was left behind");
}

/// A user who owns nothing.
const NOBODY: u32 = 65_534;

#[tokio::test]
async fn a_newer_database_is_left_alone() {
    let place = small();
    let path = place.data().join("halobridge.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path);
    let mut database = options.connect().await.expect("opens");
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
        VALUES (999, 'of the future', 1, x'00', 0)";
    sqlx::query(newer).execute(&mut database).await.expect("marked");
    database.close().await.expect("closed");
    let before = std::fs::read(&path).expect("read");
    let refused = place.command(&["serve", "--listen", "127.0.0.1:0"]).output().expect("runs");
    says(&refused, &["newer than this program", "999", "newer program again"]);
    assert_eq!(std::fs::read(&path).expect("read"), before, "it was not touched");
}
