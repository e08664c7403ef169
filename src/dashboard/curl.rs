//! Calls that can be copied into a shell. No secret stands in them: keys and signatures are left to whoever has them.

use super::state::Dashboard;
use crate::ledger::Branch;
use crate::mapping::Form;
use crate::model::delivery::DeliveryView;
use crate::model::id::{EnvelopeId, EventType};

/// Asks for the status of an envelope.
pub(super) fn status(id: &EnvelopeId) -> String {
    format!("curl -H \"Authorization: Bearer $FALAJ_KEY\" \"$FALAJ_URL/v1/envelopes/{id}\"")
}

/// The call that the bus makes to an agency; `None` where it makes none.
pub(super) fn delivery(
    dashboard: &Dashboard,
    delivery: &DeliveryView,
    branch: &Branch,
    ty: &EventType,
) -> Option<String> {
    let catalog = dashboard.catalog.load();
    let agency = catalog.agency(&delivery.key.agency)?;
    let target = agency.delivery.as_ref()?.webhook.as_ref()?;
    let content_type = match &catalog.subscription(&agency.id, ty)?.form {
        Form::Structured => "application/cloudevents+json; charset=utf-8",
        Form::Binary => "application/json",
        Form::Map(map) => map.content_type(),
        Form::Template(template) => template.content_type(),
    };
    let webhook_id = branch.redriven.as_ref().map_or(delivery.id, |redriven| redriven.first);
    let signature = if target.secrets.is_empty() {
        String::new()
    } else {
        "  -H 'webhook-signature: v1,<signed with the secret of the agency>' \\\n".to_owned()
    };
    Some(format!(
        "curl -X POST '{}' \\\n  -H 'content-type: {content_type}' \\\n  -H 'webhook-id: {webhook_id}' \\\n  \
         -H \"webhook-timestamp: $(date +%s)\" \\\n{signature}  --data-binary @message",
        without_secrets(&target.url)
    ))
}

/// An address without its query, which may be a secret, and quoted for a shell.
pub(super) fn without_secrets(url: &str) -> String {
    let (bare, query) = url.split_once('?').map_or((url, ""), |(bare, _)| (bare, "?..."));
    format!("{}{query}", bare.replace('\'', "%27"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_of_an_address_is_copied_and_no_quote_gets_out() {
        assert_eq!(without_secrets("https://moi.example/in?token=abc"), "https://moi.example/in?...");
        assert_eq!(without_secrets("https://moi.example/in"), "https://moi.example/in");
        assert_eq!(without_secrets("https://moi.example/a'; rm -rf ~'"), "https://moi.example/a%27; rm -rf ~%27");
    }
}
