//! Who is signed in.
//!
//! A session is one thing, whatever opened it. S1: its id is 256 random bits; only its SHA-256 is kept. S2: it ends when nobody did
//! anything for a while, in any case after a while, and at once when what it goes back to does not hold any more: its key is revoked or
//! replaced, or the groups that an identity provider named may do something else here, or nothing. S3: sessions are bounded: one key's newest push out its oldest, and
//! nobody can push out anybody else's. S4: each has a token of its own that every form must bring back. Sessions are kept in memory
//! and end with the process. Nothing here reads the clock.
//!
//! Whoever finds out who somebody is calls [`Sessions::begin`]. What the provider would say today is not asked: who leaves a group there
//! leaves here when the session ends, or at once when their group is taken out of the configuration.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::{constant_time, digest, rand};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::http::auth::{Caller, KeyPrint, KeyRing};
use crate::identity::Groups;
use crate::model::time::At;

/// Random bytes of an id and of a token.
const SECRET_BYTES: usize = 32;
/// Sessions of one caller.
pub(super) const PER_CALLER_MAX: usize = 20;
/// Pages that one session follows at once.
const STREAMS_MAX: usize = 12;

/// How long sessions last, and how many there may be.
#[derive(Debug, Clone, Copy)]
pub struct Lasting {
    /// Without anything being done.
    pub idle: Duration,
    /// In any case.
    pub whole: Duration,
    /// Sessions at once.
    pub sessions_max: usize,
}

/// What a session goes back to; it ends with it (S2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// A key of the configuration.
    Key(KeyPrint),
    /// The groups that the identity provider named; the configuration says what they may do.
    Person(Arc<[String]>),
}

/// What holds or not. [`super::state::Dashboard::roots`] has it.
#[derive(Debug, Clone, Copy)]
pub struct Roots<'a> {
    /// The keys in force.
    pub keys: &'a KeyRing,
    /// The groups in force.
    pub groups: &'a Groups,
}

impl Proof {
    fn holds(&self, roots: Roots<'_>, caller: &Caller) -> bool {
        match self {
            Self::Key(print) => roots.keys.holds(print, caller),
            Self::Person(groups) => roots
                .groups
                .grant(groups)
                .is_some_and(|granted| granted.role == caller.role && granted.agency == caller.agency),
        }
    }
}

/// Somebody who is signed in.
#[derive(Clone)]
pub(super) struct Signed {
    /// Who.
    pub(super) caller: Caller,
    /// What every form of theirs brings back, under a mask.
    token: [u8; SECRET_BYTES],
    streams: Arc<Semaphore>,
    /// Which session.
    pub(super) place: Place,
}

impl std::fmt::Debug for Signed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signed").field("caller", &self.caller).finish_non_exhaustive()
    }
}

impl Signed {
    /// The token as a page has it: under other random bits each time, so that a page that is compressed tells nothing of it by its
    /// length.
    pub(super) fn token(&self) -> String {
        let mut bytes = [0; 2 * SECRET_BYTES];
        if rand::fill(&mut bytes[..SECRET_BYTES]).is_err() {
            // A form without a token is refused.
            return String::new();
        }
        for at in 0..SECRET_BYTES {
            bytes[SECRET_BYTES + at] = bytes[at] ^ self.token[at];
        }
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// A place among the pages that this session follows, held until the permit is dropped.
    pub(super) fn stream(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.streams).try_acquire_owned().ok()
    }

    /// Whether a form came from a page of this session.
    pub(super) fn wrote(&self, token: &str) -> bool {
        let Ok(bytes) = URL_SAFE_NO_PAD.decode(token) else { return false };
        let Some((pad, masked)) = bytes.split_at_checked(SECRET_BYTES).filter(|(_, rest)| rest.len() == SECRET_BYTES)
        else {
            return false;
        };
        let plain: Vec<u8> = pad.iter().zip(masked).map(|(pad, byte)| pad ^ byte).collect();
        constant_time::verify_slices_are_equal(&self.token, &plain).is_ok()
    }
}

/// SHA-256 of a session's id, or of another secret that only a browser keeps.
pub(super) type Place = [u8; 32];

struct Session {
    caller: Caller,
    proof: Proof,
    token: [u8; SECRET_BYTES],
    streams: Arc<Semaphore>,
    begun: At,
    used: At,
}

/// Why there is no session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SessionFault {
    /// There are as many as there may be.
    #[error("too many sessions")]
    TooMany,
    /// The machine gives no random bits.
    #[error("no random bits")]
    NoRandom,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("caller", &self.caller).finish_non_exhaustive()
    }
}

/// The sessions. Clones share them.
#[derive(Debug, Clone)]
pub struct Sessions {
    lasting: Lasting,
    sessions: Arc<Mutex<HashMap<Place, Session>>>,
}

