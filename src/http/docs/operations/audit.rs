//! The audit.

use super::super::operation::{Chapter, Operation};
use super::super::schema::of;
use super::super::shapes::repair::audit_entry;
use super::super::words::words;
use super::{page, paged};

/// `GET /v1/audit`
pub fn list() -> Operation {
    let audit = Operation::new("readAudit", Chapter::Audit, words("Read who did what", "قراءة سجل التدقيق"))
        .about(words("The latest first.", "من الأحدث إلى الأقدم."));
    let entries = page("entries", of(audit_entry), words("The entries of this page.", "قيود هذه الصفحة."));
    paged(audit).answers(200, words("A page of them.", "صفحة من القيود."), entries).asks_the_ledger()
}
