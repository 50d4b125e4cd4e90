internal import Foundation

/// The folder of one training: its description, log, checkpoints, and at the end its result. One run at a time has it.
final class TrainingFolder: @unchecked Sendable {
  let path: String
  private let lock: Int32
  /// Checkpoints that are kept; older ones go when a newer one is on the disk.
  let keeps: Int

  static let descriptionName = "run.json"
  var checkpoints: String { path + "/checkpoints" }
  var log: String { path + "/log.jsonl" }

  /// - Parameter resuming: whether a description must be there, or must not.
  init(_ path: String, keeps: Int, resuming: Bool) throws(TrainingJobError) {
    (self.path, self.keeps) = (path, keeps)
    let manager = FileManager.default, isThere = manager.fileExists(atPath: path + "/checkpoints/" + Self.descriptionName)
    if resuming, !isThere { throw TrainingJobError(.configuration, "\(path): no training was begun there, so none can be resumed") }
    if !resuming, isThere {
      throw TrainingJobError(.output, "\(path): a training was begun there; --resume goes on with it, or choose another folder")
    }
    if !resuming, let names = try? manager.contentsOfDirectory(atPath: path), names.contains(where: { !$0.hasPrefix(".") }) {
      throw TrainingJobError(.output, "\(path): the folder holds something (\(names.sorted()[0])); choose an empty or a new one")
    }
    do { try manager.createDirectory(atPath: path + "/checkpoints", withIntermediateDirectories: true) } catch {
      throw TrainingJobError(.output, "\(path): cannot be made: \(error.localizedDescription)")
    }
    lock = open(path + "/.lock", O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
    guard lock >= 0 else { throw Self.failure(path + "/.lock") }
    guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
      close(lock)
      throw TrainingJobError(.output, "\(path): another training is running there; wait for its end, or choose another folder")
    }
    for name in (try? manager.contentsOfDirectory(atPath: checkpoints)) ?? [] where name.hasSuffix(".part") { unlink(checkpoints + "/" + name) }
  }

  deinit { close(lock) }

  /// Whether a result is there.
  var isFinished: Bool { FileManager.default.fileExists(atPath: path + "/" + TrainingSummary.name) }

  func write(_ text: String, as name: String, mode: mode_t = 0o644) throws(TrainingJobError) {
    let target = path + "/" + name, temporary = target + ".part"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
    guard descriptor >= 0 else { throw Self.failure(temporary) }
    do throws(TrainingJobError) {
      defer { close(descriptor) }
      try Self.write(Array(text.utf8), to: descriptor, temporary)
      guard fsync(descriptor) == 0 else { throw Self.failure(temporary) }
    } catch {
      unlink(temporary)
      throw error
    }
    guard rename(temporary, target) == 0 else { throw Self.failure(target) }
    try Self.synchronize((target as NSString).deletingLastPathComponent)
  }

  func save(_ header: CheckpointFile.Header, _ state: [UInt8]) throws(TrainingJobError) {
    try CheckpointFile.write(header, state, folder: checkpoints)
    for step in steps.dropLast(keeps) { unlink(checkpoints + "/" + CheckpointFile.name(step: step)) }
  }

  /// Of the checkpoints that are there, the oldest first.
  var steps: [Int] { ((try? FileManager.default.contentsOfDirectory(atPath: checkpoints)) ?? []).compactMap(CheckpointFile.step(ofName:)).sorted() }

  /// The newest checkpoint; nil where there is none.
  func newest() throws(TrainingJobError) -> (header: CheckpointFile.Header, state: [UInt8])? {
    guard let step = steps.last else { return nil }
    return try CheckpointFile.read(checkpoints + "/" + CheckpointFile.name(step: step))
  }

  func removeCheckpoints() { try? FileManager.default.removeItem(atPath: checkpoints) }

  /// Refuses a disk without room.
  func requireSpace(_ bytes: Int) throws(TrainingJobError) {
    var status = statvfs()
    guard statvfs(path, &status) == 0 else { throw Self.failure(path) }
    // What older checkpoints take comes free as newer ones are written.
    let present = steps.reduce(0) { sum, step in
      var status = stat()
      return stat(checkpoints + "/" + CheckpointFile.name(step: step), &status) == 0 ? sum + Int(status.st_size) : sum
    }
    let free = Int(status.f_bavail) * Int(status.f_frsize) + present
    guard free >= bytes else {
      throw TrainingJobError(
        .output, "\(path): \(bytes) bytes are needed for \(keeps + 1) checkpoints and the result, \(free) are free; make room, choose another disk, or keep fewer checkpoints")
    }
  }

  static func failure(_ path: String) -> TrainingJobError { TrainingJobError(.output, "cannot write \(path): \(String(cString: strerror(errno)))") }

  static func write(_ bytes: [UInt8], to descriptor: Int32, _ path: String) throws(TrainingJobError) {
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress! + done, $0.count - done) }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw failure(path) }
      done += count
    }
  }

  static func synchronize(_ folder: String) throws(TrainingJobError) {
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure(folder) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw failure(folder) }
  }
}
