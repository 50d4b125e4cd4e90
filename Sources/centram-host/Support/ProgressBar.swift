internal import Foundation
internal import Synchronization

/// A line that tells how far a long job is: share, bytes, speed, time left. Only on a terminal.
final class ProgressBar: Sendable {
  private struct State {
    var done = 0
    var lastDrawn = 0.0
  }

  private let total: Int
  private let title: String
  private let start = ProcessInfo.processInfo.systemUptime
  private let isShown: Bool
  private let state = Mutex(State())

  init(_ title: String, total: Int, isShown: Bool) {
    (self.title, self.total, self.isShown) = (title, total, isShown && Terminal.isInteractive)
  }

  /// May be called by several threads at once.
  func advance(_ bytes: Int) {
    guard isShown else { return }
    let line: String? = state.withLock { state in
      state.done += bytes
      let now = ProcessInfo.processInfo.systemUptime
      guard now - state.lastDrawn >= 0.1 else { return nil }
      state.lastDrawn = now
      let share = total > 0 ? min(1, Double(state.done) / Double(total)) : 1
      let elapsed = now - start
      let filled = Int(share * 24)
      let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: 24 - filled)
      let left = share > 0.01 ? ", \(Terminal.duration(elapsed / share - elapsed)) left" : ""
      return
        "\r\(title) \(bar) \(Int(share * 100)) %  \(Terminal.bytes(state.done)) of \(Terminal.bytes(total)), \(Terminal.bytes(Int(Double(state.done) / max(elapsed, 0.001))))/s\(left)\u{1b}[K"
    }
    if let line { Terminal.write(line, to: STDERR_FILENO) }
  }

  /// Clears the line.
  func finish() {
    if isShown { Terminal.write("\r\u{1b}[K", to: STDERR_FILENO) }
  }
}

/// The same for work that is counted in steps.
final class StepLine: Sendable {
  private let title: String
  private let isShown: Bool

  init(_ title: String, isShown: Bool) { (self.title, self.isShown) = (title, isShown && Terminal.isInteractive) }

  func show(_ done: Int, of total: Int) {
    if isShown { Terminal.write("\r\(title) \(done) of \(total)\u{1b}[K", to: STDERR_FILENO) }
  }

  func finish() {
    if isShown { Terminal.write("\r\u{1b}[K", to: STDERR_FILENO) }
  }
}
