//! What every screen has around it: who reads, where they are, where they can go, and how the agencies are at a glance.

use std::ops::Deref;

use askama::Template;
use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Uri};
use axum::response::Response;
use bytes::Bytes;

use super::agencies::{self, Count};
use super::assets;
use super::fields::Fields;
use super::frame::Reader;
use super::gzip::Whole;
use super::live::Unit;
use super::say::Say;
use super::session::Signed;
use super::state::Dashboard;
use crate::http::auth::Right;
use crate::http::error::Problem;
use crate::model::id::AgencyId;
use crate::model::means;
use crate::model::text::Language;

/// Places of the navigation, in order: the name of its text, its path, and the right it needs. The key that leads there is the first
/// letter after `g`: see `nav-keys` in the script's shortcuts.
pub(super) const PLACES: &[Place] = &[
    Place { name: "overview", path: "/dashboard", right: Right::Read, key: 'o' },
    Place { name: "blocked", path: "/dashboard/blocked", right: Right::Oversee, key: 'b' },
    Place { name: "dead-letters", path: "/dashboard/dead-letters", right: Right::Oversee, key: 'd' },
    Place { name: "redrives", path: "/dashboard/redrives", right: Right::Oversee, key: 'r' },
    Place { name: "schedule", path: "/dashboard/schedule", right: Right::Oversee, key: 's' },
    Place { name: "services", path: "/dashboard/services", right: Right::Read, key: 'v' },
    Place { name: "find", path: "/dashboard/find", right: Right::Read, key: 'f' },
    Place { name: "system", path: "/dashboard/system", right: Right::Oversee, key: 'y' },
    Place { name: "audit", path: "/dashboard/audit", right: Right::Audit, key: 'a' },
];

/// A place of the navigation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) name: &'static str,
    pub(super) path: &'static str,
    pub(super) right: Right,
    /// After `g` it leads there.
    pub(super) key: char,
}

/// How a page is lit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Theme {
    /// As the machine is.
    #[default]
    Auto,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    pub(super) const ALL: [Self; 3] = [Self::Auto, Self::Light, Self::Dark];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.as_str() == text)
    }
}

/// The frame of a screen. It speaks as its [`Say`] does.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) say: Say,
    /// Where the live parts of the screen come from.
    pub(super) live: Option<String>,
    /// What the query asks for, without language and theme.
    pub(super) asked: Fields,
    path: String,
    theme: Theme,
    signed: Option<Signed>,
    dashboard: Dashboard,
}

impl Deref for Page {
    type Target = Say;

    fn deref(&self) -> &Say {
        &self.say
    }
}

/// A link with its text.
#[derive(Debug)]
pub(super) struct Choice {
    pub(super) name: &'static str,
    pub(super) href: String,
    pub(super) key: char,
    pub(super) current: bool,
}

impl Page {
    pub(super) fn new(dashboard: &Dashboard, reader: Reader, signed: Option<Signed>, uri: &Uri) -> Self {
        let asked = Fields::read(uri.query().unwrap_or_default()).with("lang", None).with("theme", None);
        Self {
            say: reader.say,
            live: None,
            asked,
            path: uri.path().to_owned(),
            theme: reader.theme,
            signed,
            dashboard: dashboard.clone(),
        }
    }

