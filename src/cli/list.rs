//! `quorate list`: the keys.

use super::args::Place;
use super::failure::Failure;
use super::output::Output;
use super::session::Session;
use super::show::version_json;
use quorate::wire::json::Json;

pub(crate) fn run(place: &Place, output: &mut Output) -> Result<(), Failure> {
    let session = Session::reading(place)?;
    let escrow = session.open()?;
    let mut values = Vec::new();
    let mut rows = vec![[
        "NAME".to_owned(),
        "VERSION".to_owned(),
        "KIND".to_owned(),
        "CREATED".to_owned(),
        "RECOVERED".to_owned(),
    ]];
    for key in escrow.state().keys().values() {
        if let Some(newest) = key.versions.values().next_back() {
            let recovered = newest.recovered.map_or_else(|| "never".to_owned(), |time| time.to_string());
            let deposit = &newest.backed.deposit;
            rows.push([
                deposit.name.to_string(),
                deposit.version.to_string(),
                newest.backed.kind.to_string(),
                newest.backed.created.to_string(),
                recovered,
            ]);
        }
        if output.is_json() {
            values.extend(key.versions.values().map(version_json));
        }
    }
    if rows.len() == 1 {
        output.line("no keys yet: `quorate generate NAME --kind KIND` makes one");
    } else {
        table(&rows, output);
    }
    output.value(Json::List(values));
    Ok(())
}

/// Columns of equal width.
fn table<const N: usize>(rows: &[[String; N]], output: &mut Output) {
    let mut widths = [0_usize; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    for row in rows {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        output.line(cells.collect::<Vec<_>>().join("  ").trim_end());
    }
}
