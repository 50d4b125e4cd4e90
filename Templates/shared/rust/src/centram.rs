// SPDX-License-Identifier: Apache-2.0
//! `centram_plugin.h` in Rust, field by field. A table grows at its end only, and `struct_size` says how much of it is there.
#![allow(dead_code)]

use std::ffi::{c_char, c_void};

pub const OK: i32 = 0;
pub const ERROR_INVALID: i32 = 1;
pub const ERROR_UNSUPPORTED: i32 = 3;
pub const ERROR_CANCELLED: i32 = 4;
pub const ERROR_INTERNAL: i32 = 5;
pub const ERROR_UNAVAILABLE: i32 = 6;
pub const ERROR_LIMIT: i32 = 7;
pub const ERROR_CLOSED: i32 = 9;

// ---- the host ---------------------------------------------------------------------------------------------------------

#[repr(C)]
pub struct Host {
    pub struct_size: u32,
    pub c_abi_minor: u32,
    pub context: *mut c_void,
    pub log: unsafe extern "C" fn(*mut c_void, i32, *const c_char),
    /// A service's table, valid for good, or null.
    pub get_service: unsafe extern "C" fn(*mut c_void, *const c_char) -> *const c_void,
}

/// `centram.random/1`.
#[repr(C)]
pub struct Random {
    pub struct_size: u32,
    pub context: *mut c_void,
    pub fill: unsafe extern "C" fn(*mut c_void, *mut u8, usize),
}

/// `centram.identity/1`: the node's Ed25519 key.
#[repr(C)]
pub struct Identity {
    pub struct_size: u32,
    pub context: *mut c_void,
    pub public_key: unsafe extern "C" fn(*mut c_void, *mut u8),
    pub sign: unsafe extern "C" fn(*mut c_void, *const u8, usize, *mut u8) -> i32,
    pub export_seed: unsafe extern "C" fn(*mut c_void, *mut u8) -> i32,
}

// ---- the door ---------------------------------------------------------------------------------------------------------

pub const MAGIC: u32 = 0x314d_5443;
pub const LANE_C: u32 = 1;

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

pub type Init = unsafe extern "C" fn(*const Host, *mut c_char, usize) -> i32;
pub type Create = unsafe extern "C" fn(*const c_char, *mut c_char, usize) -> *mut c_void;
pub type Destroy = unsafe extern "C" fn(*mut c_void);

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
    /// Called once, before any other function.
    pub init: Option<Init>,
    pub get_interface: Option<unsafe extern "C" fn(*const c_char) -> *const c_void>,
}

/// Writes the note, which the host reads from the file without loading it, and the descriptor.
#[macro_export]
macro_rules! centram_plugin {
    (id: $id:literal, kind: $kind:literal, summary: $summary:literal, interface: $interface:literal, table: $table:ident, init: $init:expr) => {
        #[used]
        #[link_section = ".note.centram"]
        static NOTE: $crate::centram::Note = $crate::centram::Note {
            name_size: 8,
            descriptor_size: (std::mem::size_of::<$crate::centram::Note>() - 20) as u32,
            kind: 1,
            name: *b"Centram\0",
            magic: $crate::centram::MAGIC,
            c_abi: [1, 0],
            swift_api: [0, 0],
            lanes: $crate::centram::LANE_C,
            toolchain: [0; 160],
            api_fingerprint: [0; 72],
        };

        unsafe extern "C" fn get_interface(id: *const std::ffi::c_char) -> *const std::ffi::c_void {
            if std::ffi::CStr::from_ptr(id).to_bytes() == $interface.as_bytes() {
                (&raw const $table).cast()
            } else {
                std::ptr::null()
            }
        }

        static DESCRIPTOR: $crate::centram::Descriptor = $crate::centram::Descriptor {
            magic: $crate::centram::MAGIC,
            struct_size: std::mem::size_of::<$crate::centram::Descriptor>() as u32,
            c_abi: [1, 0],
            swift_api: [0, 0],
            lanes: $crate::centram::LANE_C,
            reserved: 0,
            kind: concat!($kind, "\0").as_ptr().cast(),
            id: concat!($id, "\0").as_ptr().cast(),
            version: concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast(),
            summary: concat!($summary, "\0").as_ptr().cast(),
            toolchain: c"".as_ptr(),
            api_fingerprint: c"".as_ptr(),
            init: $init,
            get_interface: Some(get_interface),
        };

        #[no_mangle]
        pub extern "C" fn centram_plugin_descriptor() -> *const $crate::centram::Descriptor {
            &DESCRIPTOR
        }
    };
}

// ---- parameters -------------------------------------------------------------------------------------------------------

pub const PARAMETER_NUMBER: i32 = 0;
pub const PARAMETER_INTEGER: i32 = 1;
pub const SCOPE_SHARED: i32 = 0;
pub const SCOPE_PER_INPUT: i32 = 1;

#[repr(C)]
pub struct Parameter {
    pub name: *const c_char,
    pub summary: *const c_char,
    pub kind: i32,
    pub scope: i32,
    pub required: i32,
    pub has_limits: i32,
    /// As text, or null.
    pub default_value: *const c_char,
    pub minimum: f64,
    pub maximum: f64,
}