    pub(super) fn lang(&self) -> &'static str {
        self.language.tag()
    }

    pub(super) fn dir(&self) -> &'static str {
        match self.language {
            Language::English => "ltr",
            Language::Arabic => "rtl",
        }
    }

    pub(super) fn theme(&self) -> &'static str {
        self.theme.as_str()
    }

    /// This page in the other language.
    pub(super) fn other_language(&self) -> String {
        let other = match self.language {
            Language::English => "ar",
            Language::Arabic => "en",
        };
        self.asked.with("lang", Some(other)).link(&self.path)
    }

    /// This page in each light.
    pub(super) fn themes(&self) -> Vec<Choice> {
        let choice = |theme: Theme| Choice {
            name: theme.as_str(),
            href: self.asked.with("theme", Some(theme.as_str())).link(&self.path),
            key: ' ',
            current: theme == self.theme,
        };
        Theme::ALL.into_iter().map(choice).collect()
    }

    /// Where one can go.
    pub(super) fn places(&self) -> Vec<Choice> {
        let Some(signed) = &self.signed else { return Vec::new() };
        let open = PLACES.iter().filter(|place| place.right.is_given_to(signed.caller.role));
        let within = |place: &Place| self.path == place.path || self.path.starts_with(&format!("{}/", place.path));
        let here =
            PLACES.iter().filter(|place| within(place)).max_by_key(|place| place.path.len()).map(|place| place.path);
        open.map(|place| Choice {
            name: place.name,
            href: place.path.to_owned(),
            key: place.key,
            current: here == Some(place.path) && (place.path != "/dashboard" || self.path == "/dashboard"),
        })
        .collect()
    }

    /// The font that the page begins with.
    pub(super) fn font(&self) -> &'static str {
        match self.language {
            Language::English => "latin-400.woff2",
            Language::Arabic => "arabic-400.woff2",
        }
    }

    /// The address of one of our files.
    pub(super) fn asset(&self, name: &str) -> &'static str {
        assets::address(name)
    }

    /// Who is signed in.
    pub(super) fn signed(&self) -> Option<&Signed> {
        self.signed.as_ref()
    }

    /// How they are called.
    pub(super) fn called(&self) -> &str {
        self.signed.as_ref().map_or("", |signed| means::called(&signed.caller.name))
    }

    /// The same page for nobody: a session that has just ended.
    pub(super) fn signed_out(self) -> Self {
        Self { signed: None, ..self }
    }

    /// Whether one can sign in with an identity provider.
    pub(super) fn provider(&self) -> bool {
        self.dashboard.inner().settings.provider.is_some()
    }

    /// What every form brings back.
    pub(super) fn token(&self) -> String {
        self.signed.as_ref().map(Signed::token).unwrap_or_default()
    }

    /// Whether the reader may operate.
    pub(super) fn operates(&self) -> bool {
        self.may(Right::Operate)
    }

    /// Whether the reader has a right.
    pub(super) fn may(&self, right: Right) -> bool {
        self.signed.as_ref().is_some_and(|signed| right.is_given_to(signed.caller.role))
    }

    /// The word for the reader's role.
    pub(super) fn role(&self) -> &'static str {
        use crate::model::agency::Role;
        match self.signed.as_ref().map(|signed| signed.caller.role) {
            Some(Role::Agency) => "role-agency",
            Some(Role::Viewer) => "role-viewer",
            Some(Role::Operator) => "role-operator",
            Some(Role::Auditor) => "role-auditor",
            Some(Role::Admin) => "role-admin",
            None => "role-none",
        }
    }

    /// How many agencies are in which state.
    pub(super) fn glance(&self) -> Glance {
        Glance::of(&self.dashboard, self.signed.as_ref(), self.say)
    }

    /// The name of an agency of the deployment, by its id as text.
    pub(super) fn known_agency(&self, id: &str) -> Option<String> {
        let id = AgencyId::parse(id).ok()?;
        let catalog = self.dashboard.catalog.load();
        catalog.agency(&id).map(|agency| self.pick(&agency.name).to_owned())
    }

    /// The name of an agency in the reader's language; its id where it has none any more.
    pub(super) fn agency(&self, id: &AgencyId) -> String {
        agencies::name(&self.dashboard, id, self.say)
    }
}

impl FromRequestParts<Dashboard> for Page {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, dashboard: &Dashboard) -> Result<Self, Problem> {
        // The frame stands around every route.
        let reader = parts.extensions.get::<Reader>().copied().ok_or_else(Problem::internal)?;
        Ok(Self::new(dashboard, reader, parts.extensions.get::<Signed>().cloned(), &parts.uri))
    }
}

/// The agencies at a glance, in the head of every page.
#[derive(Debug, Template)]
#[template(path = "glance.html", config = "src/dashboard/askama.toml")]
pub(super) struct Glance {
    say: Say,
    counts: Vec<Count>,
}

impl Glance {
    pub(super) fn of(dashboard: &Dashboard, signed: Option<&Signed>, say: Say) -> Self {
        Self { say, counts: signed.map(|signed| agencies::counts(dashboard, signed)).unwrap_or_default() }
    }

    /// As it changes while one looks.
    pub(super) fn unit(&self) -> Result<Unit, Problem> {
        Unit::of("glance", self)
    }
}

/// A screen as an answer.
pub(super) fn html(screen: &impl Template) -> Result<Response, Problem> {
    let text = screen.render().map_err(|error| {
        tracing::error!(%error, "a page cannot be written");
        Problem::internal()
    })?;
    let text = Bytes::from(text);
    let mut response = Response::new(Body::from(text.clone()));
    response.extensions_mut().insert(Whole(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    Ok(response)
}
