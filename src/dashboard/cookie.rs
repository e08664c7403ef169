//! Cookies: the session's, that of a sign-in under way, and what a reader wants remembered.
//!
//! **Why `SameSite=Lax`.** A person comes back from the identity provider, and from a link in an alarm, by a top-level GET that another
//! site began. The browser brings no `Strict` cookie along then, not even through the redirects that follow: the sign-in under way
//! would not be known, and the first page after it would ask to sign in again. `Lax` cookies come along with such a GET and with
//! nothing else from another site. What that leaves open is closed elsewhere: a GET changes nothing, and what is posted must come
//! from this origin and bring the session's token ([`super::guard`]); the one GET that begins a session must match a sign-in that
//! this very browser began here (`super::pending`).
//!
//! **Names.** Over https a cookie is called `__Host-...`: the browser then takes it from this very host alone, over https, so that no
//! other host of the domain, and nobody on the way of a plain request, can put theirs in its place. Such a cookie is for the path `/`.

use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue};

/// `ar` or `en`.
pub(super) const LANGUAGE: &str = "falaj_lang";
/// `light`, `dark` or `auto`.
pub(super) const THEME: &str = "falaj_theme";
/// Seconds for which a reader's wishes are remembered.
const REMEMBERED_S: u32 = 365 * 86_400;
/// What only https may set.
const HOST: &str = "__Host-";

/// A cookie that proves something. Scripts cannot read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Secret {
    /// The session's id; it ends with the browser.
    Session,
    /// What binds a sign-in at the provider to this browser.
    SignIn,
}

impl Secret {
    fn name(self) -> &'static str {
        match self {
            Self::Session => "falaj_session",
            Self::SignIn => "falaj_sign_in",
        }
    }

    fn path(self) -> &'static str {
        match self {
            Self::Session => "/dashboard",
            Self::SignIn => "/dashboard/sign-in",
        }
    }

    /// How long it lasts, where not as long as the browser.
    fn age(self) -> String {
        match self {
            Self::Session => String::new(),
            Self::SignIn => format!("; Max-Age={}", super::pending::LASTS.as_secs()),
        }
    }

    /// Its value. Over https only the name that nobody else can set counts.
    pub(super) fn read(self, headers: &HeaderMap, secure: bool) -> Option<&str> {
        let host = read(headers, &format!("{HOST}{}", self.name()));
        host.or_else(|| read(headers, self.name()).filter(|_| !secure))
    }

    /// Sets it.
    pub(super) fn set(self, value: &str, secure: bool) -> HeaderValue {
        let (name, age) = (self.name(), self.age());
        match secure {
            true => written(&format!("{HOST}{name}={value}; Path=/; HttpOnly; SameSite=Lax{age}"), true),
            false => written(&format!("{name}={value}; Path={}; HttpOnly; SameSite=Lax{age}", self.path()), false),
        }
    }

    /// Takes it away, under whichever names it came.
    pub(super) fn remove(self, headers: &HeaderMap, answer: &mut HeaderMap) {
        let (name, path) = (self.name(), self.path());
        if read(headers, &format!("{HOST}{name}")).is_some() {
            let gone = format!("{HOST}{name}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
            answer.append(SET_COOKIE, written(&gone, true));
        }
        if read(headers, name).is_some() {
            let gone = format!("{name}=; Path={path}; HttpOnly; SameSite=Lax; Max-Age=0");
            answer.append(SET_COOKIE, written(&gone, false));
        }
    }
}

/// The value of a cookie.
pub(super) fn read<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let pairs =
        headers.get_all(COOKIE).iter().filter_map(|header| header.to_str().ok()).flat_map(|text| text.split(';'));
    pairs.filter_map(|pair| pair.trim().split_once('=')).find(|(own, _)| *own == name).map(|(_, value)| value)
}

/// A wish that is remembered; `value` is one of a few words.
pub(super) fn wish(name: &str, value: &'static str, secure: bool) -> HeaderValue {
    written(&format!("{name}={value}; Path=/dashboard; SameSite=Lax; Max-Age={REMEMBERED_S}"), secure)
}

fn written(text: &str, secure: bool) -> HeaderValue {
    let text = if secure { format!("{text}; Secure") } else { text.to_owned() };
    HeaderValue::from_str(&text).expect("an id in base64 and words of ours are a legal header value")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brought(text: &'static str) -> HeaderMap {
        [(COOKIE, HeaderValue::from_static(text))].into_iter().collect()
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let mut headers = brought("a=1; falaj_session=x=y");
        headers.append(COOKIE, HeaderValue::from_static("falaj_lang=ar"));
        assert_eq!(
            (Secret::Session.read(&headers, false), read(&headers, LANGUAGE), read(&headers, "b")),
            (Some("x=y"), Some("ar"), None)
        );
    }

    #[test]
    fn over_https_no_other_host_puts_its_own_in_place() {
        let tossed = brought("falaj_session=theirs; __Host-falaj_session=ours");
        assert_eq!(
            (Secret::Session.read(&tossed, true), Secret::Session.read(&tossed, false)),
            (Some("ours"), Some("ours"))
        );
        let tossed = brought("falaj_session=theirs");
        assert_eq!((Secret::Session.read(&tossed, true), Secret::Session.read(&tossed, false)), (None, Some("theirs")));
        let set = Secret::SignIn.set("x", true);
        assert_eq!(set, "__Host-falaj_sign_in=x; Path=/; HttpOnly; SameSite=Lax; Max-Age=600; Secure");
        assert_eq!(
            Secret::SignIn.set("x", false),
            "falaj_sign_in=x; Path=/dashboard/sign-in; HttpOnly; SameSite=Lax; Max-Age=600"
        );
        let mut answer = HeaderMap::new();
        Secret::Session.remove(&brought("falaj_session=a; __Host-falaj_session=b"), &mut answer);
        assert_eq!(answer.get_all(SET_COOKIE).iter().count(), 2);
        assert!(answer.get_all(SET_COOKIE).iter().all(|gone| gone.to_str().unwrap().contains("Max-Age=0")));
    }
}
