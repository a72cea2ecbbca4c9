//! An anti-aliased round pen on a small canvas.

/// Pen positions per span of the curve: spans are a few pixels long.
const STEPS: usize = 5;

/// How much of each pixel is covered by ink, 0 to 1.
pub(super) struct Canvas {
    coverage: Vec<f32>,
    height: usize,
    width: usize,
    /// Width of the soft rim of a stroke, in pixels.
    softness: f32,
}

impl Canvas {
    pub fn new(height: usize, width: usize, softness: f32) -> Self {
        Self { coverage: vec![0.0; height * width], height, width, softness }
    }

    pub fn coverage(&self) -> &[f32] {
        &self.coverage
    }

    /// Draws the polyline through `path`, in pixels, with a radius that goes from `radius[0]` to
    /// `radius[1]`.
    pub fn stroke(&mut self, path: &[[f32; 2]], radius: [f32; 2]) {
        let last = path.len().saturating_sub(1).max(1) as f32;
        let pen = |i: usize| (path[i], radius[0] + (radius[1] - radius[0]) * i as f32 / last);
        for i in 1..path.len() {
            self.segment(pen(i - 1), pen(i));
        }
    }

    /// Draws a straight segment between two pen positions, each a point and a radius.
    fn segment(&mut self, (a, ra): ([f32; 2], f32), (b, rb): ([f32; 2], f32)) {
        let reach = ra.max(rb) + self.softness / 2.0;
        // Pixel i has its centre at i + 0.5.
        let size = [self.width as f32, self.height as f32];
        let range = |k: usize| {
            let low = (a[k].min(b[k]) - reach - 0.5).ceil().clamp(0.0, size[k]);
            let high = (a[k].max(b[k]) + reach - 0.5).floor().clamp(-1.0, size[k] - 1.0);
            low as usize..(high + 1.0) as usize
        };
        let d = [b[0] - a[0], b[1] - a[1]];
        let length2 = (d[0] * d[0] + d[1] * d[1]).max(1e-12);
        for row in range(1) {
            for col in range(0) {
                let p = [col as f32 + 0.5 - a[0], row as f32 + 0.5 - a[1]];
                let t = ((p[0] * d[0] + p[1] * d[1]) / length2).clamp(0.0, 1.0);
                let (x, y) = (p[0] - t * d[0], p[1] - t * d[1]);
                let inside = ra + (rb - ra) * t - (x * x + y * y).sqrt();
                let cover = (inside / self.softness + 0.5).clamp(0.0, 1.0);
                let pixel = &mut self.coverage[row * self.width + col];
                *pixel = pixel.max(cover);
            }
        }
    }
}

/// Appends to `path` positions along the Catmull-Rom curve through `points`, both ends included. A
/// curve whose last point is its first is closed smoothly.
pub(super) fn trace(points: &[[f32; 2]], path: &mut Vec<[f32; 2]>) {
    let (Some(&first), spans) = (points.first(), points.len().saturating_sub(1)) else { return };
    let closed = spans > 1 && points[spans] == first;
    path.push(first);
    for span in 0..spans {
        let (p1, p2) = (points[span], points[span + 1]);
        let p0 = match span {
            0 if closed => points[spans - 1],
            0 => p1,
            _ => points[span - 1],
        };
        let p3 = match span + 2 {
            next if next <= spans => points[next],
            _ if closed => points[1],
            _ => p2,
        };
        for step in 1..=STEPS {
            let t = step as f32 / STEPS as f32;
            path.push([0, 1].map(|k| catmull_rom(p0[k], p1[k], p2[k], p3[k], t)));
        }
    }
}

/// The uniform Catmull-Rom spline between `p1` (t = 0) and `p2` (t = 1).
fn catmull_rom(p0: f32, p1: f32, p2: f32, p3: f32, t: f32) -> f32 {
    let a = 3.0 * (p1 - p2) + p3 - p0;
    let b = 2.0 * p0 - 5.0 * p1 + 4.0 * p2 - p3;
    p1 + 0.5 * t * (p2 - p0 + t * (b + t * a))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDE: usize = 28;

    #[test]
    fn a_vertical_line_covers_its_columns() {
        let mut canvas = Canvas::new(SIDE, SIDE, 1.0);
        canvas.stroke(&[[14.0, 5.0], [14.0, 20.0]], [1.5, 1.5]);
        let row = &canvas.coverage()[10 * SIDE..11 * SIDE];
        // centres at 12.5, 13.5, 14.5, 15.5 lie 1.5, 0.5, 0.5, 1.5 from the line
        for (col, expected) in [(11, 0.0), (12, 0.5), (13, 1.0), (14, 1.0), (15, 0.5), (16, 0.0)] {
            assert!((row[col] - expected).abs() < 1e-5, "column {col}: {}", row[col]);
        }
        assert_eq!(canvas.coverage()[2 * SIDE + 14], 0.0);
    }

    #[test]
    fn canvases_need_not_be_square() {
        let mut canvas = Canvas::new(8, 40, 1.0);
        canvas.stroke(&[[30.0, 4.0], [39.0, 4.0]], [1.0, 1.0]);
        let covered = |row: usize, col: usize| canvas.coverage()[row * 40 + col] > 0.9;
        assert!(covered(3, 35) && covered(4, 35) && !covered(4, 5) && !covered(0, 35));
    }

    #[test]
    fn strokes_outside_the_canvas_leave_no_ink() {
        let mut canvas = Canvas::new(SIDE, SIDE, 1.0);
        canvas.stroke(&[[-50.0, -9.0], [-40.0, 90.0], [99.0, 99.0]], [2.0, 2.0]);
        canvas.stroke(&[[3.0, 3.0]], [2.0, 2.0]);
        canvas.stroke(&[], [2.0, 2.0]);
        assert!(canvas.coverage().iter().all(|&c| c == 0.0));
    }

    #[test]
    fn closed_curves_are_smooth_where_they_close() {
        let square = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [0.0, 0.0]];
        let mut path = Vec::new();
        trace(&square, &mut path);
        assert_eq!((path.len(), path[0], path[4 * STEPS]), (4 * STEPS + 1, [0.0; 2], [0.0; 2]));
        // By symmetry every side bulges alike, the ones at the seam too.
        let (first, last) = (path[1][1], path[4 * STEPS - 1][0]);
        assert!(first < -0.01 && (first - last).abs() < 1e-6, "{first} {last}");
    }

    #[test]
    fn the_spline_passes_through_its_points() {
        assert_eq!(catmull_rom(0.0, 1.0, 3.0, 2.0, 0.0), 1.0);
        assert_eq!(catmull_rom(0.0, 1.0, 3.0, 2.0, 1.0), 3.0);
    }
}
