module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x5x5x4xf32> {cotangent.name = "x", cotangent.role = "data"}, %arg1: tensor<2x100xf32> {cotangent.name = "target", cotangent.role = "target"}, %arg2: tensor<f32> {cotangent.name = "lr", cotangent.role = "hyper"}, %arg3: tensor<3x3x4x4xf32> {cotangent.name = "block0.kernel", cotangent.role = "param"}, %arg4: tensor<3x3x1x4xf32> {cotangent.name = "block1.kernel", cotangent.role = "param"}) -> (tensor<3x3x4x4xf32> {cotangent.name = "block0.kernel", cotangent.role = "param"}, tensor<3x3x1x4xf32> {cotangent.name = "block1.kernel", cotangent.role = "param"}, tensor<f32> {cotangent.name = "loss", cotangent.role = "loss"}) {
    %0 = stablehlo.convolution(%arg0, %arg3) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]], lhs_dilate = [1, 1], rhs_dilate = [1, 1]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<2x5x5x4xf32>, tensor<3x3x4x4xf32>) -> tensor<2x5x5x4xf32>
    %1 = call @relu(%0) : (tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xf32>
    %cst = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %2 = "stablehlo.reduce_window"(%1, %cst) <{padding = dense<[[0, 0], [1, 1], [1, 1], [0, 0]]> : tensor<4x2xi64>, window_dimensions = array<i64: 1, 3, 3, 1>, window_strides = array<i64: 1, 1, 1, 1>}> ({
    ^bb0(%arg5: tensor<f32>, %arg6: tensor<f32>):
      %38 = stablehlo.maximum %arg5, %arg6 : tensor<f32>
      stablehlo.return %38 : tensor<f32>
    }) : (tensor<2x5x5x4xf32>, tensor<f32>) -> tensor<2x5x5x4xf32>
    %cst_0 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %3 = "stablehlo.reduce_window"(%2, %cst_0) <{padding = dense<[[0, 0], [1, 1], [1, 1], [0, 0]]> : tensor<4x2xi64>, window_dimensions = array<i64: 1, 3, 3, 1>, window_strides = array<i64: 1, 1, 1, 1>}> ({
    ^bb0(%arg5: tensor<f32>, %arg6: tensor<f32>):
      %38 = stablehlo.add %arg5, %arg6 : tensor<f32>
      stablehlo.return %38 : tensor<f32>
    }) : (tensor<2x5x5x4xf32>, tensor<f32>) -> tensor<2x5x5x4xf32>
    %4 = stablehlo.convolution(%3, %arg4) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]], lhs_dilate = [1, 1], rhs_dilate = [1, 1]} {batch_group_count = 1 : i64, feature_group_count = 4 : i64} : (tensor<2x5x5x4xf32>, tensor<3x3x1x4xf32>) -> tensor<2x5x5x4xf32>
    %5 = call @relu(%4) : (tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xf32>
    %cst_1 = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %6 = "stablehlo.reduce_window"(%5, %cst_1) <{padding = dense<[[0, 0], [1, 1], [1, 1], [0, 0]]> : tensor<4x2xi64>, window_dimensions = array<i64: 1, 3, 3, 1>, window_strides = array<i64: 1, 1, 1, 1>}> ({
    ^bb0(%arg5: tensor<f32>, %arg6: tensor<f32>):
      %38 = stablehlo.maximum %arg5, %arg6 : tensor<f32>
      stablehlo.return %38 : tensor<f32>
    }) : (tensor<2x5x5x4xf32>, tensor<f32>) -> tensor<2x5x5x4xf32>
    %cst_2 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %7 = "stablehlo.reduce_window"(%6, %cst_2) <{padding = dense<[[0, 0], [1, 1], [1, 1], [0, 0]]> : tensor<4x2xi64>, window_dimensions = array<i64: 1, 3, 3, 1>, window_strides = array<i64: 1, 1, 1, 1>}> ({
    ^bb0(%arg5: tensor<f32>, %arg6: tensor<f32>):
      %38 = stablehlo.add %arg5, %arg6 : tensor<f32>
      stablehlo.return %38 : tensor<f32>
    }) : (tensor<2x5x5x4xf32>, tensor<f32>) -> tensor<2x5x5x4xf32>
    %8 = stablehlo.reshape %7 : (tensor<2x5x5x4xf32>) -> tensor<2x100xf32>
    %9 = call @softmax_cross_entropy(%8, %arg1) : (tensor<2x100xf32>, tensor<2x100xf32>) -> tensor<f32>
    %cst_3 = stablehlo.constant dense<1.000000e+00> : tensor<f32>
    %10 = call @softmax(%8) : (tensor<2x100xf32>) -> tensor<2x100xf32>
    %cst_4 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %11 = stablehlo.reduce(%arg1 init: %cst_4) applies stablehlo.add across dimensions = [1] : (tensor<2x100xf32>, tensor<f32>) -> tensor<2xf32>
    %12 = stablehlo.broadcast_in_dim %11, dims = [0] : (tensor<2xf32>) -> tensor<2x100xf32>
    %13 = stablehlo.multiply %12, %10 : tensor<2x100xf32>
    %14 = stablehlo.subtract %13, %arg1 : tensor<2x100xf32>
    %cst_5 = stablehlo.constant dense<2.000000e+00> : tensor<f32>
    %15 = stablehlo.divide %cst_3, %cst_5 : tensor<f32>
    %16 = stablehlo.broadcast_in_dim %15, dims = [] : (tensor<f32>) -> tensor<2x100xf32>
    %17 = stablehlo.multiply %14, %16 : tensor<2x100xf32>
    %18 = stablehlo.reshape %17 : (tensor<2x100xf32>) -> tensor<2x5x5x4xf32>
    %19 = call @window_sum_grad(%18) : (tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xf32>
    %20 = call @max_pool_grad(%5, %19) : (tensor<2x5x5x4xf32>, tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xf32>
    %cst_6 = stablehlo.constant dense<0.000000e+00> : tensor<2x5x5x4xf32>
    %21 = stablehlo.compare GT, %4, %cst_6, FLOAT : (tensor<2x5x5x4xf32>, tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xi1>
    %22 = stablehlo.select %21, %20, %cst_6 : tensor<2x5x5x4xi1>, tensor<2x5x5x4xf32>
    %23 = call @conv_input_grad(%22, %arg4) : (tensor<2x5x5x4xf32>, tensor<3x3x1x4xf32>) -> tensor<2x5x5x4xf32>
    %24 = call @conv_kernel_grad(%3, %22) : (tensor<2x5x5x4xf32>, tensor<2x5x5x4xf32>) -> tensor<3x3x1x4xf32>
    %25 = call @window_sum_grad(%23) : (tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xf32>
    %26 = call @max_pool_grad(%1, %25) : (tensor<2x5x5x4xf32>, tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xf32>
    %cst_7 = stablehlo.constant dense<0.000000e+00> : tensor<2x5x5x4xf32>
    %27 = stablehlo.compare GT, %0, %cst_7, FLOAT : (tensor<2x5x5x4xf32>, tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xi1>
    %28 = stablehlo.select %27, %26, %cst_7 : tensor<2x5x5x4xi1>, tensor<2x5x5x4xf32>
    %29 = call @conv_kernel_grad_1(%arg0, %28) : (tensor<2x5x5x4xf32>, tensor<2x5x5x4xf32>) -> tensor<3x3x4x4xf32>
    %cst_8 = stablehlo.constant dense<0.899999976> : tensor<3x3x4x4xf32>
    %30 = stablehlo.multiply %cst_8, %29 : tensor<3x3x4x4xf32>
    %31 = stablehlo.broadcast_in_dim %arg2, dims = [] : (tensor<f32>) -> tensor<3x3x4x4xf32>
    %32 = stablehlo.multiply %31, %30 : tensor<3x3x4x4xf32>
    %33 = stablehlo.subtract %arg3, %32 : tensor<3x3x4x4xf32>
    %cst_9 = stablehlo.constant dense<0.899999976> : tensor<3x3x1x4xf32>
    %34 = stablehlo.multiply %cst_9, %24 : tensor<3x3x1x4xf32>
    %35 = stablehlo.broadcast_in_dim %arg2, dims = [] : (tensor<f32>) -> tensor<3x3x1x4xf32>
    %36 = stablehlo.multiply %35, %34 : tensor<3x3x1x4xf32>
    %37 = stablehlo.subtract %arg4, %36 : tensor<3x3x1x4xf32>
    return %33, %37, %9 : tensor<3x3x4x4xf32>, tensor<3x3x1x4xf32>, tensor<f32>
  }
  func.func private @relu(%arg0: tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xf32> {
    %cst = stablehlo.constant dense<0.000000e+00> : tensor<2x5x5x4xf32>
    %0 = stablehlo.maximum %arg0, %cst : tensor<2x5x5x4xf32>
    return %0 : tensor<2x5x5x4xf32>
  }
  func.func private @softmax_cross_entropy(%arg0: tensor<2x100xf32>, %arg1: tensor<2x100xf32>) -> tensor<f32> {
    %cst = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %0 = stablehlo.reduce(%arg0 init: %cst) applies stablehlo.maximum across dimensions = [1] : (tensor<2x100xf32>, tensor<f32>) -> tensor<2xf32>
    %1 = stablehlo.broadcast_in_dim %0, dims = [0] : (tensor<2xf32>) -> tensor<2x100xf32>
    %2 = stablehlo.subtract %arg0, %1 : tensor<2x100xf32>
    %3 = stablehlo.exponential %2 : tensor<2x100xf32>
    %cst_0 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %4 = stablehlo.reduce(%3 init: %cst_0) applies stablehlo.add across dimensions = [1] : (tensor<2x100xf32>, tensor<f32>) -> tensor<2xf32>
    %5 = stablehlo.log %4 : tensor<2xf32>
    %6 = stablehlo.broadcast_in_dim %5, dims = [0] : (tensor<2xf32>) -> tensor<2x100xf32>
    %7 = stablehlo.subtract %2, %6 : tensor<2x100xf32>
    %8 = stablehlo.multiply %arg1, %7 : tensor<2x100xf32>
    %cst_1 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %9 = stablehlo.reduce(%8 init: %cst_1) applies stablehlo.add across dimensions = [0, 1] : (tensor<2x100xf32>, tensor<f32>) -> tensor<f32>
    %cst_2 = stablehlo.constant dense<2.000000e+00> : tensor<f32>
    %10 = stablehlo.divide %9, %cst_2 : tensor<f32>
    %11 = stablehlo.negate %10 : tensor<f32>
    return %11 : tensor<f32>
  }
  func.func private @softmax(%arg0: tensor<2x100xf32>) -> tensor<2x100xf32> {
    %cst = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %0 = stablehlo.reduce(%arg0 init: %cst) applies stablehlo.maximum across dimensions = [1] : (tensor<2x100xf32>, tensor<f32>) -> tensor<2xf32>
    %1 = stablehlo.broadcast_in_dim %0, dims = [0] : (tensor<2xf32>) -> tensor<2x100xf32>
    %2 = stablehlo.subtract %arg0, %1 : tensor<2x100xf32>
    %3 = stablehlo.exponential %2 : tensor<2x100xf32>
    %cst_0 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %4 = stablehlo.reduce(%3 init: %cst_0) applies stablehlo.add across dimensions = [1] : (tensor<2x100xf32>, tensor<f32>) -> tensor<2xf32>
    %5 = stablehlo.broadcast_in_dim %4, dims = [0] : (tensor<2xf32>) -> tensor<2x100xf32>
    %6 = stablehlo.divide %3, %5 : tensor<2x100xf32>
    return %6 : tensor<2x100xf32>
  }
  func.func private @window_sum_grad(%arg0: tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xf32> attributes {cotangent.padding_high = array<i64: 0, 1, 1, 0>} {
    %cst = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %0 = stablehlo.pad %arg0, %cst, low = [0, 1, 1, 0], high = [0, 1, 1, 0], interior = [0, 0, 0, 0] : (tensor<2x5x5x4xf32>, tensor<f32>) -> tensor<2x7x7x4xf32>
    %cst_0 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %1 = "stablehlo.reduce_window"(%0, %cst_0) <{padding = dense<0> : tensor<4x2xi64>, window_dimensions = array<i64: 1, 3, 3, 1>, window_strides = array<i64: 1, 1, 1, 1>}> ({
    ^bb0(%arg1: tensor<f32>, %arg2: tensor<f32>):
      %2 = stablehlo.add %arg1, %arg2 : tensor<f32>
      stablehlo.return %2 : tensor<f32>
    }) : (tensor<2x7x7x4xf32>, tensor<f32>) -> tensor<2x5x5x4xf32>
    return %1 : tensor<2x5x5x4xf32>
  }
  func.func private @max_pool_grad(%arg0: tensor<2x5x5x4xf32>, %arg1: tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xf32> {
    %cst = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %0 = stablehlo.pad %arg0, %cst, low = [0, 1, 1, 0], high = [0, 1, 1, 0], interior = [0, 0, 0, 0] : (tensor<2x5x5x4xf32>, tensor<f32>) -> tensor<2x7x7x4xf32>
    %1 = stablehlo.slice %0 [0:2, 0:5, 0:5, 0:4] : (tensor<2x7x7x4xf32>) -> tensor<2x5x5x4xf32>
    %cst_0 = stablehlo.constant dense<0.000000e+00> : tensor<2x5x5x4xf32>
    %2 = stablehlo.slice %0 [0:2, 0:5, 1:6, 0:4] : (tensor<2x7x7x4xf32>) -> tensor<2x5x5x4xf32>
    %cst_1 = stablehlo.constant dense<1.000000e+00> : tensor<2x5x5x4xf32>
    %3 = stablehlo.compare GT, %2, %1, FLOAT : (tensor<2x5x5x4xf32>, tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xi1>
    %4 = stablehlo.select %3, %2, %1 : tensor<2x5x5x4xi1>, tensor<2x5x5x4xf32>
    %5 = stablehlo.select %3, %cst_1, %cst_0 : tensor<2x5x5x4xi1>, tensor<2x5x5x4xf32>
    %6 = stablehlo.slice %0 [0:2, 0:5, 2:7, 0:4] : (tensor<2x7x7x4xf32>) -> tensor<2x5x5x4xf32>
    %cst_2 = stablehlo.constant dense<2.000000e+00> : tensor<2x5x5x4xf32>
    %7 = stablehlo.compare GT, %6, %4, FLOAT : (tensor<2x5x5x4xf32>, tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xi1>
    %8 = stablehlo.select %7, %6, %4 : tensor<2x5x5x4xi1>, tensor<2x5x5x4xf32>
    %9 = stablehlo.select %7, %cst_2, %5 : tensor<2x5x5x4xi1>, tensor<2x5x5x4xf32>
    %10 = stablehlo.slice %0 [0:2, 1:6, 0:5, 0:4] : (tensor<2x7x7x4xf32>) -> tensor<2x5x5x4xf32>
    %cst_3 = stablehlo.constant dense<3.000000e+00> : tensor<2x5x5x4xf32>
    %11 = stablehlo.compare GT, %10, %8, FLOAT : (tensor<2x5x5x4xf32>, tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xi1>
    %12 = stablehlo.select %11, %10, %8 : tensor<2x5x5x4xi1>, tensor<2x5x5x4xf32>
    %13 = stablehlo.select %11, %cst_3, %9 : tensor<2x5x5x4xi1>, tensor<2x5x5x4xf32>
    %14 = stablehlo.slice %0 [0:2, 1:6, 1:6, 0:4] : (tensor<2x7x7x4xf32>) -> tensor<2x5x5x4xf32>
    %cst_4 = stablehlo.constant dense<4.000000e+00> : tensor<2x5x5x4xf32>
    %15 = stablehlo.compare GT, %14, %12, FLOAT : (tensor<2x5x5x4xf32>, tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xi1>
    %16 = stablehlo.select %15, %14, %12 : tensor<2x5x5x4xi1>, tensor<2x5x5x4xf32>
    %17 = stablehlo.select %15, %cst_4, %13 : tensor<2x5x5x4xi1>, tensor<2x5x5x4xf32>
    %18 = stablehlo.slice %0 [0:2, 1:6, 2:7, 0:4] : (tensor<2x7x7x4xf32>) -> tensor<2x5x5x4xf32>
    %cst_5 = stablehlo.constant dense<5.000000e+00> : tensor<2x5x5x4xf32>
    %19 = stablehlo.compare GT, %18, %16, FLOAT : (tensor<2x5x5x4xf32>, tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xi1>
    %20 = stablehlo.select %19, %18, %16 : tensor<2x5x5x4xi1>, tensor<2x5x5x4xf32>
    %21 = stablehlo.select %19, %cst_5, %17 : tensor<2x5x5x4xi1>, tensor<2x5x5x4xf32>
    %22 = stablehlo.slice %0 [0:2, 2:7, 0:5, 0:4] : (tensor<2x7x7x4xf32>) -> tensor<2x5x5x4xf32>
    %cst_6 = stablehlo.constant dense<6.000000e+00> : tensor<2x5x5x4xf32>
    %23 = stablehlo.compare GT, %22, %20, FLOAT : (tensor<2x5x5x4xf32>, tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xi1>
    %24 = stablehlo.select %23, %22, %20 : tensor<2x5x5x4xi1>, tensor<2x5x5x4xf32>
    %25 = stablehlo.select %23, %cst_6, %21 : tensor<2x5x5x4xi1>, tensor<2x5x5x4xf32>
    %26 = stablehlo.slice %0 [0:2, 2:7, 1:6, 0:4] : (tensor<2x7x7x4xf32>) -> tensor<2x5x5x4xf32>
    %cst_7 = stablehlo.constant dense<7.000000e+00> : tensor<2x5x5x4xf32>
    %27 = stablehlo.compare GT, %26, %24, FLOAT : (tensor<2x5x5x4xf32>, tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xi1>
    %28 = stablehlo.select %27, %26, %24 : tensor<2x5x5x4xi1>, tensor<2x5x5x4xf32>
    %29 = stablehlo.select %27, %cst_7, %25 : tensor<2x5x5x4xi1>, tensor<2x5x5x4xf32>
    %30 = stablehlo.slice %0 [0:2, 2:7, 2:7, 0:4] : (tensor<2x7x7x4xf32>) -> tensor<2x5x5x4xf32>
    %cst_8 = stablehlo.constant dense<8.000000e+00> : tensor<2x5x5x4xf32>
    %31 = stablehlo.compare GT, %30, %28, FLOAT : (tensor<2x5x5x4xf32>, tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xi1>
    %32 = stablehlo.select %31, %30, %28 : tensor<2x5x5x4xi1>, tensor<2x5x5x4xf32>
    %33 = stablehlo.select %31, %cst_8, %29 : tensor<2x5x5x4xi1>, tensor<2x5x5x4xf32>
    %cst_9 = stablehlo.constant dense<0.000000e+00> : tensor<2x5x5x4xf32>
    %34 = stablehlo.compare EQ, %33, %cst_0, FLOAT : (tensor<2x5x5x4xf32>, tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xi1>
    %35 = stablehlo.select %34, %arg1, %cst_9 : tensor<2x5x5x4xi1>, tensor<2x5x5x4xf32>
    %cst_10 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %36 = stablehlo.pad %35, %cst_10, low = [0, 0, 0, 0], high = [0, 2, 2, 0], interior = [0, 0, 0, 0] : (tensor<2x5x5x4xf32>, tensor<f32>) -> tensor<2x7x7x4xf32>
    %37 = stablehlo.compare EQ, %33, %cst_1, FLOAT : (tensor<2x5x5x4xf32>, tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xi1>
    %38 = stablehlo.select %37, %arg1, %cst_9 : tensor<2x5x5x4xi1>, tensor<2x5x5x4xf32>
    %cst_11 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %39 = stablehlo.pad %38, %cst_11, low = [0, 0, 1, 0], high = [0, 2, 1, 0], interior = [0, 0, 0, 0] : (tensor<2x5x5x4xf32>, tensor<f32>) -> tensor<2x7x7x4xf32>
    %40 = stablehlo.add %36, %39 : tensor<2x7x7x4xf32>
    %41 = stablehlo.compare EQ, %33, %cst_2, FLOAT : (tensor<2x5x5x4xf32>, tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xi1>
    %42 = stablehlo.select %41, %arg1, %cst_9 : tensor<2x5x5x4xi1>, tensor<2x5x5x4xf32>
    %cst_12 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %43 = stablehlo.pad %42, %cst_12, low = [0, 0, 2, 0], high = [0, 2, 0, 0], interior = [0, 0, 0, 0] : (tensor<2x5x5x4xf32>, tensor<f32>) -> tensor<2x7x7x4xf32>
    %44 = stablehlo.add %40, %43 : tensor<2x7x7x4xf32>
    %45 = stablehlo.compare EQ, %33, %cst_3, FLOAT : (tensor<2x5x5x4xf32>, tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xi1>
    %46 = stablehlo.select %45, %arg1, %cst_9 : tensor<2x5x5x4xi1>, tensor<2x5x5x4xf32>
    %cst_13 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %47 = stablehlo.pad %46, %cst_13, low = [0, 1, 0, 0], high = [0, 1, 2, 0], interior = [0, 0, 0, 0] : (tensor<2x5x5x4xf32>, tensor<f32>) -> tensor<2x7x7x4xf32>
    %48 = stablehlo.add %44, %47 : tensor<2x7x7x4xf32>
    %49 = stablehlo.compare EQ, %33, %cst_4, FLOAT : (tensor<2x5x5x4xf32>, tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xi1>
    %50 = stablehlo.select %49, %arg1, %cst_9 : tensor<2x5x5x4xi1>, tensor<2x5x5x4xf32>
    %cst_14 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %51 = stablehlo.pad %50, %cst_14, low = [0, 1, 1, 0], high = [0, 1, 1, 0], interior = [0, 0, 0, 0] : (tensor<2x5x5x4xf32>, tensor<f32>) -> tensor<2x7x7x4xf32>
    %52 = stablehlo.add %48, %51 : tensor<2x7x7x4xf32>
    %53 = stablehlo.compare EQ, %33, %cst_5, FLOAT : (tensor<2x5x5x4xf32>, tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xi1>
    %54 = stablehlo.select %53, %arg1, %cst_9 : tensor<2x5x5x4xi1>, tensor<2x5x5x4xf32>
    %cst_15 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %55 = stablehlo.pad %54, %cst_15, low = [0, 1, 2, 0], high = [0, 1, 0, 0], interior = [0, 0, 0, 0] : (tensor<2x5x5x4xf32>, tensor<f32>) -> tensor<2x7x7x4xf32>
    %56 = stablehlo.add %52, %55 : tensor<2x7x7x4xf32>
    %57 = stablehlo.compare EQ, %33, %cst_6, FLOAT : (tensor<2x5x5x4xf32>, tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xi1>
    %58 = stablehlo.select %57, %arg1, %cst_9 : tensor<2x5x5x4xi1>, tensor<2x5x5x4xf32>
    %cst_16 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %59 = stablehlo.pad %58, %cst_16, low = [0, 2, 0, 0], high = [0, 0, 2, 0], interior = [0, 0, 0, 0] : (tensor<2x5x5x4xf32>, tensor<f32>) -> tensor<2x7x7x4xf32>
    %60 = stablehlo.add %56, %59 : tensor<2x7x7x4xf32>
    %61 = stablehlo.compare EQ, %33, %cst_7, FLOAT : (tensor<2x5x5x4xf32>, tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xi1>
    %62 = stablehlo.select %61, %arg1, %cst_9 : tensor<2x5x5x4xi1>, tensor<2x5x5x4xf32>
    %cst_17 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %63 = stablehlo.pad %62, %cst_17, low = [0, 2, 1, 0], high = [0, 0, 1, 0], interior = [0, 0, 0, 0] : (tensor<2x5x5x4xf32>, tensor<f32>) -> tensor<2x7x7x4xf32>
    %64 = stablehlo.add %60, %63 : tensor<2x7x7x4xf32>
    %65 = stablehlo.compare EQ, %33, %cst_8, FLOAT : (tensor<2x5x5x4xf32>, tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xi1>
    %66 = stablehlo.select %65, %arg1, %cst_9 : tensor<2x5x5x4xi1>, tensor<2x5x5x4xf32>
    %cst_18 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %67 = stablehlo.pad %66, %cst_18, low = [0, 2, 2, 0], high = [0, 0, 0, 0], interior = [0, 0, 0, 0] : (tensor<2x5x5x4xf32>, tensor<f32>) -> tensor<2x7x7x4xf32>
    %68 = stablehlo.add %64, %67 : tensor<2x7x7x4xf32>
    %69 = stablehlo.slice %68 [0:2, 1:6, 1:6, 0:4] : (tensor<2x7x7x4xf32>) -> tensor<2x5x5x4xf32>
    return %69 : tensor<2x5x5x4xf32>
  }
  func.func private @conv_input_grad(%arg0: tensor<2x5x5x4xf32>, %arg1: tensor<3x3x1x4xf32>) -> tensor<2x5x5x4xf32> attributes {cotangent.padding_high = array<i64: 1, 1>} {
    %0 = stablehlo.reverse %arg1, dims = [0, 1] : tensor<3x3x1x4xf32>
    %1 = stablehlo.reshape %0 : (tensor<3x3x1x4xf32>) -> tensor<3x3x1x4x1xf32>
    %2 = stablehlo.transpose %1, dims = [0, 1, 4, 3, 2] : (tensor<3x3x1x4x1xf32>) -> tensor<3x3x1x4x1xf32>
    %3 = stablehlo.reshape %2 : (tensor<3x3x1x4x1xf32>) -> tensor<3x3x1x4xf32>
    %4 = stablehlo.convolution(%arg0, %3) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]], lhs_dilate = [1, 1], rhs_dilate = [1, 1]} {batch_group_count = 1 : i64, feature_group_count = 4 : i64} : (tensor<2x5x5x4xf32>, tensor<3x3x1x4xf32>) -> tensor<2x5x5x4xf32>
    return %4 : tensor<2x5x5x4xf32>
  }
  func.func private @conv_kernel_grad(%arg0: tensor<2x5x5x4xf32>, %arg1: tensor<2x5x5x4xf32>) -> tensor<3x3x1x4xf32> attributes {cotangent.padding_high = array<i64: 1, 1>} {
    %0 = stablehlo.convolution(%arg0, %arg1) dim_numbers = [f, 0, 1, b]x[i, 0, 1, o]->[0, 1, b, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]], lhs_dilate = [1, 1], rhs_dilate = [1, 1]} {batch_group_count = 4 : i64, feature_group_count = 1 : i64} : (tensor<2x5x5x4xf32>, tensor<2x5x5x4xf32>) -> tensor<3x3x1x4xf32>
    return %0 : tensor<3x3x1x4xf32>
  }
  func.func private @conv_kernel_grad_1(%arg0: tensor<2x5x5x4xf32>, %arg1: tensor<2x5x5x4xf32>) -> tensor<3x3x4x4xf32> attributes {cotangent.padding_high = array<i64: 1, 1>} {
    %0 = stablehlo.convolution(%arg0, %arg1) dim_numbers = [f, 0, 1, b]x[i, 0, 1, o]->[0, 1, b, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]], lhs_dilate = [1, 1], rhs_dilate = [1, 1]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<2x5x5x4xf32>, tensor<2x5x5x4xf32>) -> tensor<3x3x4x4xf32>
    return %0 : tensor<3x3x4x4xf32>
  }
}