impl Sessions {
    /// None yet.
    pub fn new(lasting: Lasting) -> Self {
        Self { lasting, sessions: Arc::default() }
    }

    /// Begins a session; returns its id, which is for the caller's browser alone.
    pub fn begin(&self, caller: Caller, proof: Proof, now: At) -> Result<String, SessionFault> {
        let (id, token) = (random()?, secret()?);
        let mut sessions = self.lock();
        sessions.retain(|_, session| self.lasts(session, now));
        // Keeps S3.
        let own = || sessions.iter().filter(|(_, session)| session.caller == caller);
        let push_out =
            (own().count() >= PER_CALLER_MAX).then(|| own().min_by_key(|(_, session)| session.used)).flatten();
        if let Some(oldest) = push_out.map(|(place, _)| *place) {
            sessions.remove(&oldest);
        }
        if sessions.len() >= self.lasting.sessions_max {
            return Err(SessionFault::TooMany);
        }
        sessions.insert(
            place(&id),
            Session { caller, proof, token, streams: Arc::new(Semaphore::new(STREAMS_MAX)), begun: now, used: now },
        );
        Ok(id)
    }

    /// Who has an id. With `used` it counts as something done.
    pub(super) fn find(&self, id: &str, roots: Roots<'_>, now: At, used: bool) -> Option<Signed> {
        self.look(&place(id), roots, now, used)
    }

    /// Whether a session still lasts.
    pub(super) fn look(&self, place: &Place, roots: Roots<'_>, now: At, used: bool) -> Option<Signed> {
        let mut sessions = self.lock();
        let session = sessions.get_mut(place)?;
        // Keeps S2.
        if !self.lasts(session, now) || !session.proof.holds(roots, &session.caller) {
            sessions.remove(place);
            return None;
        }
        if used {
            session.used = session.used.max(now);
        }
        Some(Signed {
            caller: session.caller.clone(),
            token: session.token,
            streams: Arc::clone(&session.streams),
            place: *place,
        })
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.lock().len()
    }

    /// Ends a session.
    pub(super) fn end(&self, place: &Place) {
        self.lock().remove(place);
    }

