/// One header of an ustar archive (POSIX.1-1988): 512 bytes, numbers in octal digits.
public enum TarHeader {
  public static let blockSize = 512
  /// What eleven octal digits hold.
  public static let maximumSize = 0o77_777_777_777

  /// Bytes that fill a file's last block.
  public static func padding(_ size: Int) -> Int { (blockSize - size % blockSize) % blockSize }

  /// The header of a regular file, the same whoever writes it and whenever.
  /// - Parameter name: at most 100 bytes.
  public static func bytes(name: String, size: Int) -> [UInt8] {
    precondition(name.utf8.count <= 100 && size <= maximumSize, "a header holds 100 bytes of a name and 8 GiB")
    var block = [UInt8](repeating: 0, count: blockSize)
    func put(_ text: String, at offset: Int) { for (index, byte) in text.utf8.enumerated() { block[offset + index] = byte } }
    func octal(_ number: Int, digits: Int) -> String { String(repeating: "0", count: digits - String(number, radix: 8).count) + String(number, radix: 8) }
    put(name, at: 0)
    put(octal(0o644, digits: 7), at: 100)
    for offset in [108, 116] { put(octal(0, digits: 7), at: offset) }
    put(octal(size, digits: 11), at: 124)
    put(octal(0, digits: 11), at: 136)
    block[156] = UInt8(ascii: "0")
    put("ustar\u{0}00", at: 257)
    for offset in [329, 337] { put(octal(0, digits: 7), at: offset) }
    put(octal(checksum(block), digits: 6) + "\u{0} ", at: 148)
    return block
  }

  /// The sum of the bytes, with the checksum's own field as spaces.
  static func checksum(_ block: [UInt8]) -> Int { block.enumerated().reduce(0) { $0 + ((148..<156).contains($1.offset) ? 32 : Int($1.element)) } }
}
