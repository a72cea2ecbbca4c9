module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x3xi1> {cotangent.name = "a", cotangent.role = "data"}, %arg1: tensor<2x3xf32> {cotangent.name = "b", cotangent.role = "data"}, %arg2: tensor<2x3xf32> {cotangent.name = "c", cotangent.role = "data"}) -> (tensor<2x3xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = stablehlo.select %arg0, %arg1, %arg2 : tensor<2x3xi1>, tensor<2x3xf32>
    return %0 : tensor<2x3xf32>
  }
}
