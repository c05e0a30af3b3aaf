//! The admin commands as a person runs them: the real program, a real directory.

use std::{
    path::Path,
    process::{Command, Output},
    sync::Arc,
};

use halobridge::{
    clock::{Clock as _, SystemClock, SystemIds},
    ledger::fact::Fact,
    store::{InstanceMark, SealKey, Store},
};
use tempfile::TempDir;

use crate::config_faults::example;

/// A data directory and a way to run commands on it.
pub struct Desk {
    pub dir: TempDir,
}

impl Desk {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a directory") }
    }

    pub fn data(&self) -> std::path::PathBuf {
        self.dir.path().join("data")
    }

    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.display().to_string()
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_halobridge"));
        command
            .env_clear()
            .env("HALOBRIDGE_DATA_DIR", self.data())
            .env("HALOBRIDGE_MICROSOFT_SECRET", "hunter2-microsoft")
            .env("HALOBRIDGE_HALO_SECRET", "hunter2-halo")
            .args(args)
            .current_dir(self.dir.path());
        command
    }

    pub fn run(&self, args: &[&str]) -> Told {
        Told::of(&self.command(args).output().expect("runs"))
    }
}

/// What a command said.
pub struct Told {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Told {
    pub fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
        let told =
            Self { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) };
        assert!(!told.all().contains("hunter2"), "a secret was printed: {}", told.all());
        told
    }

    pub fn all(&self) -> String {
        format!("{}{}", self.out, self.err)
    }

    #[track_caller]
    pub fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}", self.all());
        self
    }
}

#[test]
fn check_apply_diff_export_on_a_fresh_directory() {
    let desk = Desk::new();
    let file = desk.file("small.toml", &example("smallest"));
    let told = desk.run(&["config", "check", &file]).ends(0);
    assert!(told.out.contains("sound"), "{}", told.out);
    assert!(!desk.data().exists(), "checking makes nothing");
    assert!(desk.run(&["config", "diff", &file]).ends(1).out.contains("everything would be new"));
    assert!(desk.run(&["config", "apply", &file, "--dry-run"]).ends(0).out.contains("everything would be new"));
    assert!(!desk.data().exists(), "a dry run makes nothing");

    let told = desk.run(&["config", "apply", &file]).ends(0);
    assert!(told.out.contains("+ workspace \"law-soc\"") && told.out.contains("5 entries changed"), "{}", told.out);
    assert!(desk.run(&["config", "apply", &file]).ends(0).out.contains("Nothing changed"));
    assert!(desk.run(&["config", "diff", &file]).ends(0).out.contains("No difference"));

    let live = desk.file("live.toml", &format!("{}mode = \"two-way\"\n", example("smallest")));
    let told = desk.run(&["config", "diff", &live]).ends(1);
    assert!(told.out.contains("mode: \"observe\" -> \"two-way\""), "{}", told.out);
    let told = desk.run(&["config", "apply", &live, "--dry-run"]).ends(0);
    assert!(told.out.contains("1 entry would change"), "{}", told.out);
    assert!(desk.run(&["config", "diff", &file]).ends(0).out.contains("No difference"), "a dry run changed nothing");

    let exported = desk.run(&["config", "export"]).ends(0).out;
    let back = desk.file("back.toml", &exported);
    assert!(desk.run(&["config", "apply", &back, "--prune"]).ends(0).out.contains("Nothing changed"));
    let key = std::fs::metadata(desk.data().join("halobridge.key")).expect("made");
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&key.permissions()) & 0o777, 0o600);
}

#[test]
fn faults_are_printed_with_file_line_and_column_and_leave_nothing_behind() {
    let desk = Desk::new();
    let text =
        example("smallest").replace("notes = \"public\"\n", "").replace("halo_client_id = 12", "halo_client_id = -1");
    let file = desk.file("bad.toml", &text);
    for command in ["check", "apply", "diff"] {
        let told = desk.run(&["config", command, &file]).ends(if command == "diff" { 2 } else { 1 });
        assert!(told.err.contains(&format!("{file}:17:18: error: client.halo_client_id is -1")), "{}", told.err);
        assert!(told.err.contains(&format!("{file}:19:1: error: policy.notes is missing")), "{}", told.err);
        assert!(told.err.contains("2 faults. Nothing was changed."), "{}", told.err);
    }
    assert!(!desk.data().exists(), "a faulty file makes no installation");
    let unset = Desk::new();
    let file = unset.file("small.toml", &example("smallest"));
    let output =
        unset.command(&["config", "apply", &file]).env_remove("HALOBRIDGE_HALO_SECRET").output().expect("runs");
    let told = Told::of(&output).ends(1);
    assert!(told.err.contains("HALOBRIDGE_HALO_SECRET, which is not set"), "{}", told.err);
    let output = unset
        .command(&["config", "apply", &file, "--secrets-later"])
        .env_remove("HALOBRIDGE_HALO_SECRET")
        .output()
        .expect("runs");
    Told::of(&output).ends(0);
}

