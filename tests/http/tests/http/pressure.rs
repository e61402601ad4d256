//! A machine that runs short of memory: idle servers are suspended before their time, and nobody else's.

use hubd::clock::{Usec, now};
use hubd::servers::usage::Machine;

use crate::world::{World, id};

const MINUTE: Usec = 60_000_000;

async fn world_of(people: &[&str], configuration: &str) -> World {
    let world = World::new(configuration).await;
    for user in people {
        world.app.servers.start(&id(user)).unwrap();
        world.wait_for(user, "running").await;
    }
    world
}

fn pressure(world: &World, percent: f32) {
    *world.launcher.machine.lock().unwrap() = Machine { memory_pressure: Some(percent), ..Machine::default() };
}

fn state(world: &World, user: &str) -> &'static str {
    world.app.servers.get(&id(user)).snapshot().state.word()
}

#[tokio::test]
async fn who_is_idle_longest_is_suspended_first_one_at_a_time() {
    let world = world_of(&["paula", "pia"], "[idle]\nsuspend_after = \"10h\"\n").await;
    world.app.servers.get(&id("paula")).attend(now() + MINUTE);
    let later = now() + 30 * MINUTE;
    assert!(!world.app.idle.relieve(later).await, "nothing is known of the machine");
    pressure(&world, 5.0);
    assert!(!world.app.idle.relieve(later).await, "somebody waits now and then");
    pressure(&world, 40.0);
    assert!(world.app.idle.relieve(later).await);
    assert_eq!((state(&world, "pia"), state(&world, "paula")), ("suspended", "running"));
    assert!(world.app.idle.relieve(later).await);
    assert_eq!(state(&world, "paula"), "suspended");
    assert!(!world.app.idle.relieve(later).await, "nobody is left");
    assert_eq!(world.app.idle.shortage.suspended(), Some((2, later)));
    let alice = world.caller("boss", &["inherit"]).await;
    assert_eq!(alice.read("/status").await["suspended_for_memory"]["servers"], 2);
    let page = world.browser_of("boss").await.get("/hub/admin").await.text();
    let said = "id=\"memory-short\" role=\"status\">Memory is short. Idle servers put to sleep before their time: 2, ";
    assert!(page.contains(said), "{page}");
}

#[tokio::test]
async fn who_was_there_a_moment_ago_or_is_kept_is_left_alone() {
    let world = world_of(&["peter", "petra"], "[idle]\nsuspend_after = \"10h\"\nkeep_max = \"1d\"\n").await;
    pressure(&world, 90.0);
    let later = now() + 30 * MINUTE;
    world.app.servers.get(&id("peter")).attend(later - MINUTE);
    world.app.idle.keep(&world.app.servers.get(&id("petra")), Some(later + MINUTE), now()).await.unwrap();
    assert!(!world.app.idle.relieve(later).await);
    assert_eq!((state(&world, "peter"), state(&world, "petra")), ("running", "running"));
}

#[tokio::test]
async fn where_nothing_is_suspended_nothing_is_for_memory_either() {
    let world = world_of(&["piet"], "[idle]\nsuspend_after = \"never\"\n").await;
    pressure(&world, 90.0);
    assert!(!world.app.idle.relieve(now() + 30 * MINUTE).await);
    assert_eq!(state(&world, "piet"), "running");
}

#[tokio::test]
async fn where_the_rule_is_off_servers_have_their_time_and_nothing_is_said_of_memory() {
    let off = "[idle]\nsuspend_after = \"20min\"\nsuspend_for_memory = false\n";
    let world = world_of(&["pepe"], off).await;
    pressure(&world, 90.0);
    assert!(!world.app.idle.relieve(now() + 10 * MINUTE).await);
    assert_eq!(state(&world, "pepe"), "running");
    let boss = world.caller("boss", &["inherit"]).await;
    assert_eq!(boss.read("/status").await["suspended_for_memory"], serde_json::Value::Null);
    let page = world.browser_of("boss").await.get("/hub/admin").await.text();
    assert!(!page.contains("Memory is short"), "{page}");
    world.app.idle.apply(now() + 30 * MINUTE).await;
    assert_eq!(state(&world, "pepe"), "suspended", "when its time has come");
}
