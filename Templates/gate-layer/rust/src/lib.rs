// SPDX-License-Identifier: Apache-2.0
//! A gate layer: refuses genomes whose weights file is larger than a limit, and says how large it is.
//!
//! A layer is a pure judgement. The same candidate has the same verdict, whatever was judged before or is judged beside it.

mod centram;
mod support;

use centram::*;
use std::ffi::{c_char, c_void};
use support::*;

/// An instance may be asked by several threads at once. This one keeps nothing: what a user sets comes with each candidate.
struct SizeLimit;

unsafe extern "C" fn create(configuration: *const c_char, error: *mut c_char, capacity: usize) -> *mut c_void {
    created(configuration, error, capacity, |json| read_settings(json, &[]).map(|_| SizeLimit))
}

unsafe extern "C" fn destroy(instance: *mut c_void) {
    drop(Box::from_raw(instance.cast::<SizeLimit>()));
}

const SETTINGS: [Setting; 1] = [Setting { name: "maximum_bytes", default: 268_435_456.0, minimum: 1.0, maximum: 1e12, is_whole: true }];

/// Calls `decide` exactly once. A layer that returns an error, or never decides, counts as a refusal.
unsafe extern "C" fn judge(_instance: *mut c_void, candidate: *const Candidate, verdict: *const VerdictSink, error: *mut c_char, capacity: usize) -> i32 {
    guarded(error, capacity, || {
        let (candidate, verdict) = (&*candidate, &*verdict);
        let policy = if candidate.policy_json.is_null() { "{}".into() } else { text(candidate.policy_json) };
        let (limit, count) = (read_settings(&policy, &SETTINGS)?[0] as u64, candidate.weights.count);
        // Evidence is what a person reads to understand the verdict, so it is given with an acceptance too.
        (verdict.evidence)(verdict.context, c"weights.bytes".as_ptr(), c_text(&count.to_string()).as_ptr());
        (verdict.evidence)(verdict.context, c"limit.bytes".as_ptr(), c_text(&limit.to_string()).as_ptr());
        if count <= limit {
            (verdict.decide)(verdict.context, VERDICT_ACCEPT, 1.0, c"".as_ptr());
        } else {
            let reason = c_text(&format!("the weights have {count} bytes; maximum_bytes is {limit}"));
            (verdict.decide)(verdict.context, VERDICT_REJECT, 0.0, reason.as_ptr());
        }
        Ok(())
    })
}

static TABLE: Gate = Gate {
    struct_size: size_of::<Gate>() as u32,
    position: 11, // 1 to 10 are the host's own layers
    directions: DIRECTION_INBOUND | DIRECTION_OUTBOUND,
    reserved: 0,
    create,
    destroy,
    judge,
};

centram_plugin!(id: "@ID@", kind: "gate-layer", summary: "Refuses genomes above a size", interface: "centram.gate/1", table: TABLE, init: None);
