//! The one table of settings (G1).

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::kind::Kind::{
    Bytes, Count, Flag, Key, LogFormat, Name, Networks, Path, Refused, Share, Size, Small, Source, Text, Url, Zoned,
};
use super::kind::{KIB, Kind, MIB, PIB, TIB};
use super::{
    Alarms, Amqp, Auth, Config, Dashboard, Dispatch, Egress, Http, Metrics, Notices, Oidc, Outcomes, Retention,
    Statistics, Store,
};
use crate::model::cloudevents::Bounds;
use crate::model::window::Zone;
use crate::telemetry::Settings as Telemetry;
use crate::telemetry::log::Format;

const S: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);

/// Sections in the order of the reference, each with what it is for.
pub(super) const SECTIONS: &[(&str, &str)] = &[
    ("http", "The interface for publishers, agencies and operators."),
    ("store", "The ledger: everything that was accepted, on this machine's disk."),
    ("retention", "How long finished work is kept."),
    ("limits", "Bounds on what is received. What is larger is refused with a clear answer."),
    ("dispatch", "How much is under way at once."),
    ("egress", "Where the bus never connects to."),
    ("outcomes", "What agencies say they did."),
    (
        "notices",
        "What senders who subscribe are told of their envelopes: falaj.delivery.settled and falaj.envelope.completed.",
    ),
    ("metrics", "Figures for Prometheus."),
    ("telemetry", "The log, and traces for an OpenTelemetry collector."),
    ("statistics", "Services in figures, by month: counts without a person in them."),
    (
        "alarms",
        "What a person is told of: in the log, in the metric falaj_alarm and, with a url, by a signed CloudEvent.",
    ),
    ("dashboard", "The pages for operators and agencies, at /dashboard."),
    (
        "oidc",
        "An identity provider (OpenID Connect) to sign in to the dashboard with. [[auth.groups]] says who may do what.",
    ),
    ("amqp", "RabbitMQ, for agencies that speak AMQP. Without a url there is none, and such agencies wait."),
];

/// One setting.
pub(super) struct Setting {
    /// `section.key`.
    pub name: &'static str,
    /// The default as TOML; `None` where there is none.
    pub default: Option<&'static str>,
    /// An example, where there is no default.
    pub example: &'static str,
    /// What it is for, one or two sentences.
    pub about: &'static str,
    /// What it takes.
    pub kind: Kind,
}

macro_rules! setting {
    ($name:literal, none $example:literal, $kind:expr, $about:literal) => {
        Setting { name: $name, default: None, example: $example, about: $about, kind: $kind }
    };
    ($name:literal, $default:literal, $kind:expr, $about:literal) => {
        Setting { name: $name, default: Some($default), example: "", about: $about, kind: $kind }
    };
}

