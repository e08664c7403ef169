//! The reference `falaj.toml`, written from the table of settings.

use std::fmt::Write;

use super::settings::{SECTIONS, SETTINGS};

const HEAD: &str = "\
# falaj.toml: all of it is optional; what stands here are the defaults.
#
# Each setting can also come from the environment: FALAJ_SECTION__KEY, with two underscores (FALAJ_HTTP__LISTEN). A flag of the
# command line goes before the environment, the environment before this file. schemas/ and connectors/ stand beside this file.
# Durations are written 250ms 15s 5m 2h 7d, sizes 64KiB 512MiB 2GiB.
";

const KEYS: &str = "
# Who may call: one entry for each key, as `falaj keys new` prints it. The key itself is never stored; deleting an entry revokes
# it within seconds. role is agency, viewer, operator, auditor or admin; the role agency names its agency.
#
# [[auth.keys]]
# name = \"hukoomi portal\"
# role = \"agency\"
# agency = \"hukoomi\"
# sha256 = \"<hex sha-256 of the key>\"

# Who of the identity provider's people may do what in the dashboard: one entry for each group, exactly as the provider writes it.
# Of several groups the strongest role counts. Nobody else comes in, and a change ends the sessions it touches within seconds.
#
# [[auth.groups]]
# group = \"/falaj/operators\"
# role = \"operator\"
#
# [[auth.groups]]
# group = \"/moi/integration\"
# role = \"agency\"
# agency = \"moi\"
";

/// Longest line of a comment.
const WIDTH: usize = 120;

/// Writes the reference.
pub(super) fn write() -> String {
    let mut out = HEAD.to_owned();
    for &(section, about) in SECTIONS {
        let _infallible = write!(out, "\n# {about}\n[{section}]\n");
        for setting in SETTINGS.iter().filter(|setting| setting.name.split('.').next() == Some(section)) {
            comment(&mut out, setting.about);
            let key = &setting.name[section.len() + 1..];
            let _infallible = match setting.default {
                Some(default) => writeln!(out, "{key} = {default}"),
                None => writeln!(out, "# {key} = {}", setting.example),
            };
        }
    }
    out + KEYS
}

fn comment(out: &mut String, text: &str) {
    let mut line = String::from("#");
    for word in text.split(' ') {
        if line.len() + word.len() >= WIDTH {
            out.push_str(&line);
            out.push('\n');
            line = String::from("#");
        }
        line.push(' ');
        line.push_str(word);
    }
    out.push_str(&line);
    out.push('\n');
}
