module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x3xf32> {cotangent.name = "a", cotangent.role = "data"}) -> (tensor<2x3xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = call @elu(%arg0) : (tensor<2x3xf32>) -> tensor<2x3xf32>
    return %0 : tensor<2x3xf32>
  }
  func.func private @elu(%arg0: tensor<2x3xf32>) -> tensor<2x3xf32> {
    %0 = stablehlo.constant dense<0.0> : tensor<2x3xf32>
    %1 = stablehlo.compare GT, %arg0, %0, FLOAT : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xi1>
    %2 = stablehlo.minimum %arg0, %0 : tensor<2x3xf32>
    %3 = stablehlo.exponential_minus_one %2 : tensor<2x3xf32>
    %4 = stablehlo.constant dense<0x3DCCCCCD> : tensor<2x3xf32>
    %5 = stablehlo.multiply %4, %3 : tensor<2x3xf32>
    %6 = stablehlo.select %1, %arg0, %5 : tensor<2x3xi1>, tensor<2x3xf32>
    return %6 : tensor<2x3xf32>
  }
}