#[test]
fn each_trouble_is_one_clear_sentence() {
    let desk = Desk::new();
    let small = desk.file("small.toml", &example("smallest"));
    let told = desk.run(&["config", "apply", "missing.toml"]).ends(1);
    assert!(told.err.contains("The file missing.toml cannot be read. Check its path"), "{}", told.err);
    let told = desk.run(&["config", "export"]).ends(1);
    assert!(told.err.contains("There is no installation in") && told.err.contains("--data-dir"), "{}", told.err);
    let broken = desk.file("broken.toml", "[[microsoft]\nname = 1");
    let told = desk.run(&["config", "check", &broken]).ends(1);
    assert!(told.err.contains("broken.toml:1:"), "{}", told.err);

    // A file stands where the directory should be: nobody, not even root, can write there.
    let blocked = desk.file("blocked", "");
    let output =
        desk.command(&["config", "apply", &small]).env("HALOBRIDGE_DATA_DIR", &blocked).output().expect("runs");
    let told = Told::of(&output).ends(1);
    assert!(told.err.contains("The data directory") && told.err.contains("--data-dir"), "{}", told.err);

    desk.run(&["config", "apply", &small]).ends(0);
    let output = desk.command(&["config", "export"]).env("HALOBRIDGE_KEY", "short").output().expect("runs");
    let told = Told::of(&output).ends(1);
    assert!(told.err.contains("HALOBRIDGE_KEY") && told.err.contains("64 hexadecimal digits"), "{}", told.err);
    make_readable_by_all(&desk.data().join("halobridge.key"));
    let told = desk.run(&["config", "export"]).ends(1);
    assert!(told.err.contains("chmod 600"), "{}", told.err);
}

fn make_readable_by_all(path: &Path) {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(path, mode).expect("set");
}

#[test]
fn a_backup_restores_and_a_running_server_hinders_it() {
    let desk = Desk::new();
    let small = desk.file("small.toml", &example("smallest"));
    desk.run(&["config", "apply", &small]).ends(0);
    let backup = desk.dir.path().join("copy.db").display().to_string();
    let told = desk.run(&["backup", &backup]).ends(0);
    assert!(told.out.contains("key that seals secrets is not in it"), "{}", told.out);
    assert!(desk.run(&["backup", &backup]).ends(1).err.contains("Choose another name, or remove it first"));

    let live = desk.file("live.toml", &format!("{}mode = \"two-way\"\n", example("smallest")));
    desk.run(&["config", "apply", &live]).ends(0);
    let lock = halobridge::store::lock_instance(&desk.data()).expect("free");
    let told = desk.run(&["restore", &backup]).ends(1);
    assert!(told.err.contains(&std::process::id().to_string()) && told.err.contains("Stop it first"), "{}", told.err);
    drop(lock);
    let told = desk.run(&["restore", &backup]).ends(0);
    assert!(told.out.contains(".before-restore") && told.out.contains("only read until"), "{}", told.out);
    assert!(desk.run(&["config", "diff", &small]).ends(0).out.contains("No difference"), "the older state is back");

    let rubbish = desk.file("rubbish.db", "this is no database, but it is long enough to be looked at by somebody");
    let told = desk.run(&["restore", &rubbish]).ends(1);
    assert!(told.err.contains("is no backup. Name a file that"), "{}", told.err);
    let torn = desk.file("torn.db", "SQLite format 3\0 and then nothing that a database would say");
    let told = desk.run(&["restore", &torn]).ends(1);
    assert!(told.err.contains("was not restored"), "{}", told.err);
    assert!(desk.run(&["config", "diff", &small]).ends(0).out.contains("No difference"), "the database is untouched");
}