    fn lasts(&self, session: &Session, now: At) -> bool {
        now.since(session.used) < self.lasting.idle && now.since(session.begun) < self.lasting.whole
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Place, Session>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn place(id: &str) -> Place {
    let hash = digest::digest(&digest::SHA256, id.as_bytes());
    std::array::from_fn(|at| hash.as_ref().get(at).copied().unwrap_or_default())
}

/// 256 random bits, as text.
pub(super) fn random() -> Result<String, SessionFault> {
    Ok(URL_SAFE_NO_PAD.encode(secret()?))
}

/// 256 random bits.
fn secret() -> Result<[u8; SECRET_BYTES], SessionFault> {
    let mut bytes = [0; SECRET_BYTES];
    rand::fill(&mut bytes).map_err(|_| SessionFault::NoRandom)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::agency::{KeyEntry, Role};

    const LASTING: Lasting =
        Lasting { idle: Duration::from_secs(60), whole: Duration::from_secs(200), sessions_max: 30 };
    const KEY: &str = "a key of twenty chars or more";

    fn entry(name: &str, key: &str) -> KeyEntry {
        let hash = digest::digest(&digest::SHA256, key.as_bytes());
        let sha256 = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        KeyEntry { name: name.into(), role: Role::Operator, agency: None, sha256 }
    }

    /// Without groups.
    fn roots(keys: &KeyRing) -> Roots<'_> {
        static NONE: std::sync::LazyLock<Groups> = std::sync::LazyLock::new(Groups::default);
        Roots { keys, groups: &NONE }
    }

    fn begin(sessions: &Sessions, ring: &KeyRing, key: &str, now: At) -> String {
        let (print, caller) = ring.identify(key).unwrap();
        sessions.begin(caller, Proof::Key(print), now).unwrap()
    }

    #[test]
    fn a_session_ends_when_nothing_is_done_and_in_any_case() {
        let (sessions, ring) = (Sessions::new(LASTING), KeyRing::new(&[entry("a", KEY)]));
        let at = |seconds: i64| At(seconds * 1000);
        let id = begin(&sessions, &ring, KEY, at(0));
        assert_eq!(sessions.find(&id, roots(&ring), at(59), true).unwrap().caller.name, "a");
        // Being looked at is nothing that is done.
        assert!(sessions.find(&id, roots(&ring), at(110), false).is_some());
        assert!(sessions.find(&id, roots(&ring), at(119), false).is_none(), "60 s after it was used");
        let id = begin(&sessions, &ring, KEY, at(0));
        for seconds in (0..200).step_by(30) {
            assert!(sessions.find(&id, roots(&ring), at(seconds), true).is_some(), "{seconds}");
        }
        assert!(sessions.find(&id, roots(&ring), at(200), true).is_none(), "it lasts no longer, used or not");
    }

    #[test]
    fn a_key_that_is_revoked_or_replaced_ends_its_sessions() {
        let (sessions, ring) =
            (Sessions::new(LASTING), KeyRing::new(&[entry("a", KEY), entry("b", "another key that is long")]));
        let (a, b) = (begin(&sessions, &ring, KEY, At(0)), begin(&sessions, &ring, "another key that is long", At(0)));
        // The same name, role and agency, and another key.
        ring.replace(&[entry("a", "the key after the first one"), entry("b", "another key that is long")]);
        assert!(sessions.find(&a, roots(&ring), At(1), true).is_none());
        assert!(sessions.find(&b, roots(&ring), At(1), true).is_some());
    }

    #[test]
    fn nobody_pushes_out_anybody_else() {
        let (sessions, ring) =
            (Sessions::new(LASTING), KeyRing::new(&[entry("a", KEY), entry("b", "another key that is long")]));
        let other = begin(&sessions, &ring, "another key that is long", At(0));
        let own: Vec<_> = (1..=25).map(|n| begin(&sessions, &ring, KEY, At(n))).collect();
        assert!(sessions.find(&other, roots(&ring), At(30), false).is_some());
        let left = own.iter().filter(|id| sessions.find(id, roots(&ring), At(30), false).is_some()).count();
        assert_eq!(left, PER_CALLER_MAX);
        assert!(sessions.find(&own[24], roots(&ring), At(30), false).is_some(), "the newest stays");
        let few = Sessions::new(Lasting { sessions_max: 1, ..LASTING });
        begin(&few, &ring, KEY, At(0));
        let (print, caller) = ring.identify("another key that is long").unwrap();
        assert_eq!(few.begin(caller, Proof::Key(print), At(1)), Err(SessionFault::TooMany));
    }

    #[test]
    fn an_id_is_long_and_is_not_kept() {
        let (sessions, ring) = (Sessions::new(LASTING), KeyRing::new(&[entry("a", KEY)]));
        let id = begin(&sessions, &ring, KEY, At(0));
        assert_eq!(id.len(), 43);
        let signed = sessions.find(&id, roots(&ring), At(0), true).unwrap();
        let (first, second) = (signed.token(), signed.token());
        assert!(
            first != second && signed.wrote(&first) && signed.wrote(&second),
            "the mask changes, the token does not"
        );
        for wrong in ["", &id, &first[1..], &format!("{first}AAAA"), &URL_SAFE_NO_PAD.encode([0; 64])] {
            assert!(!signed.wrote(wrong), "{wrong}");
        }
        assert!(!format!("{sessions:?}").contains(&id));
        let followed: Vec<_> = std::iter::from_fn(|| signed.stream()).collect();
        assert_eq!(followed.len(), STREAMS_MAX);
        assert!(
            sessions.find(&id, roots(&ring), At(0), true).unwrap().stream().is_none(),
            "they are the session's, not the request's"
        );
        sessions.end(&signed.place);
        assert!(sessions.find(&id, roots(&ring), At(0), true).is_none());
    }

    #[test]
    fn a_persons_session_ends_when_its_groups_may_do_something_else() {
        use crate::model::agency::GroupEntry;
        use crate::model::id::AgencyId;
        let entry = |group: &str, role, agency: Option<&str>| GroupEntry {
            group: group.into(),
            role,
            agency: agency.map(|id| AgencyId::parse(id).unwrap()),
        };
        let (keys, groups) = (KeyRing::new(&[]), Groups::default());
        let roots = Roots { keys: &keys, groups: &groups };
        let officer = [entry("police", Role::Agency, Some("moi"))];
        let (other, viewer) = ([entry("police", Role::Agency, Some("customs"))], [entry("police", Role::Viewer, None)]);
        let more = [officer[0].clone(), entry("shift", Role::Operator, None)];
        let unrelated = [officer[0].clone(), entry("others", Role::Admin, None)];
        for (then, lasts) in [(&unrelated[..], true), (&[], false), (&other, false), (&viewer, false), (&more, false)] {
            groups.replace(&officer);
            let sessions = Sessions::new(LASTING);
            let caller = Caller {
                name: "Fatima [oidc:s-1]".into(),
                role: Role::Agency,
                agency: Some(AgencyId::parse("moi").unwrap()),
            };
            let proof = Proof::Person(["police".to_owned(), "shift".to_owned()].into());
            let id = sessions.begin(caller, proof, At(0)).unwrap();
            assert!(sessions.find(&id, roots, At(1), true).is_some());
            groups.replace(then);
            assert_eq!(sessions.find(&id, roots, At(2), true).is_some(), lasts, "{then:?}");
            groups.replace(&officer);
            assert_eq!(sessions.find(&id, roots, At(3), true).is_some(), lasts, "what has ended has ended");
        }
    }
}
