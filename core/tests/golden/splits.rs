use eir_core::split::{Cases, Rule, Split};
use eir_core::testing::golden::{Case, Outcome, entry, numbers};
use std::error::Error;

/// The reference states properties, and scikit-learn's figures on the same table as bars.
pub(crate) fn splits(case: &mut Case) -> Outcome {
    let file = case.json()?;
    let whole = |key: &str| -> Result<Vec<usize>, Box<dyn Error>> {
        Ok(numbers(entry(&file, key)?)?.into_iter().map(|v| v as usize).collect())
    };
    let (groups, classes) = (whole("group")?, whole("y")?);
    let folds = entry(&file, "k")?.as_u64().ok_or("k is no count")? as usize;
    let n = groups.len();
    let largest = groups.iter().map(|g| groups.iter().filter(|o| *o == g).count()).max().unwrap_or(0);
    let bar = spread(&numbers(entry(&file, "sklearn_stratified_group_fold_prevalence")?)?);
    let sizes = |splits: &[Split]| -> Vec<f64> { splits.iter().map(|s| s.test().len() as f64).collect() };
    let range = |x: &[f64]| x.iter().fold(0.0f64, |m, v| m.max(*v)) - x.iter().fold(f64::MAX, |m, v| m.min(*v));
    for seed in 0..20 {
        let rule = Rule::Folds { folds, seed };
        let grouped = Cases::new(n)?.with_groups(&groups)?;
        let by_group = grouped.split(&rule)?;
        clean(case, &by_group, &groups);
        case.holds("group folds", range(&sizes(&by_group)) <= largest as f64, "folds differ by more than a group");

        let both = grouped.with_classes(&classes)?.split(&rule)?;
        clean(case, &both, &groups);
        let share = |s: &Split| s.test().iter().map(|r| classes[*r]).sum::<usize>() as f64 / s.test().len() as f64;
        let spread = spread(&both.iter().map(share).collect::<Vec<_>>());
        case.holds("stratified group folds", spread <= bar + 0.02, &format!("spread {spread}, scikit-learn {bar}"));

        let rows: Vec<usize> = (0..n).collect();
        let stratified = Cases::new(n)?.with_classes(&classes)?.split(&rule)?;
        clean(case, &stratified, &rows);
        for class in [0, 1] {
            let of_class = |s: &Split| s.test().iter().filter(|r| classes[**r] == class).count() as f64;
            let counts: Vec<f64> = stratified.iter().map(of_class).collect();
            case.holds("stratified folds", range(&counts) <= 1.0, "a class differs by more than 1 between folds");
        }
        for gap in [0.0, 3.0] {
            let times: Vec<f64> = (0..n).map(|i| ((i * 7919 + seed as usize) % n) as f64).collect();
            for split in Cases::new(n)?.with_times(&times)?.split(&Rule::Forward { folds, gap })? {
                let last = split.train().iter().map(|r| times[*r]).fold(f64::MIN, f64::max);
                let first = split.test().iter().map(|r| times[*r]).fold(f64::MAX, f64::min);
                case.holds("time order", last + gap <= first && last < first, "training reaches into the test");
            }
        }
    }
    let distinct = groups.iter().collect::<std::collections::BTreeSet<_>>().len();
    let too_many = Cases::new(n)?.with_groups(&groups)?.split(&Rule::Folds { folds: distinct + 1, seed: 0 });
    let text = too_many.map_or_else(|e| e.to_string(), |_| "no error".to_owned());
    case.holds("too many folds", text.contains(&distinct.to_string()), &text);
    Ok(())
}

/// Every row is tested once, and no group is on both sides.
fn clean(case: &mut Case, splits: &[Split], groups: &[usize]) {
    let mut tested = vec![0; groups.len()];
    for split in splits {
        split.test().iter().for_each(|r| tested[*r] += 1);
        let both = split.test().iter().any(|t| split.train().iter().any(|r| groups[*r] == groups[*t]));
        case.holds("no leakage", !both, "a group is on both sides");
    }
    case.holds("tested once", tested.iter().all(|t| *t == 1), "a row is not tested once");
}

fn spread(shares: &[f64]) -> f64 {
    let mean = shares.iter().sum::<f64>() / shares.len() as f64;
    (shares.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / shares.len() as f64).sqrt()
}
