//! What is sent: the samples as they stand in `examples/`, then a steady mix of them with fresh ids and an invented population.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use bytes::Bytes;
use serde::Deserialize;

use crate::catalog::Catalog;
use crate::model::id::AgencyId;
use crate::model::time::At;

/// People (companies, accounts, visas) of the mix. Few enough that the same one comes again while its last notice is on its way.
const POPULATION: u64 = 2_000;

/// A sample envelope and who may send it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The sender.
    pub sender: AgencyId,
    /// Its type.
    pub ty: String,
    /// The envelope as it stands in the file.
    pub text: String,
    head: Head,
}

/// The attributes that a fresh copy changes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Head {
    id: String,
    source: String,
    #[serde(rename = "type")]
    ty: String,
    subject: Option<String>,
    time: Option<String>,
    correlationid: Option<String>,
    causationid: Option<String>,
}

/// One line of `mix.json`.
#[derive(Debug, Deserialize)]
struct Share {
    #[serde(rename = "type")]
    ty: String,
    weight: u64,
}

/// The samples of a deployment and how often each is sent.
#[derive(Debug)]
pub struct Traffic {
    /// All of them, by file name.
    pub samples: Vec<Sample>,
    /// Index into `samples`, and the sum of weights up to and including it.
    mix: Vec<(u64, usize)>,
    dice: Dice,
}

impl Traffic {
    /// Reads `examples/` below a deployment.
    pub fn load(root: &Path, catalog: &Catalog, seed: u64) -> anyhow::Result<Self> {
        let folder = root.join("examples");
        let mut samples = Vec::new();
        for path in files(&folder)? {
            let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            // Batches and the mix are arrays.
            if text.trim_start().starts_with('{') {
                let sample =
                    Sample::parse(&text, catalog).with_context(|| format!("{} cannot be sent", path.display()))?;
                samples.push(sample);
            }
        }
        let path = folder.join("mix.json");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let shares: Vec<Share> =
            serde_json::from_str(&text).with_context(|| format!("{} is not a mix", path.display()))?;
        let mix = mix(&shares, &samples).with_context(|| format!("{} is not a mix", path.display()))?;
        Ok(Self { samples, mix, dice: Dice(seed) })
    }

    /// A sample by its type.
    pub fn sample(&self, ty: &str) -> Option<&Sample> {
        self.samples.iter().find(|sample| sample.ty == ty)
    }

    /// The next envelope of the mix, with its sender.
    pub fn next(&mut self, now: At) -> (&Sample, Bytes) {
        let total = self.mix.last().map_or(1, |(sum, _)| *sum);
        let point = self.dice.roll() % total;
        let at = self.mix.partition_point(|(sum, _)| *sum <= point);
        let sample = &self.samples[self.mix[at].1];
        let person = self.dice.roll() % POPULATION;
        (sample, sample.fresh(self.dice.roll(), Some(person), now))
    }

    /// A fresh copy of a sample about its own subject.
    pub fn copy(&mut self, sample: &Sample, now: At) -> Bytes {
        sample.fresh(self.dice.roll(), None, now)
    }
}

fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.with_context(|| format!("cannot read {}", folder.display()))?.path();
        if path.extension().is_some_and(|ending| ending == "json") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Running sums of the weights.
fn mix(shares: &[Share], samples: &[Sample]) -> anyhow::Result<Vec<(u64, usize)>> {
    let mut sum = 0_u64;
    let mut mix = Vec::with_capacity(shares.len());
    for share in shares {
        let Some(at) = samples.iter().position(|sample| sample.ty == share.ty) else {
            bail!("it names {} and there is no sample of that type", share.ty);
        };
        sum = sum.saturating_add(share.weight);
        mix.push((sum, at));
    }
    if sum == 0 { bail!("it is empty") } else { Ok(mix) }
}

impl Sample {
    fn parse(text: &str, catalog: &Catalog) -> anyhow::Result<Self> {
        let head: Head = serde_json::from_str(text).context("it is no event")?;
        let sender = catalog.agencies().find(|agency| agency.may_send(&head.ty) && agency.may_speak_for(&head.source));
        let sender = sender.with_context(|| format!("no agency may send {} from {}", head.ty, head.source))?.id.clone();
        Ok(Self { sender, ty: head.ty.clone(), text: text.to_owned(), head })
    }

    /// The envelope with an id of its own, the time of now, and the subject turned into that of another `person`.
    fn fresh(&self, nonce: u64, person: Option<u64>, now: At) -> Bytes {
        let head = &self.head;
        let mut changes = BTreeMap::new();
        if let (Some(subject), Some(person)) = (&head.subject, person) {
            changes.insert(subject.as_str(), renumbered(subject, person));
        }
        if let Some(procedure) = &head.correlationid {
            changes.insert(procedure, renumbered(procedure, nonce));
        }
        if let Some(cause) = &head.causationid {
            changes.insert(cause, renumbered(cause, nonce));
        }
        if let Some(time) = &head.time {
            changes.insert(time, now.to_string());
        }
        changes.insert(&head.id, format!("{}-{nonce:016x}", head.id));
        let mut text = self.text.clone();
        for (old, new) in changes {
            text = text.replace(&format!("\"{old}\""), &format!("\"{new}\""));
        }
        text.into()
    }
}

