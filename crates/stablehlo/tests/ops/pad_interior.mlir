module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<3x2x1xf32> {cotangent.name = "a", cotangent.role = "data"}) -> (tensor<8x6x1xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = stablehlo.constant dense<0.0> : tensor<f32>
    %1 = stablehlo.pad %arg0, %0, low = [1, 0, 0], high = [0, 3, 0], interior = [2, 1, 4] : (tensor<3x2x1xf32>, tensor<f32>) -> tensor<8x6x1xf32>
    return %1 : tensor<8x6x1xf32>
  }
}
