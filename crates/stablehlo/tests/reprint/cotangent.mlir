module @op attributes {cotangent.batch = 2 : i64, cotangent.model = "test", cotangent.what = "op"} {
  func.func public @main(%arg0: tensor<2x5x5x4xf32> {cotangent.name = "x", cotangent.role = "data"}, %arg1: tensor<2x100xf32> {cotangent.name = "target", cotangent.role = "target"}, %arg2: tensor<f32> {cotangent.name = "lr", cotangent.role = "hyper"}, %arg3: tensor<3x3x4x4xf32> {cotangent.name = "block0.kernel", cotangent.role = "param"}, %arg4: tensor<3x3x1x4xf32> {cotangent.name = "block1.kernel", cotangent.role = "param"}) -> (tensor<3x3x4x4xf32> {cotangent.name = "block0.kernel", cotangent.role = "param"}, tensor<3x3x1x4xf32> {cotangent.name = "block1.kernel", cotangent.role = "param"}, tensor<f32> {cotangent.name = "loss", cotangent.role = "loss"}) {
    %0 = stablehlo.convolution(%arg0, %arg3) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]], lhs_dilate = [1, 1], rhs_dilate = [1, 1]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<2x5x5x4xf32>, tensor<3x3x4x4xf32>) -> tensor<2x5x5x4xf32>
    %1 = call @relu(%0) : (tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xf32>
    %2 = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %3 = "stablehlo.reduce_window"(%1, %2) <{padding = dense<[[0, 0], [1, 1], [1, 1], [0, 0]]> : tensor<4x2xi64>, window_dimensions = array<i64: 1, 3, 3, 1>, window_strides = array<i64: 1, 1, 1, 1>}> ({
    ^bb0(%a: tensor<f32>, %b: tensor<f32>):
      %r = stablehlo.maximum %a, %b : tensor<f32>
      stablehlo.return %r : tensor<f32>
    }) : (tensor<2x5x5x4xf32>, tensor<f32>) -> tensor<2x5x5x4xf32>
    %4 = stablehlo.constant dense<0.0> : tensor<f32>
    %5 = "stablehlo.reduce_window"(%3, %4) <{padding = dense<[[0, 0], [1, 1], [1, 1], [0, 0]]> : tensor<4x2xi64>, window_dimensions = array<i64: 1, 3, 3, 1>, window_strides = array<i64: 1, 1, 1, 1>}> ({
    ^bb0(%a: tensor<f32>, %b: tensor<f32>):
      %r = stablehlo.add %a, %b : tensor<f32>
      stablehlo.return %r : tensor<f32>
    }) : (tensor<2x5x5x4xf32>, tensor<f32>) -> tensor<2x5x5x4xf32>
    %6 = stablehlo.convolution(%5, %arg4) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {stride = [1, 1], pad = [[1, 1], [1, 1]], lhs_dilate = [1, 1], rhs_dilate = [1, 1]} {batch_group_count = 1 : i64, feature_group_count = 4 : i64} : (tensor<2x5x5x4xf32>, tensor<3x3x1x4xf32>) -> tensor<2x5x5x4xf32>
    %7 = call @relu(%6) : (tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xf32>
    %8 = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %9 = "stablehlo.reduce_window"(%7, %8) <{padding = dense<[[0, 0], [1, 1], [1, 1], [0, 0]]> : tensor<4x2xi64>, window_dimensions = array<i64: 1, 3, 3, 1>, window_strides = array<i64: 1, 1, 1, 1>}> ({
    ^bb0(%a: tensor<f32>, %b: tensor<f32>):
      %r = stablehlo.maximum %a, %b : tensor<f32>
      stablehlo.return %r : tensor<f32>
    }) : (tensor<2x5x5x4xf32>, tensor<f32>) -> tensor<2x5x5x4xf32>
    %10 = stablehlo.constant dense<0.0> : tensor<f32>
    %11 = "stablehlo.reduce_window"(%9, %10) <{padding = dense<[[0, 0], [1, 1], [1, 1], [0, 0]]> : tensor<4x2xi64>, window_dimensions = array<i64: 1, 3, 3, 1>, window_strides = array<i64: 1, 1, 1, 1>}> ({
    ^bb0(%a: tensor<f32>, %b: tensor<f32>):
      %r = stablehlo.add %a, %b : tensor<f32>
      stablehlo.return %r : tensor<f32>
    }) : (tensor<2x5x5x4xf32>, tensor<f32>) -> tensor<2x5x5x4xf32>
    %12 = stablehlo.reshape %11 : (tensor<2x5x5x4xf32>) -> tensor<2x100xf32>
    %13 = call @softmax_cross_entropy(%12, %arg1) : (tensor<2x100xf32>, tensor<2x100xf32>) -> tensor<f32>
    %14 = stablehlo.constant dense<1.0> : tensor<f32>
    %15 = call @softmax(%12) : (tensor<2x100xf32>) -> tensor<2x100xf32>
    %16 = stablehlo.constant dense<0.0> : tensor<f32>
    %17 = stablehlo.reduce(%arg1 init: %16) applies stablehlo.add across dimensions = [1] : (tensor<2x100xf32>, tensor<f32>) -> tensor<2xf32>
    %18 = stablehlo.broadcast_in_dim %17, dims = [0] : (tensor<2xf32>) -> tensor<2x100xf32>
    %19 = stablehlo.multiply %18, %15 : tensor<2x100xf32>
    %20 = stablehlo.subtract %19, %arg1 : tensor<2x100xf32>
    %21 = stablehlo.constant dense<2.0> : tensor<f32>
    %22 = stablehlo.divide %14, %21 : tensor<f32>
    %23 = stablehlo.broadcast_in_dim %22, dims = [] : (tensor<f32>) -> tensor<2x100xf32>
    %24 = stablehlo.multiply %20, %23 : tensor<2x100xf32>
    %25 = stablehlo.reshape %24 : (tensor<2x100xf32>) -> tensor<2x5x5x4xf32>
    %26 = call @window_sum_grad(%25) : (tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xf32>
    %27 = call @max_pool_grad(%7, %26) : (tensor<2x5x5x4xf32>, tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xf32>
    %28 = stablehlo.constant dense<0.0> : tensor<2x5x5x4xf32>
    %29 = stablehlo.compare GT, %6, %28, FLOAT : (tensor<2x5x5x4xf32>, tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xi1>
    %30 = stablehlo.select %29, %27, %28 : tensor<2x5x5x4xi1>, tensor<2x5x5x4xf32>
    %31 = call @conv_input_grad(%30, %arg4) : (tensor<2x5x5x4xf32>, tensor<3x3x1x4xf32>) -> tensor<2x5x5x4xf32>
    %32 = call @conv_kernel_grad(%5, %30) : (tensor<2x5x5x4xf32>, tensor<2x5x5x4xf32>) -> tensor<3x3x1x4xf32>
    %33 = call @window_sum_grad(%31) : (tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xf32>
    %34 = call @max_pool_grad(%1, %33) : (tensor<2x5x5x4xf32>, tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xf32>
    %35 = stablehlo.constant dense<0.0> : tensor<2x5x5x4xf32>
    %36 = stablehlo.compare GT, %0, %35, FLOAT : (tensor<2x5x5x4xf32>, tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xi1>
    %37 = stablehlo.select %36, %34, %35 : tensor<2x5x5x4xi1>, tensor<2x5x5x4xf32>
    %38 = call @conv_kernel_grad_1(%arg0, %37) : (tensor<2x5x5x4xf32>, tensor<2x5x5x4xf32>) -> tensor<3x3x4x4xf32>
    %39 = stablehlo.constant dense<0x3F666666> : tensor<3x3x4x4xf32>
    %40 = stablehlo.multiply %39, %38 : tensor<3x3x4x4xf32>
    %41 = stablehlo.broadcast_in_dim %arg2, dims = [] : (tensor<f32>) -> tensor<3x3x4x4xf32>
    %42 = stablehlo.multiply %41, %40 : tensor<3x3x4x4xf32>
    %43 = stablehlo.subtract %arg3, %42 : tensor<3x3x4x4xf32>
    %44 = stablehlo.constant dense<0x3F666666> : tensor<3x3x1x4xf32>
    %45 = stablehlo.multiply %44, %32 : tensor<3x3x1x4xf32>
    %46 = stablehlo.broadcast_in_dim %arg2, dims = [] : (tensor<f32>) -> tensor<3x3x1x4xf32>
    %47 = stablehlo.multiply %46, %45 : tensor<3x3x1x4xf32>
    %48 = stablehlo.subtract %arg4, %47 : tensor<3x3x1x4xf32>
    return %43, %48, %13 : tensor<3x3x4x4xf32>, tensor<3x3x1x4xf32>, tensor<f32>
  }
  func.func private @relu(%arg0: tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xf32> {
    %0 = stablehlo.constant dense<0.0> : tensor<2x5x5x4xf32>
    %1 = stablehlo.maximum %arg0, %0 : tensor<2x5x5x4xf32>
    return %1 : tensor<2x5x5x4xf32>
  }
  func.func private @softmax_cross_entropy(%arg0: tensor<2x100xf32>, %arg1: tensor<2x100xf32>) -> tensor<f32> {
    %0 = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %1 = stablehlo.reduce(%arg0 init: %0) applies stablehlo.maximum across dimensions = [1] : (tensor<2x100xf32>, tensor<f32>) -> tensor<2xf32>
    %2 = stablehlo.broadcast_in_dim %1, dims = [0] : (tensor<2xf32>) -> tensor<2x100xf32>
    %3 = stablehlo.subtract %arg0, %2 : tensor<2x100xf32>
    %4 = stablehlo.exponential %3 : tensor<2x100xf32>
    %5 = stablehlo.constant dense<0.0> : tensor<f32>
    %6 = stablehlo.reduce(%4 init: %5) applies stablehlo.add across dimensions = [1] : (tensor<2x100xf32>, tensor<f32>) -> tensor<2xf32>
    %7 = stablehlo.log %6 : tensor<2xf32>
    %8 = stablehlo.broadcast_in_dim %7, dims = [0] : (tensor<2xf32>) -> tensor<2x100xf32>
    %9 = stablehlo.subtract %3, %8 : tensor<2x100xf32>
    %10 = stablehlo.multiply %arg1, %9 : tensor<2x100xf32>
    %11 = stablehlo.constant dense<0.0> : tensor<f32>
    %12 = stablehlo.reduce(%10 init: %11) applies stablehlo.add across dimensions = [0, 1] : (tensor<2x100xf32>, tensor<f32>) -> tensor<f32>
    %13 = stablehlo.constant dense<2.0> : tensor<f32>
    %14 = stablehlo.divide %12, %13 : tensor<f32>
    %15 = stablehlo.negate %14 : tensor<f32>
    return %15 : tensor<f32>
  }
  func.func private @softmax(%arg0: tensor<2x100xf32>) -> tensor<2x100xf32> {
    %0 = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %1 = stablehlo.reduce(%arg0 init: %0) applies stablehlo.maximum across dimensions = [1] : (tensor<2x100xf32>, tensor<f32>) -> tensor<2xf32>
    %2 = stablehlo.broadcast_in_dim %1, dims = [0] : (tensor<2xf32>) -> tensor<2x100xf32>
    %3 = stablehlo.subtract %arg0, %2 : tensor<2x100xf32>
    %4 = stablehlo.exponential %3 : tensor<2x100xf32>
    %5 = stablehlo.constant dense<0.0> : tensor<f32>
    %6 = stablehlo.reduce(%4 init: %5) applies stablehlo.add across dimensions = [1] : (tensor<2x100xf32>, tensor<f32>) -> tensor<2xf32>
    %7 = stablehlo.broadcast_in_dim %6, dims = [0] : (tensor<2xf32>) -> tensor<2x100xf32>
    %8 = stablehlo.divide %4, %7 : tensor<2x100xf32>
    return %8 : tensor<2x100xf32>
  }
  func.func private @window_sum_grad(%arg0: tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xf32> attributes {cotangent.padding_high = array<i64: 0, 1, 1, 0>} {
    %0 = stablehlo.constant dense<0.0> : tensor<f32>
    %1 = stablehlo.pad %arg0, %0, low = [0, 1, 1, 0], high = [0, 1, 1, 0], interior = [0, 0, 0, 0] : (tensor<2x5x5x4xf32>, tensor<f32>) -> tensor<2x7x7x4xf32>
    %2 = stablehlo.constant dense<0.0> : tensor<f32>
    %3 = "stablehlo.reduce_window"(%1, %2) <{padding = dense<[[0, 0], [0, 0], [0, 0], [0, 0]]> : tensor<4x2xi64>, window_dimensions = array<i64: 1, 3, 3, 1>, window_strides = array<i64: 1, 1, 1, 1>}> ({
    ^bb0(%a: tensor<f32>, %b: tensor<f32>):
      %r = stablehlo.add %a, %b : tensor<f32>
      stablehlo.return %r : tensor<f32>
    }) : (tensor<2x7x7x4xf32>, tensor<f32>) -> tensor<2x5x5x4xf32>
    return %3 : tensor<2x5x5x4xf32>
  }
  func.func private @max_pool_grad(%arg0: tensor<2x5x5x4xf32>, %arg1: tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xf32> {
    %0 = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %1 = stablehlo.pad %arg0, %0, low = [0, 1, 1, 0], high = [0, 1, 1, 0], interior = [0, 0, 0, 0] : (tensor<2x5x5x4xf32>, tensor<f32>) -> tensor<2x7x7x4xf32>
    %2 = stablehlo.slice %1 [0:2, 0:5, 0:5, 0:4] : (tensor<2x7x7x4xf32>) -> tensor<2x5x5x4xf32>
    %3 = stablehlo.constant dense<0.0> : tensor<2x5x5x4xf32>
    %4 = stablehlo.slice %1 [0:2, 0:5, 1:6, 0:4] : (tensor<2x7x7x4xf32>) -> tensor<2x5x5x4xf32>
    %5 = stablehlo.constant dense<1.0> : tensor<2x5x5x4xf32>
    %6 = stablehlo.compare GT, %4, %2, FLOAT : (tensor<2x5x5x4xf32>, tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xi1>
    %7 = stablehlo.select %6, %4, %2 : tensor<2x5x5x4xi1>, tensor<2x5x5x4xf32>
    %8 = stablehlo.select %6, %5, %3 : tensor<2x5x5x4xi1>, tensor<2x5x5x4xf32>
    %9 = stablehlo.slice %1 [0:2, 0:5, 2:7, 0:4] : (tensor<2x7x7x4xf32>) -> tensor<2x5x5x4xf32>
    %10 = stablehlo.constant dense<2.0> : tensor<2x5x5x4xf32>
    %11 = stablehlo.compare GT, %9, %7, FLOAT : (tensor<2x5x5x4xf32>, tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xi1>
    %12 = stablehlo.select %11, %9, %7 : tensor<2x5x5x4xi1>, tensor<2x5x5x4xf32>
    %13 = stablehlo.select %11, %10, %8 : tensor<2x5x5x4xi1>, tensor<2x5x5x4xf32>
    %14 = stablehlo.slice %1 [0:2, 1:6, 0:5, 0:4] : (tensor<2x7x7x4xf32>) -> tensor<2x5x5x4xf32>
    %15 = stablehlo.constant dense<3.0> : tensor<2x5x5x4xf32>
    %16 = stablehlo.compare GT, %14, %12, FLOAT : (tensor<2x5x5x4xf32>, tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xi1>
    %17 = stablehlo.select %16, %14, %12 : tensor<2x5x5x4xi1>, tensor<2x5x5x4xf32>
    %18 = stablehlo.select %16, %15, %13 : tensor<2x5x5x4xi1>, tensor<2x5x5x4xf32>
    %19 = stablehlo.slice %1 [0:2, 1:6, 1:6, 0:4] : (tensor<2x7x7x4xf32>) -> tensor<2x5x5x4xf32>
    %20 = stablehlo.constant dense<4.0> : tensor<2x5x5x4xf32>
    %21 = stablehlo.compare GT, %19, %17, FLOAT : (tensor<2x5x5x4xf32>, tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xi1>
    %22 = stablehlo.select %21, %19, %17 : tensor<2x5x5x4xi1>, tensor<2x5x5x4xf32>
    %23 = stablehlo.select %21, %20, %18 : tensor<2x5x5x4xi1>, tensor<2x5x5x4xf32>
    %24 = stablehlo.slice %1 [0:2, 1:6, 2:7, 0:4] : (tensor<2x7x7x4xf32>) -> tensor<2x5x5x4xf32>
    %25 = stablehlo.constant dense<5.0> : tensor<2x5x5x4xf32>
    %26 = stablehlo.compare GT, %24, %22, FLOAT : (tensor<2x5x5x4xf32>, tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xi1>
    %27 = stablehlo.select %26, %24, %22 : tensor<2x5x5x4xi1>, tensor<2x5x5x4xf32>
    %28 = stablehlo.select %26, %25, %23 : tensor<2x5x5x4xi1>, tensor<2x5x5x4xf32>
    %29 = stablehlo.slice %1 [0:2, 2:7, 0:5, 0:4] : (tensor<2x7x7x4xf32>) -> tensor<2x5x5x4xf32>
    %30 = stablehlo.constant dense<6.0> : tensor<2x5x5x4xf32>
    %31 = stablehlo.compare GT, %29, %27, FLOAT : (tensor<2x5x5x4xf32>, tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xi1>
    %32 = stablehlo.select %31, %29, %27 : tensor<2x5x5x4xi1>, tensor<2x5x5x4xf32>
    %33 = stablehlo.select %31, %30, %28 : tensor<2x5x5x4xi1>, tensor<2x5x5x4xf32>
    %34 = stablehlo.slice %1 [0:2, 2:7, 1:6, 0:4] : (tensor<2x7x7x4xf32>) -> tensor<2x5x5x4xf32>
    %35 = stablehlo.constant dense<7.0> : tensor<2x5x5x4xf32>
    %36 = stablehlo.compare GT, %34, %32, FLOAT : (tensor<2x5x5x4xf32>, tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xi1>
    %37 = stablehlo.select %36, %34, %32 : tensor<2x5x5x4xi1>, tensor<2x5x5x4xf32>
    %38 = stablehlo.select %36, %35, %33 : tensor<2x5x5x4xi1>, tensor<2x5x5x4xf32>
    %39 = stablehlo.slice %1 [0:2, 2:7, 2:7, 0:4] : (tensor<2x7x7x4xf32>) -> tensor<2x5x5x4xf32>
    %40 = stablehlo.constant dense<8.0> : tensor<2x5x5x4xf32>
    %41 = stablehlo.compare GT, %39, %37, FLOAT : (tensor<2x5x5x4xf32>, tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xi1>
    %42 = stablehlo.select %41, %39, %37 : tensor<2x5x5x4xi1>, tensor<2x5x5x4xf32>
    %43 = stablehlo.select %41, %40, %38 : tensor<2x5x5x4xi1>, tensor<2x5x5x4xf32>
    %44 = stablehlo.constant dense<0.0> : tensor<2x5x5x4xf32>
    %45 = stablehlo.compare EQ, %43, %3, FLOAT : (tensor<2x5x5x4xf32>, tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xi1>
    %46 = stablehlo.select %45, %arg1, %44 : tensor<2x5x5x4xi1>, tensor<2x5x5x4xf32>
    %47 = stablehlo.constant dense<0.0> : tensor<f32>
    %48 = stablehlo.pad %46, %47, low = [0, 0, 0, 0], high = [0, 2, 2, 0], interior = [0, 0, 0, 0] : (tensor<2x5x5x4xf32>, tensor<f32>) -> tensor<2x7x7x4xf32>
    %49 = stablehlo.compare EQ, %43, %5, FLOAT : (tensor<2x5x5x4xf32>, tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xi1>
    %50 = stablehlo.select %49, %arg1, %44 : tensor<2x5x5x4xi1>, tensor<2x5x5x4xf32>
    %51 = stablehlo.constant dense<0.0> : tensor<f32>
    %52 = stablehlo.pad %50, %51, low = [0, 0, 1, 0], high = [0, 2, 1, 0], interior = [0, 0, 0, 0] : (tensor<2x5x5x4xf32>, tensor<f32>) -> tensor<2x7x7x4xf32>
    %53 = stablehlo.add %48, %52 : tensor<2x7x7x4xf32>
    %54 = stablehlo.compare EQ, %43, %10, FLOAT : (tensor<2x5x5x4xf32>, tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xi1>
    %55 = stablehlo.select %54, %arg1, %44 : tensor<2x5x5x4xi1>, tensor<2x5x5x4xf32>
    %56 = stablehlo.constant dense<0.0> : tensor<f32>
    %57 = stablehlo.pad %55, %56, low = [0, 0, 2, 0], high = [0, 2, 0, 0], interior = [0, 0, 0, 0] : (tensor<2x5x5x4xf32>, tensor<f32>) -> tensor<2x7x7x4xf32>
    %58 = stablehlo.add %53, %57 : tensor<2x7x7x4xf32>
    %59 = stablehlo.compare EQ, %43, %15, FLOAT : (tensor<2x5x5x4xf32>, tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xi1>
    %60 = stablehlo.select %59, %arg1, %44 : tensor<2x5x5x4xi1>, tensor<2x5x5x4xf32>
    %61 = stablehlo.constant dense<0.0> : tensor<f32>
    %62 = stablehlo.pad %60, %61, low = [0, 1, 0, 0], high = [0, 1, 2, 0], interior = [0, 0, 0, 0] : (tensor<2x5x5x4xf32>, tensor<f32>) -> tensor<2x7x7x4xf32>
    %63 = stablehlo.add %58, %62 : tensor<2x7x7x4xf32>
    %64 = stablehlo.compare EQ, %43, %20, FLOAT : (tensor<2x5x5x4xf32>, tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xi1>
    %65 = stablehlo.select %64, %arg1, %44 : tensor<2x5x5x4xi1>, tensor<2x5x5x4xf32>
    %66 = stablehlo.constant dense<0.0> : tensor<f32>
    %67 = stablehlo.pad %65, %66, low = [0, 1, 1, 0], high = [0, 1, 1, 0], interior = [0, 0, 0, 0] : (tensor<2x5x5x4xf32>, tensor<f32>) -> tensor<2x7x7x4xf32>
    %68 = stablehlo.add %63, %67 : tensor<2x7x7x4xf32>
    %69 = stablehlo.compare EQ, %43, %25, FLOAT : (tensor<2x5x5x4xf32>, tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xi1>
    %70 = stablehlo.select %69, %arg1, %44 : tensor<2x5x5x4xi1>, tensor<2x5x5x4xf32>
    %71 = stablehlo.constant dense<0.0> : tensor<f32>
    %72 = stablehlo.pad %70, %71, low = [0, 1, 2, 0], high = [0, 1, 0, 0], interior = [0, 0, 0, 0] : (tensor<2x5x5x4xf32>, tensor<f32>) -> tensor<2x7x7x4xf32>
    %73 = stablehlo.add %68, %72 : tensor<2x7x7x4xf32>
    %74 = stablehlo.compare EQ, %43, %30, FLOAT : (tensor<2x5x5x4xf32>, tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xi1>
    %75 = stablehlo.select %74, %arg1, %44 : tensor<2x5x5x4xi1>, tensor<2x5x5x4xf32>
    %76 = stablehlo.constant dense<0.0> : tensor<f32>
    %77 = stablehlo.pad %75, %76, low = [0, 2, 0, 0], high = [0, 0, 2, 0], interior = [0, 0, 0, 0] : (tensor<2x5x5x4xf32>, tensor<f32>) -> tensor<2x7x7x4xf32>
    %78 = stablehlo.add %73, %77 : tensor<2x7x7x4xf32>
    %79 = stablehlo.compare EQ, %43, %35, FLOAT : (tensor<2x5x5x4xf32>, tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xi1>
    %80 = stablehlo.select %79, %arg1, %44 : tensor<2x5x5x4xi1>, tensor<2x5x5x4xf32>
    %81 = stablehlo.constant dense<0.0> : tensor<f32>
    %82 = stablehlo.pad %80, %81, low = [0, 2, 1, 0], high = [0, 0, 1, 0], interior = [0, 0, 0, 0] : (tensor<2x5x5x4xf32>, tensor<f32>) -> tensor<2x7x7x4xf32>
    %83 = stablehlo.add %78, %82 : tensor<2x7x7x4xf32>
    %84 = stablehlo.compare EQ, %43, %40, FLOAT : (tensor<2x5x5x4xf32>, tensor<2x5x5x4xf32>) -> tensor<2x5x5x4xi1>
    %85 = stablehlo.select %84, %arg1, %44 : tensor<2x5x5x4xi1>, tensor<2x5x5x4xf32>
    %86 = stablehlo.constant dense<0.0> : tensor<f32>
    %87 = stablehlo.pad %85, %86, low = [0, 2, 2, 0], high = [0, 0, 0, 0], interior = [0, 0, 0, 0] : (tensor<2x5x5x4xf32>, tensor<f32>) -> tensor<2x7x7x4xf32>
    %88 = stablehlo.add %83, %87 : tensor<2x7x7x4xf32>
    %89 = stablehlo.slice %88 [0:2, 1:6, 1:6, 0:4] : (tensor<2x7x7x4xf32>) -> tensor<2x5x5x4xf32>
    return %89 : tensor<2x5x5x4xf32>
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
