// SPDX-License-Identifier: Apache-2.0
//! Who listens, who is connected, and what is on its way: the state behind the table, all of it under one lock.

use crate::centram::*;
use crate::support::*;
use std::collections::{HashMap, VecDeque};
use std::ffi::c_void;
use std::sync::{Mutex, PoisonError};

/// Bytes that one direction of a stream holds at most. A sender waits for room: that is the back-pressure.
const CAPACITY: usize = 65_536;
const LISTENER_BACKLOG: usize = 128;
const STREAM_BACKLOG: usize = 1024;

/// An operation that the host waits for, and the memory that it lent for it.
pub struct Operation {
    done: Done,
    context: *mut c_void,
    bytes: *mut u8,
    count: usize,
}

// The host may be told from any thread, and lends the memory until it is told.
unsafe impl Send for Operation {}

impl Operation {
    pub fn new(done: Done, context: *mut c_void) -> Self {
        Self::lending(std::ptr::null_mut(), 0, done, context)
    }

    pub fn lending(bytes: *mut u8, count: usize, done: Done, context: *mut c_void) -> Self {
        Operation { done, context, bytes, count }
    }
}

/// What waits to be accepted, and who waits to accept it.
#[derive(Default)]
struct Queue {
    arrived: VecDeque<i64>,
    waiting: VecDeque<Operation>,
}

struct Listener {
    owner: u64,
    name: String,
    port: u16,
    key: [u8; 32],
    queue: Queue,
}

/// One end.
struct Connection {
    owner: u64,
    other: i64,
    peer: [u8; 32],
    binding: [u8; 32],
    queue: Queue,
    streams: Vec<i64>,
    closed: Option<String>,
}

/// One end.
struct Stream {
    other: i64,
    /// What came and was not received.
    bytes: VecDeque<u8>,
    /// Nothing more is sent from this end.
    is_finished: bool,
    sending: Option<Operation>,
    receiving: Option<Operation>,
    closed: Option<String>,
}

/// By handle. A handle is never used again, so a late one finds nothing.
#[derive(Default)]
pub struct Network {
    last_handle: i64,
    last_instance: u64,
    listeners: HashMap<i64, Listener>,
    connections: HashMap<i64, Connection>,
    streams: HashMap<i64, Stream>,
    /// Operations that ended, to be told of when the lock is free: the host may call back from within `done`.
    ended: Vec<(Operation, Result<i64, Failure>)>,
}

static NETWORK: Mutex<Option<Network>> = Mutex::new(None);

/// Runs `body` under the lock, and tells the host afterwards what ended.
pub fn with_network<T>(body: impl FnOnce(&mut Network) -> T) -> T {
    let mut guard = NETWORK.lock().unwrap_or_else(PoisonError::into_inner);
    let network = guard.get_or_insert_with(Network::default);
    let value = body(network);
    let ended = std::mem::take(&mut network.ended);
    drop(guard);
    for (operation, result) in ended {
        let (status, value, sentence) = match result {
            Ok(value) => (OK, value, String::new()),
            Err(Failure(status, sentence)) => (status, 0, sentence),
        };
        unsafe { (operation.done)(operation.context, status, value, c_text(&sentence).as_ptr()) };
    }
    value
}

pub fn next_instance() -> u64 {
    with_network(|network| {
        network.last_instance += 1;
        network.last_instance
    })
}

/// Reads `loop://NAME:PORT`.
pub fn parse(address: &str) -> Result<(&str, u16), Failure> {
    let is_name = |name: &str| !name.is_empty() && name.len() <= 253 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    address
        .strip_prefix("loop://")
        .and_then(|rest| rest.split_once(':'))
        .filter(|(name, port)| is_name(name) && is_port(port))
        .and_then(|(name, port)| Some((name, port.parse().ok()?)))
        .ok_or_else(|| invalid(format!("\"{}\" is not loop://NAME:PORT", address.chars().take(80).collect::<String>())))
}

fn closed(sentence: &str) -> Failure {
    Failure(ERROR_CLOSED, sentence.into())
}

impl Network {
    /// Ends an operation: exactly once each, since it is moved.
    pub fn end(&mut self, operation: Operation, result: Result<i64, Failure>) {
        self.ended.push((operation, result));
    }

    fn new_handle(&mut self) -> i64 {
        self.last_handle += 1;
        self.last_handle
    }

    // ---- listening and dialling ----

    fn listener_at(&self, name: &str, port: u16) -> Option<i64> {
        self.listeners.iter().find(|(_, listener)| listener.port == port && listener.name == name).map(|(handle, _)| *handle)
    }

    pub fn listen(&mut self, owner: u64, key: [u8; 32], name: &str, port: u16) -> Result<i64, Failure> {
        let free = if port == 0 { (1..=u16::MAX).find(|port| self.listener_at(name, *port).is_none()) } else { Some(port) };
        let port = free
            .filter(|port| self.listener_at(name, *port).is_none())
            .ok_or_else(|| Failure(ERROR_UNAVAILABLE, format!("somebody listens at loop://{name}:{port} already")))?;
        let handle = self.new_handle();
        self.listeners.insert(handle, Listener { owner, name: name.into(), port, key, queue: Queue::default() });
        Ok(handle)
    }

