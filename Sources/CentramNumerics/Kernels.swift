// Swift's view of the kernels: buffers instead of pointers and counts.

public import CKernels

/// Element-wise arithmetic on float32 buffers; each result is rounded once an operation, on every processor.
public enum Kernels {
  /// y = a·x
  @inlinable public static func scale(_ a: Float, _ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, count: Int) {
    ck_scale(a, x, y, count)
  }

  /// y = y + a·x
  @inlinable public static func addScaled(_ a: Float, _ x: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>, count: Int) {
    ck_add_scaled(a, x, y, count)
  }
}
