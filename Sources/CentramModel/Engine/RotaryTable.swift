/// Cosines and sines of the positions met so far. It belongs to one engine, and grows with the longest session.
final class RotaryTable {
  let pairs: Int
  private let frequencies: RotaryFrequencies
  private var cosines: FloatBuffer
  private var sines: FloatBuffer
  private var count = 0

  init(_ frequencies: RotaryFrequencies) {
    (self.frequencies, pairs) = (frequencies, frequencies.inverse.count)
    (cosines, sines) = (FloatBuffer(count: 0), FloatBuffer(count: 0))
  }

  /// Makes the positions below `needed` ready.
  func reserve(_ needed: Int) {
    guard needed > count else { return }
    if needed * pairs > cosines.count {
      let capacity = min(max(needed, 2 * count, 256), ModelConfiguration.maximumContext)
      let (newCosines, newSines) = (FloatBuffer(count: capacity * pairs), FloatBuffer(count: capacity * pairs))
      newCosines.base.update(from: cosines.base, count: count * pairs)
      newSines.base.update(from: sines.base, count: count * pairs)
      (cosines, sines) = (newCosines, newSines)
    }
    for position in count..<needed { frequencies.fill(position: position, cosines: cosines.base + position * pairs, sines: sines.base + position * pairs) }
    count = needed
  }

  func cosines(at position: Int) -> UnsafePointer<Float> { UnsafePointer(cosines.base + position * pairs) }
  func sines(at position: Int) -> UnsafePointer<Float> { UnsafePointer(sines.base + position * pairs) }
}
