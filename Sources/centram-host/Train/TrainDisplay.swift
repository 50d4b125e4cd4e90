internal import CentramNode
internal import CentramPluginAPI
internal import Foundation
internal import Synchronization

/// What a person sees of a training: a line every few steps, and on a terminal one that moves.
final class TrainDisplay: Sendable {
  private struct State {
    var losses = 0.0, count = 0, tokensPerSecond = 0.0
    var started: (step: Int, time: Double)?
    var lastDrawn = 0.0
  }

  private let every: Int
  private let isShown: Bool
  private let state = Mutex(State())

  init(every: Int, isShown: Bool) { (self.every, self.isShown) = (every, isShown) }

  func begin(_ forecast: TrainingForecast) {
    guard isShown else { return }
    print("\(forecast.trainer): \(forecast.sequences) sequences of up to \(forecast.length) tokens, \(forecast.tokens) in all; \(forecast.validationSequences) held out")
    if let step = forecast.resumedStep { print("resumed after step \(step)") }
    fflush(nil)
  }

  /// Called from the trainer's thread.
  func show(_ event: TrainingEvent) {
    guard isShown else { return }
    let now = ProcessInfo.processInfo.systemUptime
    var lines: [String] = [], moving: String?
    state.withLock { state in
      if let loss = event.validationLoss {
        lines.append("step \(event.step) of \(event.steps): validation loss \(Self.short(loss)), perplexity \(Self.short(exp(loss)))")
      }
      guard event.loss != nil || event.tokensPerSecond != nil else { return }
      if state.started == nil { state.started = (event.step, now) }
      if let loss = event.loss { (state.losses, state.count) = (state.losses + loss, state.count + 1) }
      if let speed = event.tokensPerSecond { state.tokensPerSecond = state.tokensPerSecond == 0 ? speed : 0.9 * state.tokensPerSecond + 0.1 * speed }
      let loss = state.count > 0 ? state.losses / Double(state.count) : .nan
      var text = "step \(event.step) of \(event.steps): loss \(Self.short(loss)), perplexity \(Self.short(exp(loss))), \(Int(state.tokensPerSecond)) tokens/s"
      if let start = state.started, event.step > start.step, event.step < event.steps {
        text += ", \(Terminal.duration((now - start.time) / Double(event.step - start.step) * Double(event.steps - event.step))) left"
      }
      if event.step % every == 0 || event.step == event.steps {
        lines.append(text)
        (state.losses, state.count) = (0, 0)
      } else if Terminal.isInteractive, now - state.lastDrawn >= 0.1 {
        state.lastDrawn = now
        moving = text
      }
    }
    if !lines.isEmpty {
      finish()
      print(lines.joined(separator: "\n"))
      fflush(nil)
    }
    if let moving { Terminal.write("\r\(moving)\u{1b}[K", to: STDERR_FILENO) }
  }

  /// Clears the line that moves.
  func finish() { if isShown, Terminal.isInteractive { Terminal.write("\r\u{1b}[K", to: STDERR_FILENO) } }

  /// Four digits that count.
  static func short(_ value: Double) -> String {
    if value == value.rounded(), abs(value) < 1e15 { return "\(Int64(value))" }
    return abs(value) >= 1000 || abs(value) < 0.001 ? String(format: "%.3g", value) : String(format: "%.4g", value)
  }
}
