//! Who asks, and whether they may.
//!
//! A1: default deny: a route names its [`Right`] in the one route table, and its gate stands before its handler and before its
//! body. A2: a key is never stored, printed or logged: its SHA-256 is looked up and compared in constant time. A3: an entry that
//! cannot be right (bad hash, an agency key without an agency) opens nothing.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use aws_lc_rs::{constant_time, digest};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;

use super::error::{Kind, Problem};
use super::state::App;
use crate::model::agency::{KeyEntry, Role};
use crate::model::id::AgencyId;

/// Characters a key has at least.
const KEY_CHARS_MIN: usize = 20;
/// Bytes of a key that are looked at; longer ones are none of ours.
const KEY_BYTES_MAX: usize = 512;

/// What a route asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// Nothing: probes and documents.
    Anyone,
    /// To post envelopes: agencies; admins for dry runs alone.
    Post,
    /// To read, each as much as its role may see.
    Read,
    /// To fetch one's own deliveries and to report what became of them: agencies.
    Report,
    /// To see what concerns all agencies: everybody but agencies.
    Oversee,
    /// To pause, repair and redrive: operators and admins.
    Operate,
    /// To read who did what: auditors and admins.
    Audit,
    /// To read metrics: everybody but agencies, and everybody where they are open.
    Metrics,
    /// To read open data: the same where they are not open yet, everybody where they are.
    OpenData,
}

impl Right {
    /// Whether a role has it.
    pub fn is_given_to(self, role: Role) -> bool {
        match self {
            Self::Anyone | Self::Read => true,
            Self::Post => matches!(role, Role::Agency | Role::Admin),
            Self::Report => role == Role::Agency,
            Self::Metrics | Self::OpenData | Self::Oversee => role != Role::Agency,
            Self::Operate => matches!(role, Role::Operator | Role::Admin),
            Self::Audit => matches!(role, Role::Auditor | Role::Admin),
        }
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The key's name, or a person as [`crate::model::means`] writes them; for the audit.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Whose it is; always there for the role `agency`.
    pub agency: Option<AgencyId>,
}

/// How much of an envelope a caller may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight<'a> {
    /// What it sent, and its own deliveries.
    Own(&'a AgencyId),
    /// Everything, with subjects masked.
    Masked,
    /// Everything.
    Clear,
}

impl Caller {
    /// How much it may see.
    pub fn sight(&self) -> Sight<'_> {
        match (self.role, &self.agency) {
            (Role::Agency, Some(agency)) => Sight::Own(agency),
            (Role::Auditor | Role::Admin, _) => Sight::Clear,
            (Role::Agency | Role::Viewer | Role::Operator, _) => Sight::Masked,
        }
    }

    /// The agency it speaks for, where it speaks for one.
    pub fn as_agency(&self) -> Option<&AgencyId> {
        self.agency.as_ref().filter(|_| self.role == Role::Agency)
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _app: &App) -> Result<Self, Problem> {
        // Only a route without a gate can come here without a caller.
        parts.extensions.remove::<Self>().ok_or_else(Problem::internal)
    }
}

/// Names a key that was presented: its SHA-256, as the configuration has it.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyPrint([u8; 32]);

impl std::fmt::Debug for KeyPrint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyPrint")
    }
}

/// The keys in force. Clones share them; [`KeyRing::replace`] takes effect with the next request.
#[derive(Debug, Clone, Default)]
pub struct KeyRing(Arc<ArcSwap<Ring>>);

#[derive(Default)]
struct Ring {
    /// By the first eight bytes of the hash; the whole is compared in constant time.
    keys: HashMap<[u8; 8], Vec<([u8; 32], Caller)>>,
}

impl std::fmt::Debug for Ring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ring({} keys)", self.keys.values().map(Vec::len).sum::<usize>())
    }
}

impl KeyRing {
    /// A ring of these keys.
    pub fn new(entries: &[KeyEntry]) -> Self {
        let ring = Self::default();
        ring.replace(entries);
        ring
    }

    /// Puts other keys in force, at once and as a whole.
    pub fn replace(&self, entries: &[KeyEntry]) {
        let mut ring = Ring::default();
        for entry in entries {
            let hash = decode_hash(&entry.sha256);
            let owner_fits = (entry.role == Role::Agency) == entry.agency.is_some();
            let (Some(hash), true) = (hash, owner_fits) else {
                // Keeps A3.
                tracing::error!(name = entry.name, "a key's entry is not usable and opens nothing");
                continue;
            };
            let caller = Caller { name: entry.name.clone(), role: entry.role, agency: entry.agency.clone() };
            ring.keys.entry(prefix(&hash)).or_default().push((hash, caller));
        }
        self.0.store(Arc::new(ring));
    }

    /// Whether a caller's key is still in force; asked again by what outlives a request's first moment.
    pub fn knows(&self, caller: &Caller) -> bool {
        self.0.load().keys.values().flatten().any(|(_, known)| known == caller)
    }

