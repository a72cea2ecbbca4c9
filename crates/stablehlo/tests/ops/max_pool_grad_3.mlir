module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<3x5x4xf32> {cotangent.name = "a", cotangent.role = "data"}, %arg1: tensor<2x3x2xf32> {cotangent.name = "b", cotangent.role = "data"}) -> (tensor<3x5x4xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = call @max_pool_grad(%arg0, %arg1) : (tensor<3x5x4xf32>, tensor<2x3x2xf32>) -> tensor<3x5x4xf32>
    return %0 : tensor<3x5x4xf32>
  }
  func.func private @max_pool_grad(%arg0: tensor<3x5x4xf32>, %arg1: tensor<2x3x2xf32>) -> tensor<3x5x4xf32> {
    %0 = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %1 = stablehlo.pad %arg0, %0, low = [0, 0, 0], high = [0, 0, 0], interior = [0, 0, 0] : (tensor<3x5x4xf32>, tensor<f32>) -> tensor<3x5x4xf32>
    %2 = stablehlo.slice %1 [0:2, 0:5:2, 0:4:3] : (tensor<3x5x4xf32>) -> tensor<2x3x2xf32>
    %3 = stablehlo.constant dense<0.0> : tensor<2x3x2xf32>
    %4 = stablehlo.slice %1 [1:3, 0:5:2, 0:4:3] : (tensor<3x5x4xf32>) -> tensor<2x3x2xf32>
    %5 = stablehlo.constant dense<1.0> : tensor<2x3x2xf32>
    %6 = stablehlo.compare GT, %4, %2, FLOAT : (tensor<2x3x2xf32>, tensor<2x3x2xf32>) -> tensor<2x3x2xi1>
    %7 = stablehlo.select %6, %4, %2 : tensor<2x3x2xi1>, tensor<2x3x2xf32>
    %8 = stablehlo.select %6, %5, %3 : tensor<2x3x2xi1>, tensor<2x3x2xf32>
    %9 = stablehlo.constant dense<0.0> : tensor<2x3x2xf32>
    %10 = stablehlo.compare EQ, %8, %3, FLOAT : (tensor<2x3x2xf32>, tensor<2x3x2xf32>) -> tensor<2x3x2xi1>
    %11 = stablehlo.select %10, %arg1, %9 : tensor<2x3x2xi1>, tensor<2x3x2xf32>
    %12 = stablehlo.constant dense<0.0> : tensor<f32>
    %13 = stablehlo.pad %11, %12, low = [0, 0, 0], high = [1, 0, 0], interior = [0, 1, 2] : (tensor<2x3x2xf32>, tensor<f32>) -> tensor<3x5x4xf32>
    %14 = stablehlo.compare EQ, %8, %5, FLOAT : (tensor<2x3x2xf32>, tensor<2x3x2xf32>) -> tensor<2x3x2xi1>
    %15 = stablehlo.select %14, %arg1, %9 : tensor<2x3x2xi1>, tensor<2x3x2xf32>
    %16 = stablehlo.constant dense<0.0> : tensor<f32>
    %17 = stablehlo.pad %15, %16, low = [1, 0, 0], high = [0, 0, 0], interior = [0, 1, 2] : (tensor<2x3x2xf32>, tensor<f32>) -> tensor<3x5x4xf32>
    %18 = stablehlo.add %13, %17 : tensor<3x5x4xf32>
    %19 = stablehlo.slice %18 [0:3, 0:5, 0:4] : (tensor<3x5x4xf32>) -> tensor<3x5x4xf32>
    return %19 : tensor<3x5x4xf32>
  }
}
