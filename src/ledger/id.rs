//! Ids that carry their own address, so that no index on them is needed, and the keyed hashes that stand for names in indexes.
//!
//! ```text
//! UUIDv7   48 bits accepted_at ms | ver 7 | 12 bits slot | var 10 | 44 bits seq | 18 bits tag
//! ```
//!
//! Slot 0 is the envelope itself, 1 and up are its deliveries. The tag is a keyed hash of the rest: an id that this ledger did not
//! mint is refused before anything is read, and nobody who has not seen an id can count their way to it. Ids are minted
//! where they are needed and never stored.

use aws_lc_rs::hmac;
use uuid::Uuid;

use crate::model::id::{DeliveryId, EnvelopeId, Seq, Slot};
use crate::model::time::At;

const TAG_BITS: u32 = 18;
const TAG_MASK: u64 = (1 << TAG_BITS) - 1;
const SEQ_MASK: u64 = (1 << 44) - 1;
const MS_MASK: u64 = (1 << 48) - 1;

/// The highest place in accept order that fits an id: 17 million million.
pub(super) const SEQ_MAX: u64 = SEQ_MASK;

/// Where an id leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Address {
    /// When the envelope was accepted, as the id says; to be compared with the row.
    pub(super) at: At,
    /// Which envelope.
    pub(super) seq: u64,
    /// Which delivery, or 0 for the envelope.
    pub(super) slot: u16,
}

/// The ledger's secret and what is derived from it.
pub(super) struct Keys(hmac::Key);

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys")
    }
}

/// What a hash is for; two purposes never share a value.
#[derive(Debug, Clone, Copy)]
#[repr(u8)]
enum Domain {
    Tag = 1,
    Identity = 2,
    Subject = 3,
    Correlation = 4,
    Lane = 5,
    Pseudonym = 6,
}

