//! Plan once, run many.

use crate::NativeError;
use crate::kernels::{self, Arena};
use crate::plan::{Plan, plan};
use cotangent_graph::Graph;
use pulp::Arch;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::fmt::Write;
use std::time::Instant;

/// How to execute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// Threads to use, at most 1024; 0 for as many as there are cores.
    pub threads: usize,
}

/// A graph planned for this machine, with its buffers.
///
/// A run reads the inputs and writes the outputs. An output whose role is
/// resident ([`cotangent_graph::Role::is_resident`]) and whose name and role
/// are an input's *is* that input afterwards, so that a train loop only writes
/// data, runs, and reads the loss.
pub struct Executor {
    plan: Plan,
    arena: Arena,
    pool: Option<ThreadPool>,
    threads: usize,
    arch: Arch,
}

impl Executor {
    /// Verifies and plans `graph`. Inputs start out as zeros.
    pub fn new(graph: &Graph, options: &Options) -> Result<Executor, NativeError> {
        Self::on(Arch::new(), graph, options)
    }

    /// An executor for these vector instructions, which the machine must have.
    fn on(arch: Arch, graph: &Graph, options: &Options) -> Result<Executor, NativeError> {
        let threads = match options.threads {
            0 => std::thread::available_parallelism().map_or(1, |n| n.get()),
            n => n.min(1024),
        };
        let plan = plan(graph, threads, arch)?;
        let parts = plan.steps.iter().map(|s| s.parts.max(s.partials)).max().unwrap_or(1);
        let scratch = plan.steps.iter().map(kernels::scratch).max().unwrap_or(0);
        let arena = Arena::new(plan.arena, plan.slots.clone(), scratch, parts)?;
        let pool = match parts {
            1 => None,
            _ => Some(
                ThreadPoolBuilder::new()
                    .num_threads(threads.min(parts))
                    .thread_name(|k| format!("cotangent-{k}"))
                    .build()
                    .map_err(|e| NativeError::Threads { threads, reason: e.to_string() })?,
            ),
        };
        Ok(Executor { plan, arena, pool, threads, arch })
    }

    /// The input at this position of the graph's inputs, row-major.
    ///
    /// # Panics
    /// If there is no such input.
    pub fn input_mut(&mut self, index: usize) -> &mut [f32] {
        self.arena.slice_mut(self.plan.inputs[index])
    }

    /// The input at this position of the graph's inputs, row-major.
    ///
    /// # Panics
    /// If there is no such input.
    pub fn input(&self, index: usize) -> &[f32] {
        self.arena.slice(self.plan.inputs[index])
    }

    /// The output at this position of the graph's outputs, row-major; valid
    /// after a run and until the next.
    ///
    /// # Panics
    /// If there is no such output.
    pub fn output(&self, index: usize) -> &[f32] {
        self.arena.slice(self.plan.outputs[index])
    }

    /// Computes the outputs from the inputs.
    pub fn run(&mut self) -> Result<(), NativeError> {
        kernels::run(self.arch, &self.plan.steps, &mut self.arena, self.pool.as_ref());
        self.finish();
        Ok(())
    }

    /// Makes resident outputs the inputs of the next run.
    fn finish(&mut self) {
        for &(a, b) in &self.plan.swaps {
            self.arena.slots.swap(a, b);
        }
    }

    /// Bytes of all buffers and scratch.
    pub fn peak_bytes(&self) -> usize {
        self.arena.bytes()
    }

    /// Threads it runs on.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Passes over memory in a run.
    pub fn steps(&self) -> usize {
        self.plan.steps.len()
    }

    /// The plan, one line per step.
    pub fn describe(&self) -> String {
        self.table(|_| String::new())
    }

    /// The plan with the least time of each step over `runs` runs. The runs
    /// are real: resident values move on.
    pub fn profile(&mut self, runs: usize) -> Result<String, NativeError> {
        let mut least = vec![f64::INFINITY; self.plan.steps.len()];
        for _ in 0..runs {
            for (step, least) in self.plan.steps.iter().zip(&mut least) {
                let start = Instant::now();
                let step = std::slice::from_ref(step);
                kernels::run(self.arch, step, &mut self.arena, self.pool.as_ref());
                *least = least.min(start.elapsed().as_secs_f64() * 1e3);
            }
            self.finish();
        }
        Ok(self.table(|k| format!("{:9.4} ms", least[k])))
    }

