//! The network transport against a bare listener in this process.

use bytes::Bytes;
use halobridge::outbound::{Transport, TransportError, network::Network};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinHandle,
};

/// Answers one connection with these bytes; gives back what was sent.
async fn serve(answer: Vec<u8>) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let task = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut heard = Vec::new();
        let mut buffer = [0; 4096];
        while !heard.windows(4).any(|w| w == b"\r\n\r\n") {
            let n = socket.read(&mut buffer).await.unwrap();
            assert!(n > 0);
            heard.extend_from_slice(&buffer[..n]);
        }
        let _ = socket.write_all(&answer).await;
        let _ = socket.shutdown().await;
        String::from_utf8_lossy(&heard).into_owned()
    });
    (address, task)
}

fn get(address: &str) -> http::Request<Bytes> {
    http::Request::get(address).body(Bytes::new()).unwrap()
}

async fn send(answer: &[u8]) -> Result<http::Response<Bytes>, TransportError> {
    let (address, task) = serve(answer.to_vec()).await;
    let result = Network::new(true).unwrap().send(get(&format!("{address}/x?y=1"))).await;
    task.await.unwrap();
    result
}

#[tokio::test]
async fn an_answer_comes_back_whole_and_a_redirect_is_not_followed() {
    let answer = send(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-a: b\r\n\r\nok").await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), answer.body().as_ref(), &answer.headers()["x-a"]),
        (200, &b"ok"[..], &"b".parse().unwrap())
    );
    let answer =
        send(b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    assert_eq!(answer.status().as_u16(), 302);
}

/// What a call says on the wire of its body's length.
async fn length_told(method: &str, body: &'static str) -> Option<String> {
    let (address, task) = serve(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_vec()).await;
    let body = Bytes::from_static(body.as_bytes());
    let request = http::Request::builder().method(method).uri(&address).body(body).unwrap();
    Network::new(true).unwrap().send(request).await.unwrap();
    let heard = task.await.unwrap();
    let lines = heard.lines().filter_map(|line| line.split_once(':'));
    let told: Vec<&str> = lines
        .filter(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map(|(_, length)| length.trim())
        .collect();
    assert!(told.len() <= 1, "{heard}");
    told.first().map(|length| (*length).to_owned())
}

/// Azure answers 411 to an empty `POST` that does not say that it is empty.
#[tokio::test]
async fn an_empty_post_says_that_it_is_empty() {
    for method in ["POST", "PUT", "PATCH"] {
        assert_eq!(length_told(method, "").await.as_deref(), Some("0"), "{method}");
        assert_eq!(length_told(method, "body").await.as_deref(), Some("4"), "{method}");
    }
    assert_eq!(length_told("GET", "").await, None);
}

#[tokio::test]
async fn not_sent_and_no_answer_are_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let closed = Network::new(true).unwrap().send(get(&address)).await.unwrap_err();
    assert!(matches!(closed, TransportError::NotSent(_)), "{closed}");
    let cut = send(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf").await.unwrap_err();
    assert!(matches!(cut, TransportError::NoAnswer(_)), "{cut}");
    let silent = send(b"").await.unwrap_err();
    assert!(matches!(silent, TransportError::NoAnswer(_)), "{silent}");
    let nonsense = send(b"SSH-2.0-x\r\n\r\n").await.unwrap_err();
    assert!(matches!(nonsense, TransportError::NoAnswer(_)), "{nonsense}");
}

#[tokio::test]
async fn an_endless_body_is_given_up() {
    let mut answer = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    answer.resize(answer.len() + 33 * 1024 * 1024, b'x');
    let error = send(&answer).await.unwrap_err();
    assert!(matches!(error, TransportError::TooMuch(_)), "{error}");
    assert!(error.to_string().contains("32 MiB"), "{error}");
}

#[tokio::test]
async fn inward_addresses_are_refused_unless_the_connection_allows_it() {
    let network = Network::new(false).unwrap();
    for address in
        ["http://management.azure.com/", "https://127.0.0.1:9/", "https://localhost:9/", "https://169.254.169.254/"]
    {
        let error = network.send(get(address)).await.unwrap_err();
        assert!(matches!(error, TransportError::Refused(_)), "{address}: {error}");
        assert!(error.to_string().contains("allow_insecure"), "{error}");
    }
}

/// Answers the first request of each connection whole, and drops the connection when a second one comes.
async fn serve_once_each(listener: TcpListener) {
    loop {
        let (mut socket, _) = listener.accept().await.unwrap();
        tokio::spawn(async move {
            let mut buffer = [0; 4096];
            if socket.read(&mut buffer).await.unwrap() > 0 {
                socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
            }
            let _ = socket.read(&mut buffer).await;
        });
    }
}

#[tokio::test]
async fn a_server_that_drops_its_connections_is_given_a_new_one_for_each_call() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(serve_once_each(listener));
    let network = Network::new(true).unwrap();
    assert!(network.send(get(&address)).await.is_ok());
    // Nothing is repeated here: the call on the pooled connection fails, and is known to have been sent.
    assert!(matches!(network.send(get(&address)).await.unwrap_err(), TransportError::NoAnswer(_)));
    for _ in 0..5 {
        assert!(network.send(get(&address)).await.is_ok(), "each on a connection of its own");
    }
    server.abort();
}
