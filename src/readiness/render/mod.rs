//! Renderings of readiness: a page for the change board, Markdown for a ticket, a table for a spreadsheet.

mod csv;
mod html;
mod markdown;
pub(crate) mod page;
pub(crate) mod text;

pub use csv::{csv, people_csv};
pub use html::html;
pub use markdown::markdown;
pub use page::RenderError;
