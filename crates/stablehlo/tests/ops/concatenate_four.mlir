module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x3x1xf32> {cotangent.name = "a", cotangent.role = "data"}, %arg1: tensor<2x1x1xf32> {cotangent.name = "b", cotangent.role = "data"}, %arg2: tensor<2x3x1xf32> {cotangent.name = "c", cotangent.role = "data"}, %arg3: tensor<2x2x1xf32> {cotangent.name = "d", cotangent.role = "data"}) -> (tensor<2x9x1xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = stablehlo.concatenate %arg0, %arg1, %arg2, %arg3, dim = 1 : (tensor<2x3x1xf32>, tensor<2x1x1xf32>, tensor<2x3x1xf32>, tensor<2x2x1xf32>) -> tensor<2x9x1xf32>
    return %0 : tensor<2x9x1xf32>
  }
}