/// Each function returns 1 where the parameter is set; an input of -1 asks for a shared one.
#[repr(C)]
pub struct Parameters {
    pub struct_size: u32,
    pub context: *const c_void,
    pub number: unsafe extern "C" fn(*const c_void, *const c_char, i32, *mut f64) -> i32,
    pub boolean: unsafe extern "C" fn(*const c_void, *const c_char, i32, *mut i32) -> i32,
    pub string: unsafe extern "C" fn(*const c_void, *const c_char, i32, *mut *const c_char) -> i32,
}

// ---- merge operators: "centram.merge/1" -------------------------------------------------------------------------------

pub const MERGE_NEEDS_BASE: u32 = 1;
pub const MERGE_BASE_IS_INPUT: u32 = 2;
pub const MERGE_USES_SEED: u32 = 4;
pub const BLOCKS_ANY: i32 = 0;
pub const BLOCKS_ROWS: i32 = 1;

#[repr(C)]
pub struct MergeBlock {
    pub struct_size: u32,
    pub input_count: u32,
    pub offset: u64,
    pub count: u64,
    pub inputs: *const *const f32,
    pub output: *mut f32,
}

pub type BlockBody = unsafe extern "C" fn(*mut c_void, *const MergeBlock) -> i32;
pub type FoldBody = unsafe extern "C" fn(*mut c_void, *mut c_void, *const MergeBlock) -> i32;
pub type Combine = unsafe extern "C" fn(*mut c_void, *mut c_void, *const c_void);

#[repr(C)]
pub struct MergeRequest {
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
    pub reduce: unsafe extern "C" fn(*const c_void, i32, *const u32, usize, usize, FoldBody, Combine, *mut c_void, *mut c_void) -> i32,
    pub mask: unsafe extern "C" fn(*const c_void, u32, u64, u64, *mut u8) -> i32,
}

#[repr(C)]
pub struct Merge {
    pub struct_size: u32,
    pub flags: u32,
    pub minimum_inputs: u32,
    /// 0: no limit.
    pub maximum_inputs: u32,
    pub parameters: *const Parameter,
    pub parameter_count: usize,
    pub create: Create,
    pub destroy: Destroy,
    pub merge: unsafe extern "C" fn(*mut c_void, *const MergeRequest, *mut c_char, usize) -> i32,
}

// ---- gate layers: "centram.gate/1" ------------------------------------------------------------------------------------

pub const DIRECTION_INBOUND: u32 = 1;
pub const DIRECTION_OUTBOUND: u32 = 2;
pub const VERDICT_ACCEPT: i32 = 0;
pub const VERDICT_SCALE: i32 = 1;
pub const VERDICT_QUARANTINE: i32 = 2;
pub const VERDICT_REJECT: i32 = 3;

#[repr(C)]
pub struct Bytes {
    pub data: *const u8,
    pub count: u64,
}

#[repr(C)]
pub struct Candidate {
    pub struct_size: u32,
    pub direction: i32,
    pub content_hash: [u8; 32],
    pub manifest: Bytes,
    pub manifest_signature: [u8; 64],
    pub adapter_config: Bytes,
    pub weights: Bytes,
    pub policy_json: *const c_char,
}

#[repr(C)]
pub struct VerdictSink {
    pub struct_size: u32,
    pub context: *mut c_void,
    pub evidence: unsafe extern "C" fn(*mut c_void, *const c_char, *const c_char),
    pub decide: unsafe extern "C" fn(*mut c_void, i32, f64, *const c_char),
}

#[repr(C)]
pub struct Gate {
    pub struct_size: u32,
    pub position: u32,
    pub directions: u32,
    pub reserved: u32,
    pub create: Create,
    pub destroy: Destroy,
    pub judge: unsafe extern "C" fn(*mut c_void, *const Candidate, *const VerdictSink, *mut c_char, usize) -> i32,
}

// ---- economy rules: "centram.economy/1" -------------------------------------------------------------------------------

#[repr(C)]
pub struct EconomyEvent {
    pub struct_size: u32,
    pub reserved: u32,
    pub kind: *const c_char,
    pub amount: i64,
    pub subject: *const c_char,
    pub payer: *const c_char,
    pub payee: *const c_char,
    pub details_json: *const c_char,
}

/// Each function returns 1, or 0 where what was asked for is unknown.
#[repr(C)]
pub struct LedgerView {
    pub struct_size: u32,
    pub context: *const c_void,
    pub owner: unsafe extern "C" fn(*const c_void, *const c_char, *mut *const c_char) -> i32,
    pub generation: unsafe extern "C" fn(*const c_void, *const c_char, *mut i64) -> i32,
    pub parent_count: unsafe extern "C" fn(*const c_void, *const c_char) -> u64,
    pub parent: unsafe extern "C" fn(*const c_void, *const c_char, u64, *mut *const c_char, *mut i64) -> i32,
    pub balance: unsafe extern "C" fn(*const c_void, *const c_char, *mut i64) -> i32,
}

