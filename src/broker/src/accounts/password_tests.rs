//! Passwords: which are taken, what is generated, and that they come out of pipes as they went in.

use super::*;

fn carol() -> UserName {
    UserName::parse("carol").unwrap()
}

fn read(pipe: OwnedFd) -> Vec<u8> {
    let mut bytes = Vec::new();
    File::from(pipe).read_to_end(&mut bytes).unwrap();
    bytes
}

fn received(bytes: &[u8]) -> Result<Password, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(Password::receive(piped(bytes).unwrap(), &carol()))
}

#[test]
fn a_password_comes_out_as_it_went_in() {
    for text in ["correct horse", "with:colon:s", "ümläute & 密码密码密码", "  eight  "] {
        let password = received(text.as_bytes()).unwrap();
        assert_eq!(read(password.for_caller().unwrap()), text.as_bytes());
        assert_eq!(read(password.for_chpasswd(&carol()).unwrap()), format!("carol:{text}\n").as_bytes());
    }
}

#[test]
fn what_cannot_be_typed_or_would_be_another_line_is_refused() {
    for bad in ["short", "two\nlines of it", "nul\0nul\0nul", "tab\ttab\ttab", &"x".repeat(257)] {
        assert!(matches!(received(bad.as_bytes()), Err(Error::InvalidArgument(_))), "{bad:?}");
    }
    assert!(received(&[0xff; 10]).is_err());
    let long = UserName::parse("caroline").unwrap();
    assert!(Password::parse(b"Caroline", &long).is_err() && Password::parse(b"Caroline1", &long).is_ok());
}

#[test]
fn nothing_in_the_pipe_has_one_chosen_and_no_two_are_alike() {
    let made: Vec<String> =
        (0..50).map(|_| String::from_utf8(read(received(b"").unwrap().for_caller().unwrap())).unwrap()).collect();
    for password in &made {
        let groups: Vec<&str> = password.split('-').collect();
        assert!(groups.len() == 3 && groups.iter().all(|group| group.len() == 4), "{password}");
        assert!(password.bytes().all(|b| b == b'-' || LETTERS.contains(&b)), "{password}");
        assert_eq!(made.iter().filter(|other| *other == password).count(), 1);
    }
}

#[test]
fn a_caller_that_writes_nothing_and_a_file_are_refused() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let (silent, _kept) = pipe2(OFlag::O_CLOEXEC).unwrap();
    assert!(runtime.block_on(Password::receive(silent, &carol())).is_err());
    let file = File::open("/etc/passwd").unwrap();
    assert!(runtime.block_on(Password::receive(file.into(), &carol())).is_err());
}
