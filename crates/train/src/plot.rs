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
    let large = image::RgbImage::from_raw(w, h, buffer).ok_or("the bitmap has the wrong size")?;
    let small = image::imageops::thumbnail(&large, SIZE.0, SIZE.1);
    let mut png = Vec::new();
    small.write_to(&mut std::io::Cursor::new(&mut png), image::ImageFormat::Png)?;
    Ok(png)
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
        let margin = ((high - low) * 0.08).max(1e-3);
        let y = match self.accuracy {
            true => (low - margin).clamp(0.0, 1.0)..(high + margin).clamp(low + 1e-3, 1.0),
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
            .caption(&self.title, text(19))
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
            .axis_desc_style(text(15))
            .label_style(text(14))
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
            .label_font(text(14))
            .background_style(WHITE.mix(0.85))
            .border_style(RGBColor(0xcc, 0xcc, 0xcc).stroke_width(scale))
            .draw()
    }
}
