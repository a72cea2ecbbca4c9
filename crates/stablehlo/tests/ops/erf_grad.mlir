module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x3xf32> {cotangent.name = "a", cotangent.role = "data"}) -> (tensor<2x3xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = call @erf_grad(%arg0) : (tensor<2x3xf32>) -> tensor<2x3xf32>
    return %0 : tensor<2x3xf32>
  }
  func.func private @erf_grad(%arg0: tensor<2x3xf32>) -> tensor<2x3xf32> {
    %0 = stablehlo.constant dense<1.0> : tensor<2x3xf32>
    %1 = stablehlo.atan2 %0, %0 : tensor<2x3xf32>
    %2 = stablehlo.rsqrt %1 : tensor<2x3xf32>
    %3 = stablehlo.multiply %arg0, %arg0 : tensor<2x3xf32>
    %4 = stablehlo.negate %3 : tensor<2x3xf32>
    %5 = stablehlo.exponential %4 : tensor<2x3xf32>
    %6 = stablehlo.multiply %2, %5 : tensor<2x3xf32>
    return %6 : tensor<2x3xf32>
  }
}