/// All settings, by section, in the order of the reference.
pub(super) static SETTINGS: &[Setting] = &[
    setting!(
        "http.listen",
        "\"127.0.0.1:8080\"",
        Kind::Address(|c| &mut c.http.listen),
        "Address and port to listen on. Put a TLS-terminating proxy before anything but loopback."
    ),
    setting!(
        "http.header_timeout",
        "\"10s\"",
        Kind::Duration(|c| &mut c.http.header_timeout, S, S.saturating_mul(300)),
        "How long the head of a request may take."
    ),
    setting!(
        "http.body_timeout",
        "\"30s\"",
        Kind::Duration(|c| &mut c.http.body_timeout, S, S.saturating_mul(3600)),
        "How long the body of a request may take."
    ),
    setting!(
        "http.connections_max",
        "4096",
        Count(|c| &mut c.http.connections_max, 1, 1_000_000),
        "Connections at once; further ones wait."
    ),
    setting!(
        "http.shutdown_grace",
        "\"20s\"",
        Kind::Duration(|c| &mut c.http.shutdown_grace, Duration::ZERO, S.saturating_mul(3600)),
        "How long running requests and deliveries may finish when the bus is told to stop."
    ),
    setting!(
        "store.path",
        "\"falaj-data\"",
        Path(|c| &mut c.store.path),
        "The data folder, on a local disk. Relative to this file."
    ),
    setting!("store.url", none "\"postgres://...\"", Refused(
        "PostgreSQL is not in this build",
        "Remove store.url and set store.path: the embedded ledger needs no server."),
        "A PostgreSQL server instead, when one machine is not enough. Not in this build: setting it is refused."),
    setting!(
        "store.batch_max",
        "256",
        Count(|c| &mut c.store.batch_max, 1, 4096),
        "Operations that may share one commit."
    ),
    setting!(
        "store.gather",
        "\"0ms\"",
        Kind::Duration(|c| &mut c.store.gather, Duration::ZERO, Duration::from_millis(2)),
        "How long a lone operation waits for others to share its commit. Zero commits at once."
    ),
    setting!(
        "store.disk_floor",
        "\"512MiB\"",
        Bytes(|c| &mut c.store.disk_floor_bytes, 0, PIB),
        "Free disk space below which nothing is accepted any more (503), so that what was accepted can still be finished."
    ),
    setting!(
        "store.page_max",
        "512",
        Count(|c| &mut c.store.page_max, 16, 65_536),
        "Waiting deliveries of one agency that are held in memory, whatever its backlog."
    ),
    setting!(
        "store.lane_rows_max",
        "4",
        Count(|c| &mut c.store.lane_rows_max, 1, 1024),
        "Deliveries of one lane in that page before the lane spills to the disk."
    ),
    setting!(
        "store.stuck_max",
        "10000",
        Count(|c| &mut c.store.stuck_max, 1, 10_000_000),
        "Stuck lanes of one agency beyond which no more of its deliveries are begun."
    ),
    setting!(
        "retention.completed",
        "\"30d\"",
        Kind::Duration(|c| &mut c.retention.completed, S, DAY.saturating_mul(36_500)),
        "How long an envelope is kept after it is completed. A repeat is recognised as long."
    ),
    setting!(
        "retention.sweep_every",
        "\"60s\"",
        Kind::Duration(|c| &mut c.retention.sweep_every, S, DAY),
        "How often older ones are swept away."
    ),
    setting!(
        "retention.sweep_max",
        "1000",
        Count(|c| &mut c.retention.sweep_max, 1, 100_000),
        "Envelopes that one sweep forgets in one commit."
    ),
    setting!(
        "limits.body_bytes_max",
        "\"1MiB\"",
        Size(|c| &mut c.limits.body_bytes_max, KIB, 64 * MIB),
        "Bytes of a request's body."
    ),
    setting!("limits.batch_max", "100", Count(|c| &mut c.limits.batch_max, 1, 10_000), "Envelopes in one batch."),
    setting!(
        "limits.attributes_max",
        "64",
        Count(|c| &mut c.limits.attributes_max, 8, 1024),
        "Context attributes of one envelope."
    ),
    setting!(
        "limits.name_chars_max",
        "20",
        Count(|c| &mut c.limits.name_chars_max, 20, 128),
        "Characters of an attribute's name."
    ),
    setting!(
        "limits.value_bytes_max",
        "4096",
        Count(|c| &mut c.limits.value_bytes_max, 256, 1 << 20),
        "Bytes of an attribute's value."
    ),
    setting!("limits.depth_max", "64", Small(|c| &mut c.limits.depth_max, 4, 120), "Levels of nesting in data."),
    setting!(
        "dispatch.in_flight_total",
        "1024",
        Count(|c| &mut c.dispatch.in_flight_total, 1, 65_536),
        "Deliveries in flight, all agencies together. One agency holds at most a quarter of them."
    ),
    setting!(
        "dispatch.in_flight_bytes_max",
        "\"64MiB\"",
        Size(|c| &mut c.dispatch.in_flight_bytes_max, MIB, TIB),
        "Bytes of messages in flight."
    ),
    setting!(
        "dispatch.message_bytes_max",
        "\"4MiB\"",
        Size(|c| &mut c.dispatch.message_bytes_max, KIB, 64 * MIB),
        "Bytes of one message after projection, map or template."
    ),
    setting!(
        "egress.deny",
        "[\"169.254.0.0/16\", \"fe80::/10\", \"169.254.169.254/32\", \"fd00:ec2::254/128\", \"100.100.100.200/32\"]",
        Networks(|c| &mut c.egress.deny),
        "Networks that are never connected to, compared with every resolved address: link-local and cloud metadata."
    ),
    setting!(
        "outcomes.deadline",
        "\"30d\"",
        Kind::Duration(|c| &mut c.outcomes.deadline, S, DAY.saturating_mul(3650)),
        "How long \"pending\" and \"needs_action\" may stay open before the outcome counts as unknown."
    ),
    setting!(
        "notices.source",
        "\"urn:falaj\"",
        Source(|c| &mut c.notices.source),
        "Their CloudEvents source. Nobody else may speak for it."
    ),
    setting!(
        "metrics.open",
        "false",
        Flag(|c| &mut c.metrics.open),
        "Whether /metrics may be read without a key. Otherwise it needs the role viewer."
    ),
    setting!(
        "telemetry.log_format",
        "\"auto\"",
        LogFormat(|c| &mut c.telemetry.log_format),
        "json: one object per line. text: for people. auto: text on a terminal, json elsewhere. FALAJ_LOG is the filter."
    ),
    setting!("telemetry.otlp", none "\"http://127.0.0.1:4318\"", Url(|c| &mut c.telemetry.otlp),
        "An OpenTelemetry collector that takes OTLP over HTTP; /v1/traces is added, and headers come from the variable \
         OTEL_EXPORTER_OTLP_HEADERS. Without it no spans are made."),
    setting!(
        "telemetry.service_name",
        "\"falaj\"",
        Name(|c| &mut c.telemetry.service_name),
        "What this bus is called in the traces."
    ),
    setting!(
        "telemetry.sampling",
        "0.1",
        Share(|c| &mut c.telemetry.sampling),
        "The share of the traces that begin here and are kept. A request that brings a trace is kept as its sender decided."
    ),
    setting!(
        "statistics.zone",
        "\"Asia/Qatar\"",
        Zoned(|c| &mut c.statistics.zone),
        "The time zone whose days and months services are counted by. A ledger that has counted keeps its zone."
    ),
    setting!(
        "statistics.open",
        "false",
        Flag(|c| &mut c.statistics.open),
        "Whether the open data of months that are over may be read without a key. Otherwise they need the role viewer."
    ),
    setting!(
        "statistics.small_count",
        "5",
        Count(|c| &mut c.statistics.small_count, 1, 1000),
        "Open data leave out counts below this and say so, so that nobody is recognised in them. 1 leaves out none."
    ),
    setting!(
        "statistics.licence",
        "\"https://creativecommons.org/licenses/by/4.0/\"",
        Text(|c| &mut c.statistics.licence),
        "The licence of the open data, best as an address."
    ),
    setting!("alarms.url", none "\"https://duty.example/alarms\"", Url(|c| &mut c.alarms.url),
        "Where falaj.alarm.raised and falaj.alarm.cleared are posted, as webhooks are."),
    setting!("alarms.secret", none "\"whsec_...\"", Key(|c| &mut c.alarms.secret),
        "What signs them (Standard Webhooks). Better in the environment: FALAJ_ALARMS__SECRET."),
    setting!(
        "alarms.every",
        "\"30s\"",
        Kind::Duration(|c| &mut c.alarms.every, S, S.saturating_mul(3600)),
        "How often conditions are looked at."
    ),
    setting!(
        "alarms.clear_after",
        "\"5m\"",
        Kind::Duration(|c| &mut c.alarms.clear_after, Duration::ZERO, DAY),
        "How long a condition must not have held before its alarm is cleared, so that whatever flaps is one alarm."
    ),
    setting!(
        "alarms.oldest_age",
        "\"1h\"",
        Kind::Duration(|c| &mut c.alarms.oldest_age, S, DAY.saturating_mul(365)),
        "Alarm when an agency's oldest delivery waits for longer. Hours outside its window do not count."
    ),
    setting!(
        "alarms.circuit_open",
        "\"15m\"",
        Kind::Duration(|c| &mut c.alarms.circuit_open, S, DAY.saturating_mul(365)),
        "Alarm when an agency has not answered for longer."
    ),
    setting!(
        "alarms.parked",
        "0",
        Count(|c| &mut c.alarms.parked, 0, 10_000_000),
        "Alarm when more lanes of an agency wait for an operator."
    ),
    setting!(
        "alarms.dead_per_hour",
        "10",
        Count(|c| &mut c.alarms.dead_per_hour, 0, 10_000_000),
        "Alarm when more deliveries to an agency are given up within an hour."
    ),
    setting!(
        "alarms.disk_free",
        "\"2GiB\"",
        Bytes(|c| &mut c.alarms.disk_free_bytes, 0, TIB),
        "Alarm when less is free on the store's disk; store.disk_floor is where accepting ends."
    ),
    setting!(
        "alarms.broker_down",
        "\"2m\"",
        Kind::Duration(|c| &mut c.alarms.broker_down, S, DAY.saturating_mul(365)),
        "Alarm when the broker has not been as it should be for longer. Only where there is one."
    ),
    setting!(
        "dashboard.session_idle",
        "\"1h\"",
        Kind::Duration(|c| &mut c.dashboard.session_idle, S.saturating_mul(60), DAY),
        "How long a session lasts in which nobody does anything."
    ),
    setting!(
        "dashboard.session_whole",
        "\"12h\"",
        Kind::Duration(|c| &mut c.dashboard.session_whole, S.saturating_mul(60), DAY.saturating_mul(30)),
        "How long a session lasts in any case. It ends at once when its key is revoked, or its groups may do something else."
    ),
    setting!(
        "dashboard.sessions_max",
        "1000",
        Count(|c| &mut c.dashboard.sessions_max, 1, 100_000),
        "Sessions at once, all people together."
    ),
    setting!(
        "dashboard.sign_in_failures",
        "10",
        Count(|c| &mut c.dashboard.sign_in_failures, 1, 10_000),
        "Keys that open nothing which one address may try within dashboard.sign_in_within."
    ),
    setting!(
        "dashboard.sign_in_failures_total",
        "200",
        Count(|c| &mut c.dashboard.sign_in_failures_total, 1, 1_000_000),
        "The same for all addresses together; from there on each may fail once."
    ),
    setting!(
        "dashboard.sign_in_within",
        "\"5m\"",
        Kind::Duration(|c| &mut c.dashboard.sign_in_within, S, DAY),
        "In which time they are counted."
    ),
    setting!(
        "dashboard.https",
        "false",
        Flag(|c| &mut c.dashboard.https),
        "Whether people come by https alone: cookies then never travel otherwise. A proxy that says X-Forwarded-Proto: https does the same."
    ),
    setting!(
        "dashboard.proxies",
        "[\"127.0.0.0/8\", \"::1/128\"]",
        Networks(|c| &mut c.dashboard.proxies),
        "Proxies whose X-Forwarded-For is believed, so that failures to sign in are counted per person behind them. Name yours, or all \
         people behind it count as one."
    ),
    setting!("oidc.issuer", none "\"https://id.example/realms/government\"",
        Kind::Issuer(|c| &mut c.oidc.issuer),
        "Who it is, exactly as its /.well-known/openid-configuration writes \"issuer\". Plain http only on this machine."),
    setting!("oidc.client_id", none "\"falaj\"", Text(|c| &mut c.oidc.client_id), "What it calls this bus."),
    setting!("oidc.client_secret", none "\"...\"", Kind::Password(|c| &mut c.oidc.client_secret),
        "The client's secret. Better in the environment, FALAJ_OIDC__CLIENT_SECRET, or in a file."),
    setting!("oidc.client_secret_file", none "\"oidc-secret\"", Kind::File(|c| &mut c.oidc.client_secret_file),
        "A file with nothing but the secret, instead. It is read at the start."),
    setting!("oidc.redirect_base", none "\"https://falaj.example\"", Kind::Base(|c| &mut c.oidc.redirect_base),
        "The address under which people open the dashboard. At the provider, register it with /dashboard/sign-in/return as redirect \
         URI and with /dashboard/sign-in/out as post-logout redirect URI."),
    setting!(
        "oidc.scopes",
        "[\"openid\", \"profile\"]",
        Kind::Scopes(|c| &mut c.oidc.scopes),
        "What is asked for. Some providers tell groups only where a scope such as \"groups\" asks for them."
    ),
    setting!(
        "oidc.groups_claim",
        "\"groups\"",
        Name(|c| &mut c.oidc.groups_claim),
        "The claim with a person's groups. Dots lead into it: realm_access.roles."
    ),
    setting!("oidc.ca", none "\"id-ca.pem\"", Kind::File(|c| &mut c.oidc.ca),
        "The authorities that the provider's certificate may be signed by, instead of those of the machine."),
    setting!("amqp.url", none "\"amqps://falaj:password@broker.example:5671/falaj\"",
        Kind::Broker(|c| &mut c.amqp.url),
        "The broker. It holds a password: better in the environment, FALAJ_AMQP__URL."),
    setting!("amqp.ca", none "\"broker-ca.pem\"", Kind::File(|c| &mut c.amqp.ca),
        "The authorities that an amqps broker's certificate may be signed by, instead of those of the machine."),
    setting!("amqp.cert", none "\"falaj.pem\"", Kind::File(|c| &mut c.amqp.cert),
        "Falaj's own certificate, where the broker asks for one. Without a user in the url it says who Falaj is (EXTERNAL)."),
    setting!("amqp.key", none "\"falaj.key\"", Kind::File(|c| &mut c.amqp.key), "Its key."),
    setting!(
        "amqp.heartbeat",
        "\"20s\"",
        Kind::Duration(|c| &mut c.amqp.heartbeat, S, S.saturating_mul(600)),
        "How long a connection may be silent before it counts as lost. Whole seconds."
    ),
    setting!(
        "amqp.connect_timeout",
        "\"10s\"",
        Kind::Duration(|c| &mut c.amqp.connect_timeout, S, S.saturating_mul(300)),
        "How long connecting to the broker may take."
    ),
    setting!(
        "amqp.publish_timeout",
        "\"15s\"",
        Kind::Duration(|c| &mut c.amqp.publish_timeout, S, S.saturating_mul(300)),
        "How long the broker may take to confirm a message. An agency's own timeout may end it sooner."
    ),
    setting!(
        "amqp.in_flight",
        "128",
        Count(|c| &mut c.amqp.in_flight, 1, 4096),
        "Messages of one queue that are being worked on, in either direction."
    ),
    setting!(
        "amqp.prefetch",
        "256",
        Small(|c| &mut c.amqp.prefetch, 1, 4096),
        "Messages that the broker sends ahead. Each may be as large as the broker lets it be."
    ),
    setting!(
        "amqp.messages_max",
        "100000",
        Count(|c| &mut c.amqp.messages_max, 1, 100_000_000),
        "Deliveries that an agency's queue holds; further ones wait in the ledger. A queue keeps what it was made with."
    ),
    setting!(
        "amqp.bytes_max",
        "\"1GiB\"",
        Bytes(|c| &mut c.amqp.bytes_max, MIB, TIB),
        "Bytes that a queue holds before it refuses more. A queue keeps what it was made with."
    ),
    setting!(
        "amqp.offers_max",
        "100",
        Count(|c| &mut c.amqp.offers_max, 1, 1_000_000),
        "Times that a delivery is offered to an agency before it comes back as refused. A queue keeps what it was made with."
    ),
];

