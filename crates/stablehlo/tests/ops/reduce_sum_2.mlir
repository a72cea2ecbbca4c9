module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x3x4xf32> {cotangent.name = "a", cotangent.role = "data"}) -> (tensor<3xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = stablehlo.constant dense<0.0> : tensor<f32>
    %1 = stablehlo.reduce(%arg0 init: %0) applies stablehlo.add across dimensions = [0, 2] : (tensor<2x3x4xf32>, tensor<f32>) -> tensor<3xf32>
    return %1 : tensor<3xf32>
  }
}
