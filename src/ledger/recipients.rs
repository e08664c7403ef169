//! The recipients of an envelope as they are stored: fixed at acceptance, one entry per slot, in slot order.
//!
//! ```text
//! version 1 | slot 1: agency u32, lane i64, flags u8 | slot 2: ...        little endian
//! ```

/// Version of the form.
const VERSION: u8 = 1;
/// Bytes per slot.
const SIZE: usize = 13;
/// Flag: the filter could not be decided at acceptance.
pub(super) const UNDECIDED: u8 = 1;

/// One recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    /// `agency.n`.
    pub(super) agency: i64,
    pub(super) lane: i64,
    pub(super) flags: u8,
}

/// Begins the stored form.
pub(super) fn begin(count: usize) -> Vec<u8> {
    let mut form = Vec::with_capacity(1 + count * SIZE);
    form.push(VERSION);
    form
}

/// Appends the next slot.
pub(super) fn push(form: &mut Vec<u8>, entry: Entry) {
    let agency =
        u32::try_from(entry.agency).expect("agencies are interned from 1 up, one for each that was ever configured");
    form.extend_from_slice(&agency.to_le_bytes());
    form.extend_from_slice(&entry.lane.to_le_bytes());
    form.push(entry.flags);
}

/// Reads the stored form; `None` if it is of another version or cut off.
pub(super) fn read(form: &[u8]) -> Option<Vec<Entry>> {
    let (version, slots) = form.split_first()?;
    if *version != VERSION || !slots.len().is_multiple_of(SIZE) {
        return None;
    }
    let entry = |bytes: &[u8]| {
        Some(Entry {
            agency: i64::from(u32::from_le_bytes(bytes.get(..4)?.try_into().ok()?)),
            lane: i64::from_le_bytes(bytes.get(4..12)?.try_into().ok()?),
            flags: *bytes.get(12)?,
        })
    };
    slots.chunks_exact(SIZE).map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_back() {
        let entries =
            [Entry { agency: 1, lane: -7, flags: 0 }, Entry { agency: 70_000, lane: i64::MAX, flags: UNDECIDED }];
        let mut form = begin(2);
        entries.iter().for_each(|entry| push(&mut form, *entry));
        assert_eq!(read(&form).unwrap(), entries);
        assert_eq!(read(&begin(0)).unwrap(), []);
        assert_eq!(read(&form[..20]), None);
        assert_eq!(read(&[2]), None);
        assert_eq!(read(&[]), None);
    }
}
