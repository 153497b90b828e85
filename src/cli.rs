//! The command line: arguments in, one subcommand, results and exit status out.
//!
//! Uses the library's public interface only. One file a subcommand; `args` turns words into checked
//! values, `failure` turns errors into a message, a hint and a status, `output` writes results,
//! `terminal` asks and shows, `files` reads and makes files, `cards` reads cards. Only this part
//! reads the clock, the environment and the terminal.

mod add;
mod args;
mod bring;
#[cfg(feature = "camera")]
mod camera;
#[cfg(not(feature = "camera"))]
#[path = "cli/camera/absent.rs"]
mod camera;
mod cards;
mod check;
mod custodian;
mod destroy;
mod drill;
mod editor;
mod evidence;
mod failure;
mod files;
mod generate;
mod gone;
mod hsm;
mod import;
mod init;
mod list;
mod log;
mod log_export;
mod man;
#[cfg(feature = "online")]
mod online;
#[cfg(not(feature = "online"))]
#[path = "cli/online/absent.rs"]
mod online;
mod operator;
mod output;
mod package;
mod papers;
mod places;
mod plugin;
mod policy;
mod print;
mod print_ceremony;
mod progress;
mod prompt;
mod provider;
mod recover;
mod rehearse;
mod report;
mod request;
mod scan;
mod scan_back;
mod script;
mod session;
mod sheet;
mod show;
mod shred;
mod sign;
mod state;
mod status;
mod terminal;
mod token;
mod watch;
mod wipe;

use args::{Arguments, Command, ImportCommand};
use clap::Parser as _;
use failure::Failure;
use output::Output;
use std::process::ExitCode;

/// Runs the program.
pub(crate) fn run() -> ExitCode {
    // Before anything else, so that no secret can come before it.
    let hardened = quorate::secret::process::harden();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return output::usage(&error, std::env::args_os().any(|word| word == "--json")),
    };
    let mut output = Output::new(arguments.json);
    if hardened.is_err() {
        output.warn(
            "the system does not let this program turn core files off: don't use it for real keys here",
        );
    }
    let done = dispatch(&arguments, &mut output).and_then(|()| output.finish());
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => output::fail(&failure, arguments.json && !output.answered()),
    }
}

fn dispatch(arguments: &Arguments, output: &mut Output) -> Result<(), Failure> {
    let place = &arguments.place;
    match &arguments.command {
        Command::Rehearse(options) => rehearse::run(options, output),
        Command::Init(options) => init::run(place, options, output),
        Command::Generate(options) => generate::run(place, options, output),
        Command::Add(options) => add::run(place, options, output),
        Command::List(options) => list::run(place, options, output),
        Command::Show(options) => show::run(place, options, output),
        Command::Status(options) => status::run(place, options, output),
        Command::Policy(options) => policy::run(place, options, output),
        Command::State(options) => state::run(place, options, output),
        Command::Custodian(options) => custodian::run(place, options, output),
        Command::Destroy(options) => destroy::run(place, options, output),
        Command::Check(options) => check::run(place, options, output),
        Command::Recover(options) => recover::run(place, options, output),
        Command::Request(options) => request::run(place, options, output),
        Command::Package(options) => package::run(place, &options.command, output),
        Command::Import(options) => match &options.command {
            ImportCommand::Begin(options) => online::begin(place, options, output),
            ImportCommand::Finish(options) => online::finish(place, options, output),
            ImportCommand::Record(options) => import::record(place, options, output),
        },
        Command::Provider(options) => provider::run(place, &options.command, output),
        Command::Shred(options) => shred::run(place, options, output),
        Command::Drill(options) => drill::run(place, options, output),
        Command::Report(options) => report::run(place, options, output),
        Command::Script(options) => script::run(place, options, output),
        Command::Print(options) => print::run(place, options, output),
        Command::Hsm(options) => hsm::run(place, options, output),
        Command::Operator(options) => operator::run(place, options, output),
        Command::Log(options) => log::run(place, options, output),
        Command::Completions { shell } => man::completions(*shell, output),
        Command::ScanFile { deadline, at_least } => scan::answer(*deadline, *at_least, output),
        Command::Man => man::page(output),
    }
}
