use crate::{explanation_tree, tolerance};
use eir_core::explain::{
    Counterfactual, Distance, IntegratedGradients, Occlusion, PermutationImportance, Quadrature, Shapley, grad_cam,
    grad_cam_plus_plus, linear_counterfactual,
};
use eir_core::metrics::rmse;
use eir_core::testing::golden::{Case, Outcome, Tolerance, entry, number, numbers};
use eir_core::{Differentiable, Model, Rows};
use serde_json::Value;
use std::error::Error;

pub(crate) fn explanation(case: &mut Case) -> Outcome {
    let file = case.json()?;
    let tolerance = tolerance(&file)?;
    case.walk(&file, |case, key, section| match key {
        "tolerance" => Ok(()),
        "integrated_gradients_logistic" => logistic(case, section, tolerance),
        "network" => network(case, section, tolerance),
        "permutation_importance" => permutation(case, section, tolerance),
        "occlusion_1d" => occlusion(case, section, tolerance),
        "grad_cam" => class_maps(case, section, tolerance),
        "tree" => explanation_tree::tree(case, section, tolerance),
        "counterfactual_linear" => counterfactual(case, section, tolerance),
        _ => Err("no comparison for this section".into()),
    })
}

type Explainer<'a> = &'a dyn Fn(&[f64]) -> Result<Vec<f64>, eir_core::Error>;

/// A function with its gradient.
struct Smooth<F, G> {
    value: F,
    gradient: G,
}

impl<F: Fn(&[f64]) -> f64, G> Model for Smooth<F, G> {
    fn predict_into(&self, rows: Rows<'_>, out: &mut [f64]) -> Result<(), eir_core::Error> {
        self.value.predict_into(rows, out)
    }
}

