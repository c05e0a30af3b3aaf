//! Where requests may go: https, and no host of this machine or of a private network.
//!
//! Checked twice: on the address as written, and on every address a name resolves to (a public name
//! may point inward). A connection with `allow_insecure = true` is exempt: it is meant for test hosts.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// Why an address is refused; the text names the field and the remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlRefused {
    /// Not an address at all.
    #[error("{0}: {1:?} is not a web address. Write it like https://name.example/api.")]
    NotAnAddress(String, String),
    /// http.
    #[error(
        "{0}: only https is allowed. Use https, or set allow_insecure = true on this connection (test hosts only)."
    )]
    NotHttps(String),
    /// User name or password inside the address.
    #[error("{0}: an address must not hold a user name or password. Remove them.")]
    Credentials(String),
    /// Loopback, private, link-local, metadata.
    #[error(
        "{0}: {1} is not a public host. Use the public address, or set allow_insecure = true on this connection \
         (test hosts only)."
    )]
    NotPublic(String, String),
}

/// Checks an address as written; `field` names the setting it comes from.
///
/// # Errors
/// Says what is wrong with it and the remedy.
pub fn check(field: &str, address: &str, allow_insecure: bool) -> Result<Url, UrlRefused> {
    let bad = || UrlRefused::NotAnAddress(field.to_owned(), address.chars().take(200).collect());
    let url = Url::parse(address.trim()).map_err(|_| bad())?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(UrlRefused::Credentials(field.to_owned()));
    }
    let host = url.host().ok_or_else(bad)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(bad());
    }
    if allow_insecure {
        return Ok(url);
    }
    if url.scheme() != "https" {
        return Err(UrlRefused::NotHttps(field.to_owned()));
    }
    let refused = match host {
        Host::Ipv4(ip) => !public(IpAddr::V4(ip)),
        Host::Ipv6(ip) => !public(IpAddr::V6(ip)),
        Host::Domain(name) => inward_name(name),
    };
    if refused {
        return Err(UrlRefused::NotPublic(field.to_owned(), host.to_string()));
    }
    Ok(url)
}

/// Names that never lead to a public host.
fn inward_name(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let ends = [".localhost", ".local", ".internal", ".lan", ".home", ".intranet", ".home.arpa"];
    name == "localhost" || !name.contains('.') || ends.iter().any(|end| name.ends_with(end))
}

/// Whether an address is one of the public internet.
pub fn public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => public_v4(ip),
        IpAddr::V6(ip) => public_v6(ip),
    }
}

fn public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let inward = ip.is_loopback()
        || ip.is_private()
        || ip.is_link_local()
        || ip.is_broadcast()
        || ip.is_multicast()
        || ip.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (b == 18 || b == 19));
    // 168.63.129.16 is Azure's own wire server, reachable from every machine there.
    !inward && ip != Ipv4Addr::new(168, 63, 129, 16)
}

fn public_v6(ip: Ipv6Addr) -> bool {
    let segments = ip.segments();
    let [first, second, ..] = segments;
    if ip.is_loopback() || ip.is_unspecified() || ip.is_multicast() {
        return false;
    }
    if let Some(v4) = ip.to_ipv4_mapped() {
        return public_v4(v4);
    }
    match first {
        // IPv4-compatible, discard-only and the like: nothing public lies there.
        0 | 0x0100 => false,
        // NAT64 carries an IPv4 address.
        0x0064 => {
            second == 0xff9b && {
                let [.., high, low] = segments;
                public_v4(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)))
            }
        }
        // 6to4 carries one too.
        0x2002 => {
            let [_, high, low, ..] = segments;
            public_v4(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)))
        }
        0x2001 if second == 0x0db8 => false,
        // Unique local fc00::/7, link local fe80::/10, old site local fec0::/10.
        _ => !(first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfe80 || first & 0xffc0 == 0xfec0),
    }
}
