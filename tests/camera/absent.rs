//! A program without the camera refuses it, before it has done anything.

use crate::world::World;

#[test]
fn a_program_without_the_camera_says_so() {
    let world = World::founded(2, &["alice=open", "bob=open", "carol=open"]);
    world.acme(&["generate", "k", "--kind", "aes-256"]).good();
    let records = || std::fs::read_dir(world.path("acme/log")).unwrap().count();
    let before = records();
    let absent = "quorate: error: this program was built without the camera";
    for arguments in [&["check", "--camera"][..], &["recover", "k", "--camera", "--to", "file:out"]] {
        world.acme(arguments).fails(2, absent);
    }
    assert_eq!(records(), before, "nothing was begun");
    world.run(&["scan", "--camera"]).fails(2, "scan");
    for command in ["check", "recover"] {
        let help = world.run(&[command, "--help"]).good().out;
        assert!(!help.contains("camera"), "{help}");
    }
}
