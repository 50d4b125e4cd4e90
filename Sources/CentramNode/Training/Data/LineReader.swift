internal import Foundation

/// A file's lines, one after the other, in bounded memory.
struct LineReader: ~Copyable {
  /// No line of text that people train on comes near.
  static let maximumLine = 16 << 20

  let path: String
  private let descriptor: Int32
  private var buffer = [UInt8](repeating: 0, count: 1 << 16)
  private var filled = 0, position = 0
  private(set) var line = 0

  init(path: String) throws(TrainingJobError) {
    self.path = path
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw TrainingJobError(.data, "\(path): \(String(cString: strerror(errno)))") }
  }

  deinit { close(descriptor) }

  /// The next line without its end; nil after the last.
  mutating func next() throws(TrainingJobError) -> [UInt8]? {
    var text: [UInt8] = [], found = false
    while true {
      if position == filled {
        filled = try fill()
        position = 0
        if filled == 0 {
          guard found else { return nil }
          break
        }
      }
      found = true
      let rest = buffer[position..<filled]
      let end = rest.firstIndex(of: 0x0a)
      guard text.count + (end ?? filled) - position <= Self.maximumLine else {
        throw TrainingJobError(.data, "\(path):\(line + 1): the line is longer than \(Self.maximumLine) bytes")
      }
      text.append(contentsOf: buffer[position..<(end ?? filled)])
      position = end.map { $0 + 1 } ?? filled
      if end != nil { break }
    }
    line += 1
    if text.last == 0x0d { text.removeLast() }
    return text
  }

  private mutating func fill() throws(TrainingJobError) -> Int {
    while true {
      let count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw TrainingJobError(.data, "\(path): \(String(cString: strerror(errno)))") }
      return count
    }
  }
}
