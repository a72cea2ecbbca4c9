//! A run allocates nothing of its own.
#![allow(unsafe_code)] // A global allocator can only be written unsafely.

mod support;

use cotangent_graph::{ConvDims, Graph, Op, Rational, Window};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

struct Counting;

static COUNT: AtomicUsize = AtomicUsize::new(0);

// SAFETY: passes everything on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.fetch_add(1, Ordering::Relaxed);
        // SAFETY: passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: passed on.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations during 200 runs, after two to warm up.
fn during_runs(graph: &Graph, threads: usize) -> usize {
    let mut e = support::executor(graph, threads, &support::inputs(graph, 1));
    e.run().unwrap();
    e.run().unwrap();
    let before = COUNT.load(Ordering::Relaxed);
    for _ in 0..200 {
        e.run().unwrap();
    }
    COUNT.load(Ordering::Relaxed) - before
}

fn train(model: &str) -> Graph {
    let network = cotangent_zoo::find(model).unwrap().spec().network().unwrap();
    cotangent_step::train(&network, 32, &"adamw".parse().unwrap()).unwrap()
}

/// Everything but products that go to the `gemm` crate: a depthwise and a
/// dense convolution with their transposes, pools, sums, norms, softmax,
/// copies.
fn without_gemm() -> Graph {
    let dims = |groups| ConvDims {
        strides: vec![1, 1],
        padding: vec![(1, 1), (1, 1)],
        dilation: vec![1, 1],
        groups,
    };
    let pool =
        Window { size: vec![1, 2, 2, 1], strides: vec![1, 2, 2, 1], padding: vec![(0, 0); 4] };
    support::build(&[&[8, 8, 8, 32], &[3, 3, 1, 32], &[3, 3, 32, 32], &[32]], |b, x| {
        let y = b.push(Op::Conv(dims(32)), &[x[0], x[1]])?;
        let z = b.push(Op::Conv(dims(1)), &[y, x[2]])?;
        let bias = b.broadcast(x[3], &[8, 8, 8, 32], &[3])?;
        let z = b.add(z, bias)?;
        let z = b.push(Op::Relu, &[z])?;
        let p = b.push(Op::MaxPool(pool.clone()), &[z])?;
        let dz = b.push(Op::MaxPoolGrad(pool.clone()), &[z, p])?;
        let dims = dims(1);
        let dy = Op::ConvInputGrad { dims: dims.clone(), input: vec![8, 8] };
        let dy = b.push(dy, &[dz, x[2]])?;
        let dw = b.push(Op::ConvKernelGrad { dims, kernel: vec![3, 3] }, &[y, dz])?;
        let dy = b.push(Op::Normalize { dims: vec![0, 1, 2], eps: Rational::integer(1) }, &[dy])?;
        let dy = b.push(Op::Normalize { dims: vec![3], eps: Rational::integer(1) }, &[dy])?;
        let half = b.slice_in_dim(dy, 3, 16, 32)?;
        let dy = b.concatenate(&[half, half], 3)?;
        let dy = b.push(Op::Erf, &[dy])?;
        let s = b.push(Op::Softmax, &[dy])?;
        let loss = b.push(Op::SoftmaxCrossEntropy, &[s, dz])?;
        let w = b.push(Op::Transpose { permutation: vec![3, 2, 1, 0] }, &[dw])?;
        let sum = b.reduce_sum(w, &[0, 1, 2, 3])?;
        b.add(loss, sum)
    })
}

/// Without the test harness, whose own threads allocate now and then.
fn main() {
    assert_eq!(during_runs(&without_gemm(), 1), 0);
    // Rayon's queue takes a block for every 63 calls from outside the pool, and
    // its threads a few more where the machine lets them wait for each other.
    // Anything a run allocated itself would come 200 times.
    let found = during_runs(&without_gemm(), 2);
    assert!(found <= 200 / 10, "{found} allocations in 200 runs");
    // The narrow last layer's three products go to `gemm`, which takes packing
    // space and flags: at most two allocations each, per part.
    for model in ["mnist-mlp", "mnist-cnn"] {
        let found = during_runs(&train(model), 1);
        assert!(found <= 200 * 3 * 2, "{model}: {found} allocations in 200 runs");
    }
    // The counter does count.
    let before = COUNT.load(Ordering::Relaxed);
    drop(std::hint::black_box(vec![1u8; 100]));
    assert!(COUNT.load(Ordering::Relaxed) > before);
}
