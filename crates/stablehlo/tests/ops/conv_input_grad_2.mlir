module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x3x3x4xf32> {cotangent.name = "a", cotangent.role = "data"}, %arg1: tensor<3x3x3x4xf32> {cotangent.name = "b", cotangent.role = "data"}) -> (tensor<2x6x7x3xf32> {cotangent.name = "result", cotangent.role = "logits"}) {
    %0 = call @conv_input_grad(%arg0, %arg1) : (tensor<2x3x3x4xf32>, tensor<3x3x3x4xf32>) -> tensor<2x6x7x3xf32>
    return %0 : tensor<2x6x7x3xf32>
  }
  func.func private @conv_input_grad(%arg0: tensor<2x3x3x4xf32>, %arg1: tensor<3x3x3x4xf32>) -> tensor<2x6x7x3xf32> attributes {cotangent.padding_high = array<i64: 0, 1>} {
    %0 = stablehlo.reverse %arg1, dims = [0, 1] : tensor<3x3x3x4xf32>
    %1 = stablehlo.convolution(%arg0, %0) dim_numbers = [b, 0, 1, f]x[0, 1, o, i]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 2], [2, 2]], lhs_dilate = [2, 2], rhs_dilate = [1, 1]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<2x3x3x4xf32>, tensor<3x3x3x4xf32>) -> tensor<2x6x7x3xf32>
    return %1 : tensor<2x6x7x3xf32>
  }
}
