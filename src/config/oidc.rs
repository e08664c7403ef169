//! `[oidc]` as one whole: what belongs together is there, and the files it names can be read.

use std::io::Read as _;
use std::path::Path;

use super::{FILE, Oidc};
use crate::catalog::Problem;
use crate::identity::{Authorities, Password, Settings};

/// Most bytes of a file with a secret or with authorities.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// Scopes that are asked for.
const SCOPES_MAX: usize = 20;
/// Characters of one.
const SCOPE_CHARS_MAX: usize = 100;

/// What is wrong with it.
#[derive(Debug, Default)]
pub struct OidcFaults {
    /// Whatever else is set.
    pub wrong: Vec<Problem>,
    /// What must be there and is not; it may be in another environment.
    pub missing: Vec<Problem>,
}

impl OidcFaults {
    /// All of it.
    pub fn all(self) -> Vec<Problem> {
        self.wrong.into_iter().chain(self.missing).collect()
    }
}

impl Oidc {
    /// What a provider needs; `None` where there is none. Reads the files it names.
    pub fn settings(&self) -> Result<Option<Settings>, OidcFaults> {
        let mut faults = OidcFaults::default();
        let stray = self.client_id.is_some() || self.client_secret.is_some() || self.client_secret_file.is_some();
        if self.issuer.is_none() && (stray || self.redirect_base.is_some()) {
            faults.missing.push(problem(
                "oidc.issuer is not set, so nobody signs in with a provider",
                "Set it, or remove [oidc].",
            ));
        }
        let need = |there: bool, name: &str, hint: &str, faults: &mut OidcFaults| {
            if !there && self.issuer.is_some() {
                faults.missing.push(problem(format!("{name} is not set"), hint));
            }
        };
        need(
            self.client_id.is_some(),
            "oidc.client_id",
            "Give the id that the provider has for this bus.",
            &mut faults,
        );
        need(
            self.redirect_base.is_some(),
            "oidc.redirect_base",
            "Give the address under which people open the dashboard, like \"https://falaj.example\".",
            &mut faults,
        );
        let secret = self.secret(&mut faults);
        need(
            secret.is_some() || self.client_secret_file.is_some(),
            "oidc.client_secret",
            "Set FALAJ_OIDC__CLIENT_SECRET, or oidc.client_secret_file.",
            &mut faults,
        );
        let ca = self.ca.as_deref().and_then(|file| {
            let hint = "Give a PEM file with the certificates of the authorities.";
            let pem = read("oidc.ca", file, hint, &mut faults)?;
            let found = Authorities::parse(pem);
            if found.is_none() {
                faults.wrong.push(problem("oidc.ca: no certificates stand in this file", hint));
            }
            found
        });
        if !faults.wrong.is_empty() || !faults.missing.is_empty() {
            return Err(faults);
        }
        let whole = self.issuer.clone().zip(self.client_id.clone()).zip(secret).zip(self.redirect_base.clone());
        Ok(whole.map(|(((issuer, client_id), client_secret), base)| Settings {
            issuer,
            client_id,
            client_secret,
            base,
            scopes: self.scopes.clone(),
            groups_claim: self.groups_claim.clone(),
            ca,
        }))
    }

    fn secret(&self, faults: &mut OidcFaults) -> Option<Password> {
        let Some(file) = &self.client_secret_file else { return self.client_secret.clone() };
        if self.client_secret.is_some() {
            let what = "oidc.client_secret and oidc.client_secret_file are both set";
            faults.wrong.push(problem(what, "Keep one of them."));
        }
        let hint = "Give a file with nothing but the client's secret, on one line.";
        let bytes = read("oidc.client_secret_file", file, hint, faults)?;
        let secret = String::from_utf8(bytes).ok().and_then(|text| Password::parse(&text));
        if secret.is_none() {
            faults.wrong.push(problem("oidc.client_secret_file: no secret of one line stands in this file", hint));
        }
        secret
    }
}

/// Whether these may be asked for: `openid` among them, each of the characters of RFC 6749, section 3.3.
pub(super) fn are_scopes(list: &[String]) -> bool {
    let legal = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
    let is_scope = |text: &String| !text.is_empty() && text.len() <= SCOPE_CHARS_MAX && text.bytes().all(legal);
    list.len() <= SCOPES_MAX && list.iter().all(is_scope) && list.iter().any(|scope| scope == "openid")
}

fn problem(what: impl Into<String>, hint: &str) -> Problem {
    Problem::new(FILE, what.into(), hint)
}

fn read(name: &str, file: &Path, hint: &str, faults: &mut OidcFaults) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = std::fs::File::open(file).and_then(|open| open.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes));
    match read {
        Ok(_) if bytes.len() as u64 > FILE_BYTES_MAX => {
            faults.wrong.push(problem(format!("{name}: larger than {FILE_BYTES_MAX} bytes"), hint));
            None
        }
        Ok(_) => Some(bytes),
        Err(error) => {
            faults.wrong.push(problem(format!("{name}: {} cannot be read: {error}", file.display()), hint));
            None
        }
    }
}
