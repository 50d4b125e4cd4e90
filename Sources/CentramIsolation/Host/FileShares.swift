internal import CentramBlocks
internal import CentramPluginAPI
internal import Glibc
internal import Synchronization

/// The model files that the plugin's process has mapped for one instance: those of its last call that are still open in the host.
final class FileShares: Sendable {
  private struct Entry {
    let number: UInt64
    weak var file: (any StoredFile)?
  }
  private struct State {
    weak var child: ChildProcess?
    var entries: [Entry] = []
  }
  private let state = Mutex(State())

  deinit { state.withLock { state in for entry in state.entries { state.child?.closeFile(entry.number) } } }

  /// Lets go of files that the host has closed.
  func prune() {
    state.withLock { state in
      for entry in state.entries where entry.file == nil { state.child?.closeFile(entry.number) }
      state.entries.removeAll { $0.file == nil }
    }
  }

  /// Has files mapped that are not yet. One call at a time.
  /// - Returns: their numbers; nil where one of them cannot be handed over.
  func numbers(of files: [any StoredFile], in child: ChildProcess) throws(PluginError) -> [UInt64]? {
    state.withLock { state in
      if state.child !== child { state = State(child: child) }
    }
    var numbers: [UInt64] = []
    for file in files {
      if let known = state.withLock({ state in state.entries.first { $0.file === file }?.number }) {
        numbers.append(known)
        continue
      }
      guard let descriptor = file.openAgain() else { return nil }
      defer { close(descriptor) }
      let number = ChildProcess.newID()
      try child.openFile(number, descriptor, size: file.size)
      state.withLock { $0.entries.append(Entry(number: number, file: file)) }
      numbers.append(number)
    }
    return numbers
  }
}
