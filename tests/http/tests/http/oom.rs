//! Memory that runs out: what the kernel killed, and how its person is told.

use std::sync::Arc;

use hubd::clock::iso;
use hubd::servers::launcher::{JournalLine, UnitState};
use hubd::servers::oom::{Kills, OutOfMemory};
use serde_json::json;
use tokio::time::timeout;

use crate::launcher::DEADLINE;
use crate::world::{World, id};

const LIMIT: u64 = 2 << 30;
const ONE: Kills = Kills { count: 1, peak: Some(LIMIT), limit: Some(LIMIT) };

async fn told(world: &World, user: &str, count: u64) -> Arc<OutOfMemory> {
    let mut changes = world.app.servers.get(&id(user)).follow();
    let counted = |news: &OutOfMemory| news.kills.count == count;
    let seen = changes.wait_for(|snapshot| snapshot.out_of_memory.as_deref().is_some_and(counted));
    timeout(DEADLINE, seen).await.expect("the news").unwrap().out_of_memory.clone().unwrap()
}

async fn started(world: &World, user: &str) {
    world.app.servers.start(&id(user)).unwrap();
    world.wait_for(user, "running").await;
}

#[tokio::test]
async fn what_was_killed_is_kept_with_the_server_until_its_next_start() {
    let world = World::new("").await;
    started(&world, "alice").await;
    assert_eq!(world.app.servers.get(&id("alice")).snapshot().out_of_memory, None);
    world.launcher.kill(&id("alice"), ONE);
    let news = told(&world, "alice", 1).await;
    assert_eq!(news.own_limit(), Some((LIMIT, LIMIT)));
    assert!(news.when.is_some_and(|when| when > 1));
    world.launcher.kill(&id("alice"), Kills { count: 3, ..ONE });
    assert!(told(&world, "alice", 3).await.when >= news.when);

    world.app.servers.stop(&id("alice"));
    world.wait_for("alice", "stopped").await;
    assert!(world.app.servers.get(&id("alice")).snapshot().out_of_memory.is_some(), "kept while it rests");
    world.launcher.kill(&id("alice"), Kills::default());
    started(&world, "alice").await;
    assert_eq!(world.app.servers.get(&id("alice")).snapshot().out_of_memory, None);
}

#[tokio::test]
async fn what_was_killed_while_no_hub_was_there_is_told_without_a_time() {
    let world = World::new("").await;
    started(&world, "alice").await;
    world.launcher.kill(&id("alice"), ONE);
    told(&world, "alice", 1).await;
    let world = world.again(|_| {}).await;
    assert_eq!(told(&world, "alice", 1).await.when, None);
    world.launcher.kill(&id("alice"), Kills { count: 2, ..ONE });
    assert!(told(&world, "alice", 2).await.when.is_some());
}

#[tokio::test]
async fn a_server_that_the_kernel_killed_is_told_from_one_that_somebody_did() {
    let systemd_says = JournalLine {
        time_usec: 2,
        priority: 5,
        identifier: "systemd".into(),
        message: "A process of this unit has been killed by the OOM killer.".into(),
        message_id: Some("fe6faa94e7774663a0da52717891d8ef".into()),
    };
    let facts = [
        ("signal (9)", None, false),
        ("signal (9)", Some(&systemd_says), true),
        ("signal (11)", Some(&systemd_says), false),
        ("exit-code (1)", Some(&systemd_says), false),
        ("oom-kill (9)", None, true),
    ];
    for (result, line, expected) in facts {
        let world = World::new("").await;
        started(&world, "alice").await;
        world.launcher.journal.lock().unwrap().extend(line.cloned());
        let invocation = "0123456789abcdef0123456789abcdef".to_owned();
        world.launcher.end(&id("alice"), UnitState::Failed { invocation, result: result.into() });
        world.wait_for("alice", "failed").await;
        let failure = world.app.servers.get(&id("alice")).snapshot().failure.unwrap();
        assert_eq!(failure.out_of_memory, expected, "{result} {line:?}");
    }
}

#[tokio::test]
async fn people_administrators_and_programs_are_told() {
    let world = World::new("[login]\nadmins = [\"boss\"]\n").await;
    started(&world, "alice").await;
    world.launcher.kill(&id("alice"), ONE);
    let news = told(&world, "alice", 1).await;
    let sentence = "This server used 2 GB of 2 GB of memory, and a kernel or another program in it was stopped.";
    let mut alice = world.browser_of("alice").await;
    assert!(alice.get("/hub/home").await.text().contains(sentence));
    let mut boss = world.browser_of("boss").await;
    assert!(boss.get("/hub/admin").await.text().contains(sentence));
    let programs = world.caller("alice", &["inherit"]).await;
    let model = programs.read("/users/alice/server").await;
    let wanted = json!({"killed": 1, "used": LIMIT, "limit": LIMIT, "when": iso(news.when.unwrap())});
    assert_eq!(model["hubd"]["out_of_memory"], wanted);

    // Far below its own limit: something else used the memory up.
    world.launcher.kill(&id("alice"), Kills { count: 2, peak: Some(LIMIT / 2), limit: Some(LIMIT) });
    told(&world, "alice", 2).await;
    assert!(alice.get("/hub/home").await.text().contains("The machine ran out of memory"));
    let model = programs.read("/users/alice/server").await;
    assert_eq!(
        (&model["hubd"]["out_of_memory"]["killed"], model["hubd"]["out_of_memory"].get("limit")),
        (&json!(2), None)
    );
    world.app.servers.stop(&id("alice"));
    world.wait_for("alice", "stopped").await;
    assert!(alice.get("/hub/user/alice/lab").await.text().contains("The machine ran out of memory"));
}

#[tokio::test]
async fn a_page_says_that_a_whole_server_ran_out_of_memory() {
    let world = World::new("").await;
    started(&world, "alice").await;
    let invocation = "0123456789abcdef0123456789abcdef".to_owned();
    world.launcher.end(&id("alice"), UnitState::Failed { invocation, result: "oom-kill (9)".into() });
    world.wait_for("alice", "failed").await;
    let mut alice = world.browser_of("alice").await;
    for page in ["/hub/home", "/hub/spawn-pending/alice"] {
        let text = alice.get(page).await.text();
        assert!(text.contains("JupyterLab ran out of memory and was stopped."), "{page}: {text}");
    }
}
