// SPDX-License-Identifier: Apache-2.0
import CentramPluginAPI

extension TrainerCheck {
  static let described: [TrainerCheck] = [
    TrainerCheck("info") { scene in try requireSane(try scene.make(scene.configurationJSON).info.parameters) },
    TrainerCheck("configuration") { scene in try requireSteadySettings(scene.make) },
  ]

  static let training: [TrainerCheck] = [
    TrainerCheck("lowers-the-loss") { scene in
      let before = try await scene.heldOutLoss(SuiteModel(seed: scene.options.seed)), run = try await scene.trained(steps: scene.options.longSteps)
      let after = try await scene.heldOutLoss(run.model)
      try require(after < before - 0.05, "a lower loss on held-out data after \(scene.options.longSteps) steps", "it was \(before) and is \(after)")
    },
    TrainerCheck("metrics") { scene in
      let result = try await scene.trained().get()
      try require(!result.metrics.isEmpty && result.metrics.values.allSatisfy(\.isFinite), "metrics, all of them finite", "they are \(result.metrics)")
    },
    TrainerCheck("progress") { scene in
      let run = try await scene.trained(), events = run.observer.events
      let steps = events.map(\.step), total = Set(events.map(\.steps))
      try require(!events.isEmpty, "events while it trains", "there was none")
      try require(zip(steps, steps.dropFirst()).allSatisfy { $0 <= $1 }, "events in the order of their steps", "the steps were \(steps)")
      try require(total == [scene.options.steps], "events that name the \(scene.options.steps) steps", "they name \(total.sorted())")
      try require(steps.allSatisfy { (0...scene.options.steps).contains($0) } && steps.last == scene.options.steps, "events up to the last step", "the steps were \(steps)")
      try require(events.contains { $0.loss?.isFinite == true }, "a finite loss in an event", "none had one")
    },
    TrainerCheck("data-in-range") { scene in
      let run = try await scene.train(steps: 30)
      if let fault = run.tokens.faultFound { throw Finding.failed("only data that there is to be asked for", fault) }
    },
    TrainerCheck("base-unchanged") { scene in
      let run = try await scene.trained()
      guard run.model.hasAdapter else { throw Finding.skipped("it trains the weights themselves") }
      try require(run.model.baseIsUnchanged, "the weights under an adapter to stay as they are", "one changed")
    },
    TrainerCheck("repeatable") { scene in
      let (one, again) = (try await scene.trained(), try await scene.trained())
      try require(one.model.bits == again.model.bits, "the same bits from the same request", "they differ")
      try require(one.observer.checkpoints == again.observer.checkpoints, "the same checkpoints from the same request", "they differ")
    },
    TrainerCheck("seed") { scene in
      let one = try await scene.trained()
      guard one.model.hasAdapter else { throw Finding.skipped("it attaches no adapter, so nothing need be drawn") }
      let other = try await scene.trained(seed: scene.options.seed &+ 3)
      try require(one.model.bits != other.model.bits, "other bits from another seed, which decides an adapter's first values", "they are the same")
    },
  ]

