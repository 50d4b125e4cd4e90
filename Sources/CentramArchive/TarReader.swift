internal import Glibc

/// What is wrong with an archive: a sentence without the file's name.
public struct TarError: Error, Equatable {
  public let message: String
}

/// Reads the headers of a genome's or a plugin's file: an ustar archive of few regular files without folders. Everything else is refused.
public struct TarReader {
  public struct Entry: Equatable, Sendable {
    public let name: String
    /// Where its bytes are in the archive, and how many.
    public let offset: Int, size: Int
  }

  /// What is read has three files; a few more are a mistake that deserves its name.
  public static let maximumEntries = 32

  private let descriptor: Int32
  private let size: Int
  private let noun: String

  /// - Parameters:
  ///   - descriptor: of the archive, open for reading; lent.
  ///   - size: its bytes.
  ///   - noun: what the archive is to hold, for errors: `genome`.
  public init(descriptor: Int32, size: Int, noun: String) { (self.descriptor, self.size, self.noun) = (descriptor, size, noun) }

  public func entries() throws(TarError) -> [Entry] {
    var entries: [Entry] = [], offset = 0
    while true {
      let header = try block(at: offset)
      if header.allSatisfy({ $0 == 0 }) { break }
      offset += TarHeader.blockSize
      let (name, type, size) = try fields(header, at: offset - TarHeader.blockSize)
      // `tar -C FOLDER .` puts the folder itself in front.
      if type == UInt8(ascii: "5"), name == "" || name == "." { continue }
      guard type == UInt8(ascii: "0") || type == 0 else { throw malformed("\(shown(name)) is not a regular file (type \(type))") }
      guard !name.isEmpty, !name.utf8.contains(UInt8(ascii: "/")), !name.hasPrefix(".") else { throw malformed("it holds the file \(shown(name)), which no \(noun) has") }
      guard !entries.contains(where: { $0.name == name }) else { throw malformed("\(name) is in it twice") }
      guard entries.count < Self.maximumEntries else { throw malformed("more than \(Self.maximumEntries) files") }
      guard size <= self.size - offset else { throw malformed("\(name) of \(size) bytes goes beyond the end") }
      entries.append(Entry(name: name, offset: offset, size: size))
      offset += size
      offset += TarHeader.padding(size)
    }
    try requireZeros(from: offset)
    return entries
  }

  private func fields(_ header: [UInt8], at offset: Int) throws(TarError) -> (name: String, type: UInt8, size: Int) {
    let magic = header[257..<263]
    guard magic.elementsEqual("ustar\u{0}".utf8) || magic.elementsEqual("ustar ".utf8) else {
      throw malformed("no ustar header at byte \(offset); a \(noun)'s file is a tar archive")
    }
    guard let sum = octal(header[148..<156]), sum == TarHeader.checksum(header) else { throw malformed("the header at byte \(offset) has a wrong checksum") }
    guard let size = octal(header[124..<136]) else { throw malformed("the header at byte \(offset) has no size in octal digits") }
    // GNU's format uses the prefix for times, and only ustar's for the beginning of a long name.
    guard magic.last != 0 || header[345] == 0 else { throw malformed("the header at byte \(offset) has a name of more than 100 bytes") }
    let text = header[0..<100].prefix { $0 != 0 }
    guard var name = String(validating: text, as: UTF8.self) else { throw malformed("a name that is not UTF-8") }
    if name.hasPrefix("./") { name.removeFirst(2) }
    return (name, header[156], size)
  }

  private func octal(_ field: ArraySlice<UInt8>) -> Int? {
    let digits = field.drop { $0 == 32 }.prefix { $0 != 0 && $0 != 32 }
    guard !digits.isEmpty, digits.allSatisfy({ (48...55).contains($0) }) else { return nil }
    return digits.reduce(0) { $0 << 3 | Int($1 - 48) }
  }

  /// Two blocks of zeros or more, and nothing after them.
  private func requireZeros(from offset: Int) throws(TarError) {
    guard size - offset >= 2 * TarHeader.blockSize else { throw malformed("its end is missing") }
    // `tar` fills up to 10 KiB; no more is needed.
    guard size - offset <= 64 << 10 else { throw malformed("\(size - offset) bytes after the last file; 65536 are allowed") }
    for place in stride(from: offset, to: size, by: TarHeader.blockSize) {
      guard try block(at: place).allSatisfy({ $0 == 0 }) else { throw malformed("there is something after its end, at byte \(place)") }
    }
  }

  private func block(at offset: Int) throws(TarError) -> [UInt8] {
    guard offset + TarHeader.blockSize <= size else { throw malformed("it ends inside a header, at byte \(size)") }
    var bytes = [UInt8](repeating: 0, count: TarHeader.blockSize), filled = 0
    while filled < bytes.count {
      let count = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress! + filled, $0.count - filled, off_t(offset + filled)) }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw malformed("it cannot be read at byte \(offset)") }
      filled += count
    }
    return bytes
  }

  private func malformed(_ message: String) -> TarError { TarError(message: message) }
  private func shown(_ name: String) -> String { "\"\(String(String.UnicodeScalarView(name.unicodeScalars.prefix(60).map { $0.value < 32 ? "?" : $0 })))\"" }
}
