//! Who sent a message: the user that the broker compared with the connection, and the agency whose user that is.

use std::sync::Arc;

use crate::amqp::Incoming;
use crate::catalog::{Agency, Catalog};
use crate::http::error::{Kind, Problem};

/// The agency that sent a message. Keeps B2.
pub(super) fn speaker(catalog: &Catalog, message: &Incoming) -> Result<Arc<Agency>, Problem> {
    let Some(user) = message.user() else {
        return Err(Problem::new(
            Kind::NoKey,
            "Set the property `user_id` to your user at the broker, which checks it; without it nobody knows who sent this.",
            "عيّن الخاصية `user_id` باسم مستخدمك لدى وسيط الرسائل، وهو يتحقق منها؛ فمن دونها لا يُعرف المرسل.",
        ));
    };
    catalog.speaker(user).cloned().ok_or_else(|| {
        Problem::new(
            Kind::NotAllowed,
            "Your user at the broker is no agency's here.",
            "مستخدمك لدى وسيط الرسائل لا يتبع أي جهة هنا.",
        )
    })
}