impl Keys {
    pub(super) fn new(secret: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    fn hash(&self, domain: Domain, parts: &[&[u8]]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(&[domain as u8]);
        for (n, part) in parts.iter().enumerate() {
            if n > 0 {
                context.update(&[0]);
            }
            context.update(part);
        }
        context.sign()
    }

    fn hash_64(&self, domain: Domain, parts: &[&[u8]]) -> i64 {
        let hash = self.hash(domain, parts);
        i64::from_le_bytes(hash.as_ref()[..8].try_into().expect("SHA-256 has 32 bytes"))
    }

    /// Key of the identity index. Neither part can hold the U+0000 that separates them.
    pub(super) fn identity(&self, source: &str, event_id: &str) -> [u8; 16] {
        let hash = self.hash(Domain::Identity, &[source.as_bytes(), event_id.as_bytes()]);
        hash.as_ref()[..16].try_into().expect("SHA-256 has 32 bytes")
    }

    /// Key of the search by subject.
    pub(super) fn subject(&self, subject: &str) -> i64 {
        self.hash_64(Domain::Subject, &[subject.as_bytes()])
    }

    /// Key of the search by correlationid.
    pub(super) fn correlation(&self, id: &str) -> i64 {
        self.hash_64(Domain::Correlation, &[id.as_bytes()])
    }

    /// The lane of an order key: the same for all agencies, always odd.
    pub(super) fn lane(&self, order_key: &str) -> i64 {
        self.hash_64(Domain::Lane, &[order_key.as_bytes()]) | 1
    }

    /// An agency's own name for a subject.
    pub(super) fn pseudonym(&self, agency: &str, subject: &str) -> String {
        let hash = self.hash(Domain::Pseudonym, &[agency.as_bytes(), subject.as_bytes()]);
        hash.as_ref()[..16].iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn mint(&self, at: At, seq: u64, slot: u16) -> Uuid {
        let ms = u64::try_from(at.0).unwrap_or(0) & MS_MASK;
        let high = (ms << 16) | (7 << 12) | u64::from(slot & Slot::MAX);
        let low = (0b10 << 62) | ((seq & SEQ_MASK) << TAG_BITS) | self.tag(ms, seq & SEQ_MASK, slot & Slot::MAX);
        Uuid::from_u64_pair(high, low)
    }

    fn tag(&self, ms: u64, seq: u64, slot: u16) -> u64 {
        let mut text = [0; 18];
        text[..8].copy_from_slice(&ms.to_le_bytes());
        text[8..16].copy_from_slice(&seq.to_le_bytes());
        text[16..].copy_from_slice(&slot.to_le_bytes());
        self.hash_64(Domain::Tag, &[&text]).cast_unsigned() & TAG_MASK
    }

    /// The id of an envelope.
    pub(super) fn envelope_id(&self, at: At, seq: u64) -> EnvelopeId {
        EnvelopeId::from_uuid(self.mint(at, seq, 0))
    }

    /// The id of a delivery.
    pub(super) fn delivery_id(&self, at: At, seq: u64, slot: u16) -> DeliveryId {
        DeliveryId::from_uuid(self.mint(at, seq, slot))
    }

    fn read(&self, uuid: Uuid) -> Option<Address> {
        let (high, low) = uuid.as_u64_pair();
        let (ms, version, slot) = (high >> 16, (high >> 12) & 0xf, (high & 0xfff) as u16);
        let (variant, seq, tag) = (low >> 62, (low >> TAG_BITS) & SEQ_MASK, low & TAG_MASK);
        let genuine = version == 7 && variant == 0b10 && tag == self.tag(ms, seq, slot);
        genuine.then(|| Address { at: At(ms.cast_signed()), seq, slot })
    }

    /// Where an envelope's id leads; `None` if this ledger never minted it.
    pub(super) fn read_envelope(&self, id: EnvelopeId) -> Option<Address> {
        self.read(id.uuid()).filter(|address| address.slot == 0)
    }

    /// Where a delivery's id leads; `None` if this ledger never minted it.
    pub(super) fn read_delivery(&self, id: DeliveryId) -> Option<Address> {
        self.read(id.uuid()).filter(|address| address.slot > 0)
    }
}

/// The lane of a delivery without order: its own, never that of another, always even.
pub(super) fn lane_alone(seq: u64, slot: u16) -> i64 {
    (((seq & SEQ_MASK) << 13) | (u64::from(slot & Slot::MAX) << 1)).cast_signed()
}

/// Whether a lane keeps order.
pub(super) fn is_ordered(lane: i64) -> bool {
    lane & 1 == 1
}

/// A seq as a column holds it.
pub(super) fn column(seq: u64) -> i64 {
    seq.cast_signed()
}

/// A seq as it stands in a view.
pub(super) fn seq(column: i64) -> Seq {
    Seq(column.cast_unsigned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Keys {
        Keys::new(&[7; 32])
    }

    #[test]
    fn ids_lead_back_to_their_rows_and_are_uuid_v7() {
        for (ms, seq, slot) in [(0, 1, 1), (1_700_000_000_123, 42, 5), ((1 << 48) - 1, SEQ_MAX, Slot::MAX)] {
            let id = keys().delivery_id(At(ms), seq, slot);
            assert_eq!(id.uuid().get_version_num(), 7);
            assert_eq!(id.uuid().get_variant(), uuid::Variant::RFC4122);
            assert_eq!(keys().read_delivery(id), Some(Address { at: At(ms), seq, slot }));
            assert_eq!(keys().read_envelope(EnvelopeId::from_uuid(id.uuid())), None);
            let envelope = keys().envelope_id(At(ms), seq);
            assert_eq!(keys().read_envelope(envelope), Some(Address { at: At(ms), seq, slot: 0 }));
            assert_eq!(keys().read_delivery(DeliveryId::from_uuid(envelope.uuid())), None);
        }
    }

    #[test]
    fn an_id_of_another_ledger_or_a_changed_one_is_nobody() {
        let id = keys().delivery_id(At(1_700_000_000_123), 42, 5);
        let read = Keys::new(&[8; 32]).read_delivery(id);
        assert_eq!(read, None);
        let (mut known, all) = (0, 124);
        for bit in 0..128 {
            let changed = Uuid::from_u128(id.uuid().as_u128() ^ (1 << bit));
            known += usize::from(keys().read_delivery(DeliveryId::from_uuid(changed)).is_some());
        }
        assert!(known <= 1, "{known} of {all} changed ids were taken");
    }

    #[test]
    fn lanes_with_and_without_order_never_meet() {
        assert!(is_ordered(keys().lane("x")));
        assert!(!is_ordered(lane_alone(SEQ_MAX, Slot::MAX)));
        assert!(lane_alone(SEQ_MAX, Slot::MAX) > 0);
        assert_ne!(lane_alone(1, 1), lane_alone(1, 2));
        assert_ne!(lane_alone(1, 0), lane_alone(2, 0));
    }

    #[test]
    fn purposes_do_not_share_hashes() {
        let keys = keys();
        assert_ne!(keys.subject("x"), keys.correlation("x"));
        assert_ne!(keys.identity("a", "bc"), keys.identity("ab", "c"));
        assert_ne!(keys.pseudonym("moi", "x"), keys.pseudonym("moph", "x"));
        assert_eq!(keys.pseudonym("moi", "x").len(), 32);
    }
}
