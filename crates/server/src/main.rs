//! The relay: binary `nhipcau`.

use std::process::ExitCode;

fn main() -> ExitCode {
    server::cli::run()
}