async fn changed(file: &str, sql: &'static str) {
    use sqlx::{ConnectOptions as _, Connection as _};
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file).create_if_missing(true);
    let mut database = options.connect().await.expect("opens");
    sqlx::raw_sql(sql).execute(&mut database).await.expect("changed");
    database.close().await.expect("closes");
}

#[tokio::test]
async fn another_programs_database_is_no_backup() {
    let desk = Desk::new();
    let small = desk.file("small.toml", &example("smallest"));
    desk.run(&["config", "apply", &small]).ends(0);
    for (name, sql) in [
        ("foreign.db", "CREATE TABLE x (a); INSERT INTO x VALUES (1)"),
        ("empty.db", "CREATE TABLE x (a); DROP TABLE x"),
    ] {
        let file = desk.dir.path().join(name).display().to_string();
        changed(&file, sql).await;
        let told = desk.run(&["restore", &file]).ends(1);
        assert!(told.err.contains("was not restored") && told.err.contains("another program's"), "{}", told.err);
    }
    assert!(desk.run(&["config", "diff", &small]).ends(0).out.contains("No difference"), "the database is untouched");
}

/// Copies the database's files as they lie there.
fn files_copied(desk: &Desk, name: &str) -> String {
    let to = desk.dir.path().join(name).display().to_string();
    for part in ["", "-wal", "-shm"] {
        let from = desk.data().join(format!("halobridge.db{part}"));
        if from.is_file() {
            std::fs::copy(&from, format!("{to}{part}")).expect("copied");
        }
    }
    to
}

#[tokio::test]
async fn a_copy_of_the_files_is_restored_with_its_log_and_only_reads() {
    let desk = Desk::new();
    let small = desk.file("small.toml", &example("smallest"));
    desk.run(&["config", "apply", &small]).ends(0);
    let opened = async || {
        let key = SealKey::from_file(&desk.data().join("halobridge.key"), false, Arc::new(SystemIds)).expect("the key");
        Store::open(&desk.data().join("halobridge.db"), key).await.expect("the database")
    };
    let mark = async |store: &Store| store.instance_mark(&desk.data(), &SystemIds).await.expect("read");
    let plain = files_copied(&desk, "plain.db");
    let before = opened().await;
    assert_eq!(mark(&before).await, InstanceMark::Same);
    let act = Fact::HumanAct { user: None, act: "looked".into(), pair: None, detail: serde_json::json!({}) };
    let mut tx = before.begin().await.expect("begun");
    tx.record(SystemClock.now(), None, act).await.expect("recorded");
    tx.commit().await.expect("committed");
    let last = before.latest_seq().await.expect("read");
    // Its last entry stands in the log alone.
    let with_log = files_copied(&desk, "with-log.db");
    assert!(std::fs::metadata(format!("{with_log}-wal")).is_ok_and(|log| log.len() > 0));

    desk.run(&["restore", &plain]).ends(0);
    let store = opened().await;
    assert_eq!(mark(&store).await, InstanceMark::Differs, "what `backup` did not write only reads as well");
    assert!(store.latest_seq().await.expect("read") < last);
    desk.run(&["restore", &with_log]).ends(0);
    let store = opened().await;
    assert_eq!(mark(&store).await, InstanceMark::Differs);
    assert_eq!(store.latest_seq().await.expect("read"), last);
}

#[tokio::test]
async fn a_backup_that_would_not_restore_says_so_at_once() {
    let desk = Desk::new();
    let small = desk.file("small.toml", &example("smallest"));
    desk.run(&["config", "apply", &small]).ends(0);
    changed(&desk.data().join("halobridge.db").display().to_string(), "UPDATE chains SET hash = zeroblob(32)").await;
    let backup = |name: &str| desk.dir.path().join(name).display().to_string();
    let told = desk.run(&["backup", &backup("checked.db")]).ends(1);
    assert!(told.err.contains("`restore` would refuse it") && told.err.contains("does not hold"), "{}", told.err);
    assert!(Path::new(&backup("checked.db")).is_file(), "it stays: there may be no better one");
    assert!(desk.run(&["restore", &backup("checked.db")]).ends(1).err.contains("does not hold"));
    desk.run(&["backup", &backup("unchecked.db"), "--no-check"]).ends(0);
}

