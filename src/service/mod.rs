//! Use cases, one function each: what pages, forms and webhooks call. Every one that a person can
//! reach takes the [`caller`] and authorises here, so that no route can forget to.

pub mod engine_handle;
