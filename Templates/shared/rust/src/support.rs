// SPDX-License-Identifier: Apache-2.0
//! Errors with a sentence, and numbers out of a small JSON object.
#![allow(dead_code)]

use crate::centram::{ERROR_INTERNAL, ERROR_INVALID, OK};
use std::ffi::{c_char, c_void, CStr, CString};
use std::panic::{catch_unwind, AssertUnwindSafe};

/// What goes wrong: a code, and a sentence for the user, who reads it as it is. Without one the host says its own.
#[derive(Debug)]
pub struct Failure(pub i32, pub String);

pub fn invalid(sentence: impl Into<String>) -> Failure {
    Failure(ERROR_INVALID, sentence.into())
}

/// What a function of the host returned: its own error, whose sentence it knows.
pub fn from_host(status: i32) -> Result<(), Failure> {
    if status == OK { Ok(()) } else { Err(Failure(status, String::new())) }
}

/// Runs `body` and turns failures and panics into a status with a sentence: nothing unwinds into the host.
///
/// # Safety
/// `error` must have room for `capacity` bytes.
pub unsafe fn guarded(error: *mut c_char, capacity: usize, body: impl FnOnce() -> Result<(), Failure>) -> i32 {
    let Failure(status, sentence) = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => return OK,
        Ok(Err(failure)) => failure,
        Err(_) => Failure(ERROR_INTERNAL, "the plugin panicked".into()),
    };
    if capacity > 0 {
        let count = sentence.len().min(capacity - 1);
        std::ptr::copy_nonoverlapping(sentence.as_ptr().cast(), error, count);
        *error.add(count) = 0;
    }
    status
}

/// Makes an instance, or null with a sentence.
///
/// # Safety
/// As `guarded`; `configuration` must be null or a C string.
pub unsafe fn created<T>(configuration: *const c_char, error: *mut c_char, capacity: usize, make: impl FnOnce(&str) -> Result<T, Failure>) -> *mut c_void {
    let mut instance = std::ptr::null_mut();
    guarded(error, capacity, || {
        let text = if configuration.is_null() { "{}".to_string() } else { text(configuration) };
        instance = Box::into_raw(Box::new(make(&text)?)).cast();
        Ok(())
    });
    instance
}

/// # Safety
/// `pointer` must be a C string.
pub unsafe fn text(pointer: *const c_char) -> String {
    CStr::from_ptr(pointer).to_string_lossy().into_owned()
}

/// A text for the host; a zero byte in it ends it.
pub fn c_text(text: &str) -> CString {
    CString::new(text.split('\0').next().unwrap_or("")).unwrap_or_default()
}

/// A number that a user may set.
pub struct Setting {
    pub name: &'static str,
    pub default: f64,
    pub minimum: f64,
    pub maximum: f64,
    pub is_whole: bool,
}

/// Reads a JSON object that holds nothing but numbers with the names of `settings`, each within its limits.
/// Returns one value for each setting, in their order.
pub fn read_settings(json: &str, settings: &[Setting]) -> Result<Vec<f64>, Failure> {
    let shown: String = json.chars().take(80).collect();
    let wrong = || invalid(format!("the settings are not a JSON object of numbers: {shown}"));
    let mut values: Vec<f64> = settings.iter().map(|setting| setting.default).collect();
    let inside = json.trim_matches([' ', '\t', '\r', '\n']).strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).ok_or_else(wrong)?;
    if inside.trim().is_empty() {
        return Ok(values);
    }
    for member in inside.split(',') {
        let (name, value) = member.split_once(':').ok_or_else(wrong)?;
        let name = name.trim().strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).ok_or_else(wrong)?;
        let shown: String = name.chars().take(60).collect();
        let index = settings.iter().position(|setting| setting.name == name).ok_or_else(|| invalid(format!("there is no setting {shown}")))?;
        let (setting, digits) = (&settings[index], value.trim());
        // Rust also parses "inf" and "nan", which JSON has not.
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
        let value: f64 = digits.parse().ok().filter(|_| is_number).ok_or_else(|| invalid(format!("{name} is not a number")))?;
        if !(value >= setting.minimum && value <= setting.maximum) || (setting.is_whole && value != value.floor()) {
            let whole = if setting.is_whole { "whole " } else { "" };
            return Err(invalid(format!("{name} is {value}; it is a {whole}number from {} to {}", setting.minimum, setting.maximum)));
        }
        values[index] = value;
    }
    Ok(values)
}
