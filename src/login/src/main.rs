//! hub-login: one login of the hub, one process. Runs PAM's service `hub` for the connection on standard input.
//!
//! systemd starts it for each connection to `/run/hub/login.sock` (`Accept=yes`). PAM's modules block, fork, leak and
//! crash; here that costs one login. Invariants: the password is in no log, no argument and no file; the last word is
//! one [`Outcome`]; an expected refusal ends with status 0. It opens no session and sets no credentials: the unit of
//! the person's server does.

mod attempt;
mod journal;
mod judge;
mod pam;
mod peer;
mod watch;

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io;
use std::net::IpAddr;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::time::Instant;

use hubd_base::account;
use hubd_base::names::UserName;
use hubd_proto::login::{Outcome, Reply, Request};
use nix::sys::prctl;
use nix::sys::socket::{AddressFamily, SockType, SockaddrLike, UnixAddr, getsockname, getsockopt, sockopt};
use nix::unistd::dup2_stdin;

use attempt::End;
use journal::{Entry, Priority};
use pam::{Code, Item, Transaction};
use peer::{Gone, Peer};
use watch::Watch;

/// The file in `/etc/pam.d`.
const SERVICE: &CStr = c"hub";
/// What modules that ask for a terminal get to see.
const TERMINAL: &CStr = c"hub";
/// Whom PAM is asked about when a name is none: a colon separates the fields of passwd(5), so nobody is called this.
const NOBODY: &CStr = c"nobody:here";
/// sysexits.h `EX_USAGE`
const USAGE: u8 = 64;

const WHAT_IT_IS: &str = "hub-login does one login of the hub: systemd starts it for each connection to \
/run/hub/login.sock, with the connection as standard input.
It is not started by hand. To try a login, open the hub's page; to see what became of one: journalctl -u 'hub-login@*'
To make it ready: systemctl start hub-login.socket";

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        None => {}
        Some("--version") => {
            println!("hub-login {}", env!("CARGO_PKG_VERSION"));
            return ExitCode::SUCCESS;
        }
        Some("--help") => {
            println!("{WHAT_IT_IS}");
            return ExitCode::SUCCESS;
        }
        Some(_) => {
            eprintln!("hub-login takes no arguments.\n{WHAT_IT_IS}");
            return ExitCode::from(USAGE);
        }
    }
    let Some(stream) = connection() else {
        eprintln!("Standard input is not a connection of /run/hub/login.sock.\n{WHAT_IT_IS}");
        return ExitCode::from(USAGE);
    };
    match serve(stream) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            Entry::new(Priority::Error, format!("The login could not be run: {error}")).write();
            ExitCode::FAILURE
        }
    }
}

/// The accepted socket. It is moved away from standard input, which PAM's modules and what they start inherit.
fn connection() -> Option<UnixStream> {
    let stdin = io::stdin();
    if getsockopt(&stdin, sockopt::SockType) != Ok(SockType::Stream) {
        return None;
    }
    let address: UnixAddr = getsockname(std::os::fd::AsRawFd::as_raw_fd(&stdin)).ok()?;
    if address.family() != Some(AddressFamily::Unix) {
        return None;
    }
    let socket = stdin.as_fd().try_clone_to_owned().ok()?;
    dup2_stdin(File::open("/dev/null").ok()?).ok()?;
    Some(UnixStream::from(socket))
}

fn serve(stream: UnixStream) -> Result<(), String> {
    // No core dump and no debugger may see a password, whatever the limits are.
    prctl::set_dumpable(false).map_err(|errno| format!("prctl: {errno}"))?;
    let copy = || {
        let copied = stream.try_clone();
        copied.map_err(|error| format!("duplicating the socket: {error}"))
    };
    // The conversation goes to PAM and may be lost there; the last word does not depend on it.
    let (mut peer, mut last) = (Peer::new(copy()?), Peer::new(copy()?));
    let (user, remote_host, change_expired) = match peer.receive() {
        Ok(Request::Begin { user, remote_host, change_expired }) => (user, remote_host, change_expired),
        Ok(Request::Answer(_)) => return Err("the hub answered before it was asked".to_owned()),
        Err(Gone::Closed) => return Ok(()),
        Err(Gone::Broken(error)) => return Err(error),
    };
    let started = Instant::now();
    let name = UserName::parse_bytes(&user).ok();
    let Some(client) = client(&remote_host) else {
        // Without the address modules that count or filter by it would judge the wrong one.
        let _ = last.send(&Reply::Done(Outcome::Unavailable));
        return Err("the hub gave a remote host that is no address".to_owned());
    };
    let watch = Watch::start(stream.into(), {
        let client = client.clone();
        move || record_hang_up(&client, started)
    })
    .map_err(|error| format!("starting a thread: {error}"))?;

    let end = match login(peer, name.as_ref(), &client, change_expired, &watch) {
        Ok(end) => end,
        Err(Gone::Closed) => {
            watch.hold();
            record_hang_up(&client, started);
            return Ok(());
        }
        Err(Gone::Broken(error)) => return Err(error),
    };
    watch.hold();
    // A hub that is gone by now only misses the answer; the journal still tells.
    let _ = last.send(&Reply::Done(end.outcome.clone()));
    record(name.as_ref(), &client, &end, started);
    Ok(())
}

