//! Curves of loss and accuracy, as SVG and PNG.

use crate::Row;
use plotters::coord::Shift;
use plotters::prelude::*;
use std::error::Error;
use std::sync::OnceLock;

const SIZE: (u32, u32) = (1200, 460);
const TRAIN: RGBColor = RGBColor(0x2a, 0x6f, 0xbb);
const VALIDATION: RGBColor = RGBColor(0xe0, 0x6c, 0x1f);
const INK: RGBColor = RGBColor(0x33, 0x33, 0x33);

/// The two pictures.
pub(crate) struct Plot {
    pub svg: String,
    pub png: Vec<u8>,
}

/// Draws the epochs so far.
pub(crate) fn render(model: &str, rows: &[Row]) -> Result<Plot, String> {
    // plotters finds no fonts by itself, so that none need be installed.
    static FONT: OnceLock<bool> = OnceLock::new();
    let registered = FONT.get_or_init(|| {
        let font = ttf_noto_sans::REGULAR;
        plotters::style::register_font("sans-serif", FontStyle::Normal, font).is_ok()
    });
    if !registered {
        return Err("the font cannot be read".into());
    }
    let mut svg = String::new();
    draw(SVGBackend::with_string(&mut svg, SIZE).into_drawing_area(), model, rows, 1)
        .map_err(|e| e.to_string())?;
    Ok(Plot { svg, png: png(model, rows).map_err(|e| e.to_string())? })
}

/// Drawn at twice the size and averaged down, which smooths the lines.
fn png(model: &str, rows: &[Row]) -> Result<Vec<u8>, Box<dyn Error>> {
    let (w, h) = (2 * SIZE.0, 2 * SIZE.1);
    let mut buffer = vec![0; (w * h * 3) as usize];
    draw(BitMapBackend::with_buffer(&mut buffer, (w, h)).into_drawing_area(), model, rows, 2)?;
    let small = image::RgbImage::from_raw(SIZE.0, SIZE.1, halved(&buffer, w as usize * 3))
        .ok_or("the bitmap has the wrong size")?;
    let mut png = Vec::new();
    small.write_to(&mut std::io::Cursor::new(&mut png), image::ImageFormat::Png)?;
    Ok(png)
}

/// Each 2 by 2 block of RGB pixels averaged; `stride` is the bytes of a row.
fn halved(rgb: &[u8], stride: usize) -> Vec<u8> {
    let mut small = Vec::with_capacity(rgb.len() / 4);
    for rows in rgb.chunks_exact(2 * stride) {
        let (upper, lower) = rows.split_at(stride);
        for (a, b) in upper.chunks_exact(6).zip(lower.chunks_exact(6)) {
            let sum =
                |c: usize| [a[c], a[c + 3], b[c], b[c + 3]].map(u16::from).iter().sum::<u16>();
            small.extend([0, 1, 2].map(|c| (sum(c) / 4) as u8));
        }
    }
    small
}

type Drawn<B> = Result<(), DrawingAreaErrorKind<<B as DrawingBackend>::ErrorType>>;

fn draw<B: DrawingBackend>(
    area: DrawingArea<B, Shift>,
    model: &str,
    rows: &[Row],
    scale: u32,
) -> Drawn<B> {
    area.fill(&WHITE)?;
    let (left, right) = area.split_horizontally(SIZE.0 * scale / 2);
    let loss = Panel {
        title: format!("{model}: loss"),
        train: series(rows, |r| r.train_loss),
        validation: series(rows, |r| r.val_loss),
        accuracy: false,
    };
    let accuracy = Panel {
        title: format!("{model}: accuracy"),
        train: series(rows, |r| r.train_accuracy),
        validation: series(rows, |r| r.val_accuracy),
        accuracy: true,
    };
    loss.draw(&left, scale)?;
    accuracy.draw(&right, scale)?;
    area.present()
}

fn series(rows: &[Row], y: impl Fn(&Row) -> f64) -> Vec<(f64, f64)> {
    let points = rows.iter().map(|r| (r.epoch as f64, y(r)));
    points.filter(|(_, y)| y.is_finite()).collect()
}

struct Panel {
    title: String,
    train: Vec<(f64, f64)>,
    validation: Vec<(f64, f64)>,
    accuracy: bool,
}