/// The text with the last digits of its longest number replaced: as many as fit, the first one and at most five kept or changed, so
/// that what it says besides (a century, a year, a kind) stays true.
fn renumbered(text: &str, number: u64) -> String {
    let bytes = text.as_bytes();
    let (mut start, mut end) = (0, 0);
    let mut at = 0;
    while at < bytes.len() {
        let length = bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if length > end - start {
            (start, end) = (at, at + length);
        }
        at += length.max(1);
    }
    let digits = (end - start).saturating_sub(1).min(5);
    let mut bytes = bytes.to_vec();
    let mut rest = number;
    for place in bytes[end - digits..end].iter_mut().rev() {
        *place = b'0' + u8::try_from(rest % 10).expect("a remainder of ten fits");
        rest /= 10;
    }
    String::from_utf8(bytes).expect("digits stand for digits")
}

/// SplitMix64: no secret hangs on it.
#[derive(Debug)]
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::cloudevents::{self, Bounds};

    fn sample() -> Sample {
        let text = r#"{"id":"a-1","source":"urn:x","type":"qa.gov.x","subject":"28400000017","time":"2026-01-01T00:00:00Z",
            "correlationid":"RR-2026-0074550","data":{"qid":"28400000017","request":"RR-2026-0074550","zone":28400000017}}"#;
        let head: Head = serde_json::from_str(text).unwrap();
        Sample { sender: AgencyId::parse("x").unwrap(), ty: head.ty.clone(), text: text.to_owned(), head }
    }

    #[test]
    fn a_number_keeps_its_shape() {
        assert_eq!(renumbered("28400000017", 1_234), "28400001234");
        assert_eq!(renumbered("60570/2026", 77), "60077/2026");
        assert_eq!(renumbered("BR-2026-0023117", 123_456), "BR-2026-0023456");
        assert_eq!(renumbered("188810", 9), "100009");
        assert_eq!(renumbered("none", 9), "none");
        assert_eq!(renumbered("", 9), "");
    }

    #[test]
    fn a_fresh_copy_is_about_somebody_else_throughout() {
        let event: serde_json::Value = serde_json::from_slice(&sample().fresh(7, Some(42), At(0))).unwrap();
        assert_eq!(event["id"], "a-1-0000000000000007");
        assert_eq!(event["subject"], "28400000042");
        assert_eq!(event["data"]["qid"], event["subject"]);
        assert_eq!(event["data"]["request"], event["correlationid"]);
        assert_eq!(event["time"], "1970-01-01T00:00:00.000Z");
        assert_eq!(event["data"]["zone"], 28_400_000_017_u64, "numbers are no names");
        let own: serde_json::Value = serde_json::from_slice(&sample().fresh(8, None, At(0))).unwrap();
        assert_eq!(own["subject"], "28400000017");
        assert_ne!(own["id"], event["id"]);
    }

    #[test]
    fn weights_are_kept() {
        let other = Sample { ty: "qa.gov.y".to_owned(), ..sample() };
        let share = |ty: &str, weight| Share { ty: ty.to_owned(), weight };
        let samples = vec![sample(), other];
        let mix = mix(&[share("qa.gov.y", 3), share("qa.gov.x", 1)], &samples).unwrap();
        let mut traffic = Traffic { samples, mix, dice: Dice(1) };
        let found = (0..4_000).filter(|_| traffic.next(At(0)).0.ty == "qa.gov.y").count();
        assert!((2_850..3_150).contains(&found), "{found}");
        assert!(super::mix(&[share("qa.gov.z", 1)], &traffic.samples).is_err());
        assert!(super::mix(&[], &traffic.samples).is_err());
    }

    #[test]
    fn the_shipped_mix_is_valid_whoever_it_is_about() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let catalog = Catalog::load(root).unwrap().catalog;
        let mut traffic = Traffic::load(root, &catalog, 7).unwrap();
        for _ in 0..500 {
            let (sample, event) = traffic.next(At(1_790_000_000_000));
            let envelope = cloudevents::structured(&event, &Bounds::default()).unwrap();
            let schema = catalog.schemas.find(&envelope.attributes.ty, None).unwrap();
            assert_eq!(schema.check(&envelope), [], "{}", sample.ty);
            assert!(!catalog.recipients(&envelope).is_empty(), "{}", sample.ty);
        }
    }
}