/// The browser's address in its shortest form; empty when the hub does not know it.
fn client(remote_host: &str) -> Option<String> {
    if remote_host.is_empty() {
        return Some(String::new());
    }
    let address: IpAddr = remote_host.parse().ok()?;
    Some(address.to_canonical().to_string())
}

/// PAM and the hub's judgement. A name that is none goes the same way as a wrong password, and takes as long.
fn login(peer: Peer, name: Option<&UserName>, client: &str, change_expired: bool, watch: &Watch) -> Result<End, Gone> {
    let mut transaction = match start(peer, name, client) {
        Ok(transaction) => transaction,
        Err(code) => {
            return Ok(End { outcome: Outcome::Unavailable, code: Some(code) });
        }
    };
    let change_expired = change_expired && name.is_some();
    let mut end = attempt::run(&mut transaction, change_expired, || watch.hold(), judge::judge)?;
    if name.is_none() && !matches!(end.outcome, Outcome::Unavailable | Outcome::TooManyTries) {
        end.outcome = Outcome::Refused;
    }
    Ok(end)
}

fn start(peer: Peer, name: Option<&UserName>, client: &str) -> Result<Transaction<Peer>, Code> {
    // Neither a name nor an address has a NUL.
    let c_string = |text: &str| CString::new(text).map_err(|_| Code::SYSTEM);
    let user = match name {
        Some(name) => c_string(name.as_str())?,
        None => NOBODY.to_owned(),
    };
    let mut transaction = Transaction::start(SERVICE, peer)?;
    transaction.set(Item::User, &user)?;
    transaction.set(Item::Terminal, TERMINAL)?;
    if !client.is_empty() {
        transaction.set(Item::RemoteHost, &c_string(client)?)?;
    }
    Ok(transaction)
}

/// The one entry of a login that came to its end.
fn record(name: Option<&UserName>, client: &str, end: &End, started: Instant) {
    // Only the names of accounts are written: people type their password into the wrong field.
    let user = match &end.outcome {
        Outcome::Accepted { user, .. } => Some(user.clone()),
        _ => name.filter(|name| account::find(name).is_ok_and(|found| found.is_some())).cloned(),
    };
    let who = user.as_ref().map_or("an unknown account", UserName::as_str);
    let (priority, id, outcome, text) = match &end.outcome {
        Outcome::Accepted { admin, .. } => {
            let standing = if *admin { " as an administrator" } else { "" };
            let text = format!("{who} logged in to the hub{standing}");
            (Priority::Info, journal::ACCEPTED, "accepted", text)
        }
        Outcome::Refused => {
            let text = format!("Login of {who} to the hub was refused");
            (Priority::Notice, journal::REFUSED, "refused", text)
        }
        Outcome::Denied { reason } => {
            let text = format!("Login of {who} to the hub was denied: {}", reason.trim_end_matches('.'));
            (Priority::Notice, journal::REFUSED, "denied", text)
        }
        Outcome::PasswordExpired => {
            let text = format!("Login of {who} to the hub needs a new password first");
            (Priority::Notice, journal::REFUSED, "password-expired", text)
        }
        Outcome::TooManyTries => {
            let text = format!("Login of {who} to the hub was refused after too many tries");
            (Priority::Notice, journal::REFUSED, "too-many-tries", text)
        }
        Outcome::Unavailable => {
            let text = format!("Login of {who} to the hub could not be decided");
            (Priority::Error, journal::UNAVAILABLE, "unavailable", text)
        }
    };
    let code = end.code.map_or(String::new(), |code| format!(" ({code})"));
    let from = if client.is_empty() { String::new() } else { format!(", from {client}") };
    Entry::new(priority, format!("{text}{code}{from}"))
        .field("MESSAGE_ID", id)
        .field("HUB_OUTCOME", outcome)
        .field("HUB_USER", user.as_ref().map_or("", UserName::as_str))
        .field("HUB_CLIENT", client)
        .field("HUB_DURATION_USEC", started.elapsed().as_micros().to_string())
        .write();
}

fn record_hang_up(client: &str, started: Instant) {
    Entry::new(Priority::Info, "The hub broke a login off before its end")
        .field("MESSAGE_ID", journal::HUNG_UP)
        .field("HUB_OUTCOME", "hung-up")
        .field("HUB_CLIENT", client)
        .field("HUB_DURATION_USEC", started.elapsed().as_micros().to_string())
        .write();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_is_an_address_or_nothing() {
        assert_eq!(client("").as_deref(), Some(""));
        assert_eq!(client("::ffff:203.0.113.9").as_deref(), Some("203.0.113.9"));
        assert_eq!(client("2001:DB8:0::1").as_deref(), Some("2001:db8::1"));
        assert_eq!(client("localhost"), None);
        assert_eq!(client("203.0.113.9\nrhost=1.2.3.4"), None);
    }

    #[test]
    fn nobody_is_called_what_pam_is_asked_for_a_name_that_is_none() {
        let text = NOBODY.to_str().unwrap();
        assert!(UserName::parse(text).is_err());
        assert_eq!(nix::unistd::User::from_name(text), Ok(None));
    }
}
