//! A token that really is too poor: opencryptoki's software token has neither AES key wrap nor elliptic curves.
//!
//! Its daemon is started by the test in namespaces of its own, and ends with them. Where a machine allows no such
//! namespaces, or has no such packages, the test says so; `faults` has the same with a module that hides mechanisms.

use super::stage::Stage;
use crate::token::Maker;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What `fetch-opencryptoki.sh` has unpacked.
fn unpacked() -> Option<PathBuf> {
    let tools = std::env::var_os("QUORATE_TOOLS").map(PathBuf::from);
    let tools = tools.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/tools"));
    let found = tools.join("opencryptoki");
    let there = found.join("usr/sbin/pkcsslotd").is_file();
    // Mounts of every kind that the script makes, or a machine's rules are against it.
    let spaces = |more: &[&str]| {
        let mut unshare = Command::new("unshare");
        unshare.args(["-Urmpi", "--fork", "--kill-child", "--mount-proc"]).args(more);
        unshare.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    };
    let can = spaces(&["mount", "-t", "overlay", "overlay", "-o", "lowerdir=/usr:/etc", "/mnt"]);
    if !(there && can) {
        eprintln!("left out: opencryptoki (its packages, or namespaces for its daemon, are missing)");
    }
    (there && can).then_some(found)
}

#[test]
fn a_token_that_can_wrap_nothing_is_refused_before_anything_is_made() {
    let Some(stage) = Stage::new() else { return };
    let Some(unpacked) = unpacked() else { return };
    // A key to restore, of another token.
    let token = stage.tokens.make(Maker::Kryoptic, "prod");
    stage.generate(&token, "key", "aes-256").good();
    let recover = stage.recover_words("key", "pkcs11:token=poor", Maker::Kryoptic);
    let recover: Vec<String> = recover.iter().map(|word| format!("'{word}'")).collect();
    let space = tempfile::tempdir().unwrap();
    stage.world.write("poor-pin", "12345678\n");
    let program = env!("CARGO_BIN_EXE_quorate");
    let pin = stage.tokens.pin_file();
    let each = format!(
        r#"set +e
export QUORATE_PKCS11_MODULE=$OPENCRYPTOKI
run() {{ echo "== $1"; shift; '{program}' -C acme "$@" 2>&1; echo "status $?"; }}
run list hsm list
run check hsm check pkcs11:token=poor --pin-file poor-pin
for kind in aes-256 ec-p256 rsa-2048; do
    run "$kind" generate "k-$kind" --kind $kind --in pkcs11:token=poor --pin-file poor-pin
done
cp poor-pin '{pin}'
run recover {}
echo "== left"
pkcs11-tool --module $OPENCRYPTOKI --slot 0 --login --pin 12345678 --list-objects
echo "== end"
pgrep -c pkcsslotd
"#,
        recover.join(" ")
    );
    stage.world.write("each.sh", each);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tools/in-opencryptoki.sh");
    let mut unshare = Command::new("unshare");
    unshare.args(["-Urmpi", "--fork", "--kill-child", "--mount-proc", "sh", script]);
    unshare.arg(unpacked).arg(space.path()).args(["sh", "each.sh"]);
    let output = unshare.current_dir(stage.world.root()).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let part = |name: &str| {
        let start = format!("== {name}\n");
        let rest = said.split_once(&start).unwrap_or_else(|| panic!("no {name}: {output:?}")).1;
        rest.split("== ").next().unwrap().to_owned()
    };
    let list = part("list");
    assert!(
        list.contains("status 0") && list.contains("slot 0 can't be read") || list.contains("poor"),
        "{list}"
    );
    let check = part("check");
    assert!(check.contains("status 4"), "{check}");
    assert!(check.contains("keys can't leave or come back: it lacks AES key wrap with padding"), "{check}");
    assert!(!check.lines().any(|line| line.contains("makes") && line.contains("ec-")), "{check}");
    for kind in ["aes-256", "ec-p256", "rsa-2048", "recover"] {
        let refused = part(kind);
        assert!(refused.contains("status 1") && refused.contains("token poor lacks"), "{refused}");
    }
    let left = part("left");
    assert!(!left.contains("Object;"), "{left}");
    stage.run(&["show", "k-aes-256"]).fails(1, "k-aes-256");
    stage.is_sound("beside a poor token");
}
