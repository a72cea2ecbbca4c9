// ----- abs.mlir
module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x3xf32> {cotangent.name = "a", cotangent.role = "data"}) -> (tensor<2x3xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = stablehlo.abs %arg0 : tensor<2x3xf32>
    return %0 : tensor<2x3xf32>
  }
}
// ----- add.mlir
module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x3xf32> {cotangent.name = "a", cotangent.role = "data"}, %arg1: tensor<2x3xf32> {cotangent.name = "b", cotangent.role = "data"}) -> (tensor<2x3xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = stablehlo.add %arg0, %arg1 : tensor<2x3xf32>
    return %0 : tensor<2x3xf32>
  }
}
// ----- broadcast_in_dim_middle.mlir
module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<3xf32> {cotangent.name = "a", cotangent.role = "data"}) -> (tensor<2x3x4xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = stablehlo.broadcast_in_dim %arg0, dims = [1] : (tensor<3xf32>) -> tensor<2x3x4xf32>
    return %0 : tensor<2x3x4xf32>
  }
}
// ----- broadcast_in_dim_scalar.mlir
module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<f32> {cotangent.name = "a", cotangent.role = "data"}) -> (tensor<2x3xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = stablehlo.broadcast_in_dim %arg0, dims = [] : (tensor<f32>) -> tensor<2x3xf32>
    return %0 : tensor<2x3xf32>
  }
}
// ----- clamp.mlir
module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x3xf32> {cotangent.name = "a", cotangent.role = "data"}) -> (tensor<2x3xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = call @clamp(%arg0) : (tensor<2x3xf32>) -> tensor<2x3xf32>
    return %0 : tensor<2x3xf32>
  }
  func.func private @clamp(%arg0: tensor<2x3xf32>) -> tensor<2x3xf32> {
    %cst = stablehlo.constant dense<0.000000e+00> : tensor<2x3xf32>
    %0 = stablehlo.maximum %arg0, %cst : tensor<2x3xf32>
    %cst_0 = stablehlo.constant dense<6.000000e+00> : tensor<2x3xf32>
    %1 = stablehlo.minimum %0, %cst_0 : tensor<2x3xf32>
    return %1 : tensor<2x3xf32>
  }
}
// ----- compare_eq.mlir
module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x3xf32> {cotangent.name = "a", cotangent.role = "data"}, %arg1: tensor<2x3xf32> {cotangent.name = "b", cotangent.role = "data"}) -> (tensor<2x3xi1> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = stablehlo.compare EQ, %arg0, %arg1, FLOAT : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xi1>
    return %0 : tensor<2x3xi1>
  }
}
// ----- compare_ge.mlir
module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x3xf32> {cotangent.name = "a", cotangent.role = "data"}, %arg1: tensor<2x3xf32> {cotangent.name = "b", cotangent.role = "data"}) -> (tensor<2x3xi1> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = stablehlo.compare GE, %arg0, %arg1, FLOAT : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xi1>
    return %0 : tensor<2x3xi1>
  }
}
// ----- compare_gt.mlir
module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x3xf32> {cotangent.name = "a", cotangent.role = "data"}, %arg1: tensor<2x3xf32> {cotangent.name = "b", cotangent.role = "data"}) -> (tensor<2x3xi1> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = stablehlo.compare GT, %arg0, %arg1, FLOAT : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xi1>
    return %0 : tensor<2x3xi1>
  }
}
// ----- concatenate_four.mlir
module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x3x1xf32> {cotangent.name = "a", cotangent.role = "data"}, %arg1: tensor<2x1x1xf32> {cotangent.name = "b", cotangent.role = "data"}, %arg2: tensor<2x3x1xf32> {cotangent.name = "c", cotangent.role = "data"}, %arg3: tensor<2x2x1xf32> {cotangent.name = "d", cotangent.role = "data"}) -> (tensor<2x9x1xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = stablehlo.concatenate %arg0, %arg1, %arg2, %arg3, dim = 1 : (tensor<2x3x1xf32>, tensor<2x1x1xf32>, tensor<2x3x1xf32>, tensor<2x2x1xf32>) -> tensor<2x9x1xf32>
    return %0 : tensor<2x9x1xf32>
  }
}
// ----- constant_half.mlir
module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main() -> (tensor<2x3xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %cst = stablehlo.constant dense<5.000000e-01> : tensor<2x3xf32>
    return %cst : tensor<2x3xf32>
  }
}
// ----- constant_tenth.mlir
module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main() -> (tensor<2x3xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %cst = stablehlo.constant dense<1.000000e-01> : tensor<2x3xf32>
    return %cst : tensor<2x3xf32>
  }
}
// ----- conv_input_grad_2.mlir
module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x3x3x4xf32> {cotangent.name = "a", cotangent.role = "data"}, %arg1: tensor<3x3x3x4xf32> {cotangent.name = "b", cotangent.role = "data"}) -> (tensor<2x6x7x3xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = call @conv_input_grad(%arg0, %arg1) : (tensor<2x3x3x4xf32>, tensor<3x3x3x4xf32>) -> tensor<2x6x7x3xf32>
    return %0 : tensor<2x6x7x3xf32>
  }
  func.func private @conv_input_grad(%arg0: tensor<2x3x3x4xf32>, %arg1: tensor<3x3x3x4xf32>) -> tensor<2x6x7x3xf32> attributes {cotangent.padding_high = array<i64: 0, 1>} {
    %0 = stablehlo.reverse %arg1, dims = [0, 1] : tensor<3x3x3x4xf32>
    %1 = stablehlo.convolution(%arg0, %0) dim_numbers = [b, 0, 1, f]x[0, 1, o, i]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 2], [2, 2]], lhs_dilate = [2, 2], rhs_dilate = [1, 1]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<2x3x3x4xf32>, tensor<3x3x3x4xf32>) -> tensor<2x6x7x3xf32>
    return %1 : tensor<2x6x7x3xf32>
  }
}
// ----- conv_input_grad_3.mlir
module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x4x5x6xf32> {cotangent.name = "a", cotangent.role = "data"}, %arg1: tensor<3x2x2x6xf32> {cotangent.name = "b", cotangent.role = "data"}) -> (tensor<2x8x7x4xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = call @conv_input_grad(%arg0, %arg1) : (tensor<2x4x5x6xf32>, tensor<3x2x2x6xf32>) -> tensor<2x8x7x4xf32>
    return %0 : tensor<2x8x7x4xf32>
  }
  func.func private @conv_input_grad(%arg0: tensor<2x4x5x6xf32>, %arg1: tensor<3x2x2x6xf32>) -> tensor<2x8x7x4xf32> attributes {cotangent.padding_high = array<i64: 1, 5>} {
    %0 = stablehlo.reverse %arg1, dims = [0, 1] : tensor<3x2x2x6xf32>
    %1 = stablehlo.reshape %0 : (tensor<3x2x2x6xf32>) -> tensor<3x2x2x2x3xf32>
    %2 = stablehlo.transpose %1, dims = [0, 1, 4, 3, 2] : (tensor<3x2x2x2x3xf32>) -> tensor<3x2x3x2x2xf32>
    %3 = stablehlo.reshape %2 : (tensor<3x2x3x2x2xf32>) -> tensor<3x2x3x4xf32>
    %4 = stablehlo.convolution(%arg0, %3) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[2, 3], [-3, -2]], lhs_dilate = [2, 3], rhs_dilate = [2, 1]} {batch_group_count = 1 : i64, feature_group_count = 2 : i64} : (tensor<2x4x5x6xf32>, tensor<3x2x3x4xf32>) -> tensor<2x8x7x4xf32>
    return %4 : tensor<2x8x7x4xf32>
  }
}
// ----- conv_kernel_grad_2.mlir
module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x6x7x3xf32> {cotangent.name = "a", cotangent.role = "data"}, %arg1: tensor<2x3x3x4xf32> {cotangent.name = "b", cotangent.role = "data"}) -> (tensor<3x3x3x4xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = call @conv_kernel_grad(%arg0, %arg1) : (tensor<2x6x7x3xf32>, tensor<2x3x3x4xf32>) -> tensor<3x3x3x4xf32>
    return %0 : tensor<3x3x3x4xf32>
  }
  func.func private @conv_kernel_grad(%arg0: tensor<2x6x7x3xf32>, %arg1: tensor<2x3x3x4xf32>) -> tensor<3x3x3x4xf32> attributes {cotangent.padding_high = array<i64: 0, 1>} {
    %0 = stablehlo.convolution(%arg0, %arg1) dim_numbers = [f, 0, 1, b]x[i, 0, 1, o]->[0, 1, b, f], window = {stride = [1, 1], pad = [[1, 0], [0, 0]], lhs_dilate = [1, 1], rhs_dilate = [2, 2]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<2x6x7x3xf32>, tensor<2x3x3x4xf32>) -> tensor<3x3x3x4xf32>
    return %0 : tensor<3x3x3x4xf32>
  }
}
// ----- conv_kernel_grad_3.mlir
module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x8x7x4xf32> {cotangent.name = "a", cotangent.role = "data"}, %arg1: tensor<2x4x5x6xf32> {cotangent.name = "b", cotangent.role = "data"}) -> (tensor<3x2x2x6xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = call @conv_kernel_grad(%arg0, %arg1) : (tensor<2x8x7x4xf32>, tensor<2x4x5x6xf32>) -> tensor<3x2x2x6xf32>
    return %0 : tensor<3x2x2x6xf32>
  }
  func.func private @conv_kernel_grad(%arg0: tensor<2x8x7x4xf32>, %arg1: tensor<2x4x5x6xf32>) -> tensor<3x2x2x6xf32> attributes {cotangent.padding_high = array<i64: 1, 5>} {
    %0 = stablehlo.convolution(%arg0, %arg1) dim_numbers = [f, 0, 1, b]x[i, 0, 1, o]->[0, 1, b, f], window = {stride = [2, 1], pad = [[2, 1], [4, 3]], lhs_dilate = [1, 1], rhs_dilate = [2, 3]} {batch_group_count = 2 : i64, feature_group_count = 1 : i64} : (tensor<2x8x7x4xf32>, tensor<2x4x5x6xf32>) -> tensor<3x2x2x6xf32>
    return %0 : tensor<3x2x2x6xf32>
  }
}
// ----- convolution_2.mlir
module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x6x7x3xf32> {cotangent.name = "a", cotangent.role = "data"}, %arg1: tensor<3x3x3x4xf32> {cotangent.name = "b", cotangent.role = "data"}) -> (tensor<2x3x3x4xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = stablehlo.convolution(%arg0, %arg1) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {stride = [2, 2], pad = [[1, 0], [0, 1]], lhs_dilate = [1, 1], rhs_dilate = [1, 1]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<2x6x7x3xf32>, tensor<3x3x3x4xf32>) -> tensor<2x3x3x4xf32>
    return %0 : tensor<2x3x3x4xf32>
  }
}
// ----- convolution_4.mlir
module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x6x6x4xf32> {cotangent.name = "a", cotangent.role = "data"}, %arg1: tensor<3x3x1x4xf32> {cotangent.name = "b", cotangent.role = "data"}) -> (tensor<2x3x4x4xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = stablehlo.convolution(%arg0, %arg1) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {stride = [2, 1], pad = [[1, 1], [1, 1]], lhs_dilate = [1, 1], rhs_dilate = [1, 2]} {batch_group_count = 1 : i64, feature_group_count = 4 : i64} : (tensor<2x6x6x4xf32>, tensor<3x3x1x4xf32>) -> tensor<2x3x4x4xf32>
    return %0 : tensor<2x3x4x4xf32>
  }
}
// ----- divide.mlir
module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x3xf32> {cotangent.name = "a", cotangent.role = "data"}, %arg1: tensor<2x3xf32> {cotangent.name = "b", cotangent.role = "data"}) -> (tensor<2x3xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = stablehlo.divide %arg0, %arg1 : tensor<2x3xf32>
    return %0 : tensor<2x3xf32>
  }
}
// ----- dot_general_batched.mlir
module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x3x4x5xf32> {cotangent.name = "a", cotangent.role = "data"}, %arg1: tensor<4x2x6x3xf32> {cotangent.name = "b", cotangent.role = "data"}) -> (tensor<2x5x6xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = stablehlo.dot_general %arg0, %arg1, batching_dims = [0] x [1], contracting_dims = [2, 1] x [0, 3] : (tensor<2x3x4x5xf32>, tensor<4x2x6x3xf32>) -> tensor<2x5x6xf32>
    return %0 : tensor<2x5x6xf32>
  }
}
// ----- dot_general_matmul.mlir
module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x3xf32> {cotangent.name = "a", cotangent.role = "data"}, %arg1: tensor<3x4xf32> {cotangent.name = "b", cotangent.role = "data"}) -> (tensor<2x4xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = stablehlo.dot_general %arg0, %arg1, contracting_dims = [1] x [0] : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
    return %0 : tensor<2x4xf32>
  }
}
// ----- elu_tenth.mlir
module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x3xf32> {cotangent.name = "a", cotangent.role = "data"}) -> (tensor<2x3xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = call @elu(%arg0) : (tensor<2x3xf32>) -> tensor<2x3xf32>
    return %0 : tensor<2x3xf32>
  }
  func.func private @elu(%arg0: tensor<2x3xf32>) -> tensor<2x3xf32> {
    %cst = stablehlo.constant dense<0.000000e+00> : tensor<2x3xf32>
    %0 = stablehlo.compare GT, %arg0, %cst, FLOAT : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xi1>
    %1 = stablehlo.minimum %arg0, %cst : tensor<2x3xf32>
    %2 = stablehlo.exponential_minus_one %1 : tensor<2x3xf32>
    %cst_0 = stablehlo.constant dense<1.000000e-01> : tensor<2x3xf32>
    %3 = stablehlo.multiply %cst_0, %2 : tensor<2x3xf32>
    %4 = stablehlo.select %0, %arg0, %3 : tensor<2x3xi1>, tensor<2x3xf32>
    return %4 : tensor<2x3xf32>
  }
}
// ----- erf.mlir
module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x3xf32> {cotangent.name = "a", cotangent.role = "data"}) -> (tensor<2x3xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = chlo.erf %arg0 : tensor<2x3xf32> -> tensor<2x3xf32>
    return %0 : tensor<2x3xf32>
  }
}
// ----- erf_grad.mlir
module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x3xf32> {cotangent.name = "a", cotangent.role = "data"}) -> (tensor<2x3xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = call @erf_grad(%arg0) : (tensor<2x3xf32>) -> tensor<2x3xf32>
    return %0 : tensor<2x3xf32>
  }
  func.func private @erf_grad(%arg0: tensor<2x3xf32>) -> tensor<2x3xf32> {
    %cst = stablehlo.constant dense<1.000000e+00> : tensor<2x3xf32>
    %0 = stablehlo.atan2 %cst, %cst : tensor<2x3xf32>
    %1 = stablehlo.rsqrt %0 : tensor<2x3xf32>
    %2 = stablehlo.multiply %arg0, %arg0 : tensor<2x3xf32>
    %3 = stablehlo.negate %2 : tensor<2x3xf32>
    %4 = stablehlo.exponential %3 : tensor<2x3xf32>
    %5 = stablehlo.multiply %1, %4 : tensor<2x3xf32>
    return %5 : tensor<2x3xf32>
  }
}
// ----- exponential.mlir
module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x3xf32> {cotangent.name = "a", cotangent.role = "data"}) -> (tensor<2x3xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = stablehlo.exponential %arg0 : tensor<2x3xf32>
    return %0 : tensor<2x3xf32>
  }
}
// ----- log.mlir
module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x3xf32> {cotangent.name = "a", cotangent.role = "data"}) -> (tensor<2x3xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = stablehlo.log %arg0 : tensor<2x3xf32>
    return %0 : tensor<2x3xf32>
  }
}
// ----- logistic.mlir
module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x3xf32> {cotangent.name = "a", cotangent.role = "data"}) -> (tensor<2x3xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = stablehlo.logistic %arg0 : tensor<2x3xf32>
    return %0 : tensor<2x3xf32>
  }
}
// ----- max_pool_1.f64.mlir
module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x6x5x2xf64> {cotangent.name = "a", cotangent.role = "data"}) -> (tensor<2x3x2x2xf64> {cotangent.name = "result", cotangent.role = "logits"}) {
    %cst = stablehlo.constant dense<0xFFF0000000000000> : tensor<f64>
    %0 = "stablehlo.reduce_window"(%arg0, %cst) <{padding = dense<[[0, 0], [1, 1], [1, 0], [0, 0]]> : tensor<4x2xi64>, window_dimensions = array<i64: 1, 3, 3, 1>, window_strides = array<i64: 1, 2, 2, 1>}> ({
    ^bb0(%arg1: tensor<f64>, %arg2: tensor<f64>):
      %1 = stablehlo.maximum %arg1, %arg2 : tensor<f64>
      stablehlo.return %1 : tensor<f64>
    }) : (tensor<2x6x5x2xf64>, tensor<f64>) -> tensor<2x3x2x2xf64>
    return %0 : tensor<2x3x2x2xf64>
  }
}
// ----- max_pool_1.mlir
module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x6x5x2xf32> {cotangent.name = "a", cotangent.role = "data"}) -> (tensor<2x3x2x2xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %cst = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %0 = "stablehlo.reduce_window"(%arg0, %cst) <{padding = dense<[[0, 0], [1, 1], [1, 0], [0, 0]]> : tensor<4x2xi64>, window_dimensions = array<i64: 1, 3, 3, 1>, window_strides = array<i64: 1, 2, 2, 1>}> ({
    ^bb0(%arg1: tensor<f32>, %arg2: tensor<f32>):
      %1 = stablehlo.maximum %arg1, %arg2 : tensor<f32>
      stablehlo.return %1 : tensor<f32>
    }) : (tensor<2x6x5x2xf32>, tensor<f32>) -> tensor<2x3x2x2xf32>
    return %0 : tensor<2x3x2x2xf32>
  }
}
// ----- max_pool_grad_3.mlir
module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<3x5x4xf32> {cotangent.name = "a", cotangent.role = "data"}, %arg1: tensor<2x3x2xf32> {cotangent.name = "b", cotangent.role = "data"}) -> (tensor<3x5x4xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = call @max_pool_grad(%arg0, %arg1) : (tensor<3x5x4xf32>, tensor<2x3x2xf32>) -> tensor<3x5x4xf32>
    return %0 : tensor<3x5x4xf32>
  }
  func.func private @max_pool_grad(%arg0: tensor<3x5x4xf32>, %arg1: tensor<2x3x2xf32>) -> tensor<3x5x4xf32> {
    %cst = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %0 = stablehlo.pad %arg0, %cst, low = [0, 0, 0], high = [0, 0, 0], interior = [0, 0, 0] : (tensor<3x5x4xf32>, tensor<f32>) -> tensor<3x5x4xf32>
    %1 = stablehlo.slice %0 [0:2, 0:5:2, 0:4:3] : (tensor<3x5x4xf32>) -> tensor<2x3x2xf32>
    %cst_0 = stablehlo.constant dense<0.000000e+00> : tensor<2x3x2xf32>
    %2 = stablehlo.slice %0 [1:3, 0:5:2, 0:4:3] : (tensor<3x5x4xf32>) -> tensor<2x3x2xf32>
    %cst_1 = stablehlo.constant dense<1.000000e+00> : tensor<2x3x2xf32>
    %3 = stablehlo.compare GT, %2, %1, FLOAT : (tensor<2x3x2xf32>, tensor<2x3x2xf32>) -> tensor<2x3x2xi1>
    %4 = stablehlo.select %3, %2, %1 : tensor<2x3x2xi1>, tensor<2x3x2xf32>
    %5 = stablehlo.select %3, %cst_1, %cst_0 : tensor<2x3x2xi1>, tensor<2x3x2xf32>
    %cst_2 = stablehlo.constant dense<0.000000e+00> : tensor<2x3x2xf32>
    %6 = stablehlo.compare EQ, %5, %cst_0, FLOAT : (tensor<2x3x2xf32>, tensor<2x3x2xf32>) -> tensor<2x3x2xi1>
    %7 = stablehlo.select %6, %arg1, %cst_2 : tensor<2x3x2xi1>, tensor<2x3x2xf32>
    %cst_3 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %8 = stablehlo.pad %7, %cst_3, low = [0, 0, 0], high = [1, 0, 0], interior = [0, 1, 2] : (tensor<2x3x2xf32>, tensor<f32>) -> tensor<3x5x4xf32>
    %9 = stablehlo.compare EQ, %5, %cst_1, FLOAT : (tensor<2x3x2xf32>, tensor<2x3x2xf32>) -> tensor<2x3x2xi1>
    %10 = stablehlo.select %9, %arg1, %cst_2 : tensor<2x3x2xi1>, tensor<2x3x2xf32>
    %cst_4 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %11 = stablehlo.pad %10, %cst_4, low = [1, 0, 0], high = [0, 0, 0], interior = [0, 1, 2] : (tensor<2x3x2xf32>, tensor<f32>) -> tensor<3x5x4xf32>
    %12 = stablehlo.add %8, %11 : tensor<3x5x4xf32>
    %13 = stablehlo.slice %12 [0:3, 0:5, 0:4] : (tensor<3x5x4xf32>) -> tensor<3x5x4xf32>
    return %13 : tensor<3x5x4xf32>
  }
}
// ----- maximum.mlir
module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x3xf32> {cotangent.name = "a", cotangent.role = "data"}, %arg1: tensor<2x3xf32> {cotangent.name = "b", cotangent.role = "data"}) -> (tensor<2x3xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = stablehlo.maximum %arg0, %arg1 : tensor<2x3xf32>
    return %0 : tensor<2x3xf32>
  }
}
// ----- multiply.mlir
module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x3xf32> {cotangent.name = "a", cotangent.role = "data"}, %arg1: tensor<2x3xf32> {cotangent.name = "b", cotangent.role = "data"}) -> (tensor<2x3xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = stablehlo.multiply %arg0, %arg1 : tensor<2x3xf32>
    return %0 : tensor<2x3xf32>
  }
}
// ----- negate.mlir
module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x3xf32> {cotangent.name = "a", cotangent.role = "data"}) -> (tensor<2x3xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = stablehlo.negate %arg0 : tensor<2x3xf32>
    return %0 : tensor<2x3xf32>
  }
}
// ----- normalize_0.mlir
module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x3x4x5xf32> {cotangent.name = "a", cotangent.role = "data"}) -> (tensor<2x3x4x5xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = call @normalize(%arg0) : (tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
    return %0 : tensor<2x3x4x5xf32>
  }
  func.func private @normalize(%arg0: tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32> {
    %cst = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %0 = stablehlo.reduce(%arg0 init: %cst) applies stablehlo.add across dimensions = [0, 1, 2] : (tensor<2x3x4x5xf32>, tensor<f32>) -> tensor<5xf32>
    %cst_0 = stablehlo.constant dense<2.400000e+01> : tensor<5xf32>
    %1 = stablehlo.divide %0, %cst_0 : tensor<5xf32>
    %2 = stablehlo.broadcast_in_dim %1, dims = [3] : (tensor<5xf32>) -> tensor<2x3x4x5xf32>
    %3 = stablehlo.subtract %arg0, %2 : tensor<2x3x4x5xf32>
    %4 = stablehlo.multiply %3, %3 : tensor<2x3x4x5xf32>
    %cst_1 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %5 = stablehlo.reduce(%4 init: %cst_1) applies stablehlo.add across dimensions = [0, 1, 2] : (tensor<2x3x4x5xf32>, tensor<f32>) -> tensor<5xf32>
    %6 = stablehlo.divide %5, %cst_0 : tensor<5xf32>
    %cst_2 = stablehlo.constant dense<9.99999974E-6> : tensor<5xf32>
    %7 = stablehlo.add %6, %cst_2 : tensor<5xf32>
    %8 = stablehlo.rsqrt %7 : tensor<5xf32>
    %9 = stablehlo.broadcast_in_dim %8, dims = [3] : (tensor<5xf32>) -> tensor<2x3x4x5xf32>
    %10 = stablehlo.multiply %3, %9 : tensor<2x3x4x5xf32>
    return %10 : tensor<2x3x4x5xf32>
  }
}
// ----- pad_interior.mlir
module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<3x2x1xf32> {cotangent.name = "a", cotangent.role = "data"}) -> (tensor<8x6x1xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %cst = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %0 = stablehlo.pad %arg0, %cst, low = [1, 0, 0], high = [0, 3, 0], interior = [2, 1, 4] : (tensor<3x2x1xf32>, tensor<f32>) -> tensor<8x6x1xf32>
    return %0 : tensor<8x6x1xf32>
  }
}
// ----- reduce_sum_2.mlir
module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x3x4xf32> {cotangent.name = "a", cotangent.role = "data"}) -> (tensor<3xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %cst = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %0 = stablehlo.reduce(%arg0 init: %cst) applies stablehlo.add across dimensions = [0, 2] : (tensor<2x3x4xf32>, tensor<f32>) -> tensor<3xf32>
    return %0 : tensor<3xf32>
  }
}
// ----- relu.mlir
module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x3xf32> {cotangent.name = "a", cotangent.role = "data"}) -> (tensor<2x3xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = call @relu(%arg0) : (tensor<2x3xf32>) -> tensor<2x3xf32>
    return %0 : tensor<2x3xf32>
  }
  func.func private @relu(%arg0: tensor<2x3xf32>) -> tensor<2x3xf32> {
    %cst = stablehlo.constant dense<0.000000e+00> : tensor<2x3xf32>
    %0 = stablehlo.maximum %arg0, %cst : tensor<2x3xf32>
    return %0 : tensor<2x3xf32>
  }
}
// ----- reshape.mlir
module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x3x4xf32> {cotangent.name = "a", cotangent.role = "data"}) -> (tensor<6x4xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = stablehlo.reshape %arg0 : (tensor<2x3x4xf32>) -> tensor<6x4xf32>
    return %0 : tensor<6x4xf32>
  }
}
// ----- rsqrt.mlir
module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x3xf32> {cotangent.name = "a", cotangent.role = "data"}) -> (tensor<2x3xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = stablehlo.rsqrt %arg0 : tensor<2x3xf32>
    return %0 : tensor<2x3xf32>
  }
}
// ----- select.mlir
module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x3xi1> {cotangent.name = "a", cotangent.role = "data"}, %arg1: tensor<2x3xf32> {cotangent.name = "b", cotangent.role = "data"}, %arg2: tensor<2x3xf32> {cotangent.name = "c", cotangent.role = "data"}) -> (tensor<2x3xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = stablehlo.select %arg0, %arg1, %arg2 : tensor<2x3xi1>, tensor<2x3xf32>
    return %0 : tensor<2x3xf32>
  }
}
// ----- slice_strided.mlir
module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<5x2x9xf32> {cotangent.name = "a", cotangent.role = "data"}) -> (tensor<2x1x3xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = stablehlo.slice %arg0 [1:5:2, 0:1, 2:9:3] : (tensor<5x2x9xf32>) -> tensor<2x1x3xf32>
    return %0 : tensor<2x1x3xf32>
  }
}
// ----- softmax.mlir
module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x3xf32> {cotangent.name = "a", cotangent.role = "data"}) -> (tensor<2x3xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = call @softmax(%arg0) : (tensor<2x3xf32>) -> tensor<2x3xf32>
    return %0 : tensor<2x3xf32>
  }
  func.func private @softmax(%arg0: tensor<2x3xf32>) -> tensor<2x3xf32> {
    %cst = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %0 = stablehlo.reduce(%arg0 init: %cst) applies stablehlo.maximum across dimensions = [1] : (tensor<2x3xf32>, tensor<f32>) -> tensor<2xf32>
    %1 = stablehlo.broadcast_in_dim %0, dims = [0] : (tensor<2xf32>) -> tensor<2x3xf32>
    %2 = stablehlo.subtract %arg0, %1 : tensor<2x3xf32>
    %3 = stablehlo.exponential %2 : tensor<2x3xf32>
    %cst_0 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %4 = stablehlo.reduce(%3 init: %cst_0) applies stablehlo.add across dimensions = [1] : (tensor<2x3xf32>, tensor<f32>) -> tensor<2xf32>
    %5 = stablehlo.broadcast_in_dim %4, dims = [0] : (tensor<2xf32>) -> tensor<2x3xf32>
    %6 = stablehlo.divide %3, %5 : tensor<2x3xf32>
    return %6 : tensor<2x3xf32>
  }
}
// ----- softmax_cross_entropy.mlir
module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x3xf32> {cotangent.name = "a", cotangent.role = "data"}, %arg1: tensor<2x3xf32> {cotangent.name = "b", cotangent.role = "data"}) -> (tensor<f32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = call @softmax_cross_entropy(%arg0, %arg1) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<f32>
    return %0 : tensor<f32>
  }
  func.func private @softmax_cross_entropy(%arg0: tensor<2x3xf32>, %arg1: tensor<2x3xf32>) -> tensor<f32> {
    %cst = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %0 = stablehlo.reduce(%arg0 init: %cst) applies stablehlo.maximum across dimensions = [1] : (tensor<2x3xf32>, tensor<f32>) -> tensor<2xf32>
    %1 = stablehlo.broadcast_in_dim %0, dims = [0] : (tensor<2xf32>) -> tensor<2x3xf32>
    %2 = stablehlo.subtract %arg0, %1 : tensor<2x3xf32>
    %3 = stablehlo.exponential %2 : tensor<2x3xf32>
    %cst_0 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %4 = stablehlo.reduce(%3 init: %cst_0) applies stablehlo.add across dimensions = [1] : (tensor<2x3xf32>, tensor<f32>) -> tensor<2xf32>
    %5 = stablehlo.log %4 : tensor<2xf32>
    %6 = stablehlo.broadcast_in_dim %5, dims = [0] : (tensor<2xf32>) -> tensor<2x3xf32>
    %7 = stablehlo.subtract %2, %6 : tensor<2x3xf32>
    %8 = stablehlo.multiply %arg1, %7 : tensor<2x3xf32>
    %cst_1 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %9 = stablehlo.reduce(%8 init: %cst_1) applies stablehlo.add across dimensions = [0, 1] : (tensor<2x3xf32>, tensor<f32>) -> tensor<f32>
    %cst_2 = stablehlo.constant dense<2.000000e+00> : tensor<f32>
    %10 = stablehlo.divide %9, %cst_2 : tensor<f32>
    %11 = stablehlo.negate %10 : tensor<f32>
    return %11 : tensor<f32>
  }
}
// ----- softplus.mlir
module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x3xf32> {cotangent.name = "a", cotangent.role = "data"}) -> (tensor<2x3xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = call @softplus(%arg0) : (tensor<2x3xf32>) -> tensor<2x3xf32>
    return %0 : tensor<2x3xf32>
  }
  func.func private @softplus(%arg0: tensor<2x3xf32>) -> tensor<2x3xf32> {
    %cst = stablehlo.constant dense<0.000000e+00> : tensor<2x3xf32>
    %0 = stablehlo.maximum %arg0, %cst : tensor<2x3xf32>
    %1 = stablehlo.abs %arg0 : tensor<2x3xf32>
    %2 = stablehlo.negate %1 : tensor<2x3xf32>
    %3 = stablehlo.exponential %2 : tensor<2x3xf32>
    %4 = stablehlo.log_plus_one %3 : tensor<2x3xf32>
    %5 = stablehlo.add %0, %4 : tensor<2x3xf32>
    return %5 : tensor<2x3xf32>
  }
}
// ----- sqrt.mlir
module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x3xf32> {cotangent.name = "a", cotangent.role = "data"}) -> (tensor<2x3xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = stablehlo.sqrt %arg0 : tensor<2x3xf32>
    return %0 : tensor<2x3xf32>
  }
}
// ----- subtract.mlir
module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x3xf32> {cotangent.name = "a", cotangent.role = "data"}, %arg1: tensor<2x3xf32> {cotangent.name = "b", cotangent.role = "data"}) -> (tensor<2x3xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = stablehlo.subtract %arg0, %arg1 : tensor<2x3xf32>
    return %0 : tensor<2x3xf32>
  }
}
// ----- tanh.mlir
module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x3xf32> {cotangent.name = "a", cotangent.role = "data"}) -> (tensor<2x3xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = stablehlo.tanh %arg0 : tensor<2x3xf32>
    return %0 : tensor<2x3xf32>
  }
}
// ----- transpose.mlir
module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x3x4xf32> {cotangent.name = "a", cotangent.role = "data"}) -> (tensor<4x2x3xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = stablehlo.transpose %arg0, dims = [2, 0, 1] : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>
    return %0 : tensor<4x2x3xf32>
  }
}
// ----- variance_0.mlir
module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x3x4x5xf32> {cotangent.name = "a", cotangent.role = "data"}) -> (tensor<5xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = call @variance(%arg0) : (tensor<2x3x4x5xf32>) -> tensor<5xf32>
    return %0 : tensor<5xf32>
  }
  func.func private @variance(%arg0: tensor<2x3x4x5xf32>) -> tensor<5xf32> {
    %cst = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %0 = stablehlo.reduce(%arg0 init: %cst) applies stablehlo.add across dimensions = [0, 1, 2] : (tensor<2x3x4x5xf32>, tensor<f32>) -> tensor<5xf32>
    %cst_0 = stablehlo.constant dense<2.400000e+01> : tensor<5xf32>
    %1 = stablehlo.divide %0, %cst_0 : tensor<5xf32>
    %2 = stablehlo.broadcast_in_dim %1, dims = [3] : (tensor<5xf32>) -> tensor<2x3x4x5xf32>
    %3 = stablehlo.subtract %arg0, %2 : tensor<2x3x4x5xf32>
    %4 = stablehlo.multiply %3, %3 : tensor<2x3x4x5xf32>
    %cst_1 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %5 = stablehlo.reduce(%4 init: %cst_1) applies stablehlo.add across dimensions = [0, 1, 2] : (tensor<2x3x4x5xf32>, tensor<f32>) -> tensor<5xf32>
    %6 = stablehlo.divide %5, %cst_0 : tensor<5xf32>
    return %6 : tensor<5xf32>
  }
}
// ----- window_sum_1.mlir
module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x6x5x2xf32> {cotangent.name = "a", cotangent.role = "data"}) -> (tensor<2x3x2x2xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %cst = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %0 = "stablehlo.reduce_window"(%arg0, %cst) <{padding = dense<[[0, 0], [1, 1], [1, 0], [0, 0]]> : tensor<4x2xi64>, window_dimensions = array<i64: 1, 3, 3, 1>, window_strides = array<i64: 1, 2, 2, 1>}> ({
    ^bb0(%arg1: tensor<f32>, %arg2: tensor<f32>):
      %1 = stablehlo.add %arg1, %arg2 : tensor<f32>
      stablehlo.return %1 : tensor<f32>
    }) : (tensor<2x6x5x2xf32>, tensor<f32>) -> tensor<2x3x2x2xf32>
    return %0 : tensor<2x3x2x2xf32>
  }
}
// ----- window_sum_grad_1.mlir
module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x3x2x2xf32> {cotangent.name = "a", cotangent.role = "data"}) -> (tensor<2x6x5x2xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = call @window_sum_grad(%arg0) : (tensor<2x3x2x2xf32>) -> tensor<2x6x5x2xf32>
    return %0 : tensor<2x6x5x2xf32>
  }
  func.func private @window_sum_grad(%arg0: tensor<2x3x2x2xf32>) -> tensor<2x6x5x2xf32> attributes {cotangent.padding_high = array<i64: 0, 1, 0, 0>} {
    %cst = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %0 = stablehlo.pad %arg0, %cst, low = [0, 1, 1, 0], high = [0, 2, 3, 0], interior = [0, 1, 1, 0] : (tensor<2x3x2x2xf32>, tensor<f32>) -> tensor<2x8x7x2xf32>
    %cst_0 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %1 = "stablehlo.reduce_window"(%0, %cst_0) <{padding = dense<0> : tensor<4x2xi64>, window_dimensions = array<i64: 1, 3, 3, 1>, window_strides = array<i64: 1, 1, 1, 1>}> ({
    ^bb0(%arg1: tensor<f32>, %arg2: tensor<f32>):
      %2 = stablehlo.add %arg1, %arg2 : tensor<f32>
      stablehlo.return %2 : tensor<f32>
    }) : (tensor<2x8x7x2xf32>, tensor<f32>) -> tensor<2x6x5x2xf32>
    return %1 : tensor<2x6x5x2xf32>
  }
}
