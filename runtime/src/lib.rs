#![no_std]
//! herringbone