    pub fn listener_address(&self, handle: i64) -> Option<String> {
        self.listeners.get(&handle).map(|listener| format!("loop://{}:{}", listener.name, listener.port))
    }

    pub fn dial(&mut self, owner: u64, key: [u8; 32], name: &str, port: u16, expected: Option<[u8; 32]>, binding: [u8; 32]) -> Result<i64, Failure> {
        let unavailable = |sentence: &str| Failure(ERROR_UNAVAILABLE, sentence.into());
        let at = self.listener_at(name, port).ok_or_else(|| Failure(ERROR_UNAVAILABLE, format!("nobody listens at loop://{name}:{port}")))?;
        let (near, far) = (self.new_handle(), self.new_handle());
        let listener = &self.listeners[&at];
        if expected.is_some_and(|expected| expected != listener.key) {
            return Err(unavailable("another peer listens there than the one that was dialled"));
        }
        if listener.queue.arrived.len() >= LISTENER_BACKLOG {
            return Err(unavailable("too many connections wait there to be accepted"));
        }
        let (listener_owner, listener_key) = (listener.owner, listener.key);
        let end = |owner, other, peer| Connection { owner, other, peer, binding, queue: Queue::default(), streams: vec![], closed: None };
        self.connections.insert(near, end(owner, far, listener_key));
        self.connections.insert(far, end(listener_owner, near, key));
        self.arrive(at, far);
        Ok(near)
    }

    pub fn close_listener(&mut self, handle: i64) {
        let Some(listener) = self.listeners.remove(&handle) else { return };
        for operation in listener.queue.waiting {
            self.end(operation, Err(closed("the listener is closed")));
        }
        for connection in listener.queue.arrived {
            self.close_connection(connection, "nobody accepted the connection");
        }
    }

    // ---- accepting: of a listener connections, of a connection streams ----

    fn queue(&mut self, at: i64) -> Option<&mut Queue> {
        match self.listeners.get_mut(&at) {
            Some(listener) => Some(&mut listener.queue),
            None => self.connections.get_mut(&at).map(|connection| &mut connection.queue),
        }
    }

    /// Gives a handle to the operation that waits longest, or keeps it for the next one.
    fn arrive(&mut self, at: i64, handle: i64) {
        let Some(queue) = self.queue(at) else { return };
        match queue.waiting.pop_front() {
            Some(operation) => self.end(operation, Ok(handle)),
            None => queue.arrived.push_back(handle),
        }
    }

    pub fn accept(&mut self, at: i64, operation: Operation) {
        let why = self.connections.get(&at).and_then(|connection| connection.closed.clone());
        match (why, self.queue(at)) {
            (Some(why), _) => self.end(operation, Err(closed(&why))),
            (None, None) => self.end(operation, Err(closed("it is closed"))),
            (None, Some(queue)) => match queue.arrived.pop_front() {
                Some(handle) => self.end(operation, Ok(handle)),
                None => queue.waiting.push_back(operation),
            },
        }
    }

    // ---- connections ----

    pub fn peer(&self, handle: i64) -> Option<[u8; 32]> {
        self.connections.get(&handle).map(|connection| connection.peer)
    }

    pub fn binding(&self, handle: i64) -> Option<[u8; 32]> {
        self.connections.get(&handle).map(|connection| connection.binding)
    }

    pub fn open_stream(&mut self, handle: i64) -> Result<i64, Failure> {
        let connection = self.connections.get(&handle).ok_or_else(|| closed("the connection is closed"))?;
        if let Some(why) = &connection.closed {
            return Err(closed(why));
        }
        let other = connection.other;
        let waiting = self.connections.get(&other).ok_or_else(|| closed("the connection is closed"))?.queue.arrived.len();
        if waiting >= STREAM_BACKLOG {
            return Err(Failure(ERROR_LIMIT, format!("{STREAM_BACKLOG} streams wait to be accepted by the peer")));
        }
        let (near, far) = (self.new_handle(), self.new_handle());
        for (end, stream, opposite) in [(handle, near, far), (other, far, near)] {
            let fresh = Stream { other: opposite, bytes: VecDeque::new(), is_finished: false, sending: None, receiving: None, closed: None };
            self.streams.insert(stream, fresh);
            self.connections.entry(end).and_modify(|connection| connection.streams.push(stream));
        }
        self.arrive(other, far);
        Ok(near)
    }

