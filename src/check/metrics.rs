//! Which metrics there are: `metrics.txt` of components and environments.

use std::collections::BTreeSet;

use hydrate_base::suggest;

/// Metrics that Prometheus makes of its own for every target and rule.
const OWN: &[&str] = &[
    "ALERTS",
    "ALERTS_FOR_STATE",
    "scrape_body_size_bytes",
    "scrape_duration_seconds",
    "scrape_sample_limit",
    "scrape_samples_post_metric_relabeling",
    "scrape_samples_scraped",
    "scrape_series_added",
    "scrape_timeout_seconds",
    "up",
];

/// The suffixes of the series of histograms and summaries.
const SUFFIXES: &[&str] = &["_bucket", "_sum", "_count"];

/// The metrics that are declared.
#[derive(Debug, Default)]
pub struct Metrics {
    names: BTreeSet<String>,
    globs: Vec<String>,
    /// Whether a query may name no other metric at all; else only those of a declared family are judged.
    pub complete: bool,
}

impl Metrics {
    /// Adds what a file lists: a name, or a pattern with `*`, a line; or what a `/metrics` page shows, as it is, whose
    /// samples and `# TYPE` lines are read. Other lines that begin with `#` are comments.
    pub fn add(&mut self, text: &str) {
        for line in text.lines().map(str::trim) {
            let name = match line.strip_prefix('#') {
                Some(comment) => comment.trim_start().strip_prefix("TYPE ").unwrap_or_default(),
                None => line,
            };
            let end = name.find(|c: char| c == '{' || c == '#' || c.is_whitespace()).unwrap_or(name.len());
            self.add_name(name.get(..end).unwrap_or_default());
        }
    }

    /// Adds one name, or a pattern with `*`.
    pub fn add_name(&mut self, name: &str) {
        if name.contains(['*', '?']) {
            self.globs.push(name.to_owned());
        } else if !name.is_empty() {
            self.names.insert(name.to_owned());
        }
    }

    /// Whether nothing is declared.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty() && self.globs.is_empty()
    }

    /// How many names and patterns are declared.
    pub fn len(&self) -> usize {
        self.names.len() + self.globs.len()
    }

    /// Whether this metric exists, or may exist as far as anybody has said.
    pub fn has(&self, name: &str) -> bool {
        let stem = SUFFIXES.iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name);
        let known = |name: &str| self.names.contains(name) || self.globs.iter().any(|glob| suggest::matches(glob, name));
        known(name) || known(stem) || OWN.contains(&name) || !(self.complete || self.has_family(name))
    }

    /// Whether metrics that begin with the same word are declared.
    fn has_family(&self, name: &str) -> bool {
        let Some((word, _)) = name.split_once('_') else { return false };
        let family = format!("{word}_");
        let next = self.names.range(family.clone()..).next();
        next.is_some_and(|name| name.starts_with(&family)) || self.globs.iter().any(|glob| glob.starts_with(&family))
    }

    /// The name that was probably meant.
    pub fn closest(&self, name: &str) -> Option<&str> {
        suggest::closest(name, self.names.iter().map(String::as_str))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_pages_are_read() {
        let mut metrics = Metrics::default();
        metrics.add("# our own\nshop_orders_total\nshop_wait_seconds # a histogram\ncart_*\n\n");
        metrics.add("# HELP go_goroutines Number of goroutines.\n# TYPE go_goroutines gauge\ngo_goroutines 12\n# TYPE rpc_seconds summary\nrpc_size_count{a=\"b\"} 3\n");
        for name in
            ["shop_orders_total", "shop_wait_seconds_bucket", "cart_items", "go_goroutines", "rpc_seconds_sum", "rpc_size_count", "up"]
        {
            assert!(metrics.has(name), "{name}");
        }
        for name in ["shop_order_total", "rpc_second", "go_gc"] {
            assert!(!metrics.has(name), "{name}");
        }
        assert!(metrics.has("elsewhere_total"), "nobody has declared that family");
        metrics.complete = true;
        assert!(!metrics.has("elsewhere_total") && metrics.has("ALERTS"));
        assert_eq!(metrics.closest("shop_order_total"), Some("shop_orders_total"));
    }
}
