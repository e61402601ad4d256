//! What servers use, for those who look.

use hubd::servers::usage::{Machine, Usage};
use serde_json::json;
use tokio::sync::watch::Receiver;
use tokio::time::timeout;

use crate::launcher::DEADLINE;
use crate::world::{World, id};

async fn next<T: Clone>(readings: &mut Receiver<Option<T>>) -> T {
    let next = timeout(DEADLINE, readings.wait_for(Option::is_some)).await.expect("a reading").unwrap().clone();
    readings.mark_unchanged();
    next.unwrap()
}

#[tokio::test]
async fn those_who_look_share_one_reading_and_nobody_else_causes_one() {
    let world = World::new("").await;
    for user in ["alice", "bob"] {
        world.app.servers.start(&id(user)).unwrap();
        world.wait_for(user, "running").await;
    }
    assert_eq!(*world.launcher.measured.borrow(), 0, "nobody looks");
    let usage = Usage { memory: Some(1 << 30), cpu_usec: Some(1_000_000), ..Usage::default() };
    world.launcher.usage.lock().unwrap().insert(id("alice"), usage);
    let alice = world.app.servers.get(&id("alice"));
    let (mut one, mut other) = (world.app.servers.follow_usage(&alice), world.app.servers.follow_usage(&alice));
    let first = next(&mut one).await;
    assert_eq!((first.usage, first.cpu_percent), (usage, None));
    assert_eq!(next(&mut other).await, first);
    world.launcher.usage.lock().unwrap().get_mut(&id("alice")).unwrap().cpu_usec = Some(2_000_000);
    timeout(DEADLINE, one.changed()).await.unwrap().unwrap();
    let second = next(&mut one).await;
    assert!(second.cpu_percent.is_some_and(|percent| percent > 0.0 && percent < 100.0), "{second:?}");
    assert_eq!((next(&mut other).await, *world.launcher.measured.borrow()), (second, 2), "bob's is not read");
    drop((one, other));
    // Two rounds of readings of something else: alice's server is in none of them.
    *world.launcher.machine.lock().unwrap() = Machine { cpus: Some(4), ..Machine::default() };
    let mut machine = world.app.servers.follow_machine();
    let before = *world.launcher.measured.borrow();
    for _ in 0..2 {
        timeout(DEADLINE, machine.changed()).await.unwrap().unwrap();
        assert_eq!(next(&mut machine).await.usage.cpus, Some(4));
    }
    assert_eq!(*world.launcher.measured.borrow(), before);
}

#[tokio::test]
async fn a_server_that_does_not_run_uses_nothing() {
    let world = World::new("").await;
    let alice = world.app.servers.start(&id("alice")).unwrap();
    world.wait_for("alice", "running").await;
    assert!(world.app.servers.usage(&alice).await.is_some());
    world.app.servers.stop(&id("alice"));
    world.wait_for("alice", "stopped").await;
    assert!(world.app.servers.usage(&alice).await.is_none(), "even though it was read a moment ago");
}

#[tokio::test]
async fn who_asks_for_one_server_or_person_is_told_what_is_used_and_only_what_is_known() {
    let world = World::new("").await;
    world.app.servers.start(&id("alice")).unwrap();
    world.wait_for("alice", "running").await;
    let usage = Usage { memory: Some(5), tasks: Some(7), tasks_max: Some(9), ..Usage::default() };
    world.launcher.usage.lock().unwrap().insert(id("alice"), usage);
    let alice = world.caller("alice", &["self"]).await;
    let told = json!({"memory": 5, "tasks": 7, "tasks_max": 9});
    assert_eq!(alice.read("/users/alice/server").await["hubd"]["usage"], told);
    assert_eq!(alice.read("/users/alice").await["servers"][""]["hubd"]["usage"], told);
    alice.call("DELETE", "/users/alice/server", "").await;
    assert_eq!(alice.read("/users/alice/server").await["hubd"]["usage"], json!(null));
}
