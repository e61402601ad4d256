//! PAM's C interface as one safe type, [`Transaction`].
//!
//! The only unsafe code of hub-login, but for two calls in [`crate::language`]. Of the crate `pam` only the raw functions are used: its own wrappers lose the
//! user's name, cannot set the remote host and let empty passwords in. Invariants: a transaction that was started is
//! ended exactly once; PAM holds the only way to the conversation while one of its functions runs; every answer that
//! PAM does not take over is wiped. Must never log, and never keep an answer.

#![expect(unsafe_code, reason = "PAM is a C library; every block says which part of its contract it relies on")]

use std::ffi::{CStr, CString};
use std::fmt;
use std::ptr::{self, NonNull};

use hubd_base::secret::Secret;
use libc::{c_char, c_int, c_void};
use pam::ffi;

/// What PAM's modules say to the person and ask. `None` ends the conversation: PAM's call fails.
pub trait Conversation {
    /// Asks a question. `echo` says whether the answer may be seen while it is typed.
    fn ask(&mut self, echo: bool, text: &str) -> Option<Secret>;
    /// Says something.
    fn tell(&mut self, tone: Tone, text: &str) -> Option<()>;
}

/// How a module means a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// To be read.
    Info,
    /// Something went wrong.
    Error,
}

/// What PAM knows about a login, beside its answers.
#[derive(Debug, Clone, Copy)]
pub enum Item {
    /// Who wants to come in.
    User,
    /// From where, for modules that count or filter by address.
    RemoteHost,
    /// The kind of door; some modules refuse a login without one.
    Terminal,
}

/// PAM's answer: one of `PAM_SUCCESS` and its many errors, pam(3).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Code(c_int);

impl Code {
    pub const SUCCESS: Self = Self(ffi::PAM_SUCCESS);
    pub const SYSTEM: Self = Self(ffi::PAM_SYSTEM_ERR);
    pub const PERMISSION_DENIED: Self = Self(ffi::PAM_PERM_DENIED);
    pub const AUTHENTICATION: Self = Self(ffi::PAM_AUTH_ERR);
    pub const CREDENTIALS_INSUFFICIENT: Self = Self(ffi::PAM_CRED_INSUFFICIENT);
    pub const USER_UNKNOWN: Self = Self(ffi::PAM_USER_UNKNOWN);
    pub const TOO_MANY_TRIES: Self = Self(ffi::PAM_MAXTRIES);
    pub const CHANGE_REQUIRED: Self = Self(ffi::PAM_NEW_AUTHTOK_REQD);
    pub const ACCOUNT_EXPIRED: Self = Self(ffi::PAM_ACCT_EXPIRED);
    pub const CREDENTIALS_EXPIRED: Self = Self(ffi::PAM_CRED_EXPIRED);
    pub const CONVERSATION: Self = Self(ffi::PAM_CONV_ERR);
    pub const TOKEN: Self = Self(ffi::PAM_AUTHTOK_ERR);
    pub const TOKEN_RECOVERY: Self = Self(ffi::PAM_AUTHTOK_RECOVERY_ERR);
    pub const TOKEN_LOCK_BUSY: Self = Self(ffi::PAM_AUTHTOK_LOCK_BUSY);
    pub const TOKEN_AGING_DISABLED: Self = Self(ffi::PAM_AUTHTOK_DISABLE_AGING);
    pub const TOKEN_EXPIRED: Self = Self(ffi::PAM_AUTHTOK_EXPIRED);
    pub const TRY_AGAIN: Self = Self(ffi::PAM_TRY_AGAIN);
}

impl fmt::Display for Code {
    /// The number: pam(3)'s header names it, and no text of another language gets into the log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PAM code {}", self.0)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One login with PAM, from `pam_start` to `pam_end`.
pub struct Transaction<C: Conversation> {
    handle: NonNull<ffi::pam_handle_t>,
    /// A box of our own. A raw pointer, because PAM keeps another one to it.
    conversation: NonNull<C>,
    /// What PAM said last: `pam_end` hands it to the modules' clean-up.
    last: Code,
}

impl<C: Conversation> Transaction<C> {
    /// Begins a login with a service of `/etc/pam.d`. The user is set afterwards with [`Transaction::set`].
    pub fn start(service: &CStr, conversation: C) -> Result<Self, Code> {
        let conversation = NonNull::from(Box::leak(Box::new(conversation)));
        let callback = ffi::pam_conv { conv: Some(converse::<C>), appdata_ptr: conversation.as_ptr().cast() };
        let mut handle = ptr::null_mut();
        // SAFETY: pam_start(3) copies the service's name and the pam_conv; a null user is allowed; `handle` is ours
        // to write to.
        let code = Code(unsafe { ffi::pam_start(service.as_ptr(), ptr::null(), &raw const callback, &raw mut handle) });
        match NonNull::new(handle) {
            Some(handle) if code == Code::SUCCESS => Ok(Self { handle, conversation, last: code }),
            _ => {
                // SAFETY: it came out of a box above; without a handle nobody else points to it.
                drop(unsafe { Box::from_raw(conversation.as_ptr()) });
                Err(if code == Code::SUCCESS { Code::SYSTEM } else { code })
            }
        }
    }

