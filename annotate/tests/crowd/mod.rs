//! Crowd-sourced ratings with gold labels, as the data folder has them.

use eir_annotate::Ratings;
use eir_core::testing::golden::Case;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// Keys and values, in the file's order.
type Pairs = Vec<(String, String)>;
type Any<T> = Result<T, Box<dyn std::error::Error>>;

/// Ratings as triples (item, rater, label), and the gold label of items.
pub(crate) struct Crowd {
    triples: Vec<[String; 3]>,
    gold: BTreeMap<String, String>,
}

impl Crowd {
    /// The data set `name` of the reference: lists of triples that `config.json` describes, a table
    /// `crowd/*_<name>.*.tsv`, or a pair `crowd/*_<name>_labels.yaml`, `crowd/*_<name>_gt.yaml`.
    pub(crate) fn read(case: &Case, name: &str) -> Any<Self> {
        if let Ok(config) = case.reference("config.json") {
            let config: Value = serde_json::from_slice(&std::fs::read(config)?)?;
            if let Some(one) = config.get("triples").and_then(|t| t.get(name)) {
                return Self::from_lists(case, one);
            }
        }
        let folder = case.data("crowd")?;
        let mut files: Vec<String> =
            std::fs::read_dir(&folder)?.filter_map(|e| e.ok()?.file_name().into_string().ok()).collect();
        files.sort();
        let find = |ending: &str| {
            let wanted = format!("{name}{ending}");
            let found = files
                .iter()
                .find(|f| f.strip_suffix(&wanted).is_some_and(|head| head.is_empty() || head.ends_with('_')));
            found.map(|f| folder.join(f))
        };
        if let Some(table) = find(".standardized.tsv") {
            return Self::from_table(&text(&table)?);
        }
        let missing = |ending: &str| {
            format!("{}: *_{name}.standardized.tsv is missing, or else *_{name}{ending}", folder.display())
        };
        let labels = find("_labels.yaml").ok_or_else(|| missing("_labels.yaml"))?;
        let gold = find("_gt.yaml").ok_or_else(|| missing("_gt.yaml"))?;
        let mut triples = Vec::new();
        for (rater, items) in nested(&text(&labels)?)? {
            triples.extend(items.into_iter().map(|(item, label)| [item, rater.clone(), label]));
        }
        Ok(Self { triples, gold: pairs(text(&gold)?.trim())?.into_iter().collect() })
    }

    fn from_table(table: &str) -> Any<Self> {
        let mut lines = table.lines();
        let header: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
        let column = |name: &str| header.iter().position(|h| *h == name).ok_or_else(|| format!("no column {name}"));
        let places = [column("orig_id")?, column("!amt_worker_ids")?, column("response")?, column("gold")?];
        let (mut triples, mut gold) = (Vec::new(), BTreeMap::new());
        for line in lines.filter(|l| !l.is_empty()) {
            let cells: Vec<&str> = line.split('\t').collect();
            let cell = |i: usize| cells.get(places[i]).map(ToString::to_string).ok_or("a row is too short");
            triples.push([cell(0)?, cell(1)?, cell(2)?]);
            gold.entry(cell(0)?).or_insert(cell(3)?);
        }
        Ok(Self { triples, gold })
    }

    /// Lines "item rater label" behind a header line; gold is whether the item's class is one of the positive ones.
    fn from_lists(case: &Case, one: &Value) -> Any<Self> {
        let file = |key: &str| -> Any<String> { text(&case.data(one[key].as_str().ok_or("no file name")?)?) };
        let row = |line: &str| -> Any<[String; 3]> {
            let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            words.try_into().map_err(|_| "a row has no three words".into())
        };
        let triples =
            file("labels")?.lines().skip(1).filter(|l| !l.trim().is_empty()).map(row).collect::<Any<Vec<_>>>()?;
        let positive: Vec<String> = one["positive"].as_array().into_iter().flatten().map(plain).collect();
        let classes = file("classes")?;
        let at = classes.find("labels:").ok_or("the classes have no labels")?;
        let list = classes.get(at + 7..).unwrap_or_default();
        let list = if list.trim_start().starts_with('{') {
            list.split('}').next().unwrap_or_default().to_owned()
        } else {
            let inside = list.lines().skip(1).take_while(|l| l.starts_with([' ', '\t']) || l.is_empty());
            inside.collect::<Vec<_>>().join("\n")
        };
        let of = pairs(list.trim())?;
        let gold =
            of.into_iter().map(|(item, class)| (item, if positive.contains(&class) { "1" } else { "0" }.to_owned()));
        Ok(Self { triples, gold: gold.collect() })
    }

    pub(crate) fn ratings(&self) -> Any<Ratings> {
        let rows = self.triples.iter().map(|[item, rater, label]| [item.as_str(), rater, label]);
        Ok(Ratings::from_triples(rows.map(|[a, b, c]| (a, b, c)))?)
    }

    /// A row per rater, a column per item; labels as numbers.
    pub(crate) fn matrix(&self) -> Any<Vec<f64>> {
        let ratings = self.ratings()?;
        let values: Vec<f64> = ratings.class_names().iter().map(|c| c.parse()).collect::<Result<_, _>>()?;
        Ok(ratings.to_matrix(|class| values[class]))
    }

    /// Per item of `ratings` its gold class, if it has one of theirs.
    pub(crate) fn gold_classes(&self, ratings: &Ratings) -> Vec<Option<usize>> {
        let class = |item: &String| ratings.class_names().iter().position(|c| Some(c) == self.gold.get(item));
        ratings.item_names().iter().map(class).collect()
    }
}

fn text(path: &Path) -> Any<String> {
    std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()).into())
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// `key: {…}` entries of a YAML map in flow style.
fn nested(yaml: &str) -> Any<Vec<(String, Pairs)>> {
    let mut all = Vec::new();
    let mut rest = yaml.trim().trim_start_matches('{');
    while let Some((key, tail)) = rest.split_once(": {") {
        let (inside, after) = tail.split_once('}').ok_or("a map without its end")?;
        all.push((key.trim_matches([' ', '\n', ',', '\'', '"']).to_owned(), pairs(inside)?));
        rest = after;
    }
    Ok(all)
}

/// `key: value` entries, true and false as 1 and 0.
fn pairs(yaml: &str) -> Any<Pairs> {
    let inside = yaml.trim_start_matches('{').trim_end_matches('}');
    let entries = inside.split([',', '\n']).map(str::trim).filter(|e| !e.is_empty());
    let pair = |entry: &str| -> Any<(String, String)> {
        let (key, value) = entry.split_once(':').ok_or("an entry without a colon")?;
        let value = match value.trim() {
            "true" | "True" => "1",
            "false" | "False" => "0",
            other => other.trim_matches(['\'', '"']),
        };
        Ok((key.trim().trim_matches(['\'', '"']).to_owned(), value.to_owned()))
    };
    entries.map(pair).collect()
}
