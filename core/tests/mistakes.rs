//! The page `eir_core::mistakes` says what its studies give: all of them are run again.

#[path = "../examples/five_mistakes/studies/mod.rs"]
mod studies;

use eir_core::Error;
use std::path::Path;
use std::sync::LazyLock;
use studies::Mistake;

/// Both tests look at the same run.
fn computed() -> Result<&'static [Mistake; 5], Error> {
    static ALL: LazyLock<Result<[Mistake; 5], Error>> = LazyLock::new(studies::all);
    ALL.as_ref().map_err(Clone::clone)
}

/// The page as Markdown.
fn page() -> String {
    let lines = include_str!("../src/mistakes.rs").lines();
    lines
        .filter_map(|line| line.strip_prefix("//!"))
        .map(|line| format!("{}\n", line.strip_prefix(' ').unwrap_or(line)))
        .collect()
}

#[test]
fn the_page_holds_what_is_computed() -> Result<(), Error> {
    let (page, folder) = (page(), Path::new(env!("CARGO_MANIFEST_DIR")).join("src/mistakes"));
    let mut figures = Vec::new();
    for (number, mistake) in (1..).zip(computed()?) {
        let from = page.split(&format!("\n# {number}. {}\n", mistake.name)).nth(1).unwrap_or_default();
        let section = from.split(&format!("\n# {}. ", number + 1)).next().unwrap_or_default();
        let rows: Vec<String> = mistake.numbers.iter().map(|number| number.table_row()).collect();
        let table = format!("{}\n{}\n\n", studies::TABLE_HEAD, rows.join("\n"));
        assert!(section.contains(&table), "{} is not:\n{table}", mistake.name);
        let quotes: Vec<&str> = section.lines().filter_map(|line| line.strip_prefix("> ")).collect();
        assert_eq!(quotes, mistake.one_study, "{}", mistake.name);
        for (file, svg) in &mistake.figures {
            let committed = std::fs::read_to_string(folder.join(file)).unwrap_or_default();
            assert!(
                committed == *svg,
                "{file} is not what is drawn: cargo run --example five_mistakes -- core/src/mistakes"
            );
            assert!(
                include_str!("../src/mistakes.rs").contains(&format!("include_str!(\"mistakes/{file}\")")),
                "{file}"
            );
            figures.push((*file).to_owned());
        }
    }
    // no figure that nothing draws
    let found = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<String> = found.map(|file| file.file_name().to_string_lossy().into_owned()).collect();
    found.sort();
    figures.sort();
    assert_eq!(found, figures);
    Ok(())
}

#[test]
fn each_mistake_does_what_the_page_says() -> Result<(), Error> {
    let [leak, rows, threshold, probability, rank] = computed()?;
    let wrong_by = |number: &studies::Number| number.wrong - number.truth;
    let right_by = |number: &studies::Number| (number.right - number.truth).abs();

    let auroc = &leak.numbers[0];
    assert!(wrong_by(auroc) > 0.3 && right_by(auroc) < 0.03);
    let [auroc, area, covered] = &rows.numbers[..] else { return Err(Error::Undefined("numbers of rows")) };
    assert!(wrong_by(auroc) > 0.2 && right_by(auroc) < 0.03);
    // the number is right in either way, only its interval is not
    assert!(wrong_by(area).abs() < 0.01 && area.wrong == area.right);
    // three standard errors of a share of 0.95 in 1000 studies
    assert!(wrong_by(covered) < -0.3 && right_by(covered) < 0.021);
    let youden = &threshold.numbers[0];
    assert!(wrong_by(youden) > 0.08 && right_by(youden) < 0.03);
    let [ratio, benefit] = &probability.numbers[..] else { return Err(Error::Undefined("numbers of probability")) };
    assert!(ratio.wrong < 0.4 && right_by(ratio) < 0.05);
    assert!(benefit.wrong < 0.0 && benefit.right > 0.8 * benefit.truth);
    for covered in &rank.numbers {
        assert!(wrong_by(covered) < -0.03, "{}", covered.what);
        assert!(covered.right > 0.9 && (covered.right - 19.0 / 21.0).abs() < 0.005, "{}", covered.what);
    }
    Ok(())
}
