//! Trying a service with its sample envelope: first what would happen, to whom and with which fields; then, for a key that may send
//! it, the envelope itself.
//!
//! Y1: nothing is stored before the reader has seen who would get it, and has said why. Y2: it goes in by the one way in, under the
//! rights of the key that signed in; an administrator tries and sends nothing. Y3: it has an id of its own, so that it is nobody's
//! repeat.

use askama::Template;
use aws_lc_rs::rand;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use bytes::Bytes;

use super::guard::Form;
use super::operate::actor;
use super::page::{Page, html};
use super::pick;
use super::pretty::pretty;
use super::samples;
use super::session::Signed;
use super::state::Dashboard;
use crate::http::auth::Caller;
use crate::http::error::{Kind, Problem};
use crate::http::path::Named;
use crate::intake::{Asker, DryRun, Sender, Would};
use crate::model::cloudevents;
use crate::model::envelope::Envelope;
use crate::model::id::{AgencyId, EventType};

/// Random bytes in the id of a test envelope.
const ID_BYTES: usize = 8;

/// The screen.
#[derive(Debug, Template)]
#[template(path = "trial.html", config = "src/dashboard/askama.toml")]
struct Trial {
    page: Page,
    ty: EventType,
    name: String,
    source: String,
    recipients: Vec<Recipient>,
    others: Vec<(String, String)>,
    /// Whether the reader may send it.
    sends: bool,
    /// Where one came from.
    back: String,
}

/// Who would get it.
#[derive(Debug)]
struct Recipient {
    name: String,
    /// The one whose page led here.
    asked: bool,
    data: String,
    withheld: Vec<String>,
    fault: Option<String>,
}

/// `GET /dashboard/services/{type}/trial`
pub(super) async fn ask(
    State(dashboard): State<Dashboard>,
    signed: Signed,
    page: Page,
    Named(ty): Named<String>,
) -> Result<Response, Problem> {
    let ty = EventType::parse(&ty).map_err(|_| Problem::not_found())?;
    let asked = pick::read(&page.asked, "agency", |text| AgencyId::parse(text).ok())?;
    let envelope = sample(&dashboard, &ty).await?;
    let source = envelope.attributes.source.clone();
    let asker = signed.caller.as_agency().map_or(Asker::Admin, |agency| Asker::Agency(agency.clone()));
    let DryRun { recipients, others, .. } = dashboard.intake.dry_run(Ok(envelope), &asker)?;
    let recipient = |would: Would| Recipient {
        name: page.agency(&would.agency),
        asked: asked.as_ref() == Some(&would.agency),
        data: pretty(would.data.get()),
        withheld: would.withheld,
        fault: would.fault.map(|fault| page.pick(&fault).to_owned()),
    };
    let mut recipients: Vec<Recipient> = recipients.into_iter().map(recipient).collect();
    recipients.sort_by_cached_key(|recipient| (!recipient.asked, recipient.name.to_lowercase()));
    let others = others.into_iter().map(|other| (page.agency(&other.agency), page.pick(&other.reason).to_owned()));
    html(&Trial {
        name: pick::type_name(&dashboard, &ty, page.say),
        source,
        others: others.collect(),
        // What a dry run takes from an agency, it may send.
        sends: signed.caller.as_agency().is_some() && !recipients.is_empty(),
        recipients,
        back: match asked {
            Some(agency) => format!("/dashboard/agencies/{agency}"),
            None => format!("/dashboard/services/{ty}"),
        },
        ty,
        page,
    })
}

/// `POST /dashboard/services/{type}/trial`
pub(super) async fn send(
    State(dashboard): State<Dashboard>,
    signed: Signed,
    Named(ty): Named<String>,
    Form(form): Form,
) -> Result<Response, Problem> {
    let ty = EventType::parse(&ty).map_err(|_| Problem::not_found())?;
    // Keeps Y2.
    let agency = signed.caller.as_agency().cloned().ok_or_else(|| {
        Problem::new(Kind::NotAllowed, "Only an agency's key sends envelopes.", "لا تُرسل المظاريف إلا بمفتاح جهة.")
    })?;
    let actor = actor(&signed, form.text("reason"))?;
    let mut envelope = sample(&dashboard, &ty).await?;
    envelope.attributes.id = test_id();
    envelope.attributes.time = Some(dashboard.clock.now().to_string());
    let accepted = dashboard.intake.accept(Ok(envelope), &Sender { agency }).await?;
    let envelope = accepted.view.id;
    dashboard.ledger.note(actor, "test_envelope", &envelope.to_string(), "sent", dashboard.clock.now()).await?;
    Ok(Redirect::to(&format!("/dashboard/envelopes/{envelope}")).into_response())
}

/// Whether a caller may try a type: there is a sample of it, and the caller is an administrator or one who may send it.
pub(super) async fn may(dashboard: &Dashboard, caller: &Caller, ty: &EventType) -> bool {
    let allowed = match caller.as_agency() {
        Some(agency) => dashboard.catalog.load().agency(agency).is_some_and(|own| own.may_send(ty.as_str())),
        None => crate::http::auth::Right::Post.is_given_to(caller.role),
    };
    allowed && samples::has(dashboard, ty).await
}

async fn sample(dashboard: &Dashboard, ty: &EventType) -> Result<Envelope, Problem> {
    let text = samples::read(dashboard, ty).await.ok_or_else(Problem::not_found)?;
    let envelope = cloudevents::structured(&Bytes::from(text), &dashboard.settings.bounds)?;
    // A file that says something else than its name is no sample of it.
    if envelope.attributes.ty == *ty { Ok(envelope) } else { Err(Problem::not_found()) }
}

/// An id that nobody has used (Y3).
fn test_id() -> String {
    let mut bytes = [0_u8; ID_BYTES];
    rand::fill(&mut bytes).expect("the system's random numbers do not run out");
    bytes.iter().fold("test-".to_owned(), |id, byte| format!("{id}{byte:02x}"))
}
