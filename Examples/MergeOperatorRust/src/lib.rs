// SPDX-License-Identifier: Apache-2.0
//! Weighted mean of the inputs in Rust, with the same bits as Centram's own `merge.linear`.

mod abi;

use abi::*;
use std::ffi::{c_char, c_void, CStr};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::slice::{from_raw_parts, from_raw_parts_mut};

/// What goes wrong, as a code and a sentence.
struct Failure(i32, String);

/// Runs `body` and turns failures and panics into a status with a sentence: nothing unwinds into the host.
unsafe fn guarded(error: *mut c_char, capacity: usize, body: impl FnOnce() -> Result<(), Failure>) -> i32 {
    let Failure(status, sentence) = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => return OK,
        Ok(Err(failure)) => failure,
        Err(_) => Failure(ERROR_INTERNAL, "the operator panicked".into()),
    };
    if capacity > 0 {
        let count = sentence.len().min(capacity - 1);
        std::ptr::copy_nonoverlapping(sentence.as_ptr().cast(), error, count);
        *error.add(count) = 0;
    }
    status
}

/// What `merge` hands to `merge_block`: a factor for each input, and what the sum is divided by (1: nothing).
struct Combination {
    factors: Vec<f32>,
    divisor: f32,
}

/// y = factor·x for the first input, then y = y + factor·x for each other: two roundings an element, as in merge.linear.
unsafe extern "C" fn merge_block(user: *mut c_void, block: *const Block) -> i32 {
    guarded(std::ptr::null_mut(), 0, || {
        let combination = &*(user as *const Combination);
        let block = &*block;
        let output = from_raw_parts_mut(block.output, block.count as usize);
        for (index, factor) in combination.factors.iter().enumerate() {
            let input = from_raw_parts(*block.inputs.add(index), block.count as usize);
            for (y, x) in output.iter_mut().zip(input) {
                *y = if index == 0 { factor * x } else { *y + factor * x };
            }
        }
        if combination.divisor != 1.0 {
            output.iter_mut().for_each(|y| *y /= combination.divisor);
        }
        Ok(())
    })
}

unsafe extern "C" fn merge(_instance: *mut c_void, request: *const Request, error: *mut c_char, capacity: usize) -> i32 {
    guarded(error, capacity, || {
        let request = &*request;
        let parameters = &*request.parameters;
        let mut weights = Vec::new();
        for input in 0..request.input_count as i32 {
            let mut weight = 0.0;
            if (parameters.number)(parameters.context, c"weight".as_ptr(), input, &mut weight) == 0 {
                return Err(Failure(ERROR_INVALID, format!("parameter weight is missing for input {input}")));
            }
            weights.push(weight);
        }
        let mut normalize = 1;
        (parameters.boolean)(parameters.context, c"normalize".as_ptr(), -1, &mut normalize);
        let mut divisor = 1.0;
        if normalize != 0 {
            let sum: f64 = weights.iter().sum();
            if sum == 0.0 {
                let tensor = CStr::from_ptr(request.tensor).to_string_lossy();
                return Err(Failure(ERROR_INVALID, format!("{tensor}: the weights sum to 0, so they cannot be normalized")));
            }
            // Shares that f32 holds exactly (1/4, 3/4) are used as they are; for others (1/3, 2/3) the sum is divided.
            let shares: Vec<f64> = weights.iter().map(|weight| weight / sum).collect();
            if shares.iter().all(|share| (*share as f32 as f64 - share).abs() <= 1e-15 * share.abs()) {
                weights = shares;
            } else {
                divisor = sum as f32;
            }
        }
        let mut combination = Combination { factors: weights.iter().map(|weight| *weight as f32).collect(), divisor };
        let user = (&mut combination as *mut Combination).cast();
        match (request.for_each_block)(request.context, BLOCKS_ANY, std::ptr::null(), 0, merge_block, user) {
            OK => Ok(()),
            status => Err(Failure(status, String::new())),
        }
    })
}

unsafe extern "C" fn create(_configuration: *const c_char, _error: *mut c_char, _capacity: usize) -> *mut c_void {
    Box::into_raw(Box::new(0u8)).cast()
}

unsafe extern "C" fn destroy(instance: *mut c_void) {
    drop(Box::from_raw(instance.cast::<u8>()));
}

static PARAMETERS: [Parameter; 2] = [
    Parameter {
        name: c"weight".as_ptr(),
        summary: c"share of this model".as_ptr(),
        kind: PARAMETER_NUMBER,
        scope: SCOPE_PER_INPUT,
        required: 1,
        has_limits: 0,
        default_value: std::ptr::null(),
        minimum: 0.0,
        maximum: 0.0,
    },
    Parameter {
        name: c"normalize".as_ptr(),
        summary: c"divide by the sum of the weights".as_ptr(),
        kind: PARAMETER_BOOLEAN,
        scope: SCOPE_SHARED,
        required: 0,
        has_limits: 0,
        default_value: c"true".as_ptr(),
        minimum: 0.0,
        maximum: 0.0,
    },
];

static MERGE: Merge = Merge {
    struct_size: size_of::<Merge>() as u32,
    flags: BASE_IS_INPUT,
    minimum_inputs: 1,
    maximum_inputs: 0,
    parameters: PARAMETERS.as_ptr(),
    parameter_count: PARAMETERS.len(),
    create,
    destroy,
    merge,
};

unsafe extern "C" fn get_interface(id: *const c_char) -> *const c_void {
    if CStr::from_ptr(id) == c"centram.merge/1" { (&raw const MERGE).cast() } else { std::ptr::null() }
}

static DESCRIPTOR: Descriptor = Descriptor {
    magic: MAGIC,
    struct_size: size_of::<Descriptor>() as u32,
    c_abi: [1, 0],
    swift_api: [0, 0],
    lanes: LANE_C,
    reserved: 0,
    kind: c"merge-operator".as_ptr(),
    id: c"example.merge.linear-rust".as_ptr(),
    version: c"1.0.0".as_ptr(),
    summary: c"Weighted mean of the inputs, in Rust".as_ptr(),
    toolchain: c"".as_ptr(),
    api_fingerprint: c"".as_ptr(),
    init: None,
    get_interface: Some(get_interface),
};

/// The host reads this from the file, without loading it.
#[used]
#[link_section = ".note.centram"]
static NOTE: Note = Note {
    name_size: 8,
    descriptor_size: (size_of::<Note>() - 20) as u32,
    kind: 1,
    name: *b"Centram\0",
    magic: MAGIC,
    c_abi: [1, 0],
    swift_api: [0, 0],
    lanes: LANE_C,
    toolchain: [0; 160],
    api_fingerprint: [0; 72],
};

#[no_mangle]
pub extern "C" fn centram_plugin_descriptor() -> *const Descriptor {
    &DESCRIPTOR
}
