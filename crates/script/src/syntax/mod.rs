//! The language: text to [`Script`](tree::Script), or the place where it is none.

pub mod tree;
