//! Services in figures by month, and open data; the dashboard gives the same files.
//!
//! What everybody may read holds what `statistics::open_data` gives and nothing else; the whole table is for those who oversee.

use axum::extract::{Query, State};
use axum::http::header::{
    ACCEPT, ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, LINK, VARY,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::body;
use super::error::{Problem, Shape};
use super::search::{parameter, without};
use super::state::App;
use crate::ledger::LedgerError;
use crate::model::calendar::Month;
use crate::statistics::{self, MonthTable, OpenData, csv};

/// What may be asked.
const SHAPE: Shape =
    Shape("The query takes `month`, such as `2026-09`.", "يقبل الاستعلام المعامل `month`، مثل `2026-09`.");
/// The media type of a sheet.
pub(super) const CSV: &str = "text/csv; charset=utf-8; header=present";
/// How long others may keep open data. They are of a month that is over.
const KEEP: HeaderValue = HeaderValue::from_static("public, max-age=3600");

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    month: Option<String>,
}

/// The month that is asked for, if one is.
fn asked(uri: &Uri) -> Result<Option<Month>, Problem> {
    let Query(asked) = Query::<Asked>::try_from_uri(uri).map_err(|_| Problem::shape(SHAPE))?;
    let mut faults = Vec::new();
    let month = parameter(&mut faults, "month", asked.month, Month::parse);
    without(faults).map(|()| month)
}

/// The table of a month.
pub async fn table(app: &App, month: Month) -> Result<MonthTable, LedgerError> {
    let calendar = app.ledger.calendar();
    let days = app.ledger.service_days(month.previous().first(), month.last()).await?;
    let known = statistics::known(&app.catalog.load());
    let closed = month < calendar.month(app.clock.now());
    Ok(MonthTable::new(month, closed, calendar, &days, &known))
}

/// The month that goes on.
pub fn this_month(app: &App) -> Month {
    app.ledger.calendar().month(app.clock.now())
}

/// `GET /v1/statistics/services`
pub(super) async fn services(State(app): State<App>, headers: HeaderMap, uri: Uri) -> Result<Response, Problem> {
    let mut response = if wants_csv(&headers) {
        month_sheet(&app, &uri).await?
    } else {
        let month = asked(&uri)?.unwrap_or_else(|| this_month(&app));
        body::answer(StatusCode::OK, &table(&app, month).await?)
    };
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept"));
    Ok(response)
}

/// `GET /v1/statistics/services.csv`
pub(super) async fn services_csv(State(app): State<App>, uri: Uri) -> Result<Response, Problem> {
    month_sheet(&app, &uri).await
}

/// `GET /v1/statistics/open-data.json`
pub(super) async fn open_data(State(app): State<App>, uri: Uri) -> Result<Response, Problem> {
    open_document(&app, &uri).await
}

/// `GET /v1/statistics/open-data.csv`
pub(super) async fn open_data_csv(State(app): State<App>, uri: Uri) -> Result<Response, Problem> {
    open_sheet(&app, &uri).await
}

/// The table of the month that a query asks for, as CSV.
pub async fn month_sheet(app: &App, uri: &Uri) -> Result<Response, Problem> {
    let month = asked(uri)?.unwrap_or_else(|| this_month(app));
    Ok(sheet(csv::month(&table(app, month).await?), month, "services"))
}

/// The open data of the month that a query asks for, with what a catalogue wants to know.
pub async fn open_document(app: &App, uri: &Uri) -> Result<Response, Problem> {
    let (_, data) = data(app, uri).await?;
    Ok(given(app, body::answer(StatusCode::OK, &data)))
}

/// The same as CSV.
pub async fn open_sheet(app: &App, uri: &Uri) -> Result<Response, Problem> {
    let (month, data) = data(app, uri).await?;
    let mut response = sheet(csv::open_data(&data), month, "open-data");
    // Title, licence, period and columns stand beside it.
    let about = format!("<open-data.json?month={month}>; rel=\"describedby\"; type=\"application/json\"");
    if let Ok(about) = about.parse() {
        response.headers_mut().insert(LINK, about);
    }
    Ok(given(app, response))
}

/// Open data of the month that is asked for, or of the last one that is over. One that goes on has none.
async fn data(app: &App, uri: &Uri) -> Result<(Month, OpenData), Problem> {
    let month = asked(uri)?.unwrap_or_else(|| this_month(app).previous());
    let data = OpenData::new(&table(app, month).await?, &app.settings.statistics);
    data.map(|data| (month, data)).ok_or_else(Problem::not_found)
}

/// What everybody may have, every page may read and every cache may keep.
fn given(app: &App, mut response: Response) -> Response {
    if app.settings.statistics.open {
        let anyone = HeaderValue::from_static("*");
        response.headers_mut().extend([(CACHE_CONTROL, KEEP), (ACCESS_CONTROL_ALLOW_ORIGIN, anyone)]);
    }
    response
}

/// Whether `Accept` names CSV. It need not be weighed: whoever names it wants it.
fn wants_csv(headers: &HeaderMap) -> bool {
    let named =
        headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    let mut media_types = named.filter_map(|part| part.split(';').next());
    media_types.any(|media_type| media_type.trim().eq_ignore_ascii_case("text/csv"))
}

fn sheet(text: String, month: Month, what: &str) -> Response {
    let name = format!("attachment; filename=\"falaj-{what}-{month}.csv\"");
    let headers: [(HeaderName, String); 2] = [(CONTENT_TYPE, CSV.to_owned()), (CONTENT_DISPOSITION, name)];
    (StatusCode::OK, headers, text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_is_for_whoever_names_it() {
        let accept = |text: &str| HeaderMap::from_iter([(ACCEPT, text.parse().unwrap())]);
        for (text, csv) in [
            ("text/csv", true),
            ("application/json;q=0.5, Text/CSV; charset=utf-8", true),
            ("application/json", false),
            ("*/*", false),
            ("text/csvx", false),
        ] {
            assert_eq!(wants_csv(&accept(text)), csv, "{text}");
        }
        assert!(!wants_csv(&HeaderMap::new()));
    }
}