    fn table(&self, prefix: impl Fn(usize) -> String) -> String {
        let mut text = String::new();
        for (k, step) in self.plan.steps.iter().enumerate() {
            let _ = write!(text, "{}", prefix(k));
            let op = step.whole.as_ref().map_or("pointwise", |(w, ..)| w.name());
            let _ = write!(text, "{k:4}  {op:<22} {} x {}", step.units, step.unit_len);
            if let Some(p) = &step.program {
                let names: Vec<String> =
                    p.ops.iter().map(|m| format!("{:?}", m.op).to_lowercase()).collect();
                let _ = write!(text, "  [{}]", names.join(" "));
                if !p.sums.is_empty() {
                    let _ = write!(text, "  sums {}", p.sums.len());
                }
            }
            let _ = writeln!(text, "  parts {}", step.parts);
        }
        text
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;
    use cotangent_graph::{Builder, ConvDims, Op, Rational, Role, TensorType};

    /// Every instruction set computes the same outputs, up to the rounding of
    /// sums in another order: sums of up to 8·784 terms, relative to the
    /// largest result.
    fn agree(graph: &Graph, fill: impl Fn(&mut Executor)) {
        let archs: Vec<Arch> = [
            Some(Arch::Scalar),
            pulp::x86::V3::try_new().map(Arch::V3),
            pulp::x86::V4::try_new().map(Arch::V4),
        ]
        .into_iter()
        .flatten()
        .collect();
        let mut reference: Option<Vec<Vec<f32>>> = None;
        for arch in archs {
            let mut e = Executor::on(arch, graph, &Options { threads: 2 }).unwrap();
            fill(&mut e);
            e.run().unwrap();
            let outputs: Vec<Vec<f32>> =
                (0..graph.outputs.len()).map(|o| e.output(o).to_vec()).collect();
            let reference = reference.get_or_insert_with(|| outputs.clone());
            for ((a, b), o) in reference.iter().zip(&outputs).zip(&graph.outputs) {
                let scale = a.iter().fold(0f32, |m, x| m.max(x.abs()));
                let distance = a.iter().zip(b).fold(0f32, |m, (a, b)| m.max((a - b).abs()));
                assert!(distance <= 1e-4 * scale, "`{}` on {arch:?}: {distance:e}", o.name);
            }
        }
    }

    fn spread(data: &mut [f32]) {
        data.iter_mut().enumerate().for_each(|(i, x)| *x = ((i * 7919) % 97) as f32 / 970.0);
    }

    #[test]
    fn instruction_sets_agree_on_a_train_step() {
        let network = cotangent_zoo::find("mnist-cnn").unwrap().spec().network().unwrap();
        let graph = cotangent_step::train(&network, 8, &"momentum".parse().unwrap()).unwrap();
        let weights = cotangent_net::initialize(&network, 1);
        agree(&graph, |e| {
            let mut weights = weights.iter();
            for (k, input) in graph.inputs.iter().enumerate() {
                match input.role {
                    Role::Param => e.input_mut(k).copy_from_slice(weights.next().unwrap()),
                    Role::State => {}
                    _ => spread(e.input_mut(k)),
                }
            }
        });
    }

    #[test]
    fn instruction_sets_agree_on_the_vocabulary() {
        let mut b = Builder::new();
        let image = [4, 9, 9, 37];
        let x = b.input("x", Role::Data, TensorType::real(image)).unwrap();
        let k = b.input("k", Role::Data, TensorType::real([3, 3, 1, 37])).unwrap();
        let dims = ConvDims {
            strides: vec![1, 1],
            padding: vec![(1, 1), (1, 1)],
            dilation: vec![1, 1],
            groups: 37,
        };
        let y = b.push(Op::Conv(dims.clone()), &[x, k]).unwrap();
        let dx = Op::ConvInputGrad { dims: dims.clone(), input: vec![9, 9] };
        let mut outputs = vec![
            y,
            b.push(dx, &[y, k]).unwrap(),
            b.push(Op::ConvKernelGrad { dims, kernel: vec![3, 3] }, &[x, y]).unwrap(),
            b.push(Op::Softmax, &[y]).unwrap(),
        ];
        for dims in [vec![0, 1, 2], vec![3], vec![1, 2]] {
            let op = Op::Normalize { dims: dims.clone(), eps: Rational::integer(1) };
            outputs.push(b.push(op, &[y]).unwrap());
            outputs.push(b.push(Op::Variance { dims }, &[y]).unwrap());
        }
        let z = b.push(Op::Normalize { dims: vec![3], eps: Rational::integer(1) }, &[y]).unwrap();
        let elu = Op::Elu { alpha: Rational::integer(1) };
        for op in [Op::Tanh, Op::Logistic, Op::Erf, Op::ErfGrad, Op::Softplus, elu, Op::Abs] {
            outputs.push(b.push(op, &[z]).unwrap());
        }
        for (k, &v) in outputs.iter().enumerate() {
            b.output(format!("y{k}"), Role::Logits, v);
        }
        agree(&b.finish().unwrap(), |e| (0..2).for_each(|k| spread(e.input_mut(k))));
    }
}