    /// Tells PAM something about the login.
    pub fn set(&mut self, item: Item, value: &CStr) -> Result<(), Code> {
        let item = match item {
            Item::User => ffi::PAM_USER,
            Item::RemoteHost => ffi::PAM_RHOST,
            Item::Terminal => ffi::PAM_TTY,
        };
        // SAFETY: the handle is live until drop; pam_set_item(3) copies these items, which are C strings.
        match Code(unsafe { ffi::pam_set_item(self.handle.as_ptr(), item, value.as_ptr().cast()) }) {
            Code::SUCCESS => Ok(()),
            code => Err(code),
        }
    }

    /// The user's name as PAM has it now: modules may have changed it.
    pub fn user(&self) -> Option<CString> {
        let mut item: *const c_void = ptr::null();
        // SAFETY: the handle is live until drop; `item` is ours to write to.
        let code = Code(unsafe { ffi::pam_get_item(self.handle.as_ptr(), ffi::PAM_USER, &raw mut item) });
        if code != Code::SUCCESS || item.is_null() {
            return None;
        }
        // SAFETY: pam_get_item(3): PAM_USER is a C string that stays until PAM is called again; it is copied here.
        Some(unsafe { CStr::from_ptr(item.cast()) }.to_owned())
    }

    /// Is this the person? Empty passwords are refused whatever the modules would allow.
    pub fn authenticate(&mut self) -> Code {
        // SAFETY: the handle is live until drop, and with `&mut self` nobody else uses it or the conversation.
        self.last = Code(unsafe { ffi::pam_authenticate(self.handle.as_ptr(), ffi::PAM_DISALLOW_NULL_AUTHTOK) });
        self.last
    }

    /// May the account be used now?
    pub fn account(&mut self) -> Code {
        // SAFETY: as in `authenticate`.
        self.last = Code(unsafe { ffi::pam_acct_mgmt(self.handle.as_ptr(), ffi::PAM_DISALLOW_NULL_AUTHTOK) });
        self.last
    }

    /// Changes an expired password; PAM asks for the old and the new one.
    pub fn change(&mut self) -> Code {
        // SAFETY: as in `authenticate`.
        self.last = Code(unsafe { ffi::pam_chauthtok(self.handle.as_ptr(), ffi::PAM_CHANGE_EXPIRED_AUTHTOK) });
        self.last
    }

