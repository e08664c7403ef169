//! What is known of the provider before it is asked.

use reqwest::{Certificate, Url};

/// The path at which a browser comes back from the provider. The provider must know it as a redirect URI.
pub const RETURN: &str = "/dashboard/sign-in/return";
/// The path to which the provider lets go who has signed out. It must know it as a post-logout redirect URI.
pub const SIGNED_OUT: &str = "/dashboard/sign-in/out";

/// Longest address.
const CHARS_MAX: usize = 1024;
/// Characters of a secret.
const PASSWORD_CHARS_MAX: usize = 1024;
/// Authorities in one file.
const AUTHORITIES_MAX: usize = 1000;

/// A provider and this client of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Who it is.
    pub issuer: Issuer,
    /// What it calls this bus.
    pub client_id: String,
    /// What proves to it that this bus asks.
    pub client_secret: Password,
    /// Where people open the dashboard.
    pub base: Base,
    /// What is asked for; `openid` is among it.
    pub scopes: Vec<String>,
    /// The claim with a person's groups: a name, or names with dots between them for a claim within claims.
    pub groups_claim: String,
    /// Who may have signed its certificate, where not the machine's authorities.
    pub ca: Option<Authorities>,
}

/// Why an address cannot be the provider's or this bus's. Never repeats it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressFault {
    /// No address.
    #[error("not an address with a scheme and a host")]
    Shape,
    /// Plain http to another machine.
    #[error("not https: only a provider or a bus on this very machine may be reached by http")]
    Plain,
    /// User, password, query or fragment.
    #[error("an address here has no user, no query and no fragment")]
    More,
    /// A path, where there is none.
    #[error("an address here has no path")]
    Path,
}

/// A provider's name for itself: an https address (http on this machine), compared letter by letter.
#[derive(Clone, PartialEq, Eq)]
pub struct Issuer(String);

impl Issuer {
    /// Parses one.
    pub fn parse(text: &str) -> Result<Self, AddressFault> {
        parse(text).map(|_| Self(text.to_owned()))
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is reached by plain http, on this machine.
    pub fn is_plain(&self) -> bool {
        self.0.starts_with("http:")
    }
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where people open the dashboard: scheme, host and port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base(String);

impl Base {
    /// Parses one; a slash at its end does not count.
    pub fn parse(text: &str) -> Result<Self, AddressFault> {
        let url = parse(text)?;
        if url.path() != "/" {
            return Err(AddressFault::Path);
        }
        Ok(Self(url.as_str().trim_end_matches('/').to_owned()))
    }

    /// The address of a path.
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    /// Whether cookies for it may travel by https alone.
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https:")
    }
}

fn parse(text: &str) -> Result<Url, AddressFault> {
    if text.len() > CHARS_MAX || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(AddressFault::Shape);
    }
    let url = Url::parse(text).map_err(|_| AddressFault::Shape)?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(AddressFault::Shape);
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        return Err(AddressFault::Plain);
    }
    let alone = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    if !alone || url.fragment().is_some() {
        return Err(AddressFault::More);
    }
    Ok(url)
}

/// Whether an address leads to this very machine, where nobody listens on the way.
pub(super) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// A client's secret. It is never shown.
#[derive(Clone)]
pub struct Password(String);

impl Password {
    /// Takes one; white space around it (the newline of a file) does not count.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let legal =
            !text.is_empty() && text.chars().count() <= PASSWORD_CHARS_MAX && !text.chars().any(char::is_control);
        legal.then(|| Self(text.to_owned()))
    }

    /// The secret itself.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(***)")
    }
}

impl PartialEq for Password {
    fn eq(&self, other: &Self) -> bool {
        aws_lc_rs::constant_time::verify_slices_are_equal(self.0.as_bytes(), other.0.as_bytes()).is_ok()
    }
}

impl Eq for Password {}

/// Certificates of authorities, as PEM.
#[derive(Clone, PartialEq, Eq)]
pub struct Authorities(Vec<u8>);

impl Authorities {
    /// Takes a PEM file's bytes; `None` where no certificate stands in them.
    pub fn parse(pem: Vec<u8>) -> Option<Self> {
        let found = Certificate::from_pem_bundle(&pem).ok()?;
        (!found.is_empty() && found.len() <= AUTHORITIES_MAX).then_some(Self(pem))
    }

    pub(super) fn certificates(&self) -> Vec<Certificate> {
        Certificate::from_pem_bundle(&self.0).unwrap_or_default()
    }
}

impl std::fmt::Debug for Authorities {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Authorities({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_reached_by_plain_http() {
        for good in
            ["https://id.example/realms/gov", "https://id.example/", "http://127.0.0.1:3000", "http://[::1]:3000/x"]
        {
            assert_eq!(Issuer::parse(good).map(|issuer| issuer.as_str().to_owned()).as_deref(), Ok(good));
        }
        for (bad, fault) in [
            ("http://id.example", AddressFault::Plain),
            ("http://localhost.evil.example", AddressFault::Plain),
            ("http://127.0.0.1.evil.example", AddressFault::Plain),
            ("ftp://id.example", AddressFault::Shape),
            ("id.example", AddressFault::Shape),
            ("https://", AddressFault::Shape),
            ("https://id.example/a b", AddressFault::Shape),
            ("https://me:secret@id.example", AddressFault::More),
            ("https://id.example?x=1", AddressFault::More),
            ("https://id.example#x", AddressFault::More),
        ] {
            assert_eq!(Issuer::parse(bad), Err(fault), "{bad}");
        }
        assert_eq!(Base::parse("https://bus.example/").unwrap().at(RETURN), format!("https://bus.example{RETURN}"));
        assert_eq!(Base::parse("https://bus.example/falaj"), Err(AddressFault::Path));
    }

    #[test]
    fn a_secret_is_never_shown() {
        let secret = Password::parse("hidden-from-all\n").unwrap();
        assert_eq!((format!("{secret:?}").as_str(), secret.expose()), ("Password(***)", "hidden-from-all"));
        assert!(Password::parse(" \n").is_none() && Password::parse("a\nb").is_none());
    }

    #[test]
    fn what_is_no_certificate_is_no_authority() {
        assert!(Authorities::parse(b"-----BEGIN NOTHING-----".to_vec()).is_none());
        assert!(Authorities::parse(Vec::new()).is_none());
    }
}