impl<F: Fn(&[f64]) -> f64, G: Fn(&[f64]) -> Vec<f64>> Differentiable for Smooth<F, G> {
    fn gradient_into(&self, x: &[f64], out: &mut [f64]) -> Result<f64, eir_core::Error> {
        out.copy_from_slice(&(self.gradient)(x));
        Ok((self.value)(x))
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn table(value: &Value) -> Result<Vec<Vec<f64>>, Box<dyn Error>> {
    value.as_array().ok_or("expected rows")?.iter().map(numbers).collect()
}

fn logistic(case: &mut Case, section: &Value, tolerance: Tolerance) -> Outcome {
    let list = |key: &str| numbers(entry(section, key)?);
    let (w, x, baseline, b) = (list("w")?, list("x")?, list("baseline")?, number(entry(section, "b")?)?);
    let p = |v: &[f64]| 1.0 / (1.0 + (-(dot(&w, v) + b)).exp());
    let model = Smooth { value: p, gradient: |v: &[f64]| w.iter().map(|w| w * p(v) * (1.0 - p(v))).collect() };
    case.walk(section, |case, key, want| {
        let (rule, steps) = match key {
            "w" | "b" | "x" | "baseline" => return Ok(()),
            "exact" | "sum" => ("gauss_legendre", 200),
            _ => key.rsplit_once('_').map(|(r, s)| (r, s.parse().unwrap_or(0))).ok_or("no rule and steps")?,
        };
        let quadrature = match rule {
            "gauss_legendre" => Quadrature::GaussLegendre,
            "trapezoid" => Quadrature::Trapezoid,
            "midpoint" => Quadrature::Midpoint,
            "right" => Quadrature::Right,
            _ => return Err("a rule that is not known".into()),
        };
        let integrated = IntegratedGradients::default().with_steps(steps).with_quadrature(quadrature);
        let found = integrated.explain(&model, &x, &baseline)?;
        let got = if key == "sum" { vec![found.value - found.reference] } else { found.contributions };
        case.close(key, &got, &numbers(want)?, tolerance);
        Ok(())
    })
}

fn network(case: &mut Case, section: &Value, tolerance: Tolerance) -> Outcome {
    let (w1, b1, w2) =
        (table(entry(section, "w1")?)?, numbers(entry(section, "b1")?)?, numbers(entry(section, "w2")?)?);
    let hidden = |v: &[f64]| -> Vec<f64> { w1.iter().zip(&b1).map(|(w, b)| (dot(w, v) + b).tanh()).collect() };
    let model = Smooth {
        value: |v: &[f64]| dot(&hidden(v), &w2),
        gradient: |v: &[f64]| {
            let back: Vec<f64> = hidden(v).iter().zip(&w2).map(|(h, w)| (1.0 - h * h) * w).collect();
            (0..v.len()).map(|j| back.iter().zip(&w1).map(|(b, w)| b * w[j]).sum()).collect()
        },
    };
    let background = numbers(entry(section, "background")?)?;
    let x = table(entry(section, "x")?)?;
    let d = b1.len().min(x.first().map_or(0, Vec::len));
    let background = Rows::new(&background, x.first().map_or(d, Vec::len))?;
    let explain = |f: Explainer<'_>| -> Result<Vec<f64>, Box<dyn Error>> {
        Ok(x.iter().map(|x| f(x)).collect::<Result<Vec<_>, _>>()?.concat())
    };
    let gradient = |x: &[f64]| {
        let mut out = vec![0.0; x.len()];
        model.gradient_into(x, &mut out).map(|_| out)
    };
    case.walk(section, |case, key, want| {
        let got = match key {
            "w1" | "b1" | "w2" | "background" | "x" => return Ok(()),
            "output" => explain(&|x| model.predict(Rows::new(x, x.len())?))?,
            "gradient" => explain(&gradient)?,
            "input_x_gradient" => explain(&|x| Ok(gradient(x)?.iter().zip(x).map(|(g, x)| g * x).collect()))?,
            "integrated_gradients_gauss_legendre_50" => {
                explain(&|x| Ok(IntegratedGradients::default().explain(&model, x, &vec![0.0; x.len()])?.contributions))?
            }
            "shapley_interventional" => {
                // all ways that are exact here must agree
                let sets = (1 << background.columns()) - 2;
                let kernel = Shapley::kernel(sets.max(2 * background.columns()), 0);
                let kernel = explain(&|x| Ok(kernel.explain(&model, x, background)?.proven(1e-9)?.contributions))?;
                case.close("kernel", &kernel, &numbers(want)?, tolerance);
                explain(&|x| Ok(Shapley::exact().explain(&model, x, background)?.proven(1e-9)?.contributions))?
            }
            "expected_value" => {
                let reference =
                    |x| Ok::<_, eir_core::Error>(Shapley::exact().explain(&model, x, background)?.reference);
                vec![reference(x.first().ok_or("no case")?)?]
            }
            "occlusion_zero" => explain(&|x| Ok(Occlusion::new(&[x.len()], &[1], &[1]).explain(&model, x)?.map))?,
            _ => return Err("no comparison for this entry".into()),
        };
        case.close(key, &got, &numbers(want)?, tolerance);
        Ok(())
    })
}

fn permutation(case: &mut Case, section: &Value, tolerance: Tolerance) -> Outcome {
    let list = |key: &str| numbers(entry(section, key)?);
    let (x, y, w) = (list("x")?, list("y")?, list("coefficient")?);
    let orders: Vec<Vec<usize>> = table(entry(section, "permutations")?)?
        .into_iter()
        .map(|order| order.into_iter().map(|row| row as usize).collect())
        .collect();
    let model = |row: &[f64]| dot(&w, row);
    let found = PermutationImportance::with_orders(
        &model,
        Rows::new(&x, w.len())?,
        &y,
        |t, p| Ok(rmse(t, p)?.powi(2)),
        &orders,
    )?;
    let got: Vec<f64> = found.into_iter().flat_map(|i| i.increases).collect();
    case.close("increase_in_mse", &got, &list("increase_in_mse")?, tolerance);
    Ok(())
}

fn occlusion(case: &mut Case, section: &Value, tolerance: Tolerance) -> Outcome {
    let list = |key: &str| numbers(entry(section, key)?);
    let (signal, w) = (list("signal")?, list("weight")?);
    let whole = |key: &str| -> Result<usize, Box<dyn Error>> { Ok(number(entry(section, key)?)? as usize) };
    let model = |x: &[f64]| dot(&w, x);
    let occlusion = Occlusion::new(&[signal.len()], &[whole("window")?], &[whole("stride")?])
        .with_baseline(number(entry(section, "baseline")?)?);
    let found = occlusion.explain(&model, &signal)?;
    case.close("difference_per_window", &found.windows, &list("difference_per_window")?, tolerance);
    case.close("mean_over_windows", &found.map, &list("mean_over_windows")?, tolerance);
    Ok(())
}

fn class_maps(case: &mut Case, section: &Value, tolerance: Tolerance) -> Outcome {
    let activations = numbers(entry(section, "maps")?)?;
    let fc = table(entry(section, "fc")?)?;
    let channels = fc.first().map_or(0, Vec::len);
    let places = activations.len() / channels.max(1);
    for (class, weights) in fc.iter().enumerate() {
        // the logit is the weighted mean over the map
        let gradients: Vec<f64> = weights.iter().flat_map(|w| vec![w / places as f64; places]).collect();
        let map = grad_cam(&activations, &gradients, channels)?;
        let want = entry(section, "grad_cam")?.get(class).ok_or("a class is missing")?;
        case.close("alpha", &map.weights, &numbers(entry(want, "alpha")?)?, tolerance);
        case.close("raw", &map.map, &numbers(entry(want, "raw")?)?, tolerance);
        let map = grad_cam_plus_plus(&activations, &gradients, channels)?;
        let want = entry(section, "grad_cam_pp")?.get(class).ok_or("a class is missing")?;
        case.close("plus_plus", &map.map, &numbers(want)?, tolerance);
    }
    Ok(())
}

fn counterfactual(case: &mut Case, section: &Value, tolerance: Tolerance) -> Outcome {
    let list = |key: &str| numbers(entry(section, key)?);
    let (w, x, scale) = (list("w")?, list("x")?, list("scale")?);
    let (b, target) = (number(entry(section, "b")?)?, number(entry(section, "target_logit")?)?);
    let ones = vec![1.0; x.len()];
    let nearest = |scale: &[f64], distance| linear_counterfactual(&w, b, &x, scale, target, distance);
    case.close("l2", &nearest(&ones, Distance::L2)?, &list("l2")?, tolerance);
    case.close("scaled_l2", &nearest(&scale, Distance::L2)?, &list("scaled_l2")?, tolerance);
    case.close("scaled_l1", &nearest(&scale, Distance::L1)?, &list("scaled_l1")?, tolerance);
    // the general search finds the closed form
    let model = Smooth { value: |v: &[f64]| dot(&w, v) + b, gradient: |_: &[f64]| w.clone() };
    let found = Counterfactual::new(target).find(&model, &x, &scale)?;
    case.close("scaled_l2 by search", &found.case, &list("scaled_l2")?, tolerance);
    Ok(())
}
