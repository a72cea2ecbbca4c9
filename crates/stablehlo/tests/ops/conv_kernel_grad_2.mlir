module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x6x7x3xf32> {cotangent.name = "a", cotangent.role = "data"}, %arg1: tensor<2x3x3x4xf32> {cotangent.name = "b", cotangent.role = "data"}) -> (tensor<3x3x3x4xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = call @conv_kernel_grad(%arg0, %arg1) : (tensor<2x6x7x3xf32>, tensor<2x3x3x4xf32>) -> tensor<3x3x3x4xf32>
    return %0 : tensor<3x3x3x4xf32>
  }
  func.func private @conv_kernel_grad(%arg0: tensor<2x6x7x3xf32>, %arg1: tensor<2x3x3x4xf32>) -> tensor<3x3x3x4xf32> attributes {cotangent.padding_high = array<i64: 0, 1>} {
    %0 = stablehlo.convolution(%arg0, %arg1) dim_numbers = [f, 0, 1, b]x[i, 0, 1, o]->[0, 1, b, f], window = {stride = [1, 1], pad = [[1, 0], [0, 0]], lhs_dilate = [1, 1], rhs_dilate = [2, 2]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<2x6x7x3xf32>, tensor<2x3x3x4xf32>) -> tensor<3x3x3x4xf32>
    return %0 : tensor<3x3x3x4xf32>
  }
}
