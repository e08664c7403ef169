//! The queue dashboard: what each agency has not yet done for whom, why, and since when; and how a person repairs it.
//!
//! In reading order: [`mod@routes`] names every page and action with the right it asks for; [`frame`] stands around all of them
//! (language, errors, headers) and [`guard`] before each (session, right, origin, token); [`session`], [`cookie`], [`limit`], [`sign_in`],
//! [`provider`] and [`pending`] are how one gets in; [`page`] is what every screen has around it, [`say`] how its reader is spoken to, in the texts of [`text`];
//! [`live`] sends what changes while one looks; [`assets`] are its files. The screens follow.
//!
//! D1: default deny, and the rules of the HTTP interface: what a caller may not see is as if it were not there. D2: every page and
//! every action works without scripts, by keyboard alone, in both languages; the script only saves reloading. D3: nothing comes from
//! elsewhere: no script, style, font or picture that is not in this binary, and no page may be framed. D4: an action is a POST with the
//! session's token from this origin, says what it will do, asks for a reason, and is recorded by the ledger. D5: no payload and no
//! subject, unless somebody with the right asked for it and said why. D6: whatever is listed is bounded, and says so.
//!
//! **To add a screen**: a file here with the view model (`#[derive(Template)]`, a field `page: Page`) and its handler, a template that
//! extends `base.html`, a section in `text/en.ftl` and `text/ar.ftl`, and its line in [`mod@routes`]; a place in [`page::PLACES`] if it is to
//! be in the navigation. If it changes while one looks: its rows are templates of their own, and it is a [`live::Live`].

mod assets;
mod cookie;
mod fields;
mod frame;
mod guard;
mod gzip;
mod limit;
mod live;
mod number;
mod page;
mod pending;
mod provider;
mod routes;
mod say;
mod session;
mod sign_in;
mod state;
mod text;

mod agencies;
mod chart;
mod curl;
mod forecast;
mod mask;
mod past;
mod pick;
mod plot;
mod pretty;
mod samples;
mod vitals;
mod why;

mod agency;
mod audit;
mod blocked;
mod dead_letters;
mod deliveries;
mod envelope;
mod find;
mod operate;
mod overview;
mod payload;
mod redrives;
mod schedule;
mod service;
mod services;
mod system;
mod trial;

pub use limit::Tries;
pub use routes::{router, routes};
pub use session::{Lasting, Proof, Roots, SessionFault, Sessions};
pub use state::{Dashboard, Settings};