    /// The conversation, between PAM's calls.
    pub fn conversation(&mut self) -> &mut C {
        // SAFETY: it lives until drop. PAM reaches it only inside calls that borrow `self` mutably, as this one does.
        unsafe { self.conversation.as_mut() }
    }
}

impl<C: Conversation> Drop for Transaction<C> {
    fn drop(&mut self) {
        // SAFETY: the handle is live, and this is its last use. The conversation is dropped after it, as clean-up
        // functions of modules may still speak; it came out of a box, and PAM has forgotten it now.
        unsafe {
            ffi::pam_end(self.handle.as_ptr(), self.last.0);
            drop(Box::from_raw(self.conversation.as_ptr()));
        }
    }
}

/// The conversation function, `pam_conv(3)`: an array of pointers to messages comes in, an array of answers goes out,
/// which PAM frees with free(3).
///
/// # Safety
/// Called by PAM: `messages` has `count` pointers, `data` is the pointer that was given to `pam_start`.
unsafe extern "C" fn converse<C: Conversation>(
    count: c_int,
    messages: *mut *const ffi::pam_message,
    answers: *mut *mut ffi::pam_response,
    data: *mut c_void,
) -> c_int {
    let limit = 1..=ffi::PAM_MAX_NUM_MSG;
    let (true, Ok(length)) = (limit.contains(&count), usize::try_from(count)) else {
        return ffi::PAM_CONV_ERR;
    };
    if messages.is_null() || answers.is_null() {
        return ffi::PAM_CONV_ERR;
    }
    // SAFETY: `data` is the box of the transaction whose PAM call is running; that call borrows the transaction
    // mutably, so this is the only reference.
    let Some(conversation) = (unsafe { data.cast::<C>().as_mut() }) else {
        return ffi::PAM_CONV_ERR;
    };
    let Some(mut list) = Answers::new(length) else {
        return ffi::PAM_BUF_ERR;
    };
    for index in 0..length {
        // SAFETY: `index` is below `count`, and Linux-PAM passes an array of pointers to messages.
        let Some(message) = (unsafe { (*messages.add(index)).as_ref() }) else {
            return ffi::PAM_CONV_ERR;
        };
        let text = if message.msg.is_null() {
            String::new()
        } else {
            // SAFETY: a message's text is a C string that lives as long as this call.
            unsafe { CStr::from_ptr(message.msg) }.to_string_lossy().into_owned()
        };
        let done = match message.msg_style {
            ffi::PAM_PROMPT_ECHO_OFF => conversation.ask(false, &text).and_then(|secret| list.put(index, &secret)),
            ffi::PAM_PROMPT_ECHO_ON => conversation.ask(true, &text).and_then(|secret| list.put(index, &secret)),
            ffi::PAM_ERROR_MSG => conversation.tell(Tone::Error, &text),
            ffi::PAM_TEXT_INFO => conversation.tell(Tone::Info, &text),
            // Radio buttons, binary prompts and what is to come: nobody here could answer.
            _ => None,
        };
        if done.is_none() {
            return ffi::PAM_CONV_ERR;
        }
    }
    // SAFETY: not null (see above); PAM takes the array over.
    unsafe { *answers = list.release() };
    ffi::PAM_SUCCESS
}

/// The answers to one call of the conversation function, until PAM takes them over.
struct Answers {
    first: NonNull<ffi::pam_response>,
    length: usize,
}

impl Answers {
    fn new(length: usize) -> Option<Self> {
        // SAFETY: calloc(3) has no preconditions. Zero bytes are a valid pam_response: a null pointer and 0.
        let first = unsafe { libc::calloc(length, size_of::<ffi::pam_response>()) };
        NonNull::new(first.cast()).map(|first| Self { first, length })
    }

    /// Copies an answer into memory that PAM can free. `None` for what is no C string or longer than PAM allows.
    fn put(&mut self, index: usize, answer: &Secret) -> Option<()> {
        let bytes = answer.expose();
        let fits = usize::try_from(ffi::PAM_MAX_RESP_SIZE).is_ok_and(|size| bytes.len() < size);
        if index >= self.length || !fits || bytes.contains(&0) {
            return None;
        }
        // SAFETY: calloc(3) has no preconditions; it leaves the final NUL in place.
        let copy = NonNull::new(unsafe { libc::calloc(bytes.len() + 1, 1) }.cast::<u8>())?;
        // SAFETY: the copy has room for the bytes and one more, and is not the answer's own memory; `index` is below
        // the array's length, whose elements were zeroed by calloc.
        unsafe {
            ptr::copy_nonoverlapping(bytes.as_ptr(), copy.as_ptr(), bytes.len());
            (*self.first.as_ptr().add(index)).resp = copy.as_ptr().cast::<c_char>();
        }
        Some(())
    }

    fn release(self) -> *mut ffi::pam_response {
        let first = self.first.as_ptr();
        std::mem::forget(self);
        first
    }
}

impl Drop for Answers {
    /// Reached only when the conversation failed midway: what was answered so far is wiped.
    fn drop(&mut self) {
        // SAFETY: `first` has `length` elements from calloc; each `resp` is null or a C string from calloc, and
        // nothing else points to any of them.
        unsafe {
            for index in 0..self.length {
                let answer = (*self.first.as_ptr().add(index)).resp;
                if !answer.is_null() {
                    libc::explicit_bzero(answer.cast(), libc::strlen(answer));
                    libc::free(answer.cast());
                }
            }
            libc::free(self.first.as_ptr().cast());
        }
    }
}

#[cfg(test)]
#[path = "pam_tests.rs"]
mod tests;
