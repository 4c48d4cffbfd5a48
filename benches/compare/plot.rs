//! Horizontal bars as SVG, readable on a light and on a dark page.

use std::fmt::Write as _;

const ROW: usize = 26;
const LABELS: usize = 330;
const WIDTH: f64 = 380.0;
/// How the names of other programs begin.
const OTHERS: [&str; 3] = ["`true", "`git", "`gh"];

/// A plot of one number a row; the longest bar is as wide as the plot.
pub fn bars(title: &str, unit: &str, rows: &[(String, f64)]) -> String {
    let most = rows.iter().map(|(_, value)| *value).fold(f64::MIN_POSITIVE, f64::max);
    let height = ROW * (rows.len() + 2);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 800 {height}\" font-family=\"sans-serif\" \
         font-size=\"13\" fill=\"#888\">\n<text x=\"10\" y=\"20\" font-size=\"15\">{}</text>\n",
        escaped(title)
    );
    for (index, (name, value)) in rows.iter().enumerate() {
        let (y, wide) = (ROW * (index + 1) + 10, value / most * WIDTH);
        let (text, end) = (y + 14, 10.0 + f64::from(u16::try_from(LABELS).unwrap_or(0)) + wide + 6.0);
        let colour = if OTHERS.iter().any(|other| name.starts_with(other)) { "#888" } else { "#2da44e" };
        let _ = writeln!(
            svg,
            "<text x=\"{LABELS}\" y=\"{text}\" text-anchor=\"end\">{}</text>\
             <rect x=\"{}\" y=\"{y}\" width=\"{wide:.1}\" height=\"18\" fill=\"{colour}\"/>\
             <text x=\"{end:.1}\" y=\"{text}\">{value:.2} {unit}</text>",
            escaped(name),
            LABELS + 10,
        );
    }
    svg + "</svg>\n"
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('`', "")
}
