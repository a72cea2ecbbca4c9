module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x8x7x4xf32> {cotangent.name = "a", cotangent.role = "data"}, %arg1: tensor<2x4x5x6xf32> {cotangent.name = "b", cotangent.role = "data"}) -> (tensor<3x2x2x6xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = call @conv_kernel_grad(%arg0, %arg1) : (tensor<2x8x7x4xf32>, tensor<2x4x5x6xf32>) -> tensor<3x2x2x6xf32>
    return %0 : tensor<3x2x2x6xf32>
  }
  func.func private @conv_kernel_grad(%arg0: tensor<2x8x7x4xf32>, %arg1: tensor<2x4x5x6xf32>) -> tensor<3x2x2x6xf32> attributes {cotangent.padding_high = array<i64: 1, 5>} {
    %0 = stablehlo.convolution(%arg0, %arg1) dim_numbers = [f, 0, 1, b]x[i, 0, 1, o]->[0, 1, b, f], window = {stride = [2, 1], pad = [[2, 1], [4, 3]], lhs_dilate = [1, 1], rhs_dilate = [2, 3]} {batch_group_count = 2 : i64, feature_group_count = 1 : i64} : (tensor<2x8x7x4xf32>, tensor<2x4x5x6xf32>) -> tensor<3x2x2x6xf32>
    return %0 : tensor<3x2x2x6xf32>
  }
}
