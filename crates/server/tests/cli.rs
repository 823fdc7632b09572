//! The binary as a technician runs it.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

/// `nhipcau` with nothing from this process's environment that it could take for configuration.
fn nhipcau(arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nhipcau"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("NHIPCAU_")) {
        command.env_remove(name);
    }
    command.args(arguments).envs(variables.iter().copied()).stdin(Stdio::null());
    command
}

fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    nhipcau(arguments, variables).output().expect("the binary runs")
}

/// A server on a free port with its data in `folder`; its standard output until the last line of the greeting.
fn serve(folder: &Path) -> (Child, Vec<String>) {
    let folder = folder.to_str().expect("a path in UTF-8");
    let variables =
        [("NHIPCAU_LISTEN", "127.0.0.1:0"), ("NHIPCAU_DATA_DIR", folder), ("NHIPCAU_LOG__FORMAT", "json")];
    let mut child = nhipcau(&["serve"], &variables)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let output = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut said = Vec::new();
    for line in output.lines() {
        let line = line.expect("text");
        let last = line.contains("#t=") || line.contains("link organiser");
        said.push(line);
        if last {
            break;
        }
    }
    (child, said)
}

/// Asks it to stop; its exit code and its log.
fn terminate(mut child: Child) -> (Option<i32>, String) {
    let asked = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill runs");
    assert!(asked.success());
    let began = Instant::now();
    while child.try_wait().expect("a child").is_none() {
        assert!(began.elapsed() < Duration::from_secs(10), "SIGTERM did not end the server");
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut log = String::new();
    child.stderr.take().expect("a pipe").read_to_string(&mut log).expect("text");
    (child.wait().expect("a child").code(), log)
}

#[test]
fn the_first_start_prints_an_organiser_link_once_and_the_log_never_holds_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (first, said) = serve(folder.path());
    let link = said.last().expect("a greeting").clone();
    let (code, log) = terminate(first);
    assert_eq!(code, Some(0), "{log}");
    let (_, token) = link.split_once("/to-chuc#t=").expect("an organiser link");
    assert_eq!(token.len(), 26);
    assert!(!log.contains(token) && log.contains("\"message\":\"stopped\""), "{log}");
    for line in log.lines() {
        assert!(line.starts_with('{') && line.ends_with('}'), "not one JSON object a line: {line}");
    }
    let left = std::fs::read_dir(folder.path()).expect("the data folder").filter_map(Result::ok);
    let left: Vec<_> = left.map(|entry| entry.file_name()).filter(|name| name != "tls").collect();
    assert_eq!(left, ["nhipcau.db"], "the write-ahead log was folded into the database");

    let (second, said) = serve(folder.path());
    assert!(!said.concat().contains("#t="), "{said:?}");
    let data = folder.path().to_str().expect("a path in UTF-8");
    let fresh =
        run(&["link", "organiser"], &[("NHIPCAU_DATA_DIR", data), ("NHIPCAU_PUBLIC_URL", "https://cau.vn")]);
    let fresh = String::from_utf8(fresh.stdout).expect("text");
    assert!(fresh.starts_with("https://cau.vn/to-chuc#t=") && !fresh.contains(token), "{fresh}");
    assert_eq!(terminate(second).0, Some(0));
}

#[test]
fn a_wrong_configuration_stops_the_start_by_name() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("nhipcau.toml");
    std::fs::write(&file, "[media]\nworker = 1\n").expect("a writable folder");
    let file = file.to_str().expect("a path in UTF-8");
    for command in ["serve", "check-config"] {
        let output = run(&[command, "--config", file], &[("NHIPCAU_LISTEN", "everywhere")]);
        assert_eq!(output.status.code(), Some(2), "{command}");
        let said = String::from_utf8(output.stderr).expect("text");
        assert!(said.contains("media.worker ") && said.contains("perhaps media.workers"), "{said}");
        assert!(said.contains("wrong value for listen") && said.contains("found everywhere"), "{said}");
    }
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/nhipcau.toml");
    let output = run(&["check-config"], &[("NHIPCAU_CONFIG", example.to_str().expect("a path in UTF-8"))]);
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(0), b"ok\n".as_slice()));
}

#[test]
fn a_port_or_data_folder_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().to_str().expect("a path in UTF-8");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    let output = run(&["serve"], &[("NHIPCAU_LISTEN", &address), ("NHIPCAU_DATA_DIR", data)]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(said.contains(&format!("cannot listen on tcp {address}")), "{said}");

    let file = folder.path().join("a-file");
    std::fs::write(&file, "").expect("a writable folder");
    let file = file.to_str().expect("a path in UTF-8");
    let output = run(&["serve"], &[("NHIPCAU_LISTEN", "127.0.0.1:0"), ("NHIPCAU_DATA_DIR", file)]);
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(output.status.code() == Some(1) && said.contains("a-file"), "{said}");
    let nowhere = folder.path().join("nowhere");
    let nowhere = nowhere.to_str().expect("a path in UTF-8");
    let output = run(&["link", "organiser"], &[("NHIPCAU_DATA_DIR", nowhere)]);
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(output.status.code() == Some(1) && said.contains("there is no database"), "{said}");
}

#[test]
fn a_backup_is_made_and_put_back_while_the_server_runs() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    let data = data.to_str().expect("a path in UTF-8");
    let file = folder.path().join("sao-luu.db");
    let file = file.to_str().expect("a path in UTF-8");
    let variables = [("NHIPCAU_DATA_DIR", data)];
    let nothing = run(&["backup", file], &variables);
    assert_eq!(nothing.status.code(), Some(1), "there is no database yet");
    let (mut server, _) = serve(Path::new(data));
    let made = run(&["backup", file], &variables);
    assert_eq!(made.status.code(), Some(0), "{}", String::from_utf8_lossy(&made.stderr));
    let again = run(&["backup", file], &variables);
    assert!(String::from_utf8_lossy(&again.stderr).contains("never overwrites"), "{again:?}");
    // Links made after the backup are gone when it is put back; the server starts again by itself and says so.
    let link = || String::from_utf8(run(&["link", "organiser"], &variables).stdout).expect("text");
    assert!(link().contains("#t="));
    let restored = run(&["restore", file], &variables);
    let said = String::from_utf8(restored.stdout).expect("text");
    assert!(restored.status.code() == Some(0) && said.contains("before-restore-"), "{said}");
    let mut log = BufReader::new(server.stderr.take().expect("a pipe"));
    let mut line = String::new();
    let began = Instant::now();
    while !line.contains("a backup was put back") {
        line.clear();
        log.read_line(&mut line).expect("text");
        assert!(!line.is_empty() && began.elapsed() < Duration::from_secs(20), "the server did not notice");
    }
    while !line.contains("listening on port") {
        line.clear();
        log.read_line(&mut line).expect("text");
        assert!(
            !line.is_empty() && began.elapsed() < Duration::from_secs(20),
            "the server did not start again"
        );
    }
    let bad = run(&["restore", "/etc/passwd"], &variables);
    assert!(
        bad.status.code() == Some(1) && String::from_utf8_lossy(&bad.stderr).contains("/etc/passwd"),
        "{bad:?}"
    );
    let asked = Command::new("kill").args(["-TERM", &server.id().to_string()]).status().expect("kill runs");
    assert!(asked.success());
    assert_eq!(server.wait().expect("a child").code(), Some(0));
}
