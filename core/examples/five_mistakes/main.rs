//! Five common mistakes, what each does to the reported number, and the figures of `eir_core::mistakes`.
//!
//! `cargo run --example five_mistakes -- core/src/mistakes` prints the tables and writes the figures to that folder.

mod studies;

use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from);
    for mistake in studies::all()? {
        println!("## {}\n\n{}", mistake.name, studies::TABLE_HEAD);
        for number in &mistake.numbers {
            println!("{}", number.table_row());
        }
        println!();
        for sentence in &mistake.one_study {
            println!("{sentence}");
        }
        println!();
        let Some(folder) = &folder else { continue };
        std::fs::create_dir_all(folder)?;
        for (file, svg) in &mistake.figures {
            std::fs::write(folder.join(file), svg)?;
        }
    }
    Ok(())
}
