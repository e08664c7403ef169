//! Services in figures: what portals publish month by month, worked out from the ledger's exact counts.
//!
//! [`month`] makes the table of a month, [`open_data`] what of it may be given to everybody, [`csv`] and [`envelope`] the forms it
//! leaves in.
//!
//! N1: everything here is a count, a time or a word of the deployment; there is no person, sender or agency in it but the owner that
//! a service is known by. N2: open data are of months that are over, and leave out what is so rare that somebody could be
//! recognised in it. N3: everything here is computed from what is handed in: nothing reads a ledger or a clock.

pub mod csv;
pub mod envelope;
pub mod month;
pub mod open_data;

#[cfg(test)]
mod tests;

pub use month::{Figures, Known, Level, MonthTable, ServiceLine, known};
pub use open_data::{OpenData, OpenRow, Terms};
