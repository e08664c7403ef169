//! The provider: where a browser is sent, and what is made of what it brings back.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::{constant_time, digest, rand};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use reqwest::Url;
use serde::Deserialize;
use tokio::sync::{Mutex, Semaphore};

use super::discovery::{self, DiscoveryFault, Endpoints, Proof};
use super::fetch::{Fetch, FetchFault};
use super::keys::{self, KeySet};
use super::settings::{RETURN, SIGNED_OUT, Settings};
use super::token::{self, Claims, Expected, TokenFault};
use crate::model::means;
use crate::model::time::At;

/// How long the provider's description of itself is believed.
const KEEP: Duration = Duration::from_secs(3600);
/// How long its keys are: one that it takes back is believed no longer than this.
const KEEP_KEYS: Duration = Duration::from_secs(600);
/// How long after its keys were fetched a key that is not known is not looked for again (I1).
const AGAIN: Duration = Duration::from_secs(30);
/// How long a provider that does not answer is not asked again.
const REST: Duration = Duration::from_secs(3);
/// Sign-ins that are being completed at once.
const EXCHANGES_MAX: usize = 16;
/// Random bytes of a state, a nonce and a verifier.
const RANDOM_BYTES: usize = 32;
/// Bytes of a code.
const CODE_BYTES_MAX: usize = 4096;