  static let resuming: [TrainerCheck] = [
    TrainerCheck("resume") { scene in
      let whole = try await scene.trained(), states = whole.observer.checkpoints
      try require(!states.isEmpty, "checkpoints, for they were asked for after each step", "there was none")
      for (number, state) in states.enumerated() {
        let run = try await scene.trained(resume: state)
        try require(run.model.bits == whole.model.bits, "the same bits after going on from checkpoint \(number + 1) of \(states.count)", "they differ")
      }
    },
    TrainerCheck("foreign-checkpoint") { scene in
      guard let state = try await scene.trained().observer.checkpoints.first else { throw Finding.skipped("it wrote no checkpoint") }
      var random = SuiteRandom(scene.options.seed)
      var states = [[], random.bytes(40), Array(state.dropLast()), state + [0]]
      for _ in 0..<6 { states.append(Array(state.prefix(random.below(max(1, state.count))))) }
      for (number, bytes) in states.enumerated() {
        let run = try await scene.train(resume: bytes)
        // An empty state is none, so a training from the start is right too.
        if bytes.isEmpty, run.error == nil { continue }
        try require(
          run.error.map { !$0.message.isEmpty } ?? false, "a checkpoint that is none (number \(number), \(bytes.count) bytes) to be refused with a sentence", "it was taken")
      }
    },
    TrainerCheck("cancellation") { scene in
      let whole = try await scene.trained(), holder = SuiteTask<TrainerScene.Run>(), middle = max(1, scene.options.steps / 2)
      let observer = SuiteObserver { if $0.step >= middle { holder.cancel() } }
      let task = holder.start { try await scene.train(checkpointEvery: 0, observer: observer) }
      let run = try await promptly("a cancelled training to end", within: scene.options.promptness) { try await task.value }
      try require(run.error?.code == .cancelled, "the error \"cancelled\" from a cancelled training", run.error.map { "it threw \($0)" } ?? "it ended well")
      guard let state = run.observer.checkpoints.last else { throw Finding.failed("a checkpoint from a cancelled training", "there was none") }
      let resumed = try await scene.train(resume: state)
      // Settings may be part of a checkpoint: then it is refused under others, and `resume` has judged it.
      guard resumed.error == nil else { return }
      try require(resumed.model.bits == whole.model.bits, "the same bits after a training was cancelled and went on", "they differ")
    },
  ]

  static let failing: [TrainerCheck] = [
    TrainerCheck("not-a-number") { scene in
      let model = SuiteModel(seed: scene.options.seed) { $0 >= 3 ? .notANumber : .none }
      let run = try await scene.train(steps: 40, checkpointEvery: 0, model: model)
      try require(
        run.error.map { $0.code != .cancelled && !$0.message.isEmpty } ?? false, "a loss that is no number to end a training with a sentence",
        run.error.map { "it threw \($0)" } ?? "it ended well")
    },
    TrainerCheck("model-error") { scene in
      let error = PluginError(.limitExceeded, "the suite's model has no more memory")
      let run = try await scene.train(model: SuiteModel(seed: scene.options.seed) { $0 >= 2 ? .error(error) : .none })
      try require(run.error?.code == error.code, "the model's own error to end a training", run.error.map { "it threw \($0)" } ?? "it ended well")
    },
    TrainerCheck("data-error") { scene in
      let error = PluginError(.inputOutput, "the suite's data is gone")
      let run = try await scene.train(tokens: SuiteTokens(error: error))
      try require(run.error?.code == error.code, "the data's own error to end a training", run.error.map { "it threw \($0)" } ?? "it ended well")
    },
    TrainerCheck("checkpoint-error") { scene in
      let error = PluginError(.inputOutput, "the suite's disk is full")
      let run = try await scene.train(observer: SuiteObserver(error: error))
      try require(run.error?.code == error.code, "a checkpoint that is not written to end a training", run.error.map { "it threw \($0)" } ?? "it ended well")
    },
    TrainerCheck("parameters-beyond-limits") { scene in
      let info = try scene.make(scene.configurationJSON).info
      let limited = info.parameters.filter { $0.limits != nil && ($0.type == .number || $0.type == .integer) }
      guard !limited.isEmpty, scene.options.settingsJSON == nil else { throw Finding.skipped("no parameter of it has limits that the suite can go beyond") }
      for parameter in limited {
        guard let limits = parameter.limits else { continue }
        for value in [limits.lowerBound - 1, limits.upperBound + max(1, abs(limits.upperBound) * 1e-6)] where value.isFinite {
          let settings = scene.settings(info, steps: 2, checkpointEvery: 0, change: [parameter.name: .number(value)])
          let run = try await scene.train(settings: settings)
          try require(
            run.error?.message.contains(parameter.name) ?? false, "\(parameter.name) to be refused beyond \(limits), by its name",
            "with \(value) " + (run.error.map { "it threw \($0)" } ?? "it trained"))
        }
      }
    },
  ]
}
