//! AVR firmware in simavr, one instruction at a time: what it answers, and what that takes.
//!
//! [`machine::Machine`] is a microcontroller that executes instructions; [`firmware::Firmware`] is
//! what an ELF file says of the program in its flash; [`exchange::Exchange`] gives a running
//! firmware images and takes its answers, over a [`link::Link`].
//!
//! [`listening::Listener`] lets a firmware hear sounds by its analogue input, and [`moving::play`]
//! moves one that has an [`accelerometer::Mpu6050`] on its two-wire bus.
//!
//! [`call::Caller`] runs single functions of an [`assembly::Assembly`], and tells which rule of the
//! calling convention they break; [`network::SimulatedNetwork`] runs a network's code by that, and
//! [`snippet::Snippet`] a few instructions.

pub mod accelerometer;
pub mod assembly;
pub mod call;
pub mod exchange;
pub mod firmware;
pub mod link;
pub mod listening;
pub mod machine;
pub mod moving;
pub mod network;
pub mod profile;
pub mod snippet;
pub mod stack;
pub mod two_wire;
