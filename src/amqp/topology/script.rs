//! The plan's users and rights as a shell script of `rabbitmqctl` commands.
//!
//! Exchanges and queues are not in it: rabbitmqctl makes none, and Falaj declares them itself. S1: running it again changes
//! nothing that is as it should be, passwords included. S2: whatever a name is, the shell takes it for a word.

use std::fmt::Write as _;

use super::definitions::policy;
use super::plan::{Permission, Plan};

const HEAD: &str = r#"#!/bin/sh
# Users and rights at RabbitMQ, as the connectors of the deployment say. Run it where rabbitmqctl reaches the broker, as root or as
# the broker's user. It may be run again after each change of the deployment: nothing else is touched, no password is changed.
#
# It sets no passwords. A user that it makes cannot sign in until it has one:
#
#   rabbitmqctl change_password NAME        asks for the password
#
# or signs in with a client certificate whose common name is NAME (auth mechanism EXTERNAL).
set -eu

ctl() { rabbitmqctl --quiet "$@"; }

# Makes a user that cannot sign in yet, if there is none of that name.
users=$(ctl list_users | cut -f 1)
user() {
    if ! printf '%s\n' "$users" | grep -qxF -e "$1"; then
        head -c 32 /dev/urandom | base64 | ctl add_user "$1"
        ctl clear_password "$1"
        echo "made the user $1, without a password"
    fi
}

# Dead-lettering at least once needs it; a broker that came from before 3.9 may have it switched off, a later one knows it no more.
ctl enable_feature_flag stream_queue || true
"#;

/// The script.
pub fn script(plan: &Plan) -> String {
    let mut text = HEAD.to_owned();
    let vhost = word(&plan.vhost);
    let mut line = |line: String| {
        text.push_str(&line);
        text.push('\n');
    };
    // It is always there.
    if plan.vhost != "/" {
        line(format!("ctl list_vhosts | grep -qxF -e {vhost} || ctl add_vhost {vhost}"));
    }
    for user in &plan.users {
        let whose = user.agency.as_ref().map_or_else(|| "Falaj itself".to_owned(), |agency| agency.to_string());
        let permission = plan.permissions.iter().find(|permission| permission.user == user.name);
        line(format!("\n# {whose}"));
        line(format!("user {}", word(&user.name)));
        if let Some(Permission { configure, write, read, .. }) = permission {
            let patterns = [configure, write, read].map(|text| word(text));
            line(format!("ctl set_permissions -p {vhost} {} {}", word(&user.name), patterns.join(" ")));
        }
        for topic in plan.topic_permissions.iter().filter(|topic| topic.user == user.name) {
            let patterns = [topic.exchange, &topic.write, &topic.read].map(word);
            line(format!("ctl set_topic_permissions -p {vhost} {} {}", word(&user.name), patterns.join(" ")));
        }
    }
    for own in &plan.policies {
        let mut about = String::new();
        let _infallible = write!(about, "\n# {}: {}", own.name, own.about);
        line(about);
        let definition = word(&policy(own).to_string());
        let pattern = word(own.pattern);
        line(format!("ctl set_policy -p {vhost} --apply-to queues {} {pattern} {definition}", word(own.name)));
    }
    text
}

/// Keeps S2: a text between quotation marks within which nothing has a meaning.
fn word(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
