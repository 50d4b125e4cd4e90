// SPDX-License-Identifier: Apache-2.0
//! A transport within one process: what listens and what dials it are two instances of this plugin in one host. Addresses are
//! `loop://NAME:PORT`; port 0 asks for a free one.
//!
//! It shows all that the host asks of a transport: streams with an order and an end of their own, a sender that waits while nobody
//! reads, half-close, reset, and who the peer is. What is shared, and its rules, is in `network.rs`.
//!
//! Of the peer: both ends are this library in one process, so the key that an end shows is the one that the host's identity service
//! gave to it; nobody stands between. A transport over a network must have it proved: each side signs a value that is bound to this very
//! channel, such as a TLS exporter, with the identity service, and checks the other's signature before it says who the peer is.

mod centram;
mod network;
mod support;

use centram::*;
use network::{with_network, Operation};
use std::ffi::{c_char, c_void};
use std::sync::atomic::{AtomicPtr, Ordering};
use support::*;

static HOST: AtomicPtr<Host> = AtomicPtr::new(std::ptr::null_mut());

/// Called once, before anything else. The table is valid for good, and so is what it gives.
unsafe extern "C" fn init(host: *const Host, _error: *mut c_char, _capacity: usize) -> i32 {
    HOST.store(host.cast_mut(), Ordering::Release);
    OK
}

/// One node's transport.
struct Instance {
    number: u64,
    key: [u8; 32],
    random: *const Random,
}

unsafe extern "C" fn create(configuration: *const c_char, error: *mut c_char, capacity: usize) -> *mut c_void {
    created(configuration, error, capacity, |json| {
        read_settings(json, &[])?;
        let host = &*HOST.load(Ordering::Acquire);
        let identity = (host.get_service)(host.context, c"centram.identity/1".as_ptr()).cast::<Identity>();
        let random = (host.get_service)(host.context, c"centram.random/1".as_ptr()).cast::<Random>();
        if identity.is_null() || random.is_null() {
            let sentence = "the host offers no centram.identity/1 or centram.random/1, and a transport needs both";
            return Err(Failure(ERROR_UNAVAILABLE, sentence.into()));
        }
        let mut key = [0; 32];
        ((*identity).public_key)((*identity).context, key.as_mut_ptr());
        let number = network::next_instance();
        Ok(Instance { number, key, random })
    })
}

unsafe extern "C" fn destroy(instance: *mut c_void) {
    let instance = Box::from_raw(instance.cast::<Instance>());
    with_network(|network| network.close_all_of(instance.number));
}

unsafe fn at<'a>(instance: *mut c_void) -> &'a Instance {
    &*instance.cast::<Instance>()
}

// Rust ends the process where one of the functions below panics, instead of unwinding into the host; none of them has a reason to.

unsafe extern "C" fn listen(instance: *mut c_void, address: *const c_char, done: Done, context: *mut c_void) {
    let (instance, address) = (at(instance), text(address));
    with_network(|network| {
        let result = network::parse(&address).and_then(|(name, port)| network.listen(instance.number, instance.key, name, port));
        network.end(Operation::new(done, context), result);
    });
}

unsafe extern "C" fn listener_address(_instance: *mut c_void, handle: i64, address: *mut c_char, capacity: usize) -> i32 {
    let found = with_network(|network| network.listener_address(handle));
    let Some(found) = found.filter(|found| found.len() < capacity) else { return ERROR_CLOSED };
    std::ptr::copy_nonoverlapping(found.as_ptr().cast(), address, found.len());
    *address.add(found.len()) = 0;
    OK
}

unsafe extern "C" fn accept(_instance: *mut c_void, handle: i64, done: Done, context: *mut c_void) {
    with_network(|network| network.accept(handle, Operation::new(done, context)));
}

unsafe extern "C" fn close_listener(_instance: *mut c_void, handle: i64, done: Done, context: *mut c_void) {
    with_network(|network| {
        network.close_listener(handle);
        network.end(Operation::new(done, context), Ok(0));
    });
}

unsafe extern "C" fn dial(instance: *mut c_void, address: *const c_char, expected_peer: *const u8, done: Done, context: *mut c_void) {
    let (instance, address) = (at(instance), text(address));
    let expected = (!expected_peer.is_null()).then(|| *expected_peer.cast::<[u8; 32]>());
    // The same at both ends, and another for each connection.
    let mut binding = [0; 32];
    ((*instance.random).fill)((*instance.random).context, binding.as_mut_ptr(), binding.len());
    with_network(|network| {
        let result = network::parse(&address).and_then(|(name, port)| network.dial(instance.number, instance.key, name, port, expected, binding));
        network.end(Operation::new(done, context), result);
    });
}

unsafe extern "C" fn peer(_instance: *mut c_void, handle: i64, key: *mut u8) -> i32 {
    let Some(found) = with_network(|network| network.peer(handle)) else { return ERROR_CLOSED };
    *key.cast::<[u8; 32]>() = found;
    OK
}

unsafe extern "C" fn channel_binding(_instance: *mut c_void, handle: i64, bytes: *mut u8, capacity: usize) -> usize {
    let Some(found) = with_network(|network| network.binding(handle)).filter(|found| found.len() <= capacity) else { return 0 };
    *bytes.cast::<[u8; 32]>() = found;
    found.len()
}

unsafe extern "C" fn open_stream(_instance: *mut c_void, handle: i64, done: Done, context: *mut c_void) {
    with_network(|network| {
        let result = network.open_stream(handle);
        network.end(Operation::new(done, context), result);
    });
}

unsafe extern "C" fn close_connection(_instance: *mut c_void, handle: i64, code: u64, reason: *const c_char, done: Done, context: *mut c_void) {
    let reason = if reason.is_null() { String::new() } else { text(reason) };
    with_network(|network| {
        network.close_connection(handle, &format!("the connection was closed with code {code}: {reason}"));
        network.end(Operation::new(done, context), Ok(0));
    });
}

unsafe extern "C" fn send(_instance: *mut c_void, handle: i64, bytes: *const u8, count: usize, done: Done, context: *mut c_void) {
    with_network(|network| network.send(handle, Operation::lending(bytes.cast_mut(), count, done, context)));
}

unsafe extern "C" fn receive(_instance: *mut c_void, handle: i64, bytes: *mut u8, capacity: usize, done: Done, context: *mut c_void) {
    with_network(|network| network.receive(handle, Operation::lending(bytes, capacity, done, context)));
}

unsafe extern "C" fn finish(_instance: *mut c_void, handle: i64, done: Done, context: *mut c_void) {
    with_network(|network| {
        let result = network.finish(handle);
        network.end(Operation::new(done, context), result);
    });
}

unsafe extern "C" fn reset(_instance: *mut c_void, handle: i64, code: u64, done: Done, context: *mut c_void) {
    with_network(|network| {
        network.reset(handle, &format!("the stream was reset with code {code}"));
        network.end(Operation::new(done, context), Ok(0));
    });
}

static TABLE: Transport = Transport {
    struct_size: size_of::<Transport>() as u32,
    features: 0, // neither encrypted nor with datagrams
    scheme: c"loop".as_ptr(),
    create,
    destroy,
    listen,
    listener_address,
    accept,
    close_listener,
    dial,
    peer,
    channel_binding,
    open_stream,
    accept_stream: accept,
    send_datagram: None,
    receive_datagram: None,
    close_connection,
    send,
    receive,
    finish,
    reset,
};

centram_plugin!(id: "@ID@", kind: "transport", summary: "Connections within one process", interface: "centram.transport/1", table: TABLE, init: Some(init));
