//! Bodies far beyond what is taken, from a client that writes all of it before it reads: it reads the answer all the same.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
};

use tokio::net::TcpListener;

use crate::support::{TestApp, seed::HOOK_SECRET};

const SENT: usize = 20 * 1024 * 1024;

/// What a plain client reads after it has written everything.
fn post(address: SocketAddr, path: &str, header: &str, announced: bool) -> String {
    let mut stream = TcpStream::connect(address).expect("connects");
    let size = if announced { format!("content-length: {SENT}") } else { "transfer-encoding: chunked".to_owned() };
    let head = format!("POST {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{header}\r\n{size}\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("the head is taken");
    let part = vec![b'x'; 64 * 1024];
    for _ in 0..SENT / part.len() {
        if !announced {
            write!(stream, "{:x}\r\n", part.len()).expect("the size is taken");
        }
        stream.write_all(&part).expect("the body is taken");
        if !announced {
            stream.write_all(b"\r\n").expect("the end of a part is taken");
        }
    }
    if !announced {
        stream.write_all(b"0\r\n\r\n").expect("the end is taken");
    }
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer can be read");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_sends_far_too_much_reads_the_answer() {
    let app = TestApp::new().await;
    app.seed_installation().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = app.router.clone().into_make_service_with_connect_info::<SocketAddr>();
    let server = tokio::spawn(async move { axum::serve(listener, service).await });
    let form = "content-type: application/x-www-form-urlencoded";
    let secret = format!("x-halobridge-secret: {HOOK_SECRET}");
    let bearer = format!("authorization: Bearer {HOOK_SECRET}");
    for announced in [true, false] {
        for (path, header, status) in [
            ("/preferences", form, "413 "),
            ("/hooks/sentinel/ws1", secret.as_str(), "413 "),
            ("/hooks/sentinel/ws1", "x-halobridge-secret: wrong", "401 "),
            ("/hooks/halo/desk", bearer.as_str(), "413 "),
            ("/hooks/halo/desk", "accept: */*", "401 "),
            ("/api/push", "accept: */*", "401 "),
            ("/nowhere", form, "404 "),
        ] {
            let header = header.to_owned();
            let answer = tokio::task::spawn_blocking(move || post(address, path, &header, announced)).await.unwrap();
            let first = answer.lines().next().unwrap_or_default();
            assert!(first.starts_with(&format!("HTTP/1.1 {status}")), "{path}, announced {announced}: {first:?}");
        }
    }
    server.abort();
}
