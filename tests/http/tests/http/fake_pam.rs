//! What stands behind the hub's login socket in these tests.
//!
//! Knows everybody with the password `right`; `boss` is an administrator. Some names have a script of their own.

use hubd_base::names::UserName;
use hubd_proto::login::{Outcome, Reply, Request, TextKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

pub async fn run(listener: UnixListener) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(async move { Some(Pam(stream).converse().await) });
    }
}

struct Pam(UnixStream);

impl Pam {
    /// `None` when the hub hung up.
    async fn converse(mut self) -> Option<()> {
        let Request::Begin { user, change_expired, .. } = self.read().await? else { panic!("no Begin") };
        let name = String::from_utf8(user).unwrap();
        if name == "locked" {
            self.tell(TextKind::Info, "The account is locked due to 3 failed logins.").await;
            self.tell(TextKind::Info, "(10 minutes left to unlock)").await;
        }
        let right = self.ask(false, "Password: ").await? == b"right";
        let outcome = match name.as_str() {
            "eve" if right => Outcome::Denied { reason: "Your account has expired.".into() },
            "frank" if right && !change_expired => Outcome::PasswordExpired,
            "frank" if right => self.change().await?,
            "hang" => std::future::pending().await,
            "locked" => Outcome::Refused,
            // A code to be shown as it is typed, and a question after it.
            "grid" if right => {
                self.tell(TextKind::Info, "Take your <card>.").await;
                let cell = self.ask(true, "Cell B4: ").await?;
                self.tell(TextKind::Error, "The card is nearly used up.").await;
                let code = self.ask(false, "Code: ").await?;
                decided(&name, cell == b"x7" && code == b"123456")
            }
            "aging" if right => {
                self.tell(TextKind::Info, "Warning: your password will expire in 3 days.").await;
                decided(&name, true)
            }
            // The process dies of the answer.
            "broken" if right => return self.ask(false, "Code: ").await.map(drop),
            "slow" if right => {
                let code = self.ask(false, "Code: ").await?;
                if code == b"hang" { std::future::pending().await } else { decided(&name, true) }
            }
            other if other.starts_with("otp") && right => {
                let code = self.ask(false, "One-time password: ").await?;
                decided(&name, code == b"123456")
            }
            _ => decided(&name, right),
        };
        self.write(&Reply::Done(outcome)).await;
        Some(())
    }

    /// As Debian's stack changes an expired password.
    async fn change(&mut self) -> Option<Outcome> {
        self.tell(TextKind::Error, "You are required to change your password immediately.").await;
        self.write(&Reply::PasswordExpired).await;
        if self.ask(false, "Current password: ").await? != b"right" {
            return Some(Outcome::TooManyTries);
        }
        loop {
            let new = self.ask(false, "New password: ").await?;
            if new.len() < 8 {
                self.tell(TextKind::Error, "You must choose a longer password.").await;
            } else if self.ask(false, "Retype new password: ").await? == new {
                return Some(decided("frank", true));
            }
        }
    }

    async fn ask(&mut self, echo: bool, text: &str) -> Option<Vec<u8>> {
        self.write(&Reply::Prompt { echo, text: text.into() }).await;
        let Request::Answer(answer) = self.read().await? else { panic!("no Answer") };
        Some(answer.expose().to_vec())
    }

    async fn tell(&mut self, kind: TextKind, text: &str) {
        self.write(&Reply::Text { kind, text: text.into() }).await;
    }

    async fn read(&mut self) -> Option<Request> {
        let length = self.0.read_u32().await.ok()?;
        let mut frame = vec![0; length as usize];
        self.0.read_exact(&mut frame).await.ok()?;
        Some(Request::decode(&frame).unwrap())
    }

    async fn write(&mut self, reply: &Reply) {
        let _ = self.0.write_all(&reply.encode().unwrap()).await;
    }
}

fn decided(name: &str, right: bool) -> Outcome {
    if right {
        Outcome::Accepted { user: UserName::parse(name).unwrap(), uid: 1000, admin: name == "boss" }
    } else {
        Outcome::Refused
    }
}
