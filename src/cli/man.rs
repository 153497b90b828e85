//! The manual page and shell completions, made from the program's own arguments.

use super::args::Arguments;
use super::failure::{FAILED, Failure};
use super::output::Output;
use clap::CommandFactory as _;

pub(crate) fn completions(shell: clap_complete::Shell, output: &mut Output) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "quorate", &mut script);
    output.raw(&script);
    Ok(())
}

pub(crate) fn page(output: &mut Output) -> Result<(), Failure> {
    let mut page = Vec::new();
    let made = clap_mangen::Man::new(Arguments::command()).render(&mut page);
    made.map_err(|error| Failure::new(FAILED, error.to_string()))?;
    for command in Arguments::command().get_subcommands().filter(|command| !command.is_hide_set()) {
        let named = command.clone().name(format!("quorate-{}", command.get_name()));
        let made = clap_mangen::Man::new(named).render(&mut page);
        made.map_err(|error| Failure::new(FAILED, error.to_string()))?;
    }
    output.raw(&page);
    Ok(())
}
