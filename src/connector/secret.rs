//! Webhook secrets, as the connector needs them; the type itself is a word that the catalogue shares.

pub use crate::model::secret::*;
