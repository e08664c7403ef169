//! `falaj keys`: keys for those who call the bus.

use std::process::ExitCode;

use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::{Subcommand, ValueEnum};
use serde::Serialize;

use super::table;
use crate::model::agency::{KeyEntry, Role};
use crate::model::id::AgencyId;

/// What every key that is made here begins with, so that it is recognised where it should not be.
const PREFIX: &str = "falaj_";
const KEY_BYTES: usize = 32;

/// Arguments of `falaj keys`.
#[derive(Debug, clap::Args)]
pub struct KeysArgs {
    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Make a key: it is shown once, and only its hash goes into falaj.toml
    #[command(after_help = "Examples:\n  falaj keys new --role agency --agency hukoomi --name 'hukoomi portal'\n  \
                            falaj keys new --role operator --name 'night shift'\n\nDeleting the entry from falaj.toml \
                            revokes the key at the next reload.")]
    New(NewArgs),
}

#[derive(Debug, clap::Args)]
struct NewArgs {
    /// What its holder may do
    #[arg(long, value_enum)]
    role: RoleArg,
    /// Whose key it is; for the role agency and no other
    #[arg(long, value_parser = agency, required_if_eq("role", "agency"))]
    agency: Option<AgencyId>,
    /// Who holds it, as the audit shows it
    #[arg(long)]
    name: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum RoleArg {
    /// Publishes its types and sees its own envelopes and deliveries
    Agency,
    /// Reads all but payloads
    Viewer,
    /// Reads like a viewer and operates queues
    Operator,
    /// Reads all, audit and disclosures included
    Auditor,
    /// Everything
    Admin,
}

impl From<RoleArg> for Role {
    fn from(role: RoleArg) -> Self {
        match role {
            RoleArg::Agency => Self::Agency,
            RoleArg::Viewer => Self::Viewer,
            RoleArg::Operator => Self::Operator,
            RoleArg::Auditor => Self::Auditor,
            RoleArg::Admin => Self::Admin,
        }
    }
}

fn agency(text: &str) -> Result<AgencyId, String> {
    AgencyId::parse(text).map_err(|fault| fault.to_string())
}

#[derive(Serialize)]
struct Made<'a> {
    key: &'a str,
    entry: &'a KeyEntry,
}

#[derive(Serialize)]
struct Config<'a> {
    auth: Auth<'a>,
}

#[derive(Serialize)]
struct Auth<'a> {
    keys: [&'a KeyEntry; 1],
}

/// A key's entry as it stands in `falaj.toml`.
pub fn entry_text(entry: &KeyEntry) -> anyhow::Result<String> {
    Ok(toml::to_string(&Config { auth: Auth { keys: [entry] } })?)
}

/// Runs `falaj keys`.
pub async fn run(args: KeysArgs) -> anyhow::Result<ExitCode> {
    let KeysCommand::New(args) = args.command;
    if args.role != RoleArg::Agency && args.agency.is_some() {
        bail!("--agency belongs to --role agency alone");
    }
    let (key, entry) = generate(args.role.into(), args.agency, args.name)?;
    if args.json {
        table::line(&serde_json::to_string_pretty(&Made { key: &key, entry: &entry })?)?;
    } else {
        let toml = entry_text(&entry)?;
        table::print(&format!(
            "The key, shown this once; hand it to its holder over a safe way:\n\n    {key}\n\nIts entry for falaj.toml:\n\n{}\n",
            toml.lines().map(|line| format!("    {line}\n")).collect::<String>()
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes a key, and the entry of the configuration that lets it in.
pub(super) fn generate(
    role: Role,
    agency: Option<AgencyId>,
    name: Option<String>,
) -> anyhow::Result<(String, KeyEntry)> {
    let mut bytes = [0_u8; KEY_BYTES];
    aws_lc_rs::rand::fill(&mut bytes).context("this machine has no randomness to give")?;
    Ok(make(bytes, role, agency, name))
}

fn make(bytes: [u8; KEY_BYTES], role: Role, agency: Option<AgencyId>, name: Option<String>) -> (String, KeyEntry) {
    let key = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes));
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, key.as_bytes());
    let sha256 = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let name = name.unwrap_or_else(|| match &agency {
        Some(agency) => agency.to_string(),
        None => format!("{role:?}").to_lowercase(),
    });
    (key, KeyEntry { name, role, agency, sha256 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_entry_is_read_back_and_holds_no_key() {
        let moi = AgencyId::parse("moi").unwrap();
        let (key, entry) = make([7; 32], Role::Agency, Some(moi), Some("portal \"one\"".to_owned()));
        assert_eq!(key.len(), PREFIX.len() + 43);
        let text = toml::to_string(&Config { auth: Auth { keys: [&entry] } }).unwrap();
        assert!(text.starts_with("[[auth.keys]]\n"), "{text}");
        assert!(!text.contains(&key));
        let read: toml::Table = toml::from_str(&text).unwrap();
        let back: KeyEntry = read["auth"]["keys"][0].clone().try_into().unwrap();
        assert_eq!(back, entry);
        assert_eq!(entry.sha256.len(), 64);
    }

    #[tokio::test]
    async fn only_an_agencys_key_has_an_agency() {
        let agency = AgencyId::parse("moi").ok();
        let args = NewArgs { role: RoleArg::Viewer, agency, name: None, json: true };
        assert!(run(KeysArgs { command: KeysCommand::New(args) }).await.is_err());
    }
}
