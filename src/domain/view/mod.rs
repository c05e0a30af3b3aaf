//! What pages show: plain values made by `service`, drawn by `console`.
