//! The interface described: one description of each route, and the documents that are made of it.
//!
//! In reading order: [`words`] are texts in both languages; [`schema`] describes values, [`operation`] calls; [`shapes`] and
//! [`operations`] are the descriptions themselves, [`rights`] and [`problems`] those of who may and what goes wrong; [`samples`] are real calls with their
//! answers; [`openapi`] writes `/openapi.json`, [`page`] (with [`prose`]) writes `/docs`, and [`serve`] hands both out.
//!
//! D1: no route without a description: the table of routes asks for one. D2: what is described is what is answered: the tests hold
//! every answer that they get against it, and name what is described and never seen. D3: bounds are the constants that the
//! handlers check. D4: an example was said by this Falaj, and a test says it again. D5: nothing of a deployment is told.

pub mod openapi;
pub mod operation;
pub mod operations;
pub mod page;
pub mod problems;
pub mod prose;
pub mod rights;
pub mod samples;
pub mod schema;
pub mod serve;
pub mod shapes;
pub mod words;
