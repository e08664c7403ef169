//! `connector.toml` as it is written: keys, types and bounds of one file, without a look at any other.
//!
//! Unknown keys, wrong types and values out of bounds are all reported at once. What needs the schemas or the other agencies is
//! checked where the manifest becomes an agency ([`super::build`]).

use std::path::Path;
use std::time::Duration;

use super::document::{Node, Page, Placed, Table};
use super::nearest;
use super::problem::{Problem, Problems};
use super::secrets::SecretSource;
use super::url;
use crate::mapping::SubjectForm;
use crate::model::agency::{Exhausted, Limits, Rate, TransportKind};
use crate::model::id::{AgencyId, TypePattern};
use crate::model::text::Bilingual;
use crate::model::window::{self, Day, Holiday, Hours, Window, Zone};

/// Longest `timeout`.
pub const TIMEOUT_MAX: Duration = Duration::from_secs(120);
/// Largest `in_flight`.
pub const IN_FLIGHT_MAX: u64 = 1024;
/// Default `lease`.
pub const LEASE: Duration = Duration::from_secs(60);
/// Longest `lease`.
pub const LEASE_MAX: Duration = Duration::from_secs(3600);
/// Longest `retry.max_age`.
pub const AGE_MAX: Duration = Duration::from_secs(365 * 86_400);
/// Most subscriptions of one agency.
pub const SUBSCRIPTIONS_MAX: usize = 512;
/// Most bytes of the name of a user at the broker.
pub const USER_BYTES_MAX: usize = 128;
/// Most items of any list in a manifest.
pub const ITEMS_MAX: usize = 512;
/// Most secrets of an agency: the new one, the old one, and two to spare.
pub const SECRETS_MAX: usize = 4;

/// One manifest.
#[derive(Debug)]
pub struct Manifest {
    pub id: Placed<AgencyId>,
    pub name: Bilingual,
    pub types: Vec<Placed<TypePattern>>,
    pub sources: Vec<Placed<String>>,
    pub sends_as: Option<Placed<String>>,
    pub delivery: Option<DeliveryPart>,
    pub subscriptions: Vec<SubscriptionPart>,
}

/// `[delivery]`.
#[derive(Debug)]
pub struct DeliveryPart {
    pub place: Placed<()>,
    pub transport: TransportKind,
    pub url: Option<Placed<String>>,
    pub mode: Mode,
    pub secrets: Vec<Placed<SecretSource>>,
    pub limits: Limits,
    pub lease: Duration,
    pub amqp_user: Option<String>,
    pub window: Option<Window>,
}

/// The form in which an agency gets what no subscription shapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    Structured,
    Binary,
    Template,
}

/// The media a field map is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MapWord {
    Json,
    Csv,
    Xml,
}

/// `[[subscription]]`.
#[derive(Debug)]
pub struct SubscriptionPart {
    pub pattern: Placed<TypePattern>,
    pub when: Option<Placed<String>>,
    pub ordered: bool,
    pub fields: Placed<Vec<Placed<String>>>,
    pub attributes: Vec<Placed<String>>,
    pub subject: SubjectForm,
    pub purpose: Bilingual,
    pub legal_basis: String,
    pub on_exhausted: Exhausted,
    pub form: Option<Placed<MapWord>>,
    pub xml_root: Option<Placed<String>>,
    pub map: Option<Placed<MapPart>>,
    pub template: Option<Placed<String>>,
}

/// `[subscription.map]`: each target with its expression, by name.
pub type MapPart = Vec<(String, Placed<String>)>;

