//! Who a person is, by the word of an identity provider: OpenID Connect, authorization code flow with PKCE.
//!
//! In reading order: [`settings`] is what the configuration says of the provider and [`groups`] what its people may do here;
//! [`provider`] sends a browser there and believes, or not, what it brings back; [`discovery`], [`keys`] and [`token`] are what it
//! believes it by, and [`fetch`] how all of it is asked for.
//!
//! I1: nothing is asked of the provider before somebody wants to sign in, and every answer is bounded in time and size. Its
//! document and its keys are kept for a while; a key that is not known is looked for anew, but not again and again. I2: an ID token
//! counts when a key of the provider signed it by an algorithm of the list (never `none`, never with a shared secret) and when it is
//! from this issuer, for this client, in time, and for this very sign-in (nonce). I3: of what the provider says only the subject, a
//! display name and the groups are kept. No token is: not the ID token, not for signing out; a refresh token is not even asked for.
//! I4: no secret, code, token or claim stands in a fault or in the log. I5: whoever has no group that the configuration names is
//! nobody.
//!
//! The provider is who the operator says it is, so the egress guard does not apply; https does, but for a provider on this machine.
//! Nothing here knows cookies, pages or sessions, and nothing reads the time of day: `now` is handed in.

pub mod groups;
pub mod settings;

pub mod provider;

mod discovery;
mod fetch;
mod keys;
mod token;

pub use groups::{Granted, Groups};
pub use provider::{Asked, Fault, Opening, Person, Provider};
pub use settings::{Authorities, Base, Issuer, Password, Settings};