pub type Emit = unsafe extern "C" fn(*mut c_void, *const c_char, i64, *const c_char);

#[repr(C)]
pub struct Economy {
    pub struct_size: u32,
    pub reserved: u32,
    pub create: Create,
    pub destroy: Destroy,
    pub postings: unsafe extern "C" fn(*mut c_void, *const EconomyEvent, *const LedgerView, Emit, *mut c_void, *mut c_char, usize) -> i32,
}

// ---- trainers: "centram.trainer/1" ------------------------------------------------------------------------------------

#[repr(C)]
pub struct Trainable {
    pub struct_size: u32,
    pub context: *mut c_void,
    pub tensor_count: unsafe extern "C" fn(*mut c_void) -> u64,
    pub tensor: unsafe extern "C" fn(*mut c_void, u64, *mut *const c_char, *mut u32, *mut *const u64, *mut *mut f32) -> i32,
    pub attach_adapter: unsafe extern "C" fn(*mut c_void, *const c_char, u64) -> i32,
    pub accumulate: unsafe extern "C" fn(*mut c_void, *const i32, u64, u64, f64, *mut f64, *mut f64) -> i32,
    pub gradient: unsafe extern "C" fn(*mut c_void, u64, *mut *mut f32) -> i32,
}

#[repr(C)]
pub struct TrainerRequest {
    pub struct_size: u32,
    pub reserved: u32,
    pub seed: u64,
    pub settings_json: *const c_char,
    pub resume_state: Bytes,
    pub model: *const Trainable,
    pub context: *mut c_void,
    pub batch: unsafe extern "C" fn(*mut c_void, u64, u64, u64, *mut i32) -> i32,
    pub event: unsafe extern "C" fn(*mut c_void, *const c_char),
    pub checkpoint: unsafe extern "C" fn(*mut c_void, *const u8, u64) -> i32,
    pub is_cancelled: unsafe extern "C" fn(*mut c_void) -> i32,
    pub result: unsafe extern "C" fn(*mut c_void, *const c_char, *const c_char),
}

#[repr(C)]
pub struct Trainer {
    pub struct_size: u32,
    pub flags: u32,
    pub parameters: *const Parameter,
    pub parameter_count: usize,
    pub create: Create,
    pub destroy: Destroy,
    pub train: unsafe extern "C" fn(*mut c_void, *const TrainerRequest, *mut c_char, usize) -> i32,
}

// ---- transports: "centram.transport/1" --------------------------------------------------------------------------------

/// Called exactly once for each operation, from any thread, also before the function that started it returned.
pub type Done = unsafe extern "C" fn(*mut c_void, i32, i64, *const c_char);

#[repr(C)]
pub struct Transport {
    pub struct_size: u32,
    pub features: u32,
    pub scheme: *const c_char,
    pub create: Create,
    pub destroy: Destroy,
    pub listen: unsafe extern "C" fn(*mut c_void, *const c_char, Done, *mut c_void),
    pub listener_address: unsafe extern "C" fn(*mut c_void, i64, *mut c_char, usize) -> i32,
    pub accept: unsafe extern "C" fn(*mut c_void, i64, Done, *mut c_void),
    pub close_listener: unsafe extern "C" fn(*mut c_void, i64, Done, *mut c_void),
    pub dial: unsafe extern "C" fn(*mut c_void, *const c_char, *const u8, Done, *mut c_void),
    pub peer: unsafe extern "C" fn(*mut c_void, i64, *mut u8) -> i32,
    pub channel_binding: unsafe extern "C" fn(*mut c_void, i64, *mut u8, usize) -> usize,
    pub open_stream: unsafe extern "C" fn(*mut c_void, i64, Done, *mut c_void),
    pub accept_stream: unsafe extern "C" fn(*mut c_void, i64, Done, *mut c_void),
    pub send_datagram: Option<unsafe extern "C" fn(*mut c_void, i64, *const u8, usize, Done, *mut c_void)>,
    pub receive_datagram: Option<unsafe extern "C" fn(*mut c_void, i64, *mut u8, usize, Done, *mut c_void)>,
    pub close_connection: unsafe extern "C" fn(*mut c_void, i64, u64, *const c_char, Done, *mut c_void),
    pub send: unsafe extern "C" fn(*mut c_void, i64, *const u8, usize, Done, *mut c_void),
    pub receive: unsafe extern "C" fn(*mut c_void, i64, *mut u8, usize, Done, *mut c_void),
    pub finish: unsafe extern "C" fn(*mut c_void, i64, Done, *mut c_void),
    pub reset: unsafe extern "C" fn(*mut c_void, i64, u64, Done, *mut c_void),
}

// Tables are constants that nobody writes.
unsafe impl Sync for Descriptor {}
unsafe impl Sync for Parameter {}
unsafe impl Sync for Merge {}
unsafe impl Sync for Gate {}
unsafe impl Sync for Economy {}
unsafe impl Sync for Trainer {}
unsafe impl Sync for Transport {}
