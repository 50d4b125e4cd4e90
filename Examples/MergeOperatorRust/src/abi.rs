// SPDX-License-Identifier: Apache-2.0
//! The parts of `centram_plugin.h` that a merge operator needs, field by field.

use std::ffi::{c_char, c_void};

pub const MAGIC: u32 = 0x314d_5443;
pub const LANE_C: u32 = 1;

pub const OK: i32 = 0;
pub const ERROR_INVALID: i32 = 1;
pub const ERROR_INTERNAL: i32 = 5;

pub const PARAMETER_NUMBER: i32 = 0;
pub const PARAMETER_BOOLEAN: i32 = 2;
pub const SCOPE_SHARED: i32 = 0;
pub const SCOPE_PER_INPUT: i32 = 1;
pub const BASE_IS_INPUT: u32 = 2;
pub const BLOCKS_ANY: i32 = 0;

#[repr(C, align(4))]
pub struct Note {
    pub name_size: u32,
    pub descriptor_size: u32,
    pub kind: u32,
    pub name: [u8; 8],
    pub magic: u32,
    pub c_abi: [u16; 2],
    pub swift_api: [u16; 2],
    pub lanes: u32,
    pub toolchain: [u8; 160],
    pub api_fingerprint: [u8; 72],
}

#[repr(C)]
pub struct Descriptor {
    pub magic: u32,
    pub struct_size: u32,
    pub c_abi: [u16; 2],
    pub swift_api: [u16; 2],
    pub lanes: u32,
    pub reserved: u32,
    pub kind: *const c_char,
    pub id: *const c_char,
    pub version: *const c_char,
    pub summary: *const c_char,
    pub toolchain: *const c_char,
    pub api_fingerprint: *const c_char,
    pub init: Option<unsafe extern "C" fn(*const c_void, *mut c_char, usize) -> i32>,
    pub get_interface: Option<unsafe extern "C" fn(*const c_char) -> *const c_void>,
}

#[repr(C)]
pub struct Parameter {
    pub name: *const c_char,
    pub summary: *const c_char,
    pub kind: i32,
    pub scope: i32,
    pub required: i32,
    pub has_limits: i32,
    pub default_value: *const c_char,
    pub minimum: f64,
    pub maximum: f64,
}

#[repr(C)]
pub struct Parameters {
    pub struct_size: u32,
    pub context: *const c_void,
    pub number: unsafe extern "C" fn(*const c_void, *const c_char, i32, *mut f64) -> i32,
    pub boolean: unsafe extern "C" fn(*const c_void, *const c_char, i32, *mut i32) -> i32,
    pub string: unsafe extern "C" fn(*const c_void, *const c_char, i32, *mut *const c_char) -> i32,
}

#[repr(C)]
pub struct Block {
    pub struct_size: u32,
    pub input_count: u32,
    pub offset: u64,
    pub count: u64,
    pub inputs: *const *const f32,
    pub output: *mut f32,
}

pub type BlockBody = unsafe extern "C" fn(*mut c_void, *const Block) -> i32;

#[repr(C)]
pub struct Request {
    pub struct_size: u32,
    pub base_index: i32,
    pub input_count: u32,
    pub rank: u32,
    pub tensor: *const c_char,
    pub shape: *const u64,
    pub count: u64,
    pub models: *const *const c_char,
    pub seed: u64,
    pub parameters: *const Parameters,
    pub context: *const c_void,
    pub for_each_block: unsafe extern "C" fn(*const c_void, i32, *const u32, usize, BlockBody, *mut c_void) -> i32,
    // `reduce` and `mask` follow; a table may be read up to where one needs it.
}

#[repr(C)]
pub struct Merge {
    pub struct_size: u32,
    pub flags: u32,
    pub minimum_inputs: u32,
    pub maximum_inputs: u32,
    pub parameters: *const Parameter,
    pub parameter_count: usize,
    pub create: unsafe extern "C" fn(*const c_char, *mut c_char, usize) -> *mut c_void,
    pub destroy: unsafe extern "C" fn(*mut c_void),
    pub merge: unsafe extern "C" fn(*mut c_void, *const Request, *mut c_char, usize) -> i32,
}

// Tables are constants that nobody writes.
unsafe impl Sync for Descriptor {}
unsafe impl Sync for Parameter {}
unsafe impl Sync for Merge {}
