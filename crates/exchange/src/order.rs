//! The order of a tensor's elements here and in a file.

use std::rc::Rc;

/// Where the elements of a vector are in PyTorch's: element `i` here is
/// element `rows[i]` there. That is so after an image was flattened, which
/// goes by height, width, channel here and by channel, height, width there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reordered {
    pub rows: Rc<Vec<usize>>,
    /// The image, where there was one and nothing else.
    pub image: Option<[usize; 3]>,
}

impl Reordered {
    /// An image `[height, width, channels]` flattened.
    pub fn image(image: [usize; 3]) -> Self {
        let [height, width, channels] = image;
        let cells = height * width;
        let row = |i: usize| (i % channels) * cells + i / channels;
        Reordered { rows: Rc::new((0..cells * channels).map(row).collect()), image: Some(image) }
    }

    /// Vectors end to end, each of a length and an order.
    pub fn concatenated(parts: &[(usize, Option<Reordered>)]) -> Option<Self> {
        let mut rows = Vec::new();
        for (len, order) in parts {
            let start = rows.len();
            let row = |i: usize| order.as_ref().map_or(i, |o| o.rows[i]);
            rows.extend((0..*len).map(|i| start + row(i)));
        }
        match parts {
            [(_, one)] => one.clone(),
            _ if rows.iter().enumerate().all(|(i, &r)| i == r) => None,
            _ => Some(Reordered { rows: Rc::new(rows), image: None }),
        }
    }
}

/// Where each element of a tensor here is in the file's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Order {
    /// At the same place.
    Same,
    /// A vector of the features of something flattened.
    Features(Reordered),
    /// `[inputs, features]` here, `[features, inputs]` there.
    Dense { inputs: usize, features: usize, rows: Option<Reordered> },
    /// `[height, width, a, b]` here, `[b, a, height, width]` there.
    Kernel([usize; 4]),
}

impl Order {
    /// The place in the file of element `i` here, both counted row-major.
    pub fn place(&self, i: usize) -> usize {
        match self {
            Order::Same => i,
            Order::Features(order) => order.rows[i],
            Order::Dense { inputs, features, rows } => {
                let (input, feature) = (i / features, i % features);
                feature * inputs + rows.as_ref().map_or(input, |r| r.rows[input])
            }
            Order::Kernel([height, width, a, b]) => {
                let (cell, channels) = (i / (a * b), i % (a * b));
                (channels % b * a + channels / b) * height * width + cell
            }
        }
    }

    /// The elements of a file's tensor in our order.
    pub fn ours(&self, theirs: &[f32]) -> Vec<f32> {
        (0..theirs.len()).map(|i| theirs[self.place(i)]).collect()
    }

    /// The elements of a tensor of ours in the file's order.
    pub fn theirs(&self, ours: &[f32]) -> Vec<f32> {
        let mut theirs = vec![0.0; ours.len()];
        for (i, &x) in ours.iter().enumerate() {
            theirs[self.place(i)] = x;
        }
        theirs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bijective(order: &Order, len: usize) {
        let mut places: Vec<usize> = (0..len).map(|i| order.place(i)).collect();
        places.sort_unstable();
        assert!(places.into_iter().eq(0..len), "{order:?}");
        let ours: Vec<f32> = (0..len).map(|i| i as f32).collect();
        assert_eq!(order.ours(&order.theirs(&ours)), ours);
    }

    #[test]
    fn every_order_is_a_permutation() {
        let image = Reordered::image([2, 3, 5]);
        bijective(&Order::Features(image.clone()), 30);
        bijective(&Order::Dense { inputs: 30, features: 4, rows: Some(image.clone()) }, 120);
        bijective(&Order::Dense { inputs: 3, features: 4, rows: None }, 12);
        bijective(&Order::Kernel([2, 3, 4, 5]), 120);
        let both = Reordered::concatenated(&[(2, None), (30, Some(image))]).unwrap();
        bijective(&Order::Features(both), 32);
    }

    #[test]
    fn elements_go_where_the_dimensions_say() {
        // [h, w, i, o] = [1, 2, 0, 3] of [2, 3, 4, 5].
        let ours = ((3 + 2) * 4) * 5 + 3;
        let theirs = ((3 * 4) * 2 + 1) * 3 + 2;
        assert_eq!(Order::Kernel([2, 3, 4, 5]).place(ours), theirs);
        // Height 1, width 2, channel 3 of an image [2, 3, 5], feature 1 of 4.
        let dense =
            Order::Dense { inputs: 30, features: 4, rows: Some(Reordered::image([2, 3, 5])) };
        assert_eq!(dense.place(((3 + 2) * 5 + 3) * 4 + 1), 30 + (3 * 2 + 1) * 3 + 2);
    }
}
