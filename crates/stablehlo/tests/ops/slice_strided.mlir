module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<5x2x9xf32> {cotangent.name = "a", cotangent.role = "data"}) -> (tensor<2x1x3xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = stablehlo.slice %arg0 [1:5:2, 0:1, 2:9:3] : (tensor<5x2x9xf32>) -> tensor<2x1x3xf32>
    return %0 : tensor<2x1x3xf32>
  }
}
