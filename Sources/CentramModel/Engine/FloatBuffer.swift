/// Floats at an address that stays the same, on a cache line; freed with the object.
final class FloatBuffer: @unchecked Sendable {
  let base: UnsafeMutablePointer<Float>
  let count: Int

  init(count: Int) {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: max(count, 1) * MemoryLayout<Float>.stride, alignment: 64)
    (base, self.count) = (memory.bindMemory(to: Float.self, capacity: max(count, 1)), count)
  }

  convenience init(_ values: [Float]) {
    self.init(count: values.count)
    values.withUnsafeBufferPointer { source in
      if let address = source.baseAddress { base.update(from: address, count: values.count) }
    }
  }

  deinit { UnsafeMutableRawPointer(base).deallocate() }
}
