//! Bar R9, on a file system that is really full: said once and clearly, and got over without anybody's help.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use halobridge::store::DeliveryFilter;
use serde_json::json;

use crate::outside::{HOOK, Installation, Wanted, until};

const SENTENCE: &str = "The disk with the data directory is full. Free some space;";

/// A small file system in memory; gone with this value.
struct Small(PathBuf);

impl Small {
    /// `None`, with the reason printed, where it may not be mounted.
    fn mounted(at: &Path, size: &str) -> Option<Self> {
        std::fs::create_dir(at).expect("made");
        let options = format!("size={size},mode=0700");
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(at).output();
        match mount {
            Ok(done) if done.status.success() => Some(Self(at.to_owned())),
            Ok(done) => {
                eprintln!("skipped, no file system can be mounted: {}", String::from_utf8_lossy(&done.stderr).trim());
                None
            }
            Err(error) => {
                eprintln!("skipped, no file system can be mounted: {error}");
                None
            }
        }
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

/// Writes until nothing more fits.
fn fill(file: &Path) {
    let mut filler = std::fs::File::create(file).expect("made");
    for piece in [vec![b'x'; 64 * 1024], vec![b'x'; 512]] {
        while filler.write_all(&piece).is_ok() {}
    }
}

/// Lines of the log that are no mere information.
fn complaints(log: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(log).expect("the log");
    text.lines().filter(|line| line.contains("ERROR") || line.contains("WARN")).map(str::to_owned).collect()
}

#[tokio::test]
async fn a_full_disk_is_said_once_and_got_over_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(small) = Small::mounted(&folder.path().join("data"), "8m") else { return };
    let place = Installation::in_folder(folder, &["--workspaces", "1"], &Wanted::default());
    let workspace = place.workspaces().remove(0);
    let (mut server, address) = place.serve();
    let mut visitor = place.signed_in(&address, "ada").await;
    let hook = format!("{address}/hooks/sentinel/{workspace}");
    let headers = [("x-halobridge-secret", HOOK)];
    let body = |n: usize, size: usize| json!({ "number": n, "padding": "x".repeat(size) }).to_string().into_bytes();
    let (mut acknowledged, mut turned_away) = (Vec::new(), Vec::new());
    assert!(!visitor.get("/").await.1.contains(SENTENCE));

    let filler = small.0.join("filler");
    fill(&filler);
    let began = Instant::now();
    let before = complaints(&place.log()).len();
    // What the journal has room for is still taken; then nothing is, and every sender is told so. A small one still
    // finds room where a large one does not.
    for (kind, size) in [100_000, 10].into_iter().enumerate() {
        let mut refused = 0;
        for n in 0..400 {
            let n = 1_000 * kind + n;
            let answer = place.http.answer("POST", &hook, &headers, body(n, size)).await.expect("an answer");
            match answer.status().as_u16() {
                202 => acknowledged.push(n),
                503 => {
                    assert!(answer.headers().contains_key("retry-after"));
                    turned_away.push(n);
                    refused += 1;
                }
                other => panic!("{other}: {}", String::from_utf8_lossy(answer.body())),
            }
            if refused >= 10 {
                break;
            }
        }
        assert_eq!(refused, 10, "of {size} bytes; {} were taken", acknowledged.len());
    }
    let mut doctor = std::process::Command::new(env!("CARGO_BIN_EXE_halobridge"));
    let told = doctor.args(["doctor", "--offline", "--data-dir"]).arg(&small.0).output().expect("runs");
    let said = String::from_utf8_lossy(&told.stdout);
    assert!(!told.status.success() && said.contains("FAULT  data directory") && said.contains("is full"), "{said}");
    let (status, page) = visitor.get("/").await;
    assert_eq!(status, 200, "what is there is still shown");
    assert!(page.contains(SENTENCE), "and the page says what is wrong");
    let (ready, why) = visitor.get("/readyz").await;
    assert!(ready == 503 && why.contains(SENTENCE), "a supervisor hears of it too: {ready} {why}");
    let refused = visitor.post(&format!("/workspaces/{workspace}/sync"), &[]).await;
    assert!([404, 503].contains(&refused.status().as_u16()), "{}", refused.status());
    // A page or two may still find room: each of these writes uses some of it up.
    let mut signing_out = visitor.post("/account/sessions", &[]).await;
    for _ in 0..200 {
        if signing_out.status() == 503 {
            break;
        }
        signing_out = visitor.post("/account/sessions", &[]).await;
    }
    assert_eq!(signing_out.status(), 503);
    assert!(String::from_utf8_lossy(signing_out.body()).contains(SENTENCE));
    let incident = place.raise(&workspace).await;
    let mut told = 0;
    while place.announce(&address, &workspace, &incident, "while full").await {
        told += 1;
        assert!(told < 50, "every webhook is taken");
    }
    assert_eq!(visitor.get("/readyz").await.0, 503, "what still found room is no sign that it is over");
    let said = complaints(&place.log()).split_off(before);
    let minutes = usize::try_from(began.elapsed().as_secs() / 60).expect("few");
    assert!((1..=1 + minutes).contains(&said.len()), "one line a minute: {said:#?}");
    assert!(said.iter().all(|line| line.contains(SENTENCE)), "{said:#?}");

    // Space returns; nobody touches the program.
    std::fs::remove_file(&filler).expect("removed");
    until("the page says nothing any more", 60, async || (!visitor.get("/").await.1.contains(SENTENCE)).then_some(()))
        .await;
    for n in turned_away {
        let sent = place.http.send("POST", &hook, &headers, body(n, 10)).await.expect("an answer");
        assert_eq!(sent.0, 202, "sent again");
        acknowledged.push(n);
    }
    assert!(place.announce(&address, &workspace, &incident, "again").await);
    until("the ticket is there", 60, async || {
        let state = place.twin.get(&place.http, "state").await;
        (!state["halo"]["halo"]["tickets"].as_array().expect("tickets").is_empty()).then_some(())
    })
    .await;
    assert_eq!(server.stop().await.code(), Some(0));
    let store = place.store().await;
    assert!(store.integrity_check().await.expect("checked").is_empty());
    store.verify_ledger().await.expect("the ledger holds");
    let rows = store.deliveries_page(&DeliveryFilter::default(), None, 1_000).await.expect("read").rows;
    let mut kept = Vec::new();
    for row in rows {
        let whole = store.delivery(row.id).await.expect("read").expect("there");
        let text: serde_json::Value = serde_json::from_slice(&whole.body).expect("JSON");
        kept.extend(text["number"].as_u64().and_then(|n| usize::try_from(n).ok()));
    }
    kept.sort_unstable();
    acknowledged.sort_unstable();
    assert_eq!(kept, acknowledged, "what was acknowledged is there, once, and nothing else");
    drop(store);
    drop(place);
    drop(small);
}
