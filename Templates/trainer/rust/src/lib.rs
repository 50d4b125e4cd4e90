// SPDX-License-Identifier: Apache-2.0
//! A trainer: stochastic gradient descent on a low-rank adapter. Each step subtracts the learning rate times the mean gradient.
//!
//! The host holds the model and the data, computes gradients and stores checkpoints. A trainer decides what to do with them, can be
//! stopped between any two steps, and goes on from a checkpoint to the same bits.

mod centram;
mod support;
mod training;

use centram::*;
use std::ffi::{c_char, c_void};
use support::*;
use training::Training;

struct Descent;

unsafe extern "C" fn create(configuration: *const c_char, error: *mut c_char, capacity: usize) -> *mut c_void {
    created(configuration, error, capacity, |json| read_settings(json, &[]).map(|_| Descent))
}

unsafe extern "C" fn destroy(instance: *mut c_void) {
    drop(Box::from_raw(instance.cast::<Descent>()));
}

/// Runs on a thread of its own and may block.
unsafe extern "C" fn train(_instance: *mut c_void, request: *const TrainerRequest, error: *mut c_char, capacity: usize) -> i32 {
    guarded(error, capacity, || {
        let mut training = Training::new(&*request)?;
        training.restore()?;
        training.run()
    })
}

const fn parameter(name: &'static std::ffi::CStr, summary: &'static std::ffi::CStr, kind: i32, default: &'static std::ffi::CStr, minimum: f64, maximum: f64) -> Parameter {
    Parameter {
        name: name.as_ptr(),
        summary: summary.as_ptr(),
        kind,
        scope: SCOPE_SHARED,
        required: 0,
        has_limits: 1,
        default_value: default.as_ptr(),
        minimum,
        maximum,
    }
}

/// What a user may set. The names are those that other trainers use; `training::SETTINGS` reads them.
static PARAMETERS: [Parameter; 6] = [
    parameter(c"steps", c"steps in all", PARAMETER_INTEGER, c"100", 1.0, 1e6),
    parameter(c"batch", c"sequences a step", PARAMETER_INTEGER, c"8", 1.0, 4096.0),
    parameter(c"length", c"tokens a sequence", PARAMETER_INTEGER, c"128", 2.0, 65536.0),
    parameter(c"learning_rate", c"what a step takes of the gradient", PARAMETER_NUMBER, c"0.1", 0.0, 100.0),
    parameter(c"rank", c"the adapter's rank", PARAMETER_INTEGER, c"8", 1.0, 256.0),
    parameter(c"checkpoint_every", c"steps between checkpoints; 0: none but when stopped", PARAMETER_INTEGER, c"0", 0.0, 1e6),
];

static TABLE: Trainer = Trainer {
    struct_size: size_of::<Trainer>() as u32,
    flags: 0,
    parameters: PARAMETERS.as_ptr(),
    parameter_count: PARAMETERS.len(),
    create,
    destroy,
    train,
};

centram_plugin!(id: "@ID@", kind: "trainer", summary: "Plain gradient descent on an adapter", interface: "centram.trainer/1", table: TABLE, init: None);
