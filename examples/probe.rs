use axum::{
    Router,
    response::{Html, IntoResponse},
    routing::get,
};
use halobridge::{
    console::probe::*,
    web::{assets, render},
};
use leptos::prelude::*;
#[tokio::main]
async fn main() {
    let app: Router = Router::new().route("/", get(|| async {
        let mut r = Html(render::page(|| view! { <Page assets=assets::tags()/> })).into_response();
        r.headers_mut().insert("content-security-policy", "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-ancestors 'none'; form-action 'self'".parse().unwrap());
        r.headers_mut().insert("referrer-policy", "same-origin".parse().unwrap());
        r })).merge(assets::routes());
    let l = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{{\"console\":\"http://{}\"}}", l.local_addr().unwrap());
    axum::serve(l, app).await.unwrap();
}