#[test]
fn a_backup_carries_the_key_under_a_passphrase() {
    let desk = Desk::new();
    let small = desk.file("small.toml", &example("smallest"));
    desk.run(&["config", "apply", &small]).ends(0);
    let backup = desk.dir.path().join("copy.db").display().to_string();
    let told = desk.run(&["backup", &backup, "--with-key"]).ends(1);
    assert!(told.err.contains("HALOBRIDGE_BACKUP_PASSPHRASE"), "{}", told.err);
    let with = |args: &[&str], phrase: &str, data: &Path| {
        let output = desk
            .command(args)
            .env("HALOBRIDGE_BACKUP_PASSPHRASE", phrase)
            .env("HALOBRIDGE_DATA_DIR", data)
            .output()
            .expect("runs");
        Told::of(&output)
    };
    let phrase = "blue kettle sings softly";
    with(&["backup", &backup, "--with-key"], phrase, &desk.data()).ends(0);
    let other = desk.dir.path().join("other");
    let told = with(&["restore", &backup, "--with-key"], "not the right words", &other).ends(1);
    assert!(told.err.contains("passphrase does not open the key"), "{}", told.err);
    with(&["restore", &backup, "--with-key"], phrase, &other).ends(0);
    let key = |dir: &Path| std::fs::read_to_string(dir.join("halobridge.key")).expect("there").trim().to_owned();
    assert_eq!(key(&desk.data()), key(&other));
    with(&["config", "export"], phrase, &other).ends(0);
}

#[test]
fn a_key_that_a_restore_replaces_is_kept_however_many_follow() {
    let desk = Desk::new();
    let small = desk.file("small.toml", &example("smallest"));
    let with = |args: &[&str], data: &Path| {
        let mut command = desk.command(args);
        command.env("HALOBRIDGE_BACKUP_PASSPHRASE", "blue kettle sings softly").env("HALOBRIDGE_DATA_DIR", data);
        Told::of(&command.output().expect("runs")).ends(0)
    };
    let key = |data: &Path| std::fs::read_to_string(data.join("halobridge.key")).expect("there").trim().to_owned();
    let data = desk.data();
    with(&["config", "apply", &small], &data);
    let mut keys = vec![key(&data)];
    let mut backups = Vec::new();
    for name in ["one", "two"] {
        let other = desk.dir.path().join(name);
        with(&["config", "apply", &small], &other);
        let backup = desk.dir.path().join(format!("{name}.db")).display().to_string();
        with(&["backup", &backup, "--with-key"], &other);
        keys.push(key(&other));
        backups.push(backup);
    }
    for backup in &backups {
        let told = with(&["restore", backup, "--with-key"], &data);
        assert!(told.out.contains("The key that was there is now"), "{}", told.out);
    }
    // The same key once more replaces none.
    let told = with(&["restore", &backups[1], "--with-key"], &data);
    assert!(!told.out.contains("The key that was there"), "{}", told.out);
    let files = || std::fs::read_dir(&data).expect("a folder").map(|entry| entry.expect("an entry").path());
    for key in &keys {
        let holds = |path: &std::path::PathBuf| std::fs::read_to_string(path).is_ok_and(|text| text.trim() == key);
        assert_eq!(files().filter(holds).count(), 1, "each of the three is there");
    }
    assert_eq!(key(&data), keys[2]);
    with(&["config", "export"], &data);
}

#[test]
fn every_option_has_an_environment_variable_and_every_command_an_example() {
    fn walk(command: &clap::Command, path: &str, wrong: &mut Vec<String>) {
        for argument in command.get_arguments() {
            let id = argument.get_id().as_str();
            if argument.is_positional() || ["help", "version"].contains(&id) {
                continue;
            }
            if argument.get_env().is_none() {
                wrong.push(format!("{path} --{id} has no environment variable"));
            }
            if argument.get_help().is_none() {
                wrong.push(format!("{path} --{id} has no help"));
            }
        }
        let children: Vec<_> = command.get_subcommands().filter(|c| c.get_name() != "help").collect();
        let long = command.get_long_about().map(ToString::to_string).unwrap_or_default();
        if children.is_empty() && !long.contains("Example") {
            wrong.push(format!("{path} has no example in its long help"));
        }
        for child in children {
            walk(child, &format!("{path} {}", child.get_name()), wrong);
        }
    }
    let mut wrong = Vec::new();
    walk(&halobridge::cli::command(), "halobridge", &mut wrong);
    assert!(wrong.is_empty(), "{wrong:#?}");
}
