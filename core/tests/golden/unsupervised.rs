use crate::tolerance;
use eir_core::learn::{
    Covariance, Dbscan, GaussianMixture, KMeans, MixtureModel, Pca, RobustScaler, StandardScaler, adjusted_rand,
    calinski_harabasz, davies_bouldin, normalised_mutual_information, silhouette,
};
use eir_core::testing::golden::{Case, Outcome, Tolerance, entry, number, numbers};
use eir_core::{Error, Rows};
use serde_json::Value;

pub(crate) fn unsupervised(case: &mut Case) -> Outcome {
    let file = case.json()?;
    let plain = tolerance(&file)?;
    let mixture = Tolerance::absolute(number(entry(&file, "tolerance_gmm")?)?);
    let x = numbers(entry(&file, "x")?)?;
    let whole = |value: &Value| -> Result<Vec<usize>, Box<dyn std::error::Error>> {
        Ok(numbers(value)?.into_iter().map(|v| v as usize).collect())
    };
    let label = whole(entry(&file, "label")?)?;
    let columns = x.len() / label.len();
    let rows = Rows::new(&x, columns)?;
    let first5 = Rows::new(&x[..5 * columns], columns)?;
    let expected = entry(&file, "expected")?;
    let start = entry(expected, "kmeans")?;
    let centres = numbers(entry(start, "init")?)?;
    let centres = Rows::new(&centres, columns)?;

    case.walk(expected, |case, name, want| match name {
        "pca" => {
            let fit = Pca::default().fit(rows)?;
            let whitened = Pca::default().with_whiten(true).fit(rows)?;
            let count = fit.explained_variance.len();
            case.walk(want, |case, key, want| {
                let got = match key {
                    "mean" => fit.mean.clone(),
                    "components" => (0..count).flat_map(|k| fit.component(k).to_vec()).collect(),
                    "explained_variance" => fit.explained_variance.clone(),
                    "ratio" => fit.explained_ratio.clone(),
                    "transformed_first5" => fit.transform(first5)?,
                    "whitened_first5" => whitened.transform(first5)?,
                    "sign" => return Ok(()), // a note
                    _ => return Err("an unknown key".into()),
                };
                case.close(key, &got, &numbers(want)?, plain);
                Ok(())
            })
        }
        "kmeans" => {
            let fit = KMeans::default().with_clusters(centres.len()).fit_from(rows, centres)?;
            case.walk(want, |case, key, want| {
                match key {
                    "centres" => case.close(key, &fit.centres, &numbers(want)?, plain),
                    "inertia" => case.value(key, fit.inertia, number(want)?, plain),
                    "labels" => case.equal(key, &fit.labels, &whole(want)?),
                    "init" => {}
                    _ => return Err("an unknown key".into()),
                }
                Ok(())
            })
        }
        "clustering_scores" => {
            let found = whole(entry(start, "labels")?)?;
            case.walk(want, |case, key, want| {
                let got = match key {
                    "adjusted_rand" => adjusted_rand(&label, &found)?,
                    "nmi" => normalised_mutual_information(&label, &found)?,
                    "silhouette" => silhouette(rows, &found)?,
                    "davies_bouldin" => davies_bouldin(rows, &found)?,
                    "calinski_harabasz" => calinski_harabasz(rows, &found)?,
                    _ => return Err("an unknown score".into()),
                };
                case.value(key, got, number(want)?, plain);
                Ok(())
            })
        }
        "standard_scaler" => {
            let scaler = StandardScaler::default().fit(rows)?;
            case.walk(want, |case, key, want| {
                let got = match key {
                    "mean" => scaler.centre.clone(),
                    "sd_population" => scaler.scale.clone(),
                    "first5" => scaler.transform(first5)?,
                    _ => return Err("an unknown key".into()),
                };
                case.close(key, &got, &numbers(want)?, plain);
                Ok(())
            })
        }
        "robust_scaler" => {
            let scaler = RobustScaler::default().fit(rows)?;
            case.walk(want, |case, key, want| {
                let got = match key {
                    "median" => &scaler.centre,
                    "iqr" => &scaler.scale,
                    _ => return Err("an unknown key".into()),
                };
                case.close(key, got, &numbers(want)?, plain);
                Ok(())
            })
        }
        _ if name.starts_with("dbscan_eps") => {
            let (radius, min_rows) = name["dbscan_eps".len()..].split_once("_min").ok_or("no min in the name")?;
            let dbscan = Dbscan::default().with_radius(radius.parse()?).with_min_rows(min_rows.parse()?);
            let got: Vec<f64> = dbscan.groups(rows)?.iter().map(|g| g.map_or(-1.0, |g| g as f64)).collect();
            case.equal(name, &got, &numbers(want)?);
            Ok(())
        }
        _ if name.starts_with("gmm_") => {
            let fit = fit_mixture(&name["gmm_".len()..], rows, centres)?;
            gaussian_mixture(case, want, &fit, first5, mixture)
        }
        _ => Err("an unknown method".into()),
    })
}

/// From equal weights, the centres of the k-means and unit covariances.
fn fit_mixture(kind: &str, rows: Rows<'_>, centres: Rows<'_>) -> Result<MixtureModel, Error> {
    let covariance = match kind {
        "full" => Covariance::Full,
        "tied" => Covariance::Tied,
        "diag" => Covariance::Diagonal,
        _ => Covariance::Spherical,
    };
    let (k, d) = (centres.len(), centres.columns());
    let unit: Vec<f64> = (0..k * d * d).map(|at| f64::from(u8::from(at % (d * d) % (d + 1) == 0))).collect();
    let start = MixtureModel::new(covariance, &vec![1.0; k], centres, &unit)?;
    GaussianMixture::default()
        .with_components(k)
        .with_covariance(covariance)
        .with_tolerance(1e-12)
        .with_max_iterations(5000)
        .fit_from(rows, &start)
}

fn gaussian_mixture(
    case: &mut Case,
    want: &Value,
    fit: &MixtureModel,
    first5: Rows<'_>,
    tolerance: Tolerance,
) -> Outcome {
    let (k, d) = (fit.weights.len(), fit.means.len() / fit.weights.len());
    case.walk(want, |case, key, want| {
        let got = match key {
            "weights" => fit.weights.clone(),
            "means" => fit.means.clone(),
            "covariances" => match fit.covariance {
                Covariance::Full => fit.covariances.clone(),
                Covariance::Tied => fit.covariances[..d * d].to_vec(),
                Covariance::Diagonal => {
                    fit.covariances.chunks_exact(d * d).flat_map(|c| c.iter().step_by(d + 1).copied()).collect()
                }
                _ => fit.covariances.iter().step_by(d * d).copied().collect(),
            },
            "mean_log_likelihood" => vec![fit.mean_log_likelihood],
            "bic" => vec![fit.bic()],
            "aic" => vec![fit.aic()],
            "iterations" => {
                case.equal(key, &(fit.iterations as f64), &number(want)?);
                return Ok(());
            }
            "posterior_first5" => {
                let mut posterior = vec![0.0; first5.len() * k];
                fit.posterior_into(first5, &mut posterior)?;
                posterior
            }
            _ => return Err("an unknown key".into()),
        };
        case.close(key, &got, &numbers(want)?, tolerance);
        Ok(())
    })
}
