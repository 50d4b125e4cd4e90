// SPDX-License-Identifier: Apache-2.0
//! A merge operator: the weighted average of the inputs, w₁x₁ + w₂x₂ + … divided by w₁ + w₂ + …
//!
//! The host reads the models, converts number formats, cuts tensors into blocks and schedules cores; an operator is the mathematics.

mod centram;
mod support;

use centram::*;
use std::ffi::{c_char, c_void};
use std::slice::{from_raw_parts, from_raw_parts_mut};
use support::*;

/// An instance is one job's. This operator keeps nothing in it; yours may keep what `create` read from the settings.
struct Average;

unsafe extern "C" fn create(configuration: *const c_char, error: *mut c_char, capacity: usize) -> *mut c_void {
    created(configuration, error, capacity, |json| read_settings(json, &[]).map(|_| Average))
}

unsafe extern "C" fn destroy(instance: *mut c_void) {
    drop(Box::from_raw(instance.cast::<Average>()));
}

/// Each block comes from one of several threads, so this reads `user` and writes nothing but its block. The result must not depend on
/// where a tensor is cut; work on one element at a time never does.
unsafe extern "C" fn merge_block(user: *mut c_void, block: *const MergeBlock) -> i32 {
    guarded(std::ptr::null_mut(), 0, || {
        let shares = &*(user as *const Vec<f32>);
        let block = &*block;
        let count = block.count as usize;
        if count == 0 {
            return Ok(());
        }
        let output = from_raw_parts_mut(block.output, count);
        for (index, share) in shares.iter().enumerate() {
            let input = from_raw_parts(*block.inputs.add(index), count);
            for (y, x) in output.iter_mut().zip(input) {
                *y = if index == 0 { share * x } else { *y + share * x };
            }
        }
        Ok(())
    })
}

/// One tensor. Everything in `request` is lent until this returns.
unsafe extern "C" fn merge(_instance: *mut c_void, request: *const MergeRequest, error: *mut c_char, capacity: usize) -> i32 {
    guarded(error, capacity, || {
        let request = &*request;
        let parameters = &*request.parameters;
        let weights: Vec<f64> = (0..request.input_count as i32)
            .map(|input| {
                let mut weight = 1.0;
                (parameters.number)(parameters.context, c"weight".as_ptr(), input, &mut weight);
                weight
            })
            .collect();
        let sum: f64 = weights.iter().sum();
        if sum == 0.0 || !sum.is_finite() {
            return Err(invalid(format!("{}: the weights sum to {sum}, and a share of that is no number", text(request.tensor))));
        }
        let mut shares: Vec<f32> = weights.iter().map(|weight| (weight / sum) as f32).collect();
        // An error of the host, such as a merge that was given up, comes back from here and goes on to the caller.
        from_host((request.for_each_block)(request.context, BLOCKS_ANY, std::ptr::null(), 0, merge_block, (&raw mut shares).cast()))
    })
}

/// What a user may set, for each model: the host fills in the default and refuses what is beyond the limits.
static PARAMETERS: [Parameter; 1] = [Parameter {
    name: c"weight".as_ptr(),
    summary: c"this model's share".as_ptr(),
    kind: PARAMETER_NUMBER,
    scope: SCOPE_PER_INPUT,
    required: 0,
    has_limits: 1,
    default_value: c"1".as_ptr(),
    minimum: 0.0,
    maximum: 1000.0,
}];

static TABLE: Merge = Merge {
    struct_size: size_of::<Merge>() as u32,
    flags: MERGE_BASE_IS_INPUT, // no special base: it is averaged as the others are
    minimum_inputs: 1,
    maximum_inputs: 0,
    parameters: PARAMETERS.as_ptr(),
    parameter_count: PARAMETERS.len(),
    create,
    destroy,
    merge,
};

centram_plugin!(id: "@ID@", kind: "merge-operator", summary: "Weighted average of the inputs", interface: "centram.merge/1", table: TABLE, init: None);
