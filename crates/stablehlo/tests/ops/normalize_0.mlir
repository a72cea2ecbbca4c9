module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x3x4x5xf32> {cotangent.name = "a", cotangent.role = "data"}) -> (tensor<2x3x4x5xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = call @normalize(%arg0) : (tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
    return %0 : tensor<2x3x4x5xf32>
  }
  func.func private @normalize(%arg0: tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32> {
    %0 = stablehlo.constant dense<0.0> : tensor<f32>
    %1 = stablehlo.reduce(%arg0 init: %0) applies stablehlo.add across dimensions = [0, 1, 2] : (tensor<2x3x4x5xf32>, tensor<f32>) -> tensor<5xf32>
    %2 = stablehlo.constant dense<24.0> : tensor<5xf32>
    %3 = stablehlo.divide %1, %2 : tensor<5xf32>
    %4 = stablehlo.broadcast_in_dim %3, dims = [3] : (tensor<5xf32>) -> tensor<2x3x4x5xf32>
    %5 = stablehlo.subtract %arg0, %4 : tensor<2x3x4x5xf32>
    %6 = stablehlo.multiply %5, %5 : tensor<2x3x4x5xf32>
    %7 = stablehlo.constant dense<0.0> : tensor<f32>
    %8 = stablehlo.reduce(%6 init: %7) applies stablehlo.add across dimensions = [0, 1, 2] : (tensor<2x3x4x5xf32>, tensor<f32>) -> tensor<5xf32>
    %9 = stablehlo.divide %8, %2 : tensor<5xf32>
    %10 = stablehlo.constant dense<0x3727C5AC> : tensor<5xf32>
    %11 = stablehlo.add %9, %10 : tensor<5xf32>
    %12 = stablehlo.rsqrt %11 : tensor<5xf32>
    %13 = stablehlo.broadcast_in_dim %12, dims = [3] : (tensor<5xf32>) -> tensor<2x3x4x5xf32>
    %14 = stablehlo.multiply %5, %13 : tensor<2x3x4x5xf32>
    return %14 : tensor<2x3x4x5xf32>
  }
}