/// Reads a manifest. `None` where too little of it is there to go on; everything that is wrong is in `problems` then.
pub fn read(file: &Path, text: &str, problems: &mut Problems) -> Option<Manifest> {
    let page = Page::new(file, text.to_owned());
    let before = problems.errors();
    let document = page.parse(problems);
    if problems.errors() > before {
        return None;
    }
    let mut root = Table::of(&page, &document);
    let agency = root.need("agency", "[agency] with id and name", problems).and_then(|node| node.table(problems));
    let identity = agency.and_then(|table| identity(table, problems));
    let (types, sources, sends_as) = match root.take("publishes").and_then(|node| node.table(problems)) {
        Some(table) => publishes(table, problems),
        None => (Vec::new(), Vec::new(), None),
    };
    let delivery = root.take("delivery").and_then(|node| node.table(problems)).map(|table| delivery(table, problems));
    let subscriptions = root.take("subscription").map_or_else(Vec::new, |node| {
        let items = node.items(problems);
        if items.len() > SUBSCRIPTIONS_MAX {
            problems.error(node.fault(
                format!("more than {SUBSCRIPTIONS_MAX} subscriptions"),
                "Subscribe to families of types (qa.gov.residency.*).",
            ));
        }
        let tables: Vec<_> = items.iter().take(SUBSCRIPTIONS_MAX).filter_map(|item| item.table(problems)).collect();
        tables.into_iter().filter_map(|table| subscription(table, problems)).collect()
    });
    root.close(problems);
    if let (Some(TransportKind::Amqp), Some(user)) = (delivery.as_ref().map(|part| part.transport), &sends_as) {
        let what = "publishes.amqp_user: the agency has a user by its transport";
        let hint = "Remove it, and set amqp_user under [delivery] where the user is not the agency's id.";
        problems.error(Problem::new(file, what, hint).at(user.line, user.column));
    }
    let (id, name) = identity?;
    Some(Manifest { id, name, types, sources, sends_as, delivery, subscriptions })
}

fn identity(mut table: Table<'_>, problems: &mut Problems) -> Option<(Placed<AgencyId>, Bilingual)> {
    let id = table.need("id", "id = \"<name of the folder>\"", problems).and_then(|node| {
        let id = node.parsed(AgencyId::parse, problems)?;
        Some(node.placed(id))
    });
    let name =
        table.need("name", "name = { en = \"...\", ar = \"...\" }", problems).and_then(|node| node.bilingual(problems));
    table.close(problems);
    Some((id?, name?))
}

/// Types, sources, and the user at the broker.
type Publishes = (Vec<Placed<TypePattern>>, Vec<Placed<String>>, Option<Placed<String>>);

fn publishes(mut table: Table<'_>, problems: &mut Problems) -> Publishes {
    let types = strings(&mut table, "types", "types = [\"qa.gov.residency.*\"]", problems);
    let mut patterns = Vec::new();
    for placed in types {
        match TypePattern::parse(&placed.value) {
            Ok(value) => patterns.push(Placed { value, line: placed.line, column: placed.column }),
            Err(fault) => problems.error(
                table
                    .fault(format!("publishes.types: {fault}"), "Write a type, or a family of types ending in \".*\".")
                    .at(placed.line, placed.column),
            ),
        }
    }
    let sources = strings(&mut table, "sources", "sources = [\"urn:qa:gov:moi\"]", problems);
    for source in &sources {
        if !url::is_source(&source.value) {
            let hint = "Write a URI with a scheme, such as urn:qa:gov:moi, or a prefix of one ending in \"*\".";
            let what = "publishes.sources: not a URI";
            problems.error(table.fault(what, hint).at(source.line, source.column));
        }
    }
    let sends_as = table.take("amqp_user").and_then(|node| broker_user(&node, problems));
    table.close(problems);
    (patterns, sources, sends_as)
}

/// The name of a user at the broker.
fn broker_user(node: &Node<'_>, problems: &mut Problems) -> Option<Placed<String>> {
    let text = node.text(problems)?;
    if text.is_empty() || text.len() > USER_BYTES_MAX || text.chars().any(char::is_control) {
        let what = format!("a user has 1 to {USER_BYTES_MAX} bytes and no control characters");
        problems.error(node.fault(what, "Write the name of the agency's user at the broker."));
        return None;
    }
    Some(node.placed(text.to_owned()))
}

/// A list of strings that must be there and not be empty.
fn strings(table: &mut Table<'_>, key: &'static str, example: &str, problems: &mut Problems) -> Vec<Placed<String>> {
    let Some(node) = table.need(key, example, problems) else { return Vec::new() };
    let items = node.items(problems);
    if items.len() > ITEMS_MAX {
        problems.error(node.fault(format!("more than {ITEMS_MAX} items"), "Shorten the list."));
    }
    if items.is_empty() && node.value().is_array() {
        problems.error(node.fault("is empty", format!("Write at least one item: {example}.")));
    }
    items
        .iter()
        .take(ITEMS_MAX)
        .filter_map(|item| item.text(problems).map(|text| item.placed(text.to_owned())))
        .collect()
}