/// Why nobody is signed in.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Fault {
    /// It does not answer, or not as it should.
    #[error("the identity provider is not as it should be")]
    Down(#[from] FetchFault),
    /// Its description of itself cannot be used.
    #[error("the identity provider cannot be used as it is set up")]
    Unusable(#[from] DiscoveryFault),
    /// It does not believe that this client is who it is.
    #[error("the identity provider refuses this client: check oidc.client_id and oidc.client_secret")]
    Client(#[source] FetchFault),
    /// It does not take the code.
    #[error("the identity provider does not take the code of this sign-in")]
    Code(#[source] FetchFault),
    /// Its word does not count.
    #[error("the identity provider's word does not count")]
    Token(#[from] TokenFault),
    /// It came from another provider.
    #[error("the answer came from another provider (iss)")]
    Elsewhere,
    /// Too many at once.
    #[error("too many sign-ins are being completed at once")]
    Busy,
    /// The machine gives no random bits.
    #[error("no random bits")]
    NoRandom,
}

/// Where to send a browser, and what to remember until it is back.
#[derive(Debug)]
pub struct Asked {
    /// Where.
    pub url: String,
    /// What it brings back.
    pub state: String,
    /// What is needed then.
    pub opening: Opening,
}

/// What proves that an answer belongs to a question. It stays on the server.
#[derive(Clone)]
pub struct Opening {
    nonce: String,
    verifier: String,
}

impl std::fmt::Debug for Opening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Opening(***)")
    }
}

#[cfg(test)]
impl Opening {
    /// One that opens nothing.
    pub fn of_a_test() -> Self {
        Self { nonce: String::new(), verifier: String::new() }
    }
}

/// Somebody whom the provider vouches for (I3).
#[derive(Clone, PartialEq, Eq)]
pub struct Person {
    /// As the audit names them: `<display name> [oidc:<subject>]`.
    pub actor: String,
    /// Their groups, as the provider names them.
    pub groups: Arc<[String]>,
}

impl std::fmt::Debug for Person {
    // Keeps I4.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Person(***)")
    }
}

/// What the token endpoint gives. Whatever else it gives is not read.
#[derive(Deserialize)]
struct Tokens {
    id_token: String,
    access_token: Option<String>,
}

/// What is known of it at the moment.
#[derive(Debug, Default)]
struct Known {
    endpoints: Option<(At, Arc<Endpoints>)>,
    keys: Option<(At, KeySet)>,
    /// Since when it does not answer, and why.
    failed: Option<(At, Fault)>,
}

/// An identity provider. It is asked when somebody wants to sign in, not before (I1).
#[derive(Debug)]
pub struct Provider {
    settings: Settings,
    fetch: Fetch,
    /// Held while it is asked, so that many who wait ask once.
    known: Mutex<Known>,
    exchanges: Semaphore,
}

impl Provider {
    /// Takes the settings; asks nothing.
    pub fn new(settings: Settings) -> Result<Self, reqwest::Error> {
        let fetch = Fetch::new(settings.ca.as_ref())?;
        Ok(Self { settings, fetch, known: Mutex::default(), exchanges: Semaphore::new(EXCHANGES_MAX) })
    }

    /// Whether people come by https.
    pub fn is_https(&self) -> bool {
        self.settings.base.is_https()
    }

    /// Where a browser is to be sent, in the reader's language. `anew`: the provider is to ask who they are, whoever it knows
    /// already.
    pub async fn ask(&self, language: &str, anew: bool, now: At) -> Result<Asked, Fault> {
        let endpoints = self.endpoints(now).await?;
        let (state, nonce, verifier) = (random()?, random()?, random()?);
        let challenge = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()));
        let mut url = endpoints.authorization.clone();
        url.query_pairs_mut().extend_pairs([
            ("response_type", "code"),
            ("client_id", &self.settings.client_id),
            ("redirect_uri", &self.settings.base.at(RETURN)),
            ("scope", &self.settings.scopes.join(" ")),
            ("state", &state),
            ("nonce", &nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("ui_locales", language),
        ]);
        if anew {
            url.query_pairs_mut().append_pair("prompt", "login");
        }
        Ok(Asked { url: url.into(), state, opening: Opening { nonce, verifier } })
    }

    /// Whom an answer is about. `issuer` is what it says of who gave it.
    pub async fn answer(&self, opening: &Opening, code: &str, issuer: Option<&str>, now: At) -> Result<Person, Fault> {
        let endpoints = self.endpoints(now).await?;
        self.is_from(&endpoints, issuer)?;
        let _place = self.exchanges.try_acquire().map_err(|_| Fault::Busy)?;
        let tokens = self.exchange(&endpoints, opening, code).await?;
        let named = token::named(&tokens.id_token)?;
        let key = match self.key(&endpoints, &named, now).await? {
            Some(key) => key,
            None => return Err(TokenFault::Key.into()),
        };
        let wanted =
            Expected { issuer: &self.settings.issuer, client_id: &self.settings.client_id, nonce: &opening.nonce, now };
        let claims = token::verify(&tokens.id_token, &key, named.algorithm, wanted)?;
        self.person(&endpoints, claims, tokens.access_token.as_deref()).await
    }

    /// Where a browser is sent so that the provider forgets it too; `None` where the provider has no such place or does not answer.
    /// The ID token is not kept for this (I3): the provider may ask whether it is meant.
    pub async fn leave(&self, language: &str, now: At) -> Option<String> {
        let mut url = self.endpoints(now).await.ok()?.end_session.clone()?;
        url.query_pairs_mut().extend_pairs([
            ("client_id", self.settings.client_id.as_str()),
            ("post_logout_redirect_uri", &self.settings.base.at(SIGNED_OUT)),
            ("ui_locales", language),
        ]);
        Some(url.into())
    }

    fn is_from(&self, endpoints: &Endpoints, issuer: Option<&str>) -> Result<(), Fault> {
        let ours = issuer.map_or(!endpoints.names_itself, |issuer| issuer == self.settings.issuer.as_str());
        if ours { Ok(()) } else { Err(Fault::Elsewhere) }
    }

    /// The provider's description of itself, asked for where it is not known or old.
    async fn endpoints(&self, now: At) -> Result<Arc<Endpoints>, Fault> {
        let mut known = self.known.lock().await;
        if let Some((at, endpoints)) = &known.endpoints
            && is_within(*at, now, KEEP)
        {
            return Ok(Arc::clone(endpoints));
        }
        known.rested(now)?;
        let fetched = async {
            let place = discovery::place(&self.settings.issuer).ok_or(DiscoveryFault::Issuer)?;
            let document: discovery::Document = self.fetch.get(&place).await?;
            Ok(Arc::new(document.believe(&self.settings.issuer)?))
        };
        let endpoints = known.keep(fetched.await, now)?;
        known.endpoints = Some((now, Arc::clone(&endpoints)));
        Ok(endpoints)
    }

    /// The key that a token names.
    async fn key(
        &self,
        endpoints: &Endpoints,
        named: &token::Named,
        now: At,
    ) -> Result<Option<jsonwebtoken::DecodingKey>, Fault> {
        let mut known = self.known.lock().await;
        if let Some((at, keys)) = &known.keys {
            let found = keys.find(named.kid.as_deref(), named.algorithm);
            let fresh = is_within(*at, now, KEEP_KEYS);
            // Keeps I1: a token with a made-up key makes nobody ask again and again.
            if (found.is_some() && fresh) || is_within(*at, now, AGAIN) {
                return Ok(found);
            }
        }
        known.rested(now)?;
        let fetched = self.fetch.get::<keys::Document>(&endpoints.keys).await.map_err(Fault::from);
        let keys = KeySet::from(known.keep(fetched, now)?);
        let found = keys.find(named.kid.as_deref(), named.algorithm);
        known.keys = Some((now, keys));
        Ok(found)
    }

    async fn exchange(&self, endpoints: &Endpoints, opening: &Opening, code: &str) -> Result<Tokens, Fault> {
        if code.len() > CODE_BYTES_MAX {
            return Err(Fault::Code(FetchFault::Shape));
        }
        let (id, secret) = (self.settings.client_id.as_str(), self.settings.client_secret.expose());
        let redirect = self.settings.base.at(RETURN);
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &redirect),
            ("code_verifier", &opening.verifier),
        ];
        let authorization = match endpoints.proof {
            // RFC 6749, section 2.3.1: both are encoded as in a form before they are joined.
            Proof::Header => {
                let joined = format!("{}:{}", encode(id), encode(secret));
                Some(format!("Basic {}", STANDARD.encode(joined)))
            }
            Proof::Form => {
                fields.extend([("client_id", id), ("client_secret", secret)]);
                None
            }
        };
        let answer = self.fetch.post(&endpoints.token, form(&fields), authorization.as_deref()).await;
        answer.map_err(|fault| match &fault {
            FetchFault::Refused { error: Some(error), .. } if error == "invalid_grant" => Fault::Code(fault),
            FetchFault::Refused { status: 401, .. } => Fault::Client(fault),
            FetchFault::Refused { error: Some(error), .. } if error.ends_with("_client") => Fault::Client(fault),
            _ => Fault::Down(fault),
        })
    }

    /// The person of a token; what it does not say of their groups the provider is asked, as the same person.
    async fn person(&self, endpoints: &Endpoints, mut claims: Claims, access: Option<&str>) -> Result<Person, Fault> {
        let mut groups = token::groups(&claims, &self.settings.groups_claim);
        if groups.is_none()
            && let (Some(place), Some(access)) = (&endpoints.person, access)
        {
            let more: Claims = self.fetch.get_as(place, access).await?;
            if !same(&claims, &more) {
                return Err(TokenFault::Subject.into());
            }
            groups = token::groups(&more, &self.settings.groups_claim);
            for (name, value) in more {
                claims.entry(name).or_insert(value);
            }
        }
        let subject = claims.get("sub").and_then(serde_json::Value::as_str).unwrap_or_default();
        let actor = means::person(subject, token::name(&claims)).ok_or(TokenFault::Subject)?;
        Ok(Person { actor, groups: groups.unwrap_or_default().into() })
    }
}

