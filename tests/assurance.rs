//! What the documents of assurance and compliance name as evidence exists: each name in code of their tables
//! is a test of this source, or something that a table may name beside tests.
#![allow(clippy::unwrap_used, clippy::string_slice, clippy::arithmetic_side_effects, missing_docs)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The names of all tests: functions behind `#[test]`, and those inside `proptest!`.
fn tests(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            tests(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            for part in text.split("#[test]").skip(1) {
                let Some((_, behind)) = part.split_once("fn ") else { continue };
                let end = behind.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap();
                found.insert(behind[..end].to_owned());
            }
        }
    }
}

/// The words in code of the last column of each row of a document's tables.
fn named(document: &str) -> Vec<String> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(document)).unwrap();
    let mut named = Vec::new();
    for line in text.lines().filter(|line| line.starts_with("| ") && !line.contains("|---")) {
        let column = line.trim_end_matches([' ', '|']).rsplit(" | ").next().unwrap();
        // A title names nothing, and what is only argued says so.
        let words = column.split('`').skip(1).step_by(2).map(str::to_owned);
        let is_title = matches!(column, "evidence" | "shown by");
        assert!(
            is_title || column.contains('`') || column.starts_with("*argued only*"),
            "{document}: {line}"
        );
        if !column.starts_with("*argued only*") {
            named.extend(words);
        }
    }
    named
}

#[test]
fn every_evidence_is_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut known = BTreeSet::new();
    for folder in ["src", "tests"] {
        tests(&root.join(folder), &mut known);
    }
    assert!(known.contains("every_evidence_is_a_test"), "the search finds this one");
    for document in ["assurance.md", "compliance.md"] {
        let named = named(document);
        assert!(named.len() > 20, "{document} names its evidence");
        for name in named {
            assert!(known.contains(&name), "{document} names {name}, which is no test");
        }
    }
}