/// The setting of a name.
pub(super) fn find(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name)
}

/// A configuration of defaults alone.
pub(super) fn defaults() -> Config {
    let mut config = blank();
    for setting in SETTINGS {
        if let Some(default) = setting.default {
            let value = super::environment::value(default);
            setting.set(&mut config, &value).expect("the defaults of the table are within its bounds");
        }
    }
    config
}

/// Something to put the defaults into.
fn blank() -> Config {
    let zero = Duration::ZERO;
    Config {
        root: PathBuf::from("."),
        file: None,
        http: Http {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            header_timeout: zero,
            body_timeout: zero,
            connections_max: 0,
            shutdown_grace: zero,
        },
        store: Store {
            path: PathBuf::new(),
            batch_max: 0,
            gather: zero,
            disk_floor_bytes: 0,
            page_max: 0,
            lane_rows_max: 0,
            stuck_max: 0,
        },
        retention: Retention { completed: zero, sweep_every: zero, sweep_max: 0 },
        limits: Bounds::default(),
        egress: Egress { deny: Vec::new() },
        metrics: Metrics { open: false },
        telemetry: Telemetry { log_format: Format::Auto, otlp: None, service_name: String::new(), sampling: 0.0 },
        amqp: Amqp {
            url: None,
            ca: None,
            cert: None,
            key: None,
            heartbeat: zero,
            connect_timeout: zero,
            publish_timeout: zero,
            in_flight: 0,
            prefetch: 0,
            messages_max: 0,
            bytes_max: 0,
            offers_max: 0,
        },
        outcomes: Outcomes { deadline: zero },
        notices: Notices { source: String::new() },
        statistics: Statistics { zone: Zone::default(), open: false, small_count: 0, licence: None },
        alarms: Alarms {
            url: None,
            secret: None,
            every: zero,
            clear_after: zero,
            oldest_age: zero,
            circuit_open: zero,
            parked: 0,
            dead_per_hour: 0,
            disk_free_bytes: 0,
            broker_down: zero,
        },
        dashboard: Dashboard {
            session_idle: zero,
            session_whole: zero,
            sessions_max: 0,
            sign_in_failures: 0,
            sign_in_failures_total: 0,
            sign_in_within: zero,
            https: false,
            proxies: Vec::new(),
        },
        oidc: Oidc {
            issuer: None,
            client_id: None,
            client_secret: None,
            client_secret_file: None,
            redirect_base: None,
            scopes: Vec::new(),
            groups_claim: String::new(),
            ca: None,
        },
        dispatch: Dispatch { in_flight_total: 0, in_flight_bytes_max: 0, message_bytes_max: 0 },
        auth: Auth::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_has_its_section_and_the_defaults_of_the_model_hold() {
        for setting in SETTINGS {
            let (section, _) = setting.name.split_once('.').unwrap();
            assert!(SECTIONS.iter().any(|(name, _)| *name == section), "{}", setting.name);
        }
        assert_eq!(defaults().limits, Bounds::default());
    }
}
