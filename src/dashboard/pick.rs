//! What filters offer to choose from, and how what is chosen is read.

use super::agencies;
use super::fields::Fields;
use super::say::Say;
use super::session::Signed;
use super::state::Dashboard;
use crate::http::error::{Fault, Kind, Problem};
use crate::ledger::DeadQuery;
use crate::model::id::{AgencyId, DeliveryId, EventType};
use crate::model::time::At;

/// One of several.
#[derive(Debug)]
pub(super) struct Pick {
    pub(super) value: String,
    pub(super) label: String,
    pub(super) chosen: bool,
}

/// The agencies that a caller may see, by name.
pub(super) fn receivers(dashboard: &Dashboard, signed: &Signed, say: Say, chosen: &str) -> Vec<Pick> {
    let ids = agencies::receivers(dashboard, &signed.caller).into_keys();
    by_name(ids.map(|id| (agencies::name(dashboard, &id, say), id.to_string())), chosen)
}

/// The agencies that send something, by name.
pub(super) fn senders(dashboard: &Dashboard, say: Say, chosen: &str) -> Vec<Pick> {
    let catalog = dashboard.catalog.load();
    let senders = catalog.agencies().filter(|agency| !agency.types.is_empty());
    by_name(senders.map(|agency| (say.pick(&agency.name).to_owned(), agency.id.to_string())), chosen)
}

/// The types that envelopes may have, by name.
pub(super) fn types(dashboard: &Dashboard, say: Say, chosen: &str) -> Vec<Pick> {
    let catalog = dashboard.catalog.load();
    let mut types: Vec<(String, String)> = Vec::new();
    // Sorted by version: the newest says what the type is called by now.
    for schema in catalog.schemas.all().filter(|schema| !schema.about.is_abstract) {
        if types.last().is_some_and(|(_, ty)| *ty == schema.ty.as_str()) {
            types.pop();
        }
        types.push((say.pick(&schema.about.name).to_owned(), schema.ty.to_string()));
    }
    by_name(types.into_iter(), chosen)
}

fn by_name(pairs: impl Iterator<Item = (String, String)>, chosen: &str) -> Vec<Pick> {
    let mut picks: Vec<Pick> = pairs.map(|(label, value)| Pick { chosen: value == chosen, value, label }).collect();
    picks.sort_by_cached_key(|pick| pick.label.to_lowercase());
    picks
}

/// What a type is called; the type itself where it has no name any more.
pub(super) fn type_name(dashboard: &Dashboard, ty: &EventType, say: Say) -> String {
    let catalog = dashboard.catalog.load();
    let newest = catalog.schemas.all().filter(|schema| schema.ty == *ty).last();
    newest.map_or_else(|| ty.to_string(), |schema| say.pick(&schema.about.name).to_owned())
}

/// A time as a browser's field gives it, in UTC where it names no zone.
pub(super) fn time(text: &str) -> Option<At> {
    At::parse(text).or_else(|| At::parse(&format!("{text}Z"))).or_else(|| At::parse(&format!("{text}:00Z")))
}

/// A time as a browser's field takes it, in UTC; nothing where there is none.
pub(super) fn field(asked: &Fields, name: &str) -> String {
    let at = asked.get(name).and_then(time).map(|at| at.to_string()).unwrap_or_default();
    at.get(..16).unwrap_or_default().to_owned()
}

/// Which dead letters a query asks for.
pub(super) fn dead_query(asked: &Fields, limit: usize) -> Result<DeadQuery, Problem> {
    let ids = asked.all("ids").map(DeliveryId::parse).collect::<Option<Vec<_>>>().ok_or_else(|| unreadable("ids"))?;
    Ok(DeadQuery {
        agency: read(asked, "agency", |text| AgencyId::parse(text).ok())?,
        ty: read(asked, "type", |text| EventType::parse(text).ok())?,
        group: read(asked, "group", group)?,
        from: read(asked, "from", time)?,
        to: read(asked, "to", time)?,
        ids,
        after: read(asked, "after", DeliveryId::parse)?,
        limit,
    })
}

/// The name of an error group.
pub(super) fn group(text: &str) -> Option<String> {
    let legal = text.len() == 16 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    legal.then(|| text.to_owned())
}

/// Reads a field, or says that it cannot be read.
pub(super) fn read<T>(asked: &Fields, name: &str, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Problem> {
    asked.get(name).map(|text| parse(text).ok_or_else(|| unreadable(name))).transpose()
}

/// A field that cannot be read.
pub(super) fn unreadable(name: &str) -> Problem {
    let fault = Fault::new(
        &format!("?{name}"),
        "format",
        format!("`{name}` cannot be read."),
        format!("تعذّرت قراءة الحقل «{name}»."),
    );
    Problem::new(Kind::BadRequest, "The address of this page cannot be read.", "تعذّرت قراءة عنوان هذه الصفحة.")
        .errors(vec![fault])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_browsers_write_them() {
        let at = At::parse("2026-11-24T17:05:00Z");
        for text in ["2026-11-24T17:05", "2026-11-24T17:05:00", "2026-11-24T17:05:00.000Z", "2026-11-24T20:05:00+03:00"]
        {
            assert_eq!(time(text), at, "{text}");
        }
        for text in ["", "yesterday", "2026-11-24", "17:05"] {
            assert_eq!(time(text), None, "{text}");
        }
    }

    #[test]
    fn a_query_that_cannot_be_read_names_its_field() {
        for query in ["agency=M%20O%20I", "group=xyz", "from=yesterday", "after=1", "ids=1"] {
            let problem = dead_query(&Fields::read(query), 10).unwrap_err();
            let name = query.split('=').next().unwrap();
            assert_eq!(problem.faults()[0].pointer, format!("?{name}"));
        }
    }
}