    /// Whose key this is.
    pub fn find(&self, key: &str) -> Option<Caller> {
        self.identify(key).map(|(_, caller)| caller)
    }

    /// Whose key this is, and what to ask [`KeyRing::holds`] about later.
    pub fn identify(&self, key: &str) -> Option<(KeyPrint, Caller)> {
        if key.len() > KEY_BYTES_MAX || key.chars().count() < KEY_CHARS_MIN {
            return None;
        }
        let hash = digest::digest(&digest::SHA256, key.as_bytes());
        let ring = self.0.load();
        let candidates = ring.keys.get(&prefix(hash.as_ref()))?;
        let found = candidates.iter().find(|(known, _)| {
            // Keeps A2.
            constant_time::verify_slices_are_equal(known, hash.as_ref()).is_ok()
        });
        found.map(|(print, caller)| (KeyPrint(*print), caller.clone()))
    }

    /// Whether this very key is still in force for this caller: stricter than [`KeyRing::knows`], which a new key under an old name
    /// satisfies.
    pub fn holds(&self, print: &KeyPrint, caller: &Caller) -> bool {
        let ring = self.0.load();
        let candidates = ring.keys.get(&prefix(&print.0)).map_or(&[][..], Vec::as_slice);
        candidates.iter().any(|(hash, known)| *hash == print.0 && known == caller)
    }
}

fn prefix(hash: &[u8]) -> [u8; 8] {
    std::array::from_fn(|at| hash.get(at).copied().unwrap_or_default())
}

fn decode_hash(hex: &str) -> Option<[u8; 32]> {
    if hex.len() != 64 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut hash = [0; 32];
    for (at, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(hash)
}

/// The gate of a route: lets a request through with its [`Caller`], or not at all (A1).
pub(super) async fn gate(
    State((app, right)): State<(App, Right)>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let open = match right {
        Right::Anyone => true,
        Right::Metrics => app.settings.metrics_open,
        Right::OpenData => app.settings.statistics.open,
        _ => false,
    };
    if open {
        return Ok(next.run(request).await);
    }
    let presented = request.headers().get(AUTHORIZATION).map(|value| value.to_str().unwrap_or_default());
    let caller = match presented.map(bearer) {
        None => return Err(Problem::no_key(false)),
        Some(key) => key.and_then(|key| app.keys.find(key)).ok_or_else(|| Problem::no_key(true))?,
    };
    if !right.is_given_to(caller.role) {
        return Err(Problem::new(
            Kind::NotAllowed,
            "The key's role may not do this.",
            "لا يسمح دور هذا المفتاح بهذا الإجراء.",
        ));
    }
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

fn bearer(header: &str) -> Option<&str> {
    let (scheme, key) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "a key of twenty chars or more";

    fn entry(role: Role, agency: Option<&str>, key: &str) -> KeyEntry {
        let hash = digest::digest(&digest::SHA256, key.as_bytes());
        let sha256 = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        KeyEntry { name: "k".into(), role, agency: agency.map(|id| AgencyId::parse(id).unwrap()), sha256 }
    }

    #[test]
    fn a_key_is_found_by_its_text_alone() {
        let ring =
            KeyRing::new(&[entry(Role::Agency, Some("moi"), KEY), entry(Role::Viewer, None, &KEY.to_uppercase())]);
        assert_eq!(ring.find(KEY).unwrap().as_agency().unwrap().as_str(), "moi");
        assert_eq!(ring.find(&KEY.to_uppercase()).unwrap().role, Role::Viewer);
        assert_eq!(ring.find("another key of twenty chars"), None);
        assert_eq!(ring.find(&entry(Role::Viewer, None, KEY).sha256), None, "the hash is not the key");
        let caller = ring.find(KEY).unwrap();
        assert!(ring.knows(&caller));
        let (print, _) = ring.identify(KEY).unwrap();
        assert!(ring.holds(&print, &caller));
        ring.replace(&[entry(Role::Agency, Some("moi"), "another key of twenty chars")]);
        assert!(ring.knows(&caller) && !ring.holds(&print, &caller), "the name is the same, the key is not");
        ring.replace(&[]);
        assert!(!ring.knows(&caller));
        assert_eq!(ring.find(KEY), None, "a revoked key still opened");
    }

    #[test]
    fn what_cannot_be_right_opens_nothing() {
        let short = "nineteen characters";
        let bad_hash = KeyEntry { sha256: "zz".repeat(32), ..entry(Role::Admin, None, KEY) };
        let ring = KeyRing::new(&[
            entry(Role::Agency, None, KEY),
            entry(Role::Viewer, Some("moi"), KEY),
            entry(Role::Admin, None, short),
            bad_hash,
        ]);
        assert_eq!(ring.find(KEY), None);
        assert_eq!(ring.find(short), None);
        assert_eq!(ring.find(&"x".repeat(KEY_BYTES_MAX + 1)), None);
        assert!(!format!("{:?}", KeyRing::new(&[entry(Role::Admin, None, KEY)])).contains("sha"));
    }
}
