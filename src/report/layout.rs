//! The common parts of all pages: head, style, foot, and boxes in which wide tables scroll.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::chart::{self, Figure};

/// With this policy the browser lets a page load nothing and run nothing.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

/// A whole page.
pub(super) fn document(title: &str, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="color-scheme" content="light dark";
                meta name="generator" content=(concat!("gpu-mlp ", env!("CARGO_PKG_VERSION")));
                title { (title) " - gpu-mlp" }
                link rel="icon" href="data:,";
                style { (PreEscaped(include_str!("style.css"))) }
            }
            body {
                main { (body) }
                footer { p { "Written by " code { "gpu-mlp report" } " " (env!("CARGO_PKG_VERSION")) "." } }
            }
        }
    };
    page.into_string()
}

/// A table under a caption, in a box that scrolls by itself where the table is too large, with the keyboard too.
pub(super) fn scrolling(label: &str, caption: &Markup, table: &Markup) -> Markup {
    html! {
        figure {
            figcaption { (caption) }
            div.scroll tabindex="0" role="region" aria-label=(label) { (table) }
        }
    }
}

/// A chart, whose names begin with `id`.
pub(super) fn chart(figure: &Figure, id: &str) -> Markup {
    html! { figure.chart { (PreEscaped(chart::inline(figure, id))) } }
}
