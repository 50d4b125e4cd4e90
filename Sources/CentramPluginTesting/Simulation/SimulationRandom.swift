public import CentramPluginAPI
internal import Synchronization

/// Random bytes and numbers from a seed (SplitMix64; Steele, Lea, Flood 2014). Not for keys outside a simulation.
public final class SimulationRandom: RandomService {
  private let state: Mutex<UInt64>

  public init(seed: UInt64) { state = Mutex(seed) }

  public func next() -> UInt64 {
    state.withLock { state in
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return z ^ (z >> 31)
    }
  }

  /// At least 0 and below 1.
  public func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// One of `bounds`, each as likely up to 2⁻⁶⁴ of the range's length.
  public func integer(in bounds: ClosedRange<Int>) -> Int { bounds.lowerBound + Int(next().multipliedFullWidth(by: UInt64(bounds.count)).high) }

  public func fill(_ bytes: UnsafeMutableRawBufferPointer) {
    for start in stride(from: 0, to: bytes.count, by: 8) {
      withUnsafeBytes(of: next()) { word in
        let part = UnsafeMutableRawBufferPointer(rebasing: bytes[start..<min(start + 8, bytes.count)])
        part.copyMemory(from: UnsafeRawBufferPointer(rebasing: word[0..<part.count]))
      }
    }
  }
}
