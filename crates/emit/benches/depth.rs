//! What a train step costs to make, by the number of its blocks: elaboration,
//! differentiation and the update, printing. All are linear, so the blocks a
//! second that Criterion reports stay what they are from 10 to 1,000.
//!
//! `cargo bench -p cotangent-emit`

use cotangent_emit::program;
use cotangent_graph::Precision;
use cotangent_net::NetSpec;
use cotangent_net::layers::BasicBlock;
use cotangent_stablehlo::What;
use cotangent_step::StepOptions;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;

const BLOCKS: [usize; 5] = [10, 32, 100, 316, 1000];

fn spec(blocks: usize) -> NetSpec {
    let image = NetSpec::new("blocks", [8, 8, 16]);
    let body = (0..blocks).fold(image, |net, _| net.layer(BasicBlock::new(16)));
    body.global_avg_pool().dense(10)
}

fn depth(criterion: &mut Criterion) {
    let options: StepOptions = "adamw".parse().expect("an optimiser of ours");
    let step = |blocks| {
        let net = spec(blocks).network().expect("a network");
        program(&net, What::Train, 32, &options, Precision::F32).expect("a step")
    };
    for stage in ["elaborate", "differentiate", "print"] {
        let mut group = criterion.benchmark_group(stage);
        for blocks in BLOCKS {
            group.throughput(Throughput::Elements(blocks as u64)).sample_size(10);
            let id = BenchmarkId::from_parameter(blocks);
            match stage {
                "elaborate" => group.bench_with_input(id, &spec(blocks), |b, spec| {
                    b.iter(|| black_box(spec.network().expect("a network")))
                }),
                "differentiate" => {
                    let net = spec(blocks).network().expect("a network");
                    group.bench_with_input(id, &net, |b, net| {
                        b.iter(|| {
                            let step = program(net, What::Train, 32, &options, Precision::F32);
                            black_box(step.expect("a step"))
                        })
                    })
                }
                _ => group.bench_with_input(id, &step(blocks), |b, step| {
                    b.iter(|| black_box(step.to_text().expect("a text")))
                }),
            };
        }
        group.finish();
    }
}

criterion_group!(benches, depth);
criterion_main!(benches);