fn delivery(mut table: Table<'_>, problems: &mut Problems) -> DeliveryPart {
    const TRANSPORTS: [&str; 3] = ["webhook", "pull", "amqp"];
    const MODES: [&str; 3] = ["structured", "binary", "template"];
    let transport: Option<TransportKind> =
        table.need("transport", "transport = \"webhook\"", problems).and_then(|node| node.word(&TRANSPORTS, problems));
    let url = table.take("url").and_then(|node| {
        let text = node.text(problems)?;
        if let Err(fault) = url::check(text) {
            // The address itself is not repeated: a refused one may carry credentials.
            problems.error(node.fault(fault, "Write http:// or https://, a host, perhaps a port and a path."));
            return None;
        }
        Some(node.placed(text.to_owned()))
    });
    let has_url = table.take("url").is_some();
    let mode = table.take("mode").and_then(|node| node.word(&MODES, problems)).unwrap_or(Mode::Structured);
    let secrets = table.take("secret").map_or_else(Vec::new, |node| SecretSource::read(&node, problems));
    let mut limits = Limits::default();
    let second = Duration::from_secs(1);
    if let Some(timeout) = table.take("timeout").and_then(|n| n.duration(second / 10, TIMEOUT_MAX, problems)) {
        limits.timeout = timeout;
    }
    if let Some(in_flight) = table.take("in_flight").and_then(|n| n.whole(1..=IN_FLIGHT_MAX, problems)) {
        limits.in_flight = usize::try_from(in_flight).unwrap_or(1);
    }
    limits.rate = table.take("rate").and_then(|node| node.table(problems)).and_then(|t| rate(t, problems));
    if let Some(mut retry) = table.take("retry").and_then(|node| node.table(problems)) {
        if let Some(age) = retry
            .need("max_age", "max_age = \"7d\"", problems)
            .and_then(|node| node.duration(second, AGE_MAX, problems))
        {
            limits.age_max = age;
        }
        retry.close(problems);
    }
    let lease = table.take("lease").and_then(|n| n.duration(second, LEASE_MAX, problems)).unwrap_or(LEASE);
    let amqp_user = table.take("amqp_user").and_then(|node| broker_user(&node, problems)).map(|placed| placed.value);
    let window = table.take("window").and_then(|node| node.table(problems)).and_then(|t| service_window(t, problems));
    let place = table.placed(());
    if transport == Some(TransportKind::Webhook) && !has_url {
        problems.error(table.fault("delivery.url is missing: a webhook needs one", "Add url = \"https://...\"."));
    }
    if matches!(transport, Some(TransportKind::Pull | TransportKind::Amqp)) {
        for key in ["url", "secret"] {
            if let Some(node) = table.take(key) {
                problems.error(
                    node.fault("only a webhook has one", format!("Remove {key}, or set transport = \"webhook\".")),
                );
            }
        }
    }
    if transport.is_some_and(|kind| kind != TransportKind::Amqp)
        && let Some(node) = table.take("amqp_user")
    {
        problems.error(node.fault("only transport = \"amqp\" has one", "Remove amqp_user."));
    }
    table.close(problems);
    // Without a proper transport the manifest is refused; the rest of it is read as for the usual one.
    let transport = transport.unwrap_or(TransportKind::Webhook);
    DeliveryPart { place, transport, url, mode, secrets, limits, lease, amqp_user, window }
}

/// `[delivery.window]`; `None` where it is wrong, which refuses the manifest.
fn service_window(mut table: Table<'_>, problems: &mut Problems) -> Option<Window> {
    let before = problems.errors();
    let zone = table.need("zone", "zone = \"Asia/Qatar\"", problems).and_then(|node| {
        let text = node.text(problems)?;
        Zone::parse(text)
            .map_err(|fault| {
                let names = Zone::names();
                let otherwise = "Write its IANA name, such as \"Asia/Qatar\".";
                let hint = nearest::hint(text, names.iter().map(String::as_str), otherwise);
                problems.error(node.fault(fault, hint));
            })
            .ok()
    });
    let days = table.take("days").map_or_else(Vec::new, |node| {
        let hint = format!("One of: {}.", window::DAYS.join(", "));
        parts(&node, window::DAYS.len(), Day::parse, &hint, problems)
    });
    let hours = table.need("hours", "hours = [\"07:00-14:30\"]", problems).map_or_else(Vec::new, |node| {
        let hint = "Write \"07:00-14:30\", \"22:00-02:00\" over midnight, \"00:00-24:00\" for a whole day.";
        parts(&node, window::HOURS_MAX, Hours::parse, hint, problems)
    });
    let holidays = table.take("holidays").map_or_else(Vec::new, |node| {
        // No holidays is a list as good as any.
        if node.value().as_array().is_some_and(|array| array.is_empty()) {
            return Vec::new();
        }
        parts(&node, window::HOLIDAYS_MAX, Holiday::parse, "Write \"2026-12-18\", between quotation marks.", problems)
    });
    table.close(problems);
    let zone = zone?;
    (problems.errors() == before).then(|| Window::new(zone, &days, hours, &holidays))
}

