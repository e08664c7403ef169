//! A month as an envelope: `qa.gov.statistics.month-closed`, ready to be posted.
//!
//! It goes to everybody who subscribes, so it holds what open data hold and no more: services whose count is left out there are not
//! in it, and its totals are those of the services that are.

use serde_json::{Value, json};

use super::month::change_percent;
use super::open_data::OpenData;

/// The type.
pub const TYPE: &str = "qa.gov.statistics.month-closed";
/// The most services in one envelope, as the schema says.
const SERVICES_MAX: usize = 5000;
/// The largest change that the schema takes.
const CHANGE_MAX: f64 = 100_000.0;

/// The envelope in structured form. `source` is who publishes it, `portal` the channel that it is about.
pub fn month_closed(data: &OpenData, source: &str, portal: &str) -> Value {
    let month = data.dataset.month;
    let change = |percent: &Option<f64>| percent.filter(|percent| *percent <= CHANGE_MAX);
    let services = data.rows.iter().filter_map(|row| {
        let mut service = json!({
            "rank": row.rank?,
            "type": row.ty,
            "name": row.name.as_ref()?,
            "transactions": row.transactions?,
        });
        if let Some(percent) = change(&row.change_percent) {
            service["change_percent"] = percent.into();
        }
        if let Some(maturity) = row.maturity {
            service["maturity"] = maturity.into();
        }
        Some(service)
    });
    let services: Vec<Value> = services.take(SERVICES_MAX).collect();
    let (transactions, previous) = data.totals();
    let mut envelope = json!({
        "specversion": "1.0",
        "id": format!("{portal}-stat-{month}"),
        "source": source,
        "type": TYPE,
        "subject": month.to_string(),
        "datacontenttype": "application/json",
        "data": {
            "month": month,
            "portal": portal,
            "transactions": transactions,
            "previous": previous,
            "services": services,
        },
    });
    if let Some(percent) = change(&change_percent(transactions, previous)) {
        envelope["data"]["change_percent"] = percent.into();
    }
    envelope
}
