//! The configuration in force, as it may be shown to people.
//!
//! C1: nothing that opens anything is in it: of a secret only that there is one, and of an address neither password nor query.

use super::Config;
use super::kind::{Kind, format_bytes};
use super::settings::{SETTINGS, Setting};
use crate::model::time::Span;
use crate::telemetry::log::Format;

/// What stands for a secret.
const HIDDEN: &str = "***";

/// One setting as it is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Its section.
    pub section: &'static str,
    /// Its key within the section.
    pub key: &'static str,
    /// Its value as `falaj.toml` has it, without quotes; `None` where there is none.
    pub value: Option<String>,
    /// Whether it is another than the default.
    pub is_changed: bool,
}

impl Config {
    /// Every setting of the table with its value, in the order of the reference.
    pub fn shown(&self) -> Vec<Shown> {
        let mut defaults = Self::default();
        // The places in the table are given out to be written to; these are copies.
        let mut own = self.clone();
        let shown = |setting: &Setting| {
            let (section, key) = setting.name.split_once('.').unwrap_or(("", setting.name));
            let value = value(setting, &mut own);
            Shown { section, key, is_changed: value != self::value(setting, &mut defaults), value }
        };
        SETTINGS.iter().map(shown).collect()
    }
}

/// The value of a setting.
fn value(setting: &Setting, config: &mut Config) -> Option<String> {
    Some(match &setting.kind {
        Kind::Address(place) => place(config).to_string(),
        Kind::Duration(place, ..) => Span(*place(config)).to_string(),
        Kind::Count(place, ..) => place(config).to_string(),
        Kind::Small(place, ..) => place(config).to_string(),
        Kind::Bytes(place, ..) => format_bytes(*place(config)),
        Kind::Size(place, ..) => format_bytes(*place(config) as u64),
        Kind::Flag(place) => place(config).to_string(),
        Kind::Path(place) => place(config).display().to_string(),
        Kind::Source(place) | Kind::Name(place) => place(config).clone(),
        Kind::Url(place) => without_secrets(place(config).as_deref()?),
        // It hides its password itself.
        Kind::Broker(place) => place(config).as_ref()?.to_string(),
        Kind::Text(place) => place(config).clone()?,
        Kind::File(place) => place(config).as_ref()?.display().to_string(),
        Kind::Share(place) => place(config).to_string(),
        Kind::LogFormat(place) => match place(config) {
            Format::Auto => "auto",
            Format::Json => "json",
            Format::Text => "text",
        }
        .to_owned(),
        Kind::Key(place) => place(config).as_ref().map(|_| HIDDEN.to_owned())?,
        Kind::Password(place) => place(config).as_ref().map(|_| HIDDEN.to_owned())?,
        Kind::Issuer(place) => without_secrets(place(config).as_ref()?.as_str()),
        Kind::Base(place) => place(config).as_ref()?.at(""),
        Kind::Scopes(place) => place(config).join(", "),
        Kind::Zoned(place) => place(config).name().to_owned(),
        Kind::Networks(place) => place(config).iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        Kind::Refused(..) => return None,
    })
}

/// Keeps C1.
fn without_secrets(url: &str) -> String {
    let (bare, query) = url.split_once('?').map_or((url, None), |(bare, query)| (bare, Some(query)));
    let (scheme, rest) = bare.split_once("://").unwrap_or(("", bare));
    let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let query = query.map_or_else(String::new, |_| format!("?{HIDDEN}"));
    format!("{scheme}://{host}{path}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find<'a>(shown: &'a [Shown], name: &str) -> &'a Shown {
        shown.iter().find(|one| format!("{}.{}", one.section, one.key) == name).unwrap()
    }

    #[test]
    fn every_setting_is_shown_and_nothing_that_opens_anything() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let environment = [
            ("FALAJ_ALARMS__URL", "https://user:word@duty.example/alarms?token=very-secret"),
            ("FALAJ_ALARMS__SECRET", secret),
            ("FALAJ_AMQP__URL", "amqps://falaj:pass-word@broker.example/falaj"),
            ("FALAJ_HTTP__CONNECTIONS_MAX", "7"),
        ];
        let variables = environment.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let config = Config::load_with(None, variables, &[]).unwrap_or_else(|_| {
            // An address with a password is refused; the rest of the test stands without it.
            let rest = environment.into_iter().skip(1).map(|(name, value)| (name.to_owned(), value.to_owned()));
            let mut config = Config::load_with(None, rest, &[]).unwrap();
            config.alarms.url = Some(environment[0].1.to_owned());
            config
        });
        let shown = config.shown();
        assert_eq!(shown.len(), SETTINGS.len());
        let text = format!("{shown:?}");
        for hidden in ["very-secret", "pass-word", "user:word", &secret[6..]] {
            assert!(!text.contains(hidden), "{hidden} in {text}");
        }
        let value = |name| find(&shown, name).value.as_deref();
        assert_eq!(value("alarms.url"), Some("https://duty.example/alarms?***"));
        assert_eq!(value("alarms.secret"), Some("***"));
        assert_eq!(value("amqp.url"), Some("amqps://falaj:***@broker.example:5671/falaj"));
        assert_eq!((value("store.disk_floor"), value("http.body_timeout")), (Some("512MiB"), Some("30s")));
        assert_eq!((value("store.url"), value("telemetry.otlp")), (None, None));
        assert!(find(&shown, "http.connections_max").is_changed && !find(&shown, "http.listen").is_changed);
    }

    #[test]
    fn what_is_shown_of_the_defaults_gives_the_defaults_again() {
        for one in Config::default().shown() {
            assert!(!one.is_changed, "{one:?}");
            let Some(text) = one.value else { continue };
            let name = format!("{}.{}", one.section, one.key);
            let setting = super::super::settings::find(&name).unwrap();
            let list = matches!(setting.kind, Kind::Networks(_) | Kind::Scopes(_));
            let value = match list {
                true => super::super::kind::Value::List(text.split(", ").map(str::to_owned).collect()),
                false => match super::super::environment::value(&text) {
                    super::super::kind::Value::Other(_) => super::super::kind::Value::Text(text.clone()),
                    value => value,
                },
            };
            let mut config = Config::default();
            setting.set(&mut config, &value).unwrap_or_else(|fault| panic!("{name} = {text}: {fault:?}"));
            assert_eq!(config, Config::default(), "{name} = {text}");
        }
    }
}
