module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x3x4x5xf32> {cotangent.name = "a", cotangent.role = "data"}, %arg1: tensor<4x2x6x3xf32> {cotangent.name = "b", cotangent.role = "data"}) -> (tensor<2x5x6xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = stablehlo.dot_general %arg0, %arg1, batching_dims = [0] x [1], contracting_dims = [2, 1] x [0, 3] : (tensor<2x3x4x5xf32>, tensor<4x2x6x3xf32>) -> tensor<2x5x6xf32>
    return %0 : tensor<2x5x6xf32>
  }
}
