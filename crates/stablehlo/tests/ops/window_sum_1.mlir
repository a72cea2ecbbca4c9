module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x6x5x2xf32> {cotangent.name = "a", cotangent.role = "data"}) -> (tensor<2x3x2x2xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = stablehlo.constant dense<0.0> : tensor<f32>
    %1 = "stablehlo.reduce_window"(%arg0, %0) <{padding = dense<[[0, 0], [1, 1], [1, 0], [0, 0]]> : tensor<4x2xi64>, window_dimensions = array<i64: 1, 3, 3, 1>, window_strides = array<i64: 1, 2, 2, 1>}> ({
    ^bb0(%a: tensor<f32>, %b: tensor<f32>):
      %r = stablehlo.add %a, %b : tensor<f32>
      stablehlo.return %r : tensor<f32>
    }) : (tensor<2x6x5x2xf32>, tensor<f32>) -> tensor<2x3x2x2xf32>
    return %1 : tensor<2x3x2x2xf32>
  }
}
