use crate::tolerance;
use eir_core::Rows;
use eir_core::learn::{BaumWelch, CategoricalHmm, GaussianHmm};
use eir_core::testing::golden::{Case, Outcome, Tolerance, entry, number, numbers};
use serde_json::Value;
use std::error::Error;

fn whole(value: &Value) -> Result<Vec<usize>, Box<dyn Error>> {
    Ok(numbers(value)?.into_iter().map(|v| v as usize).collect())
}

pub(crate) fn hmm(case: &mut Case) -> Outcome {
    let file = case.json()?;
    let plain = tolerance(&file)?;
    let fitted = Tolerance::absolute(number(entry(&file, "tolerance_fit")?)?);
    let of = |from: &Value, key: &str| numbers(entry(from, key)?);
    let (x, lengths) = (of(&file, "x")?, whole(entry(&file, "lengths")?)?);
    let (start, transition) = (of(&file, "startprob")?, of(&file, "transition")?);
    let (means, variances) = (of(&file, "means")?, of(&file, "variances")?);
    let columns = means.len() / start.len();
    let mut sequences = Vec::new();
    let mut rest = x.as_slice();
    for length in &lengths {
        let (sequence, others) = rest.split_at(length * columns);
        sequences.push(Rows::new(sequence, columns)?);
        rest = others;
    }
    let model = GaussianHmm::new(&start, &transition, &means, &variances)?;
    let paths = sequences.iter().map(|s| model.viterbi(*s)).collect::<Result<Vec<_>, _>>()?;
    let posterior = sequences.iter().map(|s| model.posterior(*s)).collect::<Result<Vec<_>, _>>()?.concat();

    case.walk(entry(&file, "expected")?, |case, key, want| {
        match key {
            "score" => case.value(key, model.score(&sequences)?, number(want)?, plain),
            "viterbi_log_probability" => case.value(key, paths.iter().map(|p| p.1).sum(), number(want)?, plain),
            "viterbi" => case.equal(key, &paths.iter().flat_map(|p| p.0.clone()).collect(), &whole(want)?),
            "posterior_first10" => {
                let want = numbers(want)?;
                case.close(key, &posterior[..want.len()], &want, plain);
            }
            _ if key.starts_with("baum_welch_") => {
                let iterations = key["baum_welch_".len()..].parse()?;
                let (means, variances) = (of(want, "initial_means")?, of(want, "initial_variances")?);
                let settings = BaumWelch::default().with_max_iterations(iterations).with_tolerance(0.0);
                let fit = GaussianHmm::new(&start, &transition, &means, &variances)?.fit(&settings, &sequences)?;
                case.walk(want, |case, key, want| {
                    let got = match key {
                        "log_likelihood" => &fit.log_likelihood,
                        "startprob" => &fit.model.start,
                        "transition" => &fit.model.transition,
                        "means" => &fit.model.means,
                        "variances" => &fit.model.variances,
                        "initial_means" | "initial_variances" => return Ok(()),
                        _ => return Err("an unknown key".into()),
                    };
                    case.close(key, got, &numbers(want)?, fitted);
                    Ok(())
                })?;
            }
            _ => return Err("an unknown key".into()),
        }
        Ok(())
    })?;

    let c = entry(&file, "categorical")?;
    let model = CategoricalHmm::new(&of(c, "startprob")?, &of(c, "transition")?, &of(c, "emission")?)?;
    let observation = whole(entry(c, "observation")?)?;
    let (path, log_probability) = model.viterbi(&observation)?;
    case.walk(c, |case, key, want| {
        match key {
            "score" => case.value("categorical score", model.score(&[&observation])?, number(want)?, plain),
            "viterbi_log_probability" => case.value("categorical path", log_probability, number(want)?, plain),
            "viterbi" => case.equal("categorical viterbi", &path, &whole(want)?),
            "observation" | "startprob" | "transition" | "emission" => {}
            _ => return Err("an unknown key".into()),
        }
        Ok(())
    })
}
