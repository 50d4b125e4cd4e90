internal import CXXHash
internal import Foundation

/// A checkpoint on the disk: what the host knows, and the trainer's own state.
///
/// 16 bytes of magic, the length of a JSON header, the header, the length of the state, the state, and XXH3-128 of all before it.
/// Numbers are little-endian.
enum CheckpointFile {
  struct Header: Codable, Equatable {
    var step: Int
    /// Passes with gradients so far; dropout is counted by them.
    var passes: UInt64
  }

  private static let magic = Array("CENTRAM TRAINING".utf8)

  static func name(step: Int) -> String {
    let digits = String(step)
    return "step-\(String(repeating: "0", count: max(0, 9 - digits.count)))\(digits).checkpoint"
  }

  static func step(ofName name: String) -> Int? {
    guard name.hasPrefix("step-"), name.hasSuffix(".checkpoint") else { return nil }
    return Int(name.dropFirst(5).dropLast(11))
  }

  /// Writes beside, waits for the disk, renames: the name stands for a whole file or is not there.
  static func write(_ header: Header, _ state: [UInt8], folder: String) throws(TrainingJobError) {
    let path = "\(folder)/\(name(step: header.step))", temporary = path + ".part"
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    guard let json = try? encoder.encode(header) else { throw TrainingJobError(.output, "\(path): the header cannot be written as JSON") }
    func number(_ value: Int) -> [UInt8] { withUnsafeBytes(of: UInt64(value).littleEndian) { Array($0) } }
    let head = magic + number(json.count) + Array(json) + number(state.count)
    var hash = Hash()
    hash.add(head)
    hash.add(state)
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw TrainingFolder.failure(temporary) }
    do throws(TrainingJobError) {
      defer { close(descriptor) }
      // A full disk shows here, before anything is written.
      let failure = posix_fallocate(descriptor, 0, off_t(head.count + state.count + 16))
      guard failure == 0 || failure == EOPNOTSUPP || failure == EINVAL else {
        throw TrainingJobError(.output, "\(path): \(head.count + state.count + 16) bytes are needed: \(String(cString: strerror(failure)))")
      }
      for part in [head, state, hash.digest] { try TrainingFolder.write(part, to: descriptor, temporary) }
      guard fsync(descriptor) == 0 else { throw TrainingFolder.failure(temporary) }
    } catch {
      unlink(temporary)
      throw error
    }
    guard rename(temporary, path) == 0 else {
      let error = TrainingFolder.failure(path)
      unlink(temporary)
      throw error
    }
    try TrainingFolder.synchronize(folder)
  }

  /// - Throws: `.output` where it is damaged, with what to do.
  static func read(_ path: String) throws(TrainingJobError) -> (header: Header, state: [UInt8]) {
    guard let data = FileManager.default.contents(atPath: path) else { throw TrainingJobError(.output, "\(path): cannot be read") }
    let bytes = [UInt8](data)
    func damaged(_ why: String) -> TrainingJobError { TrainingJobError(.output, "\(path): \(why); delete the file to go on from the one before") }
    guard bytes.count >= 48, bytes.starts(with: magic) else { throw damaged("not a checkpoint") }
    var hash = Hash()
    hash.add(bytes[..<(bytes.count - 16)])
    guard hash.digest.elementsEqual(bytes.suffix(16)) else { throw damaged("the checkpoint is damaged") }
    func number(_ at: Int) -> Int? {
      guard at + 8 <= bytes.count else { return nil }
      return Int(exactly: bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: at, as: UInt64.self).littleEndian })
    }
    guard let length = number(16), length <= 1 << 20, let size = number(24 + length), 24 + length + 8 + size + 16 == bytes.count,
      let header = try? JSONDecoder().decode(Header.self, from: Data(bytes[24..<24 + length])), header.step >= 0
    else { throw damaged("its lengths do not fit") }
    return (header, Array(bytes[(32 + length)..<(bytes.count - 16)]))
  }

  private struct Hash: ~Copyable {
    private let state = XXH3_createState()
    init() { XXH3_128bits_reset(state) }
    deinit { XXH3_freeState(state) }
    mutating func add(_ bytes: some Collection<UInt8>) { _ = bytes.withContiguousStorageIfAvailable { XXH3_128bits_update(state, $0.baseAddress, $0.count) } }
    var digest: [UInt8] {
      var canonical = XXH128_canonical_t()
      XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state))
      return withUnsafeBytes(of: canonical) { Array($0) }
    }
  }
}
