//! Proofs that take their time or need root: random kills, power cuts, every sync point, full disks, long retries, pages over a grown ledger.

mod budget;
mod cluster;
mod disk_full;
mod island;
mod kill;
mod notebook;
mod patience;
mod power_cut;
mod shim;
mod sync_points;
