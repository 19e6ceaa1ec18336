//! The little linear algebra that the models share.
