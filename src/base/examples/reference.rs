//! Prints the shipped `hub.toml`: `cargo run -p hubd-base --example reference > packaging/hub.toml`.

fn main() {
    print!("{}", hubd_base::config::reference());
}
