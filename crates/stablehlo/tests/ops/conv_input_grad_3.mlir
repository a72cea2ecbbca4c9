module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x4x5x6xf32> {cotangent.name = "a", cotangent.role = "data"}, %arg1: tensor<3x2x2x6xf32> {cotangent.name = "b", cotangent.role = "data"}) -> (tensor<2x8x7x4xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = call @conv_input_grad(%arg0, %arg1) : (tensor<2x4x5x6xf32>, tensor<3x2x2x6xf32>) -> tensor<2x8x7x4xf32>
    return %0 : tensor<2x8x7x4xf32>
  }
  func.func private @conv_input_grad(%arg0: tensor<2x4x5x6xf32>, %arg1: tensor<3x2x2x6xf32>) -> tensor<2x8x7x4xf32> attributes {cotangent.padding_high = array<i64: 1, 5>} {
    %0 = stablehlo.reverse %arg1, dims = [0, 1] : tensor<3x2x2x6xf32>
    %1 = stablehlo.reshape %0 : (tensor<3x2x2x6xf32>) -> tensor<3x2x2x2x3xf32>
    %2 = stablehlo.transpose %1, dims = [0, 1, 4, 3, 2] : (tensor<3x2x2x2x3xf32>) -> tensor<3x2x3x2x2xf32>
    %3 = stablehlo.reshape %2 : (tensor<3x2x3x2x2xf32>) -> tensor<3x2x3x4xf32>
    %4 = stablehlo.convolution(%arg0, %3) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[2, 3], [-3, -2]], lhs_dilate = [2, 3], rhs_dilate = [2, 1]} {batch_group_count = 1 : i64, feature_group_count = 2 : i64} : (tensor<2x4x5x6xf32>, tensor<3x2x3x4xf32>) -> tensor<2x8x7x4xf32>
    return %4 : tensor<2x8x7x4xf32>
  }
}
