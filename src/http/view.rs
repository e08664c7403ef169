//! How much of an envelope a caller sees (DESIGN section 11, Rights).
//!
//! V1: what a caller may not see is as if it were not there. V2: a recipient sees its own deliveries alone, and the subject in the
//! form its subscription discloses. V3: a sender sees every delivery, never another agency's text. V4: viewers and operators see
//! subjects masked.

use super::auth::Sight;
use super::state::App;
use crate::mapping::SubjectForm;
use crate::model::delivery::EnvelopeView;
use crate::model::id::AgencyId;
use crate::model::status::EnvelopeStatus;

/// Characters a subject has at least before its end is shown.
const MASKED_CHARS_MIN: usize = 8;

/// The status as a caller may see it; `None` where it may not know of the envelope (V1).
pub fn status(app: &App, sight: Sight<'_>, mut view: EnvelopeView) -> Option<EnvelopeStatus> {
    match sight {
        Sight::Clear => {}
        Sight::Masked => view.subject = view.subject.as_deref().map(mask),
        Sight::Own(agency) if view.sender == *agency => {}
        Sight::Own(agency) => {
            // Keeps V2: the state of the whole follows from what is left.
            view.deliveries.retain(|delivery| delivery.key.agency == *agency);
            if view.deliveries.is_empty() {
                return None;
            }
            view.subject = disclosed(app, agency, &view);
        }
    }
    Some(EnvelopeStatus::of(&view, |agency| app.hold(agency)))
}

/// The receipt: every delivery as it was at acceptance, so that a repeat gets the same one.
pub(super) fn receipt(view: &EnvelopeView) -> EnvelopeStatus {
    EnvelopeStatus::of(view, |_| crate::model::status::Hold::Open)
}

fn disclosed(app: &App, agency: &AgencyId, view: &EnvelopeView) -> Option<String> {
    let catalog = app.catalog.load();
    let subject = view.subject.as_deref()?;
    match catalog.subscription(agency, &view.ty)?.subject {
        SubjectForm::Clear => Some(subject.to_owned()),
        SubjectForm::Pseudonym => Some(app.ledger.pseudonym(agency, subject)),
        SubjectForm::Omit => None,
    }
}

/// `***` and the last two characters of what is long enough not to be given away by them.
pub fn mask(subject: &str) -> String {
    let count = subject.chars().count();
    let shown = if count >= MASKED_CHARS_MIN { count - 2 } else { count };
    format!("***{}", subject.chars().skip(shown).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_subject_names_nobody() {
        assert_eq!(mask("28400000017"), "***17");
        assert_eq!(mask("1234567"), "***");
        assert_eq!(mask("وزارة الداخلية"), "***ية");
        assert_eq!(mask(""), "***");
    }
}