impl Panel {
    fn draw<B: DrawingBackend>(&self, area: &DrawingArea<B, Shift>, scale: u32) -> Drawn<B> {
        let points = || self.train.iter().chain(&self.validation);
        let fold = |f: fn(f64, f64) -> f64, of: fn(&(f64, f64)) -> f64, from| {
            points().map(of).fold(from, f)
        };
        let last_epoch = fold(f64::max, |p| p.0, 1.0);
        let (low, high) = (fold(f64::min, |p| p.1, f64::MAX), fold(f64::max, |p| p.1, 0.0));
        let low = if points().next().is_some() { low } else { 0.0 };
        let margin = ((high - low) * 0.08).max(1e-3);
        let y = match self.accuracy {
            true => (low - margin).max(0.0)..(high + margin).min(1.0),
            false => 0.0..high + margin,
        };
        let digits = match y.end - y.start {
            span if span < 0.02 => 4,
            span if span < 0.2 => 3,
            _ => 2,
        };
        // A single epoch still gets an axis.
        let x = if last_epoch > 1.0 { 1.0..last_epoch } else { 0.5..1.5 };
        let text = |size: u32| ("sans-serif", size * scale).into_font().color(&INK);
        let mut chart = ChartBuilder::on(area)
            .caption(&self.title, text(21))
            .margin(14 * scale)
            .x_label_area_size(44 * scale)
            .y_label_area_size(64 * scale)
            .build_cartesian_2d(x, y)?;
        chart
            .configure_mesh()
            .bold_line_style(RGBColor(0xdd, 0xdd, 0xdd).stroke_width(scale))
            .light_line_style(TRANSPARENT)
            .axis_style(INK.stroke_width(scale))
            .x_desc("epoch")
            .y_desc(if self.accuracy { "accuracy" } else { "loss" })
            .axis_desc_style(text(16))
            .label_style(text(15))
            .x_labels((last_epoch as usize).min(12))
            .y_labels(7)
            .x_label_formatter(&|e| if e.fract() == 0.0 { format!("{e}") } else { String::new() })
            .y_label_formatter(&|v| format!("{v:.digits$}"))
            .set_all_tick_mark_size(4 * scale)
            .draw()?;
        for (name, points, color) in
            [("training", &self.train, TRAIN), ("validation", &self.validation, VALIDATION)]
        {
            let style = color.stroke_width(2 * scale);
            let length = 22 * scale as i32;
            chart
                .draw_series(LineSeries::new(points.iter().copied(), style))?
                .label(name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + length, y)], style));
            if points.len() <= 50 {
                let dot = |p: &(f64, f64)| Circle::new(*p, 3 * scale as i32, color.filled());
                chart.draw_series(points.iter().map(dot))?;
            }
        }
        let position = match self.accuracy {
            true => SeriesLabelPosition::LowerRight,
            false => SeriesLabelPosition::UpperRight,
        };
        chart
            .configure_series_labels()
            .position(position)
            .margin(10 * scale)
            .legend_area_size(28 * scale)
            .label_font(text(15))
            .background_style(WHITE.mix(0.85))
            .border_style(RGBColor(0xcc, 0xcc, 0xcc).stroke_width(scale))
            .draw()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(n: u64) -> Vec<Row> {
        let row = |e: u64| Row {
            epoch: e,
            step: e,
            lr: 0.1,
            train_loss: 1.0 / e as f64,
            train_accuracy: 1.0 - 0.3 / e as f64,
            val_loss: if e == 2 { f64::NAN } else { 1.1 / e as f64 },
            val_accuracy: 0.98 - 0.2 / e as f64,
            images_per_second: 1.0,
        };
        (1..=n).map(row).collect()
    }

    #[test]
    fn both_pictures_show_both_curves() {
        for n in [1, 2, 12, 300] {
            let plot = render("my-net", &rows(n)).unwrap();
            for text in ["my-net: loss", "my-net: accuracy", "training", "validation", "epoch"] {
                assert!(plot.svg.contains(text), "{n} {text}");
            }
            let png = image::load_from_memory(&plot.png).unwrap().to_rgb8();
            assert_eq!(png.dimensions(), SIZE);
            // Both panels have pixels of both colours, text among them.
            for half in [0..SIZE.0 / 2, SIZE.0 / 2..SIZE.0] {
                for RGBColor(r, g, b) in [TRAIN, VALIDATION] {
                    let found = png
                        .enumerate_pixels()
                        .filter(|(x, _, p)| half.contains(x) && p.0 == [r, g, b]);
                    assert!(found.count() > 20, "{n} epochs, {half:?}");
                }
            }
        }
    }

    #[test]
    fn unmeasured_and_extreme_figures_are_drawn() {
        render("empty", &[]).unwrap();
        let mut rows = rows(3);
        (rows[0].train_loss, rows[0].val_loss) = (f64::NAN, f64::INFINITY);
        (rows[1].train_loss, rows[2].train_accuracy) = (1e300, 0.0);
        render("extreme", &rows).unwrap();
        for row in &mut rows {
            (row.train_accuracy, row.val_accuracy) = (1.0, 1.0);
            (row.train_loss, row.val_loss) = (0.0, 0.0);
        }
        render("flat", &rows).unwrap();
    }
}
