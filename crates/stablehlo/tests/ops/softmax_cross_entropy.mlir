module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x3xf32> {cotangent.name = "a", cotangent.role = "data"}, %arg1: tensor<2x3xf32> {cotangent.name = "b", cotangent.role = "data"}) -> (tensor<f32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = call @softmax_cross_entropy(%arg0, %arg1) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<f32>
    return %0 : tensor<f32>
  }
  func.func private @softmax_cross_entropy(%arg0: tensor<2x3xf32>, %arg1: tensor<2x3xf32>) -> tensor<f32> {
    %0 = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %1 = stablehlo.reduce(%arg0 init: %0) applies stablehlo.maximum across dimensions = [1] : (tensor<2x3xf32>, tensor<f32>) -> tensor<2xf32>
    %2 = stablehlo.broadcast_in_dim %1, dims = [0] : (tensor<2xf32>) -> tensor<2x3xf32>
    %3 = stablehlo.subtract %arg0, %2 : tensor<2x3xf32>
    %4 = stablehlo.exponential %3 : tensor<2x3xf32>
    %5 = stablehlo.constant dense<0.0> : tensor<f32>
    %6 = stablehlo.reduce(%4 init: %5) applies stablehlo.add across dimensions = [1] : (tensor<2x3xf32>, tensor<f32>) -> tensor<2xf32>
    %7 = stablehlo.log %6 : tensor<2xf32>
    %8 = stablehlo.broadcast_in_dim %7, dims = [0] : (tensor<2xf32>) -> tensor<2x3xf32>
    %9 = stablehlo.subtract %3, %8 : tensor<2x3xf32>
    %10 = stablehlo.multiply %arg1, %9 : tensor<2x3xf32>
    %11 = stablehlo.constant dense<0.0> : tensor<f32>
    %12 = stablehlo.reduce(%10 init: %11) applies stablehlo.add across dimensions = [0, 1] : (tensor<2x3xf32>, tensor<f32>) -> tensor<f32>
    %13 = stablehlo.constant dense<2.0> : tensor<f32>
    %14 = stablehlo.divide %12, %13 : tensor<f32>
    %15 = stablehlo.negate %14 : tensor<f32>
    return %15 : tensor<f32>
  }
}
