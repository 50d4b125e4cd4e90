// SPDX-License-Identifier: Apache-2.0
//! An economy rule: of each payment a flat fee goes to the genome that earned it, half to its owner and half to its parents' owners.
//!
//! A rule is a pure function in integers: the same event and view give the same postings in the same order, and these sum to zero.

mod centram;
mod support;

use centram::*;
use std::ffi::{c_char, c_void, CStr};
use support::*;

/// An instance holds the operator's settings, and may be asked by several threads at once.
struct FlatFee {
    /// Micro-CEN.
    fee: i64,
}

const SETTINGS: [Setting; 1] = [Setting { name: "fee", default: 1000.0, minimum: 0.0, maximum: 1e12, is_whole: true }];

unsafe extern "C" fn create(configuration: *const c_char, error: *mut c_char, capacity: usize) -> *mut c_void {
    created(configuration, error, capacity, |json| read_settings(json, &SETTINGS).map(|values| FlatFee { fee: values[0] as i64 }))
}

unsafe extern "C" fn destroy(instance: *mut c_void) {
    drop(Box::from_raw(instance.cast::<FlatFee>()));
}

/// The account that owns a genome; none where it is unknown.
unsafe fn owner<'a>(view: &'a LedgerView, genome: *const c_char) -> Option<&'a CStr> {
    let mut account = std::ptr::null();
    let is_known = (view.owner)(view.context, genome, &mut account) != 0 && !account.is_null();
    is_known.then(|| CStr::from_ptr(account)).filter(|account| !account.is_empty())
}

unsafe extern "C" fn postings(
    instance: *mut c_void, event: *const EconomyEvent, view: *const LedgerView, emit: Emit, user: *mut c_void, error: *mut c_char, capacity: usize,
) -> i32 {
    guarded(error, capacity, || {
        let (rule, event, view) = (&*instance.cast::<FlatFee>(), &*event, &*view);
        // An event that this rule is not about moves nothing.
        if CStr::from_ptr(event.kind) != c"payment" || event.amount == 0 {
            return Ok(());
        }
        if event.amount < 0 {
            return Err(invalid(format!("a payment of {} micro-CEN; it is 0 or more", event.amount)));
        }
        if CStr::from_ptr(event.payer).is_empty() || CStr::from_ptr(event.payee).is_empty() {
            return Err(invalid("a payment names its payer and its payee"));
        }
        let own = owner(view, event.subject);
        let fee = if own.is_some() { rule.fee.min(event.amount) } else { 0 };
        emit(user, event.payer, -event.amount, c"payment".as_ptr());
        emit(user, event.payee, event.amount - fee, c"payment less the fee".as_ptr());

        // Shares are rounded down, and what rounding leaves stays with the genome's owner: then the sum is exact whatever the numbers are.
        let mut left = fee;
        for index in 0..(view.parent_count)(view.context, event.subject) {
            let (mut parent, mut basis_points) = (std::ptr::null(), 0);
            if (view.parent)(view.context, event.subject, index, &mut parent, &mut basis_points) == 0 || !(1..=10_000).contains(&basis_points) {
                continue;
            }
            let Some(account) = owner(view, parent) else { continue };
            let share = fee / 2 * basis_points / 10_000; // at most 1e12 · 10,000, which fits
            if share > 0 && share <= left {
                emit(user, account.as_ptr(), share, c"fee, to a parent".as_ptr());
                left -= share;
            }
        }
        if let (Some(account), true) = (own, left > 0) {
            emit(user, account.as_ptr(), left, c"fee, to the genome".as_ptr());
        }
        Ok(())
    })
}

static TABLE: Economy = Economy { struct_size: size_of::<Economy>() as u32, reserved: 0, create, destroy, postings };

centram_plugin!(id: "@ID@", kind: "economy-rule", summary: "A flat fee for a genome and its parents", interface: "centram.economy/1", table: TABLE, init: None);
