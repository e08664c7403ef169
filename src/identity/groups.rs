//! What the people of a group may do: `[[auth.groups]]`.
//!
//! A person may be in several groups. The strongest role counts, so that an entry that is taken away, or dropped because it is
//! wrong, never gives anybody more than they had; of several agencies the one that is named first.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::model::agency::{GroupEntry, Role};
use crate::model::id::AgencyId;

/// What a person may do, and for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    /// What.
    pub role: Role,
    /// For whom; there for the role `agency` and no other.
    pub agency: Option<AgencyId>,
}

/// The groups in force. Clones share them; [`Groups::replace`] takes effect with the next request.
#[derive(Debug, Clone, Default)]
pub struct Groups(Arc<ArcSwap<Vec<GroupEntry>>>);

impl Groups {
    /// These groups.
    pub fn new(entries: &[GroupEntry]) -> Self {
        let groups = Self::default();
        groups.replace(entries);
        groups
    }

    /// Puts other groups in force, at once and as a whole.
    pub fn replace(&self, entries: &[GroupEntry]) {
        let fits = |entry: &&GroupEntry| {
            let fits = (entry.role == Role::Agency) == entry.agency.is_some();
            if !fits {
                tracing::error!(role = ?entry.role, "a group's entry is not usable and opens nothing");
            }
            fits
        };
        self.0.store(Arc::new(entries.iter().filter(fits).cloned().collect()));
    }

    /// What somebody in these groups may do (I5).
    pub fn grant(&self, groups: &[String]) -> Option<Granted> {
        let entries = self.0.load();
        let own = entries.iter().filter(|entry| groups.contains(&entry.group));
        // The first of the strongest: `max_by_key` would take the last.
        let best = own.reduce(|best, entry| if strength(entry.role) > strength(best.role) { entry } else { best })?;
        Some(Granted { role: best.role, agency: best.agency.clone() })
    }
}

fn strength(role: Role) -> u8 {
    match role {
        Role::Agency => 0,
        Role::Viewer => 1,
        Role::Auditor => 2,
        Role::Operator => 3,
        Role::Admin => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(group: &str, role: Role, agency: Option<&str>) -> GroupEntry {
        GroupEntry { group: group.into(), role, agency: agency.map(|id| AgencyId::parse(id).unwrap()) }
    }

    fn of(groups: &Groups, names: &[&str]) -> Option<(Role, Option<String>)> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        groups.grant(&names).map(|granted| (granted.role, granted.agency.map(|id| id.to_string())))
    }

    #[test]
    fn the_strongest_role_counts_and_no_group_is_nobody() {
        let groups = Groups::new(&[
            entry("water", Role::Agency, Some("kahramaa")),
            entry("police", Role::Agency, Some("moi")),
            entry("shift", Role::Operator, None),
            entry("audit", Role::Auditor, None),
        ]);
        assert_eq!(of(&groups, &["police"]), Some((Role::Agency, Some("moi".into()))));
        assert_eq!(of(&groups, &["police", "water"]), Some((Role::Agency, Some("kahramaa".into()))));
        assert_eq!(of(&groups, &["audit", "police", "shift"]), Some((Role::Operator, None)));
        for nobody in [&[][..], &["Shift"], &["shift "], &["others"]] {
            assert_eq!(of(&groups, nobody), None, "{nobody:?}");
        }
        groups.replace(&[]);
        assert_eq!(of(&groups, &["shift"]), None);
    }

    #[test]
    fn what_cannot_be_right_opens_nothing() {
        let groups = Groups::new(&[entry("a", Role::Agency, None), entry("b", Role::Admin, Some("moi"))]);
        assert_eq!(of(&groups, &["a", "b"]), None);
    }
}
