//! The document around every page.

use leptos::prelude::*;

use super::{context::PageContext, hydration::HeadAssets, page::Page};

/// The whole document, without its doctype.
pub fn document(ctx: &PageContext, page: &Page) -> AnyView {
    let islands = ctx.person.is_some();
    view! {
        <html lang="en" data-theme=ctx.theme.as_str() data-density=ctx.density.as_str()>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <title>{page.title()}</title>
                <HeadAssets assets=ctx.assets islands=islands />
            </head>
            <body>
                <main id="main">
                    <h1>{page.heading()}</h1>
                    {page.body(ctx)}
                </main>
            </body>
        </html>
    }
    .into_any()
}

/// The islands of a page, at the end of its body.
pub fn islands(_ctx: &PageContext, _page: &Page) -> AnyView {
    ().into_any()
}
