//! Values of options, as people and environment files write them.

use std::net::{Ipv4Addr, SocketAddr};

/// A switch in an environment variable; on the command line it has no value.
///
/// # Errors
/// Anything else, with what may be written.
pub fn switch(text: &str) -> Result<bool, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "" | "0" | "false" | "no" | "off" => Ok(false),
        _ => Err("write true or false (also 1 or 0, yes or no, on or off) into its environment variable".to_owned()),
    }
}

/// Where to listen: `ADDR:PORT`; `localhost:PORT`, `:PORT` and `PORT` mean loopback.
///
/// # Errors
/// Anything else, with how it is written.
pub fn listen(text: &str) -> Result<SocketAddr, String> {
    let text = text.trim();
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let port = text.strip_prefix("localhost").unwrap_or(text);
    match port.strip_prefix(':').unwrap_or(port).parse() {
        Ok(port) => Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port))),
        Err(_) => Err("write an IP address and a port, e.g. 127.0.0.1:8440, 0.0.0.0:8440, [::1]:8440 or \
                       localhost:8440"
            .to_owned()),
    }
}
