/// A node's name: its Ed25519 public key. It is not said that the bytes are a point of the curve; a signature's check finds out.
public struct NodeKey: Hashable, Sendable, Comparable, CustomStringConvertible {
  public static let byteCount = 32
  /// In place of a recipient: whoever receives it.
  public static let anyone = NodeKey()

  var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

  private init() {}

  /// Nil unless there are 32 bytes.
  public init?(_ bytes: some Sequence<UInt8>) {
    var iterator = bytes.makeIterator()
    let count = withUnsafeMutableBytes(of: &words) { target in
      var count = 0
      while count < target.count, let byte = iterator.next() {
        target[count] = byte
        count += 1
      }
      return count
    }
    guard count == Self.byteCount, iterator.next() == nil else { return nil }
  }

  /// The 32 bytes from `source` on.
  init(loading source: UnsafeRawPointer) { withUnsafeMutableBytes(of: &words) { $0.copyMemory(from: .init(start: source, count: Self.byteCount)) } }

  public var bytes: [UInt8] { withUnsafeBytes { Array($0) } }

  /// Lends the 32 bytes.
  public func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R { Swift.withUnsafeBytes(of: words, body) }

  public static func == (a: Self, b: Self) -> Bool { a.words == b.words }
  public func hash(into hasher: inout Hasher) { withUnsafeBytes { hasher.combine(bytes: $0) } }
  /// In the order of the bytes.
  public static func < (a: Self, b: Self) -> Bool { a.bigEndian < b.bigEndian }
  private var bigEndian: (UInt64, UInt64, UInt64, UInt64) { (words.0.bigEndian, words.1.bigEndian, words.2.bigEndian, words.3.bigEndian) }

  /// 64 hexadecimal digits.
  public var description: String { hexadecimal(bytes) }
}

func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
  let digits = Array("0123456789abcdef".utf8)
  return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}