impl Known {
    /// A provider that has just failed is not asked again at once.
    fn rested(&self, now: At) -> Result<(), Fault> {
        match &self.failed {
            Some((at, fault)) if is_within(*at, now, REST) => Err(fault.clone()),
            _ => Ok(()),
        }
    }

    fn keep<T>(&mut self, fetched: Result<T, Fault>, now: At) -> Result<T, Fault> {
        self.failed = fetched.as_ref().err().map(|fault| (now, fault.clone()));
        fetched
    }
}

/// Whether something of then still counts now. What is of the future (the clock was set) does not.
fn is_within(then: At, now: At, span: Duration) -> bool {
    then <= now && now.since(then) < span
}

/// Whether both are about one person.
fn same(one: &Claims, other: &Claims) -> bool {
    let subject = |claims: &Claims| claims.get("sub").and_then(serde_json::Value::as_str).map(str::to_owned);
    let (Some(one), Some(other)) = (subject(one), subject(other)) else { return false };
    constant_time::verify_slices_are_equal(one.as_bytes(), other.as_bytes()).is_ok()
}

/// 256 random bits as text.
fn random() -> Result<String, Fault> {
    let mut bytes = [0; RANDOM_BYTES];
    rand::fill(&mut bytes).map_err(|_| Fault::NoRandom)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Fields as `application/x-www-form-urlencoded`.
fn form(fields: &[(&str, &str)]) -> String {
    let mut url = Url::parse("form:").expect("a scheme is an address");
    url.query_pairs_mut().extend_pairs(fields);
    url.query().unwrap_or_default().to_owned()
}

/// One text, encoded as in a form.
fn encode(text: &str) -> String {
    form(&[("", text)]).split_off(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_and_a_secret_are_encoded() {
        assert_eq!(form(&[("a", "b c&d=é"), ("e", "")]), "a=b+c%26d%3D%C3%A9&e=");
        assert_eq!(encode("=:p%w+d "), "%3D%3Ap%25w%2Bd+");
    }

    #[test]
    fn what_is_of_the_future_does_not_count() {
        let span = Duration::from_secs(10);
        assert!(
            is_within(At(0), At(9_999), span) && !is_within(At(0), At(10_000), span) && !is_within(At(1), At(0), span)
        );
    }
}