    /// Closes both ends and takes this one away; the other stays until it is closed too.
    pub fn close_connection(&mut self, handle: i64, why: &str) {
        let Some(other) = self.connections.get(&handle).map(|connection| connection.other) else { return };
        for end in [handle, other] {
            let Some(connection) = self.connections.get_mut(&end).filter(|connection| connection.closed.is_none()) else { continue };
            connection.closed = Some(why.into());
            let (waiting, streams) = (std::mem::take(&mut connection.queue.waiting), connection.streams.clone());
            for operation in waiting {
                self.end(operation, Err(closed(why)));
            }
            for stream in streams {
                self.close_end(stream, why);
            }
        }
        for stream in self.connections.remove(&handle).map(|connection| connection.streams).unwrap_or_default() {
            self.streams.remove(&stream);
        }
    }

    /// What an instance leaves behind.
    pub fn close_all_of(&mut self, owner: u64) {
        let listeners: Vec<i64> = self.listeners.iter().filter(|(_, listener)| listener.owner == owner).map(|(handle, _)| *handle).collect();
        listeners.into_iter().for_each(|handle| self.close_listener(handle));
        let connections: Vec<i64> = self.connections.iter().filter(|(_, connection)| connection.owner == owner).map(|(handle, _)| *handle).collect();
        connections.into_iter().for_each(|handle| self.close_connection(handle, "the transport ended"));
    }

    // ---- streams ----

    fn open_end(&mut self, handle: i64) -> Result<&mut Stream, Failure> {
        let stream = self.streams.get_mut(&handle).ok_or_else(|| closed("the stream is closed"))?;
        match &stream.closed {
            Some(why) => Err(closed(why)),
            None => Ok(stream),
        }
    }

    pub fn send(&mut self, handle: i64, operation: Operation) {
        let result = match self.open_end(handle) {
            Err(failure) => Err(failure),
            Ok(stream) if stream.is_finished => Err(closed("nothing can be sent after finish")),
            Ok(stream) if stream.sending.is_some() => Err(invalid("a stream has one sender at a time")),
            Ok(_) if operation.count == 0 => Ok(0),
            Ok(stream) => {
                stream.sending = Some(operation);
                let other = stream.other;
                return self.pump(handle, other);
            }
        };
        self.end(operation, result);
    }

    pub fn receive(&mut self, handle: i64, operation: Operation) {
        let result = match self.open_end(handle) {
            Err(failure) => Err(failure),
            Ok(stream) if stream.receiving.is_some() || operation.count == 0 => Err(invalid("a stream has one receiver at a time, with a buffer of at least 1 byte")),
            Ok(stream) => {
                stream.receiving = Some(operation);
                let other = stream.other;
                return self.pump(other, handle);
            }
        };
        self.end(operation, result);
    }

    pub fn finish(&mut self, handle: i64) -> Result<i64, Failure> {
        let stream = self.open_end(handle)?;
        stream.is_finished = true;
        let other = stream.other;
        self.pump(handle, other);
        Ok(0)
    }

    pub fn reset(&mut self, handle: i64, why: &str) {
        let Some(other) = self.streams.get(&handle).map(|stream| stream.other) else { return };
        self.close_end(other, why);
        self.close_end(handle, why);
    }

    fn close_end(&mut self, handle: i64, why: &str) {
        let Some(stream) = self.streams.get_mut(&handle).filter(|stream| stream.closed.is_none()) else { return };
        stream.closed = Some(why.into());
        stream.bytes = VecDeque::new();
        for operation in [stream.sending.take(), stream.receiving.take()].into_iter().flatten() {
            self.end(operation, Err(closed(why)));
        }
    }

    /// Moves what can be moved from one end to the other, and ends the operations that are done by that. A send that finds no room
    /// stays where it is until somebody reads.
    fn pump(&mut self, from: i64, to: i64) {
        let [Some(from), Some(to)] = self.streams.get_disjoint_mut([&from, &to]) else { return };
        loop {
            let mut moves = false;
            if let Some(mut operation) = from.sending.take() {
                let part = operation.count.min(CAPACITY - to.bytes.len());
                // The host lends `count` bytes from `bytes` on until it is told.
                to.bytes.extend(unsafe { std::slice::from_raw_parts(operation.bytes, part) });
                operation.bytes = unsafe { operation.bytes.add(part) };
                operation.count -= part;
                moves = part > 0;
                if operation.count == 0 {
                    self.ended.push((operation, Ok(0)));
                } else {
                    from.sending = Some(operation);
                }
            }
            if let Some(operation) = to.receiving.take_if(|_| !to.bytes.is_empty()) {
                let count = operation.count.min(to.bytes.len());
                let target = unsafe { std::slice::from_raw_parts_mut(operation.bytes, count) };
                let (first, second) = to.bytes.as_slices();
                let cut = first.len().min(count);
                target[..cut].copy_from_slice(&first[..cut]);
                target[cut..].copy_from_slice(&second[..count - cut]);
                to.bytes.drain(..count);
                self.ended.push((operation, Ok(count as i64)));
                moves = true;
            }
            if !moves {
                break;
            }
        }
        if from.is_finished && to.bytes.is_empty() {
            // The end of the stream.
            if let Some(operation) = to.receiving.take() {
                self.ended.push((operation, Ok(0)));
            }
        }
    }
}