/// The items of a list, each parsed; none of them twice.
fn parts<T: PartialEq>(
    node: &Node<'_>,
    max: usize,
    parse: fn(&str) -> Result<T, window::WindowFault>,
    hint: &str,
    problems: &mut Problems,
) -> Vec<T> {
    let items = node.items(problems);
    if items.len() > max {
        problems.error(node.fault(format!("more than {max} items"), "Shorten the list."));
        return Vec::new();
    }
    if items.is_empty() && node.value().is_array() {
        problems.error(node.fault("is empty", hint));
    }
    let mut parsed = Vec::with_capacity(items.len());
    for item in &items {
        let Some(text) = item.text(problems) else { continue };
        match parse(text) {
            Ok(part) if parsed.contains(&part) => problems.error(item.fault("stands here twice", "Remove one.")),
            Ok(part) => parsed.push(part),
            Err(fault) => problems.error(item.fault(fault, hint)),
        }
    }
    parsed
}

fn rate(mut table: Table<'_>, problems: &mut Problems) -> Option<Rate> {
    let per_second = table.need("per_second", "per_second = 50", problems).and_then(|node| node.positive(problems));
    let burst = table.take("burst").and_then(|node| node.whole(1..=1_000_000, problems));
    table.close(problems);
    let per_second = per_second?;
    // Without a burst: one second's worth, at least one.
    let burst =
        burst.map_or(per_second.ceil().clamp(1.0, 1e6) as u32, |burst| u32::try_from(burst).unwrap_or(u32::MAX));
    Some(Rate { per_second, burst })
}

fn subscription(mut table: Table<'_>, problems: &mut Problems) -> Option<SubscriptionPart> {
    let pattern = table.need("type", "type = \"qa.gov.person.address-changed\"", problems).and_then(|node| {
        let pattern = node.parsed(TypePattern::parse, problems)?;
        Some(node.placed(pattern))
    });
    let mut text = |table: &mut Table<'_>, key| {
        table.take(key).and_then(|node| node.text(problems).map(|text| node.placed(text.to_owned())))
    };
    let (when, xml_root, template) =
        (text(&mut table, "when"), text(&mut table, "xml_root"), text(&mut table, "template"));
    let order: Option<String> = table.take("order").and_then(|node| node.word(&["subject", "none"], problems));
    let ordered = order.is_none_or(|order| order == "subject");
    let place = table.placed(());
    let pointers = strings(&mut table, "fields", "fields = [\"/qid\"]: nothing is sent that is not listed", problems);
    let attributes = table.take("attributes").map_or_else(Vec::new, |node| {
        let items = node.items(problems);
        items.iter().filter_map(|item| item.text(problems).map(|text| item.placed(text.to_owned()))).collect()
    });
    let subject = table
        .take("subject")
        .and_then(|node| node.word(&["clear", "pseudonym", "omit"], problems))
        .unwrap_or(SubjectForm::Clear);
    let purpose =
        table.need("purpose", "purpose = { en = \"...\", ar = \"...\" }", problems).and_then(|n| n.bilingual(problems));
    let legal_basis = table.filled("legal_basis", problems);
    let on_exhausted = table
        .take("on_exhausted")
        .and_then(|node| node.word(&["park", "dead_letter"], problems))
        .unwrap_or(if ordered { Exhausted::Park } else { Exhausted::DeadLetter });
    let form = table.take("form").and_then(|node| {
        let word = node.word(&["json", "csv", "xml"], problems)?;
        Some(node.placed(word))
    });
    let map = table.take("map").and_then(|node| {
        let map = node.table(problems)?;
        let expression = |(key, node): (&str, Node<'_>)| {
            node.text(problems).map(|text| (key.to_owned(), node.placed(text.to_owned())))
        };
        Some(node.placed(map.entries().into_iter().filter_map(expression).collect()))
    });
    table.close(problems);
    let fields = Placed { value: pointers, line: place.line, column: place.column };
    Some(SubscriptionPart {
        pattern: pattern?,
        when,
        ordered,
        fields,
        attributes,
        subject,
        purpose: purpose.unwrap_or_default(),
        legal_basis: legal_basis.map(|placed| placed.value).unwrap_or_default(),
        on_exhausted,
        form,
        xml_root,
        map,
        template,
    })
}
