//! demo, smoke, test: the commands of the README.

fn main() {}
