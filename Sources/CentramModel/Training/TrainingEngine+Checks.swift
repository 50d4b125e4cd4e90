extension TrainingEngine {
  func check(inputs: [Int32], targets: [Int32], batch: Int, length: Int) throws(TrainingError) {
    func refuse(_ message: String) -> TrainingError { TrainingError(.invalidArgument, message) }
    guard batch >= 1 else { throw refuse("a batch of \(batch) examples; at least 1 is needed") }
    guard length >= 1 else { throw refuse("examples of \(length) tokens; at least 1 is needed") }
    guard length <= configuration.usableContext else {
      throw refuse("examples of \(length) tokens, but the model's context is \(configuration.usableContext); cut the text into shorter rows")
    }
    guard batch <= Self.maximumTokens / length else {
      throw refuse("a pass over \(batch) examples of \(length) tokens; \(Self.maximumTokens) tokens are the limit; add up the gradients of several passes")
    }
    guard inputs.count == batch * length else { throw refuse("\(inputs.count) input tokens for \(batch) examples of \(length)") }
    guard targets.count == inputs.count else { throw refuse("\(targets.count) targets for \(inputs.count) input tokens") }
    let vocabulary = Int32(clamping: configuration.vocabulary)
    if let place = inputs.firstIndex(where: { $0 < 0 || $0 >= vocabulary }) {
      throw refuse("input token \(inputs[place]) at \(place); the model has tokens 0 to \(vocabulary - 1)")
    }
    if let place = targets.firstIndex(where: { ($0 < 0 || $0 >= vocabulary) && $0 != Self.ignored }) {
      throw refuse("target \(targets[place]) at \(place); the model has tokens 0 to \(vocabulary - 1), and \(Self.ignored) stands for none")
    }
  }
}
