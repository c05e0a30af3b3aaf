//! The tags in a page's `<head>` that bring the style sheet and wake the islands.
//!
//! Leptos' own tag is an inline script that finds file names beside the executable. Ours is a plain
//! file with the names inside, so the page's content security policy allows no inline script.

use leptos::prelude::*;

/// Addresses of the browser bundle, each with a content hash; none where the binary was built
/// without the bundle. `web::assets::tags` fills it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AssetTags {
    /// The one style sheet.
    pub style: Option<&'static str>,
    /// The script that loads the module and wakes the islands.
    pub boot: Option<&'static str>,
    /// The script around the module, which `boot` imports.
    pub script: Option<&'static str>,
    /// The WebAssembly module.
    pub module: Option<&'static str>,
    /// The icon of the page.
    pub icon: Option<&'static str>,
    /// The sprite with the icons of the interface: `<use href="{sprite}#name">`.
    pub sprite: Option<&'static str>,
}

/// Style sheet, icon, and, on pages that have islands, what wakes them.
#[component]
pub fn HeadAssets(
    /// The addresses.
    assets: AssetTags,
    /// Whether the page has islands. One without them loads no script at all.
    islands: bool,
) -> impl IntoView {
    let AssetTags { style, boot, script, module, icon, .. } = assets;
    view! {
        {style.map(|href| view! { <link rel="stylesheet" href=href /> })}
        {icon.map(|href| view! { <link rel="icon" type="image/svg+xml" href=href /> })}
        {islands
            .then(|| {
                view! {
                    {script.map(|href| view! { <link rel="modulepreload" href=href fetchpriority="low" /> })}
                    {module
                        .map(|href| {
                            view! {
                                <link
                                    rel="preload"
                                    r#as="fetch"
                                    r#type="application/wasm"
                                    crossorigin="anonymous"
                                    fetchpriority="low"
                                    href=href
                                />
                            }
                        })}
                    {boot.map(|src| view! { <script type="module" src=src fetchpriority="low"></script> })}
                }
            })}
    }
}
